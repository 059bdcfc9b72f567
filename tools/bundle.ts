/**
 * Puts the modules of the command line together into a few files of JavaScript. A process that runs from source finds, reads
 * and strips some 600 modules, which is most of what its start costs; from a bundle it starts in less than half of the CPU time.
 *
 *     node tools/bundle.ts FOLDER
 *
 * The launcher names the folder after all that goes into it, so a bundle is never changed and never stale. In a file of the
 * folder it writes down the processes that it starts from there: the bundle stays as long as one of them lives.
 */
import { copyFileSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { repositoryRoot } from "./sources.ts";

/** Makes stack traces speak of the source. */
const STACK_MODULE = join(import.meta.dirname, "bundle-stack.ts");
/** One process id per line; written by the launcher. */
const USERS_FILE = "users";
/** How the launcher names a bundle: two numbers. */
const BUNDLE = /^\d+-\d+$/;
/** A bundle that is being written, or removed, by the process with that id. */
const UNFINISHED = /^unfinished-(\d+)$/;

/**
 * Modules keep the places that they would have in `folder` as files of their own, so that the paths between them hold: to a
 * package's manifest, to the entry of another process. Every entry begins with what translates stack traces.
 */
function keepPlaces(entries: ReadonlySet<string>, folder: string): Plugin {
  return {
    name: "keep-places",
    setup(bundler) {
      bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (path.includes("/node_modules/")) return undefined;
        const start = entries.has(path) ? `import ${JSON.stringify(STACK_MODULE)};` : "";
        const place = join(folder, relative(repositoryRoot, path).replace(/\.ts$/, ".js"));
        const text = readFileSync(path, "utf8").replaceAll(
          "import.meta.url",
          JSON.stringify(pathToFileURL(place).href),
        );
        return { contents: start + text, loader: "ts" };
      });
    },
  };
}

/** The properties of a built-in module; accessors among them stand for what is loaded when it is asked for. */
function propertiesOf(name: string): readonly [string, PropertyDescriptor][] {
  return Object.entries(Object.getOwnPropertyDescriptors(process.getBuiltinModule(name) as object));
}

/**
 * An import of a built-in module asks it for everything, also for what it loads only when asked for: node:http has a
 * WebSocket client, which comes with the whole of fetch. Taking the plain values alone spares each process 35 ms.
 */
const takePlainValues: Plugin = {
  name: "take-plain-values",
  setup(bundler) {
    bundler.onResolve({ filter: /^(?:node:)?[a-z_/]+$/ }, ({ path, kind }) => {
      if (kind !== "import-statement" || !isBuiltin(path)) return undefined;
      if (propertiesOf(path).every(([, property]) => "value" in property)) return undefined;
      return { path: `node:${path.replace(/^node:/, "")}`, namespace: "built-in" };
    });
    bundler.onLoad({ filter: /./, namespace: "built-in" }, ({ path }) => {
      const lines = propertiesOf(path)
        .filter(([name, property]) => "value" in property && /^[a-z]\w*$/i.test(name) && name !== "default")
        .map(([name]) => `export const ${name} = /* @__PURE__ */ (() => $builtin.${name})();`);
      const start = `const $builtin = process.getBuiltinModule("${path}"); export default $builtin;`;
      return { contents: [start, ...lines].join("\n"), loader: "js" };
    });
  },
};

/**
 * Bundles these modules, each of which a process can run: it lies in `folder` where it lies in the repository, and ends in
 * ".js". They are written to `output`, which has to become `folder` before they run.
 */
export async function writeBundle(entries: readonly string[], output: string, folder: string): Promise<void> {
  await build({
    absWorkingDir: repositoryRoot,
    entryPoints: [...entries],
    outdir: output,
    outbase: repositoryRoot,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: `node${process.versions.node}`,
    conditions: ["source"],
    sourcemap: true,
    sourcesContent: false,
    logLevel: "error",
    plugins: [keepPlaces(new Set(entries), folder), takePlainValues],
    // Packages that are no ES modules ask for built-in modules this way.
    banner: { js: 'import { createRequire as $create } from "node:module"; const require = $create(import.meta.url);' },
  });
  for (const manifest of globSync("packages/*/package.json", { cwd: repositoryRoot })) {
    mkdirSync(dirname(join(output, manifest)), { recursive: true });
    copyFileSync(join(repositoryRoot, manifest), join(output, manifest));
  }
}

/**
 * Removes the other bundles beside this one: those that no process runs from, and those whose maker was killed. Whatever has
 * not the name of a bundle stays.
 */
export function removeOthers(folder: string): void {
  const parent = dirname(folder);
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    const [, maker] = UNFINISHED.exec(name) ?? [];
    if (maker === undefined && !BUNDLE.test(name)) continue;
    if (path === folder || (maker === undefined ? hasUsers(path) : isAlive(Number(maker)))) continue;
    // Under another name first: nobody starts from half a bundle.
    const doomed = join(parent, `unfinished-${process.pid}`);
    if (path !== doomed) renameSync(path, doomed);
    rmSync(doomed, { recursive: true, force: true });
  }
}

function hasUsers(folder: string): boolean {
  let users: string;
  try {
    users = readFileSync(join(folder, USERS_FILE), "utf8");
  } catch {
    return false;
  }
  return users.split("\n").some((pid) => Number(pid) > 0 && isAlive(Number(pid)));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function main(folder: string): Promise<void> {
  const entries = ["packages/cli/src/main.ts", ...globSync("packages/cli/src/**/*-entry.ts", { cwd: repositoryRoot })];
  const output = join(dirname(folder), `unfinished-${process.pid}`);
  await writeBundle(
    entries.map((path) => join(repositoryRoot, path)),
    output,
    folder,
  );
  try {
    renameSync(output, folder);
  } catch (error) {
    // Another process has made the same bundle meanwhile.
    rmSync(output, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
  }
  removeOthers(folder);
}

if (import.meta.main) await main(resolve(process.argv[2] ?? ""));
