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

/** Stands for npm: writes down that it was called, waits until it may go on, and installs a "Node" that prints its arguments. */
const NPM = `#!/bin/sh
echo "$@" >>npm-calls
: >npm-started
[ ! -e npm-fails ] || { echo "npm error network" >&2; exit 7; }
while [ -e npm-waits ]; do sleep 0.05; done
mkdir -p node_modules/node/bin
cat >node_modules/node/bin/node <<'END'
#!/bin/sh
[ "$1" != -e ] || exit 1
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
  const run = (...args: string[]): Promise<ProcessResult> => runCaptured(join(root, "weft"), args, { env, cwd: "/" });
  const start = (...args: string[]): ChildProcess => spawn(join(root, "weft"), args, { env, stdio: "ignore" });
  return { root, calls, run, start, write, env };
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
