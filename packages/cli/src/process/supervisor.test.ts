import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { World } from "@weft/contract";
import type { Log } from "@weft/proxy";
import { FakeClock } from "@weft/kernel";
import { REFUSED_RETRY_MS } from "../limits.ts";
import { until } from "../test-command.ts";
import { Supervisor } from "./supervisor.ts";

/** A worker that knows whether it checks, and what it was told of hosts. */
const WORKER = `
import { serveWorker } from ${JSON.stringify(new URL("./worker.ts", import.meta.url).href)};
import { existsSync } from "node:fs";
let slot = 0;
let revision = 0;
let isChecking = false;
let tell = () => {};
const known = [];
serveWorker({
  async start(start, onVerdict) {
    ({ slot, world: { revision } } = start);
    tell = onVerdict;
    return [];
  },
  async findObstacles({ settings: { door } }) {
    return door === undefined || existsSync(door) ? [] : [{ kind: "door", name: "", path: "", file: "", value: door, expected: "a door" }];
  },
  async apply(world) {
    if (world.settings.refusedBy === slot) throw new Error("not with me");
    revision = world.revision;
  },
  async answer(topic, argument) {
    if (topic === "verdicts") return known;
    if (topic === "find" && isChecking) {
      known.push(argument);
      tell(argument);
    }
    return { pid: process.pid, revision, isChecking, known: known.map(({ host }) => host) };
  },
  setChecksHealth(isOn) {
    isChecking = isOn;
  },
  takeVerdicts(verdicts) {
    for (const verdict of verdicts) if (!known.some(({ host }) => host === verdict.host)) known.push(verdict);
  },
  async drain() {
    return "drained";
  },
});
`;

/** What a worker says of itself. */
interface Answer {
  readonly pid: number;
  readonly revision: number;
  readonly isChecking: boolean;
  readonly known: readonly string[];
}

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const world = { revision: 1, listeners: [], settings: { drainDeadlineMs: 1000 } } as unknown as World;
let folder = "";
let module = new URL("file:///");

before(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-supervisor-"));
  const path = join(folder, "worker.mjs");
  writeFileSync(path, WORKER);
  module = pathToFileURL(path);
});

after(() => rmSync(folder, { recursive: true, force: true }));

async function withSupervisor(workers: number, use: (supervisor: Supervisor) => Promise<void>): Promise<void> {
  const supervisor = new Supervisor({ workers, program: { module, args: [] }, log: silent });
  try {
    await supervisor.start(world);
    await use(supervisor);
  } finally {
    await supervisor.drain();
  }
}

async function ask(supervisor: Supervisor, topic: string = "role", argument: unknown = null): Promise<Answer[]> {
  return (await supervisor.askAll(topic, argument)) as Answer[];
}

/** The process that checks; fails when there are several. */
async function checkerOf(supervisor: Supervisor): Promise<number> {
  const checking = (await ask(supervisor)).filter(({ isChecking }) => isChecking);
  assert.ok(checking.length <= 1, "one worker checks for all");
  return checking[0]?.pid ?? 0;
}

test("Supervisor gives the checks to the oldest worker that lives, at once when the one before died", async () => {
  await withSupervisor(3, async (supervisor) => {
    const before: number[] = [];
    // The first pause before a worker is replaced is 100 ms; whoever dies again and again comes back later and later.
    for (let round = 0; round < 4; round++) {
      const checker = await checkerOf(supervisor);
      assert.ok(checker !== 0 && !before.includes(checker));
      before.push(checker);
      const starts = new Map(supervisor.status().map(({ pid, startedAtMs }) => [pid, startedAtMs]));
      // At first it is the one that was ready first.
      if (round > 0) assert.equal(starts.get(checker), Math.min(...starts.values()));
      process.kill(checker, "SIGKILL");
      await until(() => supervisor.status().every(({ pid }) => pid !== checker));
      assert.notEqual(await checkerOf(supervisor), 0);
      await until(() => supervisor.status().filter(({ state }) => state === "ready").length === 3);
    }
  });
});

test("Supervisor gives the checks to a worker that comes back when none was left", async () => {
  await withSupervisor(1, async (supervisor) => {
    const first = await checkerOf(supervisor);
    process.kill(first, "SIGKILL");
    await until(async () => ![0, first].includes(await checkerOf(supervisor)));
  });
});

test("Supervisor tells every worker what is known of hosts, those that come later too", async () => {
  await withSupervisor(2, async (supervisor) => {
    const knows = async (host: string): Promise<boolean> =>
      (await ask(supervisor)).every(({ known }) => known.includes(host));
    await ask(supervisor, "find", { cluster: "shop", host: "one", verdict: "unhealthy", reason: "" });
    await until(() => knows("one"));
    const checker = await checkerOf(supervisor);
    process.kill(checker, "SIGKILL");
    await until(() => supervisor.status().every(({ pid }) => pid !== checker));
    await ask(supervisor, "find", { cluster: "shop", host: "two", verdict: "unhealthy", reason: "" });
    await until(async () => (await ask(supervisor)).length === 2);
    await until(async () => (await knows("one")) && (await knows("two")));
  });
});

/** Another version, which only some workers or machines can take. */
function worldOf(revision: number, settings: object): World {
  return { ...world, revision, settings: { ...world.settings, ...settings } };
}

async function revisions(supervisor: Supervisor): Promise<number[]> {
  return (await ask(supervisor)).map(({ revision }) => revision);
}

test("Supervisor takes a configuration back from all workers when one cannot take it", async () => {
  await withSupervisor(3, async (supervisor) => {
    let applied = 0;
    await supervisor.apply(worldOf(2, { refusedBy: 1 }), () => void applied++);
    assert.deepEqual([applied, supervisor.world?.revision, await revisions(supervisor)], [0, 1, [1, 1, 1]]);
    const { problems, refused, lost } = supervisor.reloads;
    assert.deepEqual([problems.map(({ expected }) => /not with me/.test(expected)), refused, lost], [[true], 1, 1]);
    await supervisor.apply(worldOf(3, {}), () => void applied++);
    assert.deepEqual([applied, supervisor.world?.revision, await revisions(supervisor)], [1, 3, [3, 3, 3]]);
    assert.deepEqual(supervisor.reloads.problems, []);
  });
});

test("Supervisor tries a configuration again when what a worker missed may have come", async () => {
  const clock = new FakeClock();
  const reasons: string[] = [];
  const log = { ...silent, error: (_: string, fields?: object) => void reasons.push(JSON.stringify(fields)) };
  const supervisor = new Supervisor({ workers: 2, program: { module, args: [] }, log, clock });
  try {
    await supervisor.start(world);
    const door = join(folder, "door");
    const applied = Promise.withResolvers<void>();
    await supervisor.apply(worldOf(2, { door }), applied.resolve);
    assert.deepEqual([supervisor.world?.revision, reasons.length, await revisions(supervisor)], [1, 1, [1, 1]]);
    writeFileSync(door, "");
    clock.advance(REFUSED_RETRY_MS);
    await applied.promise;
    assert.deepEqual([supervisor.world?.revision, reasons.length, await revisions(supervisor)], [2, 1, [2, 2]]);
    const { problems, refused, lost } = supervisor.reloads;
    assert.deepEqual([problems, refused, lost], [[], 1, 0]);
  } finally {
    await supervisor.drain();
  }
});
