import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type ProcessResult, runCaptured } from "./process.ts";
import { repositoryRoot } from "./sources.ts";

/**
 * Stands for npm: writes down that it was called, waits until it may go on, and installs a "Node" that prints its arguments, or
 * makes a bundle, which has only to be there.
 */
const NPM = `#!/bin/sh
echo "$@" >>npm-calls
: >npm-started
[ ! -e npm-fails ] || { echo "npm error network" >&2; exit 7; }
while [ -e npm-waits ]; do sleep 0.05; done
mkdir -p node_modules/node/bin
cat >node_modules/node/bin/node <<'END'
#!/bin/sh
[ "$1" != -e ] || exit 1
root=$(dirname "$0")/../../..
case $1 in
  *tools/bundle.ts)
    echo "$2" >>"$root/bundles"
    [ ! -e "$root/bundle-stops" ] || kill -INT $$
    [ ! -e "$root/bundle-fails" ] || { echo "bundle error"; exit 3; }
    [ ! -e "$root/edit-meanwhile" ] || echo edited >"$root/packages/cli/src/main.ts"
    mkdir -p "$2"
    exit ;;
esac
echo "pinned $@"
END
chmod +x node_modules/node/bin/node
`;

/** A clone with the real launcher and a system with a false npm and Node. */
interface Clone {
  readonly root: string;
  /** Calls of npm so far. */
  readonly calls: () => number;
  readonly start: (...args: string[]) => ChildProcess;
  readonly run: (...args: string[]) => Promise<ProcessResult>;
  readonly write: (path: string, text: string) => void;
  /** Adds what a bundle is made from. */
  readonly addSources: () => void;
  /** The bundles that were asked for so far. */
  readonly bundles: () => readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

function createClone(t: TestContext, nodeVersion = "v20.1.0"): Clone {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "weft-launcher-")));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const write = (path: string, text: string): void => writeFileSync(join(root, path), text);
  copyFileSync(join(repositoryRoot, "weft"), join(root, "weft"));
  write("package-lock.json", "one");
  mkdirSync(join(root, "bin"));
  for (const name of [
    "sh",
    "cat",
    "cksum",
    "uname",
    "dirname",
    "readlink",
    "mkdir",
    "rmdir",
    "mv",
    "rm",
    "sleep",
    "tail",
    "chmod",
    "find",
    "tr",
  ]) {
    const path = ["/usr/bin", "/bin"].map((folder) => join(folder, name)).find((candidate) => existsSync(candidate));
    symlinkSync(path ?? name, join(root, "bin", name));
  }
  write(
    "bin/node",
    `#!/bin/sh\n[ "$1" != --version ] || { echo ${nodeVersion}; exit; }\nexec "${process.execPath}" "$@"\n`,
  );
  write("bin/npm", NPM);
  for (const name of ["node", "npm"]) chmodSync(join(root, "bin", name), 0o755);
  const env = { PATH: join(root, "bin") };
  const calls = (): number =>
    existsSync(join(root, "npm-calls"))
      ? readFileSync(join(root, "npm-calls"), "utf8").trimEnd().split("\n").length
      : 0;
  const addSources = (): void => {
    for (const folder of ["tools", "packages/cli/src"]) mkdirSync(join(root, folder), { recursive: true });
    for (const file of ["tools/bundle.ts", "tools/bundle-stack.ts", "packages/cli/src/main.ts"]) write(file, file);
  };
  const bundles = (): readonly string[] =>
    existsSync(join(root, "bundles")) ? readFileSync(join(root, "bundles"), "utf8").trimEnd().split("\n") : [];
  const run = (...args: string[]): Promise<ProcessResult> => runCaptured(join(root, "weft"), args, { env, cwd: "/" });
  const start = (...args: string[]): ChildProcess => spawn(join(root, "weft"), args, { env, stdio: "ignore" });
  return { root, calls, run, start, write, addSources, bundles, env };
}

/** Resolves once the file exists. */
async function waitForFile(folder: string, name: string): Promise<void> {
  const watcher = watch(folder);
  try {
    while (!existsSync(join(folder, name))) await once(watcher, "change");
  } finally {
    watcher.close();
  }
}

test("weft installs on the first run only, and passes arguments on", async (t) => {
  const clone = createClone(t);
  const first = await clone.run("up", "a b");
  assert.equal(first.status, 0, first.output);
  assert.match(
    first.output,
    /^weft: installing what package-lock\.json pins .*\npinned --max-semi-space-size=8 -C source .*main\.ts up a b\n$/,
  );
  assert.equal(
    (await clone.run("x")).output,
    `pinned --max-semi-space-size=8 -C source ${clone.root}/packages/cli/src/main.ts x\n`,
  );
  assert.equal(clone.calls(), 1);
});

test("weft installs again when the lock file has changed", async (t) => {
  const clone = createClone(t);
  await clone.run();
  clone.write("package-lock.json", "two");
  await clone.run();
  await clone.run();
  assert.equal(clone.calls(), 2);
});

test("weft works through symbolic links, absolute and relative", async (t) => {
  const clone = createClone(t);
  symlinkSync(join(clone.root, "weft"), join(clone.root, "bin/absolute"));
  symlinkSync("absolute", join(clone.root, "bin/relative"));
  const { output, status } = await runCaptured(join(clone.root, "bin/relative"), ["x"], { env: clone.env, cwd: "/" });
  assert.equal(status, 0, output);
  assert.ok(
    output.endsWith(`pinned --max-semi-space-size=8 -C source ${clone.root}/packages/cli/src/main.ts x\n`),
    output,
  );
});

test("weft says when Node is too old, missing, or without npm", async (t) => {
  const old = await createClone(t, "v18.20.0").run();
  assert.match(old.output, /Node v18\.20\.0 is too old, 20 or newer is needed/);
  assert.equal(old.status, 1);
  const clone = createClone(t);
  rmSync(join(clone.root, "bin/npm"));
  assert.match((await clone.run()).output, /npm was not found/);
  rmSync(join(clone.root, "bin/node"));
  assert.match((await clone.run()).output, /Node was not found/);
  assert.deepEqual(existsSync(join(clone.root, ".weft/install.lock")), false);
});

test("weft shows what npm said when the install fails, and tries again the next time", async (t) => {
  const clone = createClone(t);
  clone.write("npm-fails", "");
  const failed = await clone.run();
  assert.equal(failed.status, 1);
  assert.match(failed.output, /npm error network\nweft: Cannot install: npm ci ended with status 7 .* network/);
  rmSync(join(clone.root, "npm-fails"));
  assert.equal((await clone.run()).status, 0);
  assert.equal(clone.calls(), 2);
});

test("two first runs at a time install once", async (t) => {
  const clone = createClone(t);
  clone.write("npm-waits", "");
  const runs = [clone.run("a"), clone.run("b")];
  await waitForFile(clone.root, "npm-started");
  rmSync(join(clone.root, "npm-waits"));
  assert.deepEqual(
    (await Promise.all(runs)).map(({ status }) => status),
    [0, 0],
  );
  assert.equal(clone.calls(), 1);
  assert.deepEqual(readdirSync(join(clone.root, ".weft")), ["install.log"]);
});

test("weft takes over the lock of a process that died", async (t) => {
  const clone = createClone(t);
  const dead = spawn("true");
  await once(dead, "exit");
  mkdirSync(join(clone.root, ".weft/install.lock"), { recursive: true });
  clone.write(".weft/install.lock/pid", `${dead.pid}\n`);
  assert.equal((await clone.run()).status, 0);
  assert.equal(existsSync(join(clone.root, ".weft/install.lock")), false);
});

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`weft that gets ${signal} while it installs ends at once, and the next run installs`, async (t) => {
    const clone = createClone(t);
    clone.write("npm-waits", "");
    const child = clone.start();
    const exit = once(child, "exit");
    await waitForFile(clone.root, "npm-started");
    child.kill(signal);
    assert.deepEqual(await exit, [status, null]);
    assert.equal(existsSync(join(clone.root, ".weft/install.lock")), false);
    rmSync(join(clone.root, "npm-waits"));
    assert.equal((await clone.run()).status, 0);
    assert.equal(clone.calls(), 2);
  });
}

test("weft up runs from a bundle, which is made once for each state of the source", async (t) => {
  const clone = createClone(t);
  clone.addSources();
  await clone.run();
  const runUp = async (): Promise<string> => (await clone.run("up")).output;
  const first = await runUp();
  const [bundle = ""] = clone.bundles();
  assert.equal(first, `pinned --max-semi-space-size=8 ${bundle}/packages/cli/src/main.js up\n`);
  assert.ok(bundle.startsWith(`${clone.root}/.weft/bundle/`));
  assert.equal(await runUp(), first);
  assert.equal((await clone.run("status")).output, first.replace(/up\n$/, "status\n"));
  assert.equal(clone.bundles().length, 1);
  assert.match(readFileSync(join(bundle, "users"), "utf8"), /^(?:\d+\n){3}$/);

  clone.write("packages/cli/src/main.test.ts", "a test is in no bundle");
  assert.equal(await runUp(), first);
  for (const [path, text] of [
    ["packages/cli/src/main.ts", "edited"],
    ["packages/cli/src/new.ts", ""],
    ["packages/cli/package.json", "{}"],
    ["tools/bundle.ts", "edited"],
  ] as const) {
    clone.write(path, text);
    assert.equal(await runUp(), first.replace(bundle, clone.bundles().at(-1) ?? ""), path);
  }
  assert.equal(new Set(clone.bundles()).size, 5);
});

test("weft makes no bundle for the commands that end soon, and tests run from source", async (t) => {
  const clone = createClone(t);
  clone.addSources();
  await clone.run();
  const fromSource = (name: string): string =>
    `pinned --max-semi-space-size=8 -C source ${clone.root}/packages/cli/src/main.ts ${name}\n`;
  for (const name of ["status", "test"]) assert.equal((await clone.run(name)).output, fromSource(name));
  assert.deepEqual(clone.bundles(), []);
  await clone.run("bench");
  assert.equal(clone.bundles().length, 1);
  assert.equal((await clone.run("test")).output, fromSource("test"));
});

test("weft runs from source when no bundle can be made, and says so; it ends when the making was stopped", async (t) => {
  const clone = createClone(t);
  clone.addSources();
  await clone.run();
  clone.write("bundle-fails", "");
  const { output, status } = await clone.run("up");
  assert.equal(status, 0);
  assert.match(output, /^weft: running from source, .* see (\S+)\npinned .* -C source .*main\.ts up\n$/);
  assert.equal(readFileSync(join(clone.root, ".weft/bundle.log"), "utf8"), "bundle error\n");
  rmSync(join(clone.root, "bundle-fails"));
  clone.write("bundle-stops", "");
  assert.deepEqual(await clone.run("up"), { status: 130, output: "" });
  rmSync(join(clone.root, "bundle-stops"));
  assert.match((await clone.run("up")).output, /^pinned .*main\.js up\n$/);
});

test("weft does not use a bundle when the source was edited while it was made", async (t) => {
  const clone = createClone(t);
  clone.addSources();
  await clone.run();
  clone.write("edit-meanwhile", "");
  assert.match((await clone.run("up")).output, /^weft: running from source, .*\npinned .*main\.ts up\n$/);
  const [bundle = ""] = clone.bundles();
  assert.equal(existsSync(bundle), false);
  assert.match((await clone.run("up")).output, /^pinned .*main\.js up\n$/);
  assert.equal(clone.bundles().length, 2);
});
