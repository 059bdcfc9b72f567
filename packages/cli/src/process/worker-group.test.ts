import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { World } from "@weft/contract";
import { createRandom, isWeftError, systemClock } from "@weft/kernel";
import type { Log } from "@weft/proxy";
import { WorkerGroup, type WorkerGroupOptions } from "./worker-group.ts";

/** A worker with nothing to do; its world's revision says how it is to behave. */
const WORKER = `
import { serveWorker } from ${JSON.stringify(new URL("./worker.ts", import.meta.url).href)};
const FAILS = -1;
serveWorker({
  async start({ slot, world }) {
    if (world.revision === FAILS) process.exit(7);
    return [{ name: "slot", address: "", port: slot }];
  },
  async apply(world) {
    if (world.revision === FAILS) throw new Error("refused on purpose");
  },
  async answer(topic, argument) {
    if (topic === "stuck" && argument === process.pid) for (;;) ;
    return process.pid;
  },
  setChecksHealth() {},
  takeVerdicts() {},
  async drain() {
    return "drained";
  },
});
`;

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
let folder = "";
let workerModule = new URL("file:///");

before(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-worker-group-"));
  const path = join(folder, "worker.mjs");
  writeFileSync(path, WORKER);
  workerModule = pathToFileURL(path);
});

after(() => rmSync(folder, { recursive: true, force: true }));

function worldOf(revision: number): World {
  return { revision } as World;
}

function createGroup(count: number, changes: Partial<WorkerGroupOptions> = {}): WorkerGroup {
  return new WorkerGroup({
    count,
    program: { module: workerModule, args: [] },
    clock: systemClock,
    random: createRandom(1),
    log: silent,
    startOf: (slot) => ({ slot, isPortShared: true, world: worldOf(1) }),
    onMessage: () => {},
    onReady: () => {},
    onLost: () => {},
    ...changes,
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves as soon as `condition` holds. */
async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < deadlineMs, "what is waited for never happened");
    await new Promise((resolve) => {
      setTimeout(resolve, 10); // waits: another process ends, which gives no event here
    });
  }
}

test("WorkerGroup starts its workers and replaces the one that is killed", async () => {
  const replaced = Promise.withResolvers<number>();
  const lost: number[] = [];
  let starts = 0;
  const group = createGroup(2, {
    onReady: (worker) => {
      if (++starts > 2) replaced.resolve(worker.pid);
    },
    onLost: (worker) => void lost.push(worker.pid),
  });
  try {
    await group.start();
    const [first, second] = group.ready;
    assert.ok(first !== undefined && second !== undefined);
    process.kill(first.pid, "SIGKILL");
    const newPid = await replaced.promise;
    assert.notEqual(newPid, first.pid);
    assert.deepEqual(lost, [first.pid]);
    assert.deepEqual(new Set(group.ready.map(({ pid }) => pid)), new Set([newPid, second.pid]));
    assert.equal(first.exitHow, "signal SIGKILL");
  } finally {
    await group.drain(1000);
  }
  assert.equal(group.ready.length, 0);
});

test("WorkerGroup says once that a worker died while it started", async () => {
  const errors: string[] = [];
  let starts = 0;
  const group = createGroup(1, {
    // The second start fails.
    startOf: (slot) => ({ slot, isPortShared: true, world: worldOf(++starts === 2 ? -1 : 1) }),
    log: { ...silent, error: (message, fields) => void errors.push(`${message}: ${String(fields?.["how"])}`) },
  });
  try {
    await group.start();
    process.kill(group.ready[0]?.pid ?? 0, "SIGKILL");
    await until(() => starts === 3 && group.ready.length === 1);
    const death = "a worker died and is replaced";
    assert.deepEqual(errors, [`${death}: signal SIGKILL`, `${death}: status 7`]);
  } finally {
    await group.drain(1000);
  }
});

test("WorkerGroup.start() rejects when a worker cannot start, and leaves none behind", async () => {
  const seen: number[] = [];
  const group = createGroup(2, {
    startOf: (slot) => ({ slot, isPortShared: true, world: worldOf(slot === 1 ? -1 : 1) }),
    onReady: (worker) => void seen.push(worker.pid),
  });
  await assert.rejects(group.start(), (error) => {
    assert.ok(isWeftError(error, "CLI_WORKER_START_FAILED"));
    assert.match(error.message, /Cannot start worker 1 \(process \d+\): it ended with status 7/);
    return true;
  });
  for (const pid of seen) assert.equal(isAlive(pid), false);
});

test("WorkerGroup.askAll() leaves out a worker that is stuck", async () => {
  const warnings: string[] = [];
  const group = createGroup(2, { log: { ...silent, warn: (message) => void warnings.push(message) } });
  try {
    await group.start();
    const [stuck, other] = group.ready;
    const answers = await group.askAll("stuck", stuck?.pid, 500);
    assert.deepEqual(answers, [other?.pid]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /^\[CLI_WORKER_SILENT\] Cannot ask worker 0 /);
  } finally {
    // A stuck worker cannot drain; it is killed when its time is up.
    await group.drain(0);
  }
  assert.equal(group.ready.length, 0);
});

test("WorkerProcess.ask() rejects when the worker dies meanwhile", async () => {
  const group = createGroup(1);
  try {
    await group.start();
    const [worker] = group.ready;
    assert.ok(worker !== undefined);
    const answer = worker.ask("stuck", worker.pid, 20_000);
    process.kill(worker.pid, "SIGKILL");
    await assert.rejects(answer, (error) => isWeftError(error, "CLI_WORKER_GONE"));
  } finally {
    await group.drain(1000);
  }
});

test("WorkerProcess.ask() refuses more questions than a worker may owe", async () => {
  const group = createGroup(1);
  try {
    await group.start();
    const [worker] = group.ready;
    assert.ok(worker !== undefined);
    const asked = Array.from({ length: 65 }, () => worker.ask("stuck", worker.pid, 20_000));
    await assert.rejects(asked[64] ?? Promise.resolve(), /64 earlier questions wait/);
    process.kill(worker.pid, "SIGKILL");
    const rest = await Promise.allSettled(asked.slice(0, 64));
    assert.ok(rest.every(({ status }) => status === "rejected"));
  } finally {
    await group.drain(1000);
  }
});

test("WorkerGroup.holdRestarts() keeps the place of a worker that dies empty until it is over", async () => {
  const group = createGroup(2);
  try {
    await group.start();
    const [victim, other] = group.ready;
    assert.ok(victim !== undefined && other !== undefined);
    group.holdRestarts(true);
    process.kill(victim.pid, "SIGKILL");
    await until(() => victim.state === "gone");
    assert.deepEqual(group.ready, [other]);
    group.holdRestarts(false);
    await until(() => group.ready.length === 2);
    assert.ok(group.ready.includes(other));
  } finally {
    await group.drain(1000);
  }
});

test("WorkerGroup reports what a worker says of a world that it cannot apply", async () => {
  const group = createGroup(1);
  try {
    await group.start();
    const [worker] = group.ready;
    assert.ok(worker !== undefined);
    await assert.rejects(worker.ask("apply", worldOf(-1), 20_000), /refused on purpose/);
  } finally {
    await group.drain(1000);
  }
});

/** A supervisor of three workers as a process of its own; "stuck" to it makes one of them loop for ever. */
async function startSupervisor(): Promise<{ child: ChildProcess; pids: readonly number[] }> {
  const supervisor = `
import { createRandom, systemClock } from "@weft/kernel";
import { WorkerGroup } from ${JSON.stringify(new URL("./worker-group.ts", import.meta.url).href)};
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const group = new WorkerGroup({
  count: 3, program: { module: new URL(${JSON.stringify(workerModule.href)}), args: [] }, clock: systemClock,
  random: createRandom(1), log: quiet, onMessage() {}, onReady() {}, onLost() {},
  startOf: (slot) => ({ slot, isPortShared: true, world: { revision: 1 } }),
});
await group.start();
process.on("message", async (pid) => {
  void group.askAll("stuck", pid, 60_000);
  // The other two have answered: the question has reached all.
  await Promise.all(group.ready.filter((worker) => worker.pid !== pid).map((worker) => worker.ask("", null, 60_000)));
  process.send("stuck");
});
process.send(group.ready.map(({ pid }) => pid));
`;
  const path = join(folder, "supervisor.mjs");
  // The packages of the repository are found from here, not from the temporary folder.
  writeFileSync(path, supervisor.replace('"@weft/kernel"', JSON.stringify(import.meta.resolve("@weft/kernel"))));
  const child = fork(path, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [pids] = (await once(child, "message")) as [number[]];
  assert.equal(pids.length, 3);
  return { child, pids };
}

test("workers end when their supervisor is killed", async () => {
  const { child, pids } = await startSupervisor();
  assert.ok(pids.every((pid) => isAlive(pid)));
  child.kill("SIGKILL");
  await once(child, "exit");
  await until(() => !pids.some((pid) => isAlive(pid)));
});

test("a worker that is stuck in a loop ends when its supervisor is killed", async () => {
  const { child, pids } = await startSupervisor();
  child.send(pids[1] ?? 0);
  await once(child, "message");
  child.kill("SIGKILL");
  await once(child, "exit");
  await until(() => !pids.some((pid) => isAlive(pid)));
});
