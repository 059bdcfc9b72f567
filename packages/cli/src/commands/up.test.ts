import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { isAlive, runCommand, spawnCommand, until } from "../test-command.ts";

/** Thirteen processes start in each test; on a machine that does other things that takes its time. */
const TIMEOUT_MS = 100_000;

let folder = "";
const started: RunningUp[] = [];

/** `weft up` in a child process, and what it has printed. */
interface RunningUp {
  readonly child: ChildProcess;
  output(): string;
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-up-command-"));
});

afterEach(async () => {
  for (const { child } of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const pids = descendants(child.pid ?? 0);
    child.kill("SIGKILL");
    await once(child, "exit");
    await until(() => !pids.some((pid) => isAlive(pid)));
  }
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a mesh and waits until it is ready. */
async function up(...args: readonly string[]): Promise<RunningUp> {
  const child = spawnCommand(["up", ...args]);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (piece: string) => void (printed += piece));
  }
  const running = { child, output: () => printed };
  started.push(running);
  await until(() => printed.includes("Three things to try") || child.exitCode !== null);
  assert.equal(child.exitCode, null, printed);
  return running;
}

/** Every process that a process has started, directly or not. */
function descendants(root: number): number[] {
  const parents = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = [root];
  for (const parent of found) found.push(...parents.flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid] : [])));
  return found.slice(1);
}

function ingressOf({ output }: RunningUp): string {
  const [, address = ""] = /ingress +(http:\/\/[\d.:]+)/.exec(output()) ?? [];
  return address;
}

async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url);
  await answer.body?.cancel();
  return answer.status;
}

test("weft up ends with 2 on wrong usage", async () => {
  writeFileSync(join(folder, "something"), "");
  for (const [args, reason] of [
    [["up", "--json"], /'--json' needs '--check'/],
    [["up", "--dir", folder], /CLI_FOLDER_NOT_EMPTY/],
    [["up", "--nothing"], /unknown option/],
  ] as const) {
    const { status, stderr } = await runCommand(args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, reason);
  }
});

test("weft up starts again what dies, and Ctrl-C leaves no process and no file", { timeout: TIMEOUT_MS }, async () => {
  const runsBefore = new Set(readdirSync(tmpdir()).filter((name) => name.startsWith("weft-run-")));
  const running = await up();
  const { child, output } = running;
  const pids = descendants(child.pid ?? 0);
  // Six applications with a sidecar each, the ingress, and the guard that would end them if this one could not.
  assert.equal(pids.length, 14);
  assert.equal(await statusOf(`${ingressOf(running)}/checkout`), 200);

  const [, victim = ""] = /^ {4}kill (\d+)$/m.exec(output()) ?? [];
  process.kill(Number(victim), "SIGKILL");
  await until(() => output().includes("payment-1 ended with SIGKILL"));
  for (let sent = 0; sent < 20; sent++) assert.equal(await statusOf(`${ingressOf(running)}/checkout`), 200);
  await until(() => output().includes("payment-1 is back"));

  const [, path = ""] = /configuration +(\S+)/.exec(output()) ?? [];
  assert.ok(existsSync(join(path, "ingress", "routes.yaml")));
  const stopMs = performance.now();
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.ok(performance.now() - stopMs < 10_000);
  assert.deepEqual(descendants(child.pid ?? 0), []);
  assert.ok(!pids.some((pid) => isAlive(pid)));
  assert.ok(!existsSync(path));
  const runsNow = readdirSync(tmpdir()).filter((name) => name.startsWith("weft-run-") && !runsBefore.has(name));
  assert.deepEqual(runsNow, []);
});

test("a second weft up runs beside the first, and a killed one leaves no orphan", { timeout: TIMEOUT_MS }, async () => {
  const first = await up("--dir", join(folder, "first"));
  const second = await up();
  assert.match(second.output(), /port \d+ is taken: the ingress is on \d+/);
  assert.notEqual(ingressOf(first), ingressOf(second));
  assert.equal(await statusOf(`${ingressOf(first)}/cart`), 200);
  assert.equal(await statusOf(`${ingressOf(second)}/cart`), 200);

  const [, path = ""] = /configuration +(\S+)/.exec(second.output()) ?? [];
  const pids = descendants(second.child.pid ?? 0);
  assert.equal(pids.length, 14);
  // One that does nothing any more, as in an endless loop, ends all the same.
  process.kill(pids[3] ?? 0, "SIGSTOP");
  second.child.kill("SIGKILL");
  await once(second.child, "exit");
  await until(() => !pids.some((pid) => isAlive(pid)));
  assert.equal(await statusOf(`${ingressOf(first)}/cart`), 200);

  // The next run removes what this one could not.
  rmSync(path, { recursive: true });
  first.child.kill("SIGTERM");
  assert.deepEqual(await once(first.child, "exit"), [0, null]);
  assert.ok(existsSync(join(folder, "first", "ingress", "routes.yaml")), "--dir keeps the files");
});

test("two weft up that start at the same time both come up", { timeout: TIMEOUT_MS }, async () => {
  const meshes = await Promise.all([up(), up()]);
  for (const mesh of meshes) assert.equal(await statusOf(`${ingressOf(mesh)}/checkout`), 200);
  assert.equal(new Set(meshes.map(ingressOf)).size, 2);
  for (const { child, output } of meshes) {
    child.kill("SIGINT");
    assert.deepEqual(await once(child, "exit"), [0, null]);
    assert.doesNotMatch(output(), /starting again on other ports/, "ports that one has chosen the other does not take");
  }
});

/** `weft up` as the leader of a process group, all of which gets what a terminal sends. */
function spawnGroup(): ChildProcess {
  const program = new URL("../main.ts", import.meta.url).pathname;
  return spawn(process.execPath, [...process.execArgv, program, "up"], { stdio: "ignore", detached: true });
}

/** Members of a process group, and the folders of runs: what a mesh could leave. */
function traces(group: number): { readonly pids: readonly number[]; readonly folders: readonly string[] } {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,pgid=,stat="], { encoding: "utf8" }).trim().split("\n");
  const pids = rows.flatMap((row) => {
    const [pid, pgid, state = ""] = row.trim().split(/\s+/);
    return Number(pgid) === group && !state.startsWith("Z") ? [Number(pid)] : [];
  });
  const folders = readdirSync(tmpdir()).filter((name) => {
    const owner = join(tmpdir(), name, "owner.pid");
    return name.startsWith("weft-run-") && existsSync(owner) && readFileSync(owner, "utf8") === String(group);
  });
  return { pids, folders };
}

/** Moments of a start: from the first process of the mesh to the last, and a moment before it is ready. */
const MOMENTS: readonly number[] = [1, 2, 5, 9, 15];

test("Ctrl-C at any moment of the start leaves no process and no file", { timeout: TIMEOUT_MS }, async () => {
  for (const processes of MOMENTS) {
    const child = spawnGroup();
    const group = child.pid ?? 0;
    try {
      await until(() => traces(group).pids.length >= processes);
      process.kill(-group, "SIGINT");
      const [status, signal] = (await once(child, "exit")) as [number | null, string | null];
      // Before it knows of signals it ends of them, and has nothing to clean up.
      assert.ok(status === 0 || (processes === 1 && signal === "SIGINT"), `${status} ${signal} at ${processes}`);
      await until(() => traces(group).pids.length === 0);
      assert.deepEqual(traces(group).folders, [], `at ${processes}`);
    } finally {
      for (const pid of traces(group).pids) process.kill(pid, "SIGKILL");
    }
  }
});

test("weft up that is killed while it starts leaves no process", { timeout: TIMEOUT_MS }, async () => {
  for (const processes of [3, 15]) {
    const child = spawnGroup();
    const group = child.pid ?? 0;
    try {
      await until(() => traces(group).pids.length >= processes);
      child.kill("SIGKILL");
      await until(() => traces(group).pids.length === 0);
    } finally {
      const { pids, folders } = traces(group);
      for (const pid of pids) process.kill(pid, "SIGKILL");
      for (const name of folders) rmSync(join(tmpdir(), name), { recursive: true });
    }
  }
});
