import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@weft/kernel";
import { EXIT_CODE, type ExitCode } from "../exit-code.ts";
import { UPGRADE_MS_MAX } from "../limits.ts";
import type { ProcessLog } from "../log.ts";
import { isAlive, until } from "../test-command.ts";
import type { Generation } from "./generation.ts";
import { Keeper } from "./keeper.ts";
import type { SuccessorProgram } from "./successor-process.ts";

/** Ids of versions that have taken over. */
const successors: number[] = [];
const log: ProcessLog = {
  level: "info",
  debug: () => {},
  info: (_message, { supervisorPid } = {}) => {
    if (typeof supervisorPid === "number") successors.push(supervisorPid);
  },
  warn: () => {},
  error: () => {},
};

/** A first version that says what it is told to do. */
class FakeGeneration {
  readonly calls: string[] = [];
  readonly ended = Promise.withResolvers<ExitCode>();
  readonly end = this.ended.promise;
  /** It hands over, and has requests open afterwards. */
  isWilling: boolean = false;

  describe(): object {
    return { chosenPorts: [], places: [], admin: { address: "127.0.0.1", port: 1 } };
  }

  async handOver(): Promise<object> {
    this.calls.push("hand over");
    if (!this.isWilling) throw new Error("not now");
    return { moved: 3, waiting: 1 };
  }

  drain(): void {
    this.calls.push("drain");
    this.ended.resolve(EXIT_CODE.done);
  }

  kill(): void {
    this.calls.push("kill");
    this.ended.resolve(EXIT_CODE.failed);
  }
}

function program(script: string): SuccessorProgram {
  return { command: process.execPath, args: ["-e", script], env: process.env };
}

function createKeeper(successor: SuccessorProgram | null, clock: FakeClock): { keeper: Keeper; first: FakeGeneration } {
  const keeper = new Keeper(successor, log, clock);
  const first = new FakeGeneration();
  keeper.begin(first as unknown as Generation);
  return { keeper, first };
}

test("upgrade() is refused when the next version is not in charge in time, and that is ended", async () => {
  const clock = new FakeClock();
  const { keeper, first } = createKeeper(program("setInterval(() => {}, 1000)"), clock);
  assert.equal(keeper.upgrade("test").state, "running");
  assert.equal(keeper.upgrade("test").state, "running", "one at a time");
  clock.advance(UPGRADE_MS_MAX);
  await until(() => keeper.status.state === "refused");
  assert.match(keeper.status.reason, /not in charge after \d+ ms/);
  assert.deepEqual(first.calls, []);
  keeper.drain("test");
  assert.equal(await keeper.end, EXIT_CODE.done);
});

test("upgrade() tells why the program could not be started, or the present version would not hand over", async () => {
  const missing = { command: "/nowhere/weft", args: [], env: {} };
  const willing = `
    process.send({ type: "online" });
    process.on("message", ({ type }) => type === "succeed" && process.send({ type: "prepared", address: {} }));
  `;
  for (const [successor, reason, calls] of [
    [missing, /ENOENT/, []],
    [program("process.exit(3)"), /ended with status 3/, []],
    [program(willing), /not now/, ["hand over"]],
  ] as const) {
    const { keeper, first } = createKeeper(successor, new FakeClock());
    keeper.upgrade("test");
    await until(() => keeper.status.state === "refused");
    assert.match(keeper.status.reason, reason);
    assert.equal(keeper.status.generation, 1);
    assert.deepEqual(first.calls, calls);
    keeper.drain("test");
    assert.equal(await keeper.end, EXIT_CODE.done);
  }
});

test("drain() during an upgrade ends both versions", async () => {
  const { keeper, first } = createKeeper(program("setInterval(() => {}, 1000)"), new FakeClock());
  keeper.upgrade("test");
  keeper.drain("SIGTERM");
  assert.equal(await keeper.end, EXIT_CODE.done);
  assert.deepEqual(first.calls, ["drain"]);
  assert.equal(keeper.upgrade("too late").state, "refused");
});

/** Takes over as soon as it is asked to, and ends as it is told to. */
const SUCCESSOR = `
  process.send({ type: "online" });
  process.on("message", ({ type }) => {
    if (type !== "succeed") return;
    process.send({ type: "prepared", address: {} });
    process.send({ type: "ready", listeners: [], admin: {} });
  });
`;

test("drain() lets a version that has handed over finish what it has open", async () => {
  const { keeper, first } = createKeeper(
    program(`${SUCCESSOR} process.on("SIGTERM", () => process.exit(0));`),
    new FakeClock(),
  );
  first.isWilling = true;
  keeper.upgrade("test");
  await until(() => keeper.status.state === "done");
  const { generation, moved, waiting } = keeper.status;
  assert.deepEqual({ generation, moved, waiting }, { generation: 2, moved: 3, waiting: 1 });
  const successor = successors.at(-1) ?? 0;
  assert.ok(isAlive(successor));
  let isOver = false;
  void keeper.end.then(() => (isOver = true));
  keeper.drain("SIGTERM");
  await until(() => !isAlive(successor));
  assert.equal(isOver, false);
  assert.deepEqual(first.calls, ["hand over"]);
  first.ended.resolve(EXIT_CODE.done);
  assert.equal(await keeper.end, EXIT_CODE.done);
});

test("the role ends with the version in charge when that fails", async () => {
  const { keeper, first } = createKeeper(
    program(`${SUCCESSOR} process.on("SIGTERM", () => process.exit(5));`),
    new FakeClock(),
  );
  first.isWilling = true;
  keeper.upgrade("test");
  await until(() => keeper.status.state === "done");
  keeper.drain("SIGTERM");
  assert.equal(await keeper.end, EXIT_CODE.failed);
  assert.deepEqual(first.calls, ["hand over", "kill"]);
});
