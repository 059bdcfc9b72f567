import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { AccessLogRule } from "@weft/contract";
import { createRandom, FakeClock, sleep, systemClock, systemRandom } from "@weft/kernel";
import { type Log, silentLog } from "../log.ts";
import { type AccessLogDeps, createAccessLog } from "./access-log.ts";
import type { AccessRecord } from "./access-record.ts";
import {
  ACCESS_LOG_CLOSE_MS,
  ACCESS_LOG_FLUSH_MS,
  ACCESS_LOG_PENDING_CHARS_MAX,
  ACCESS_LOG_PENDING_RECORDS_MAX,
  ACCESS_LOG_WARN_PERIOD_MS,
} from "./limits.ts";

const ALL: AccessLogRule = { statusMin: 0, durationMsMin: 0, routes: [], sample: 1 };

const RECORD: AccessRecord = {
  startMs: 1_767_225_600_123,
  durationMs: 12.3456,
  method: "GET",
  authority: "shop.example",
  path: "/cart",
  protocol: "HTTP/2",
  status: 200,
  grpcStatus: -1,
  receivedBytes: 0,
  sentBytes: 512,
  listener: "web",
  route: "shop/cart",
  rule: "rules[0]",
  cluster: "shop/backend",
  host: "10.0.0.1:80",
  attempts: 1,
  error: "",
  client: "192.0.2.1:4321",
  traceId: "",
  userAgent: "curl",
  requestId: "r-1",
};

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "weft-access-log-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function depsOf(overrides: Partial<AccessLogDeps> = {}): AccessLogDeps {
  const counters = { accessLogRecords: 0, accessLogDropped: 0 };
  return { random: createRandom(1), clock: systemClock, log: silentLog, counters, ...overrides };
}

function linesOf(path: string): Record<string, unknown>[] {
  const text = readFileSync(path, "utf8");
  assert.ok(text === "" || text.endsWith("\n"));
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("createAccessLog() without target, rules or any chance is off", async () => {
  for (const settings of [
    { target: "", rules: [ALL] },
    { target: "stdout", rules: [] },
    { target: "stdout", rules: [{ ...ALL, sample: 0 }] },
  ]) {
    const log = createAccessLog(settings, depsOf());
    assert.equal(log.isOn, false);
    assert.equal(log.isWanted(500, 1_000, "r"), false);
    log.record(RECORD);
    await log.reopen();
    await log.close();
  }
});

test("createAccessLog() refuses a file that it cannot write to, naming it", (context) => {
  const path = join(folderOf(context), "no-such-folder", "log");
  assert.throws(() => createAccessLog({ target: path, rules: [ALL] }, depsOf()), {
    code: "ACCESS_LOG_OPEN_FAILED",
    message: /no-such-folder/,
  });
});

test("AccessLog.isWanted() follows the first rule that matches", async (context) => {
  const rules: AccessLogRule[] = [
    { statusMin: 0, durationMsMin: 0, routes: ["noisy"], sample: 0 },
    { statusMin: 500, durationMsMin: 0, routes: [], sample: 1 },
    { statusMin: 0, durationMsMin: 100, routes: ["slow"], sample: 1 },
  ];
  const log = createAccessLog({ target: join(folderOf(context), "log"), rules }, depsOf());
  assert.equal(log.isOn, true);
  assert.equal(log.isWanted(503, 1, "noisy"), false);
  assert.equal(log.isWanted(503, 1, "other"), true);
  assert.equal(log.isWanted(499, 1, "other"), false);
  assert.equal(log.isWanted(200, 100, "slow"), true);
  assert.equal(log.isWanted(200, 99.9, "slow"), false);
  assert.equal(log.isWanted(200, 100, "other"), false);
  await log.close();
});

test("AccessLog.isWanted() samples with the chance that the rule says", async (context) => {
  const log = createAccessLog({ target: join(folderOf(context), "log"), rules: [{ ...ALL, sample: 0.1 }] }, depsOf());
  let wanted = 0;
  for (let index = 0; index < 10_000; index++) if (log.isWanted(200, 1, "r")) wanted++;
  assert.ok(wanted > 900 && wanted < 1_100, `${wanted} of 10,000`);
  await log.close();
});

test("AccessLog.record() writes one JSON line per request", async (context) => {
  const path = join(folderOf(context), "log");
  const deps = depsOf();
  const log = createAccessLog({ target: path, rules: [ALL] }, deps);
  log.record(RECORD);
  log.record({ ...RECORD, status: 0, grpcStatus: 14, error: "connect", durationMs: Number.POSITIVE_INFINITY });
  await log.close();
  const [first, second] = linesOf(path);
  assert.deepEqual(first, {
    kind: "access",
    time: "2026-01-01T00:00:00.123Z",
    duration_ms: 12.346,
    method: "GET",
    authority: "shop.example",
    path: "/cart",
    protocol: "HTTP/2",
    status: 200,
    grpc_status: null,
    received_bytes: 0,
    sent_bytes: 512,
    listener: "web",
    route: "shop/cart",
    rule: "rules[0]",
    cluster: "shop/backend",
    host: "10.0.0.1:80",
    attempts: 1,
    error: "",
    client: "192.0.2.1:4321",
    trace_id: "",
    user_agent: "curl",
    request_id: "r-1",
  });
  assert.deepEqual([second?.["grpc_status"], second?.["error"], second?.["duration_ms"]], [14, "connect", null]);
  assert.deepEqual(deps.counters, { accessLogRecords: 2, accessLogDropped: 0 });
});

test("AccessLog.record() touches no file in the turn of the request, and writes soon after", async (context) => {
  const path = join(folderOf(context), "log");
  const clock = new FakeClock();
  const log = createAccessLog({ target: path, rules: [ALL] }, depsOf({ clock }));
  for (let index = 0; index < 1_000; index++) log.record(RECORD);
  clock.advance(ACCESS_LOG_FLUSH_MS - 1);
  assert.equal(readFileSync(path, "utf8"), "");
  clock.advance(1);
  // The write runs on another thread: reopen() waits for it.
  await log.reopen();
  assert.equal(linesOf(path).length, 1_000);
  await log.close();
});

test("AccessLog.record() drops and counts what exceeds the number of waiting records", async (context) => {
  const path = join(folderOf(context), "log");
  const deps = depsOf();
  const log = createAccessLog({ target: path, rules: [ALL] }, deps);
  for (let index = 0; index < ACCESS_LOG_PENDING_RECORDS_MAX + 7; index++) log.record(RECORD);
  assert.equal(deps.counters.accessLogDropped, 7);
  await log.close();
  assert.equal(linesOf(path).length, ACCESS_LOG_PENDING_RECORDS_MAX);
  log.record(RECORD);
  assert.equal(deps.counters.accessLogDropped, 8);
});

test("AccessLog.record() bounds the memory that long texts of clients take", async (context) => {
  const deps = depsOf();
  const log = createAccessLog({ target: join(folderOf(context), "log"), rules: [ALL] }, deps);
  const userAgent = "x".repeat(ACCESS_LOG_PENDING_CHARS_MAX / 8);
  for (let index = 0; index < 10; index++) log.record({ ...RECORD, userAgent });
  assert.equal(deps.counters.accessLogDropped, 3);
  await log.close();
  assert.equal(deps.counters.accessLogRecords, 7);
});

test("AccessLog.reopen() leaves what was recorded in the rotated file and goes on in a new one", async (context) => {
  const path = join(folderOf(context), "log");
  const log = createAccessLog({ target: path, rules: [ALL] }, depsOf());
  log.record({ ...RECORD, requestId: "before" });
  renameSync(path, `${path}.1`);
  const reopened = log.reopen();
  await reopened;
  log.record({ ...RECORD, requestId: "after" });
  await log.close();
  assert.deepEqual(
    [linesOf(`${path}.1`), linesOf(path)].map((lines) => lines.map((line) => line["request_id"])),
    [["before"], ["after"]],
  );
});

test("AccessLog.reopen() that fails says so and keeps the old file", async (context) => {
  const folder = folderOf(context);
  const path = join(folder, "sub");
  execFileSync("mkdir", [path]);
  const log = createAccessLog({ target: join(path, "log"), rules: [ALL] }, depsOf());
  renameSync(path, `${path}-moved`);
  await assert.rejects(log.reopen(), { code: "ACCESS_LOG_OPEN_FAILED" });
  log.record(RECORD);
  await log.close();
  assert.equal(linesOf(join(`${path}-moved`, "log")).length, 1);
});

test("AccessLog.record() does not mix the lines of several writers to one file", async (context) => {
  const path = join(folderOf(context), "log");
  const logs = ["a", "b", "c"].map((route) => ({
    route,
    log: createAccessLog({ target: path, rules: [ALL] }, depsOf()),
  }));
  for (let round = 0; round < 20; round++) {
    for (const { route, log } of logs) {
      for (let index = 0; index < 100; index++) log.record({ ...RECORD, route, userAgent: route.repeat(500) });
      void log.reopen();
    }
    await sleep(systemClock, 1);
  }
  await Promise.all(logs.map(({ log }) => log.close()));
  const lines = linesOf(path);
  assert.equal(lines.length, 6_000);
  for (const line of lines) assert.equal(line["user_agent"], String(line["route"]).repeat(500));
});

test("AccessLog.record() waits for a full pipe without losing or breaking a line", async (context) => {
  const path = join(folderOf(context), "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const log = createAccessLog({ target: path, rules: [ALL] }, depsOf());
  const total = 2_000;
  for (let index = 0; index < total; index++) log.record({ ...RECORD, requestId: String(index) });
  const closed = log.close();
  let text = "";
  const buffer = Buffer.alloc(65_536);
  while (!text.includes(`"request_id":"${total - 1}"`)) {
    await sleep(systemClock, 1);
    try {
      text += buffer.toString("utf8", 0, readSync(reader, buffer));
    } catch (error) {
      assert.equal(error instanceof Error && "code" in error && error.code, "EAGAIN");
    }
  }
  await closed;
  closeSync(reader);
  const ids = text
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { request_id: string }).request_id);
  assert.deepEqual(
    ids,
    Array.from({ length: total }, (_, index) => String(index)),
  );
});

test("AccessLog.close() gives up on a pipe whose reader is stuck, and counts what is lost", async (context) => {
  const path = join(folderOf(context), "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const clock = new FakeClock();
  const deps = depsOf({ clock });
  const log = createAccessLog({ target: path, rules: [ALL] }, deps);
  for (let index = 0; index < 2_000; index++) log.record(RECORD);
  const closed = log.close();
  // Time moves only as far as the writer has found the pipe full.
  while (clock.pendingTimers < 2) await sleep(systemClock, 1);
  await clock.advanceAsync(ACCESS_LOG_CLOSE_MS);
  await closed;
  closeSync(reader);
  // What is left is written off once the loop has turned.
  while (deps.counters.accessLogRecords + deps.counters.accessLogDropped < 2_000) await sleep(systemClock, 1);
  assert.ok(deps.counters.accessLogDropped > 1_000);
});

test("AccessLog counts what a full disk loses, and says so once a minute", async (context) => {
  if (!existsSync("/dev/full")) return context.skip("this system has no /dev/full");
  const clock = new FakeClock();
  const messages: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => messages.push(message) };
  const deps = depsOf({ clock, log });
  const accessLog = createAccessLog({ target: "/dev/full", rules: [ALL] }, deps);
  for (const [dropped, warnings] of [
    [1, 1],
    [2, 1],
  ] as const) {
    accessLog.record(RECORD);
    await accessLog.reopen();
    assert.equal(deps.counters.accessLogDropped, dropped);
    assert.equal(messages.length, warnings);
  }
  clock.advance(ACCESS_LOG_WARN_PERIOD_MS);
  accessLog.record(RECORD);
  await accessLog.close();
  assert.equal(messages.length, 2);
});

test("AccessLog writes to standard output", async () => {
  const script = `
    import { createAccessLog } from ${JSON.stringify(new URL("access-log.ts", import.meta.url).href)};
    import { systemClock, systemRandom } from "@weft/kernel";
    const counters = { accessLogRecords: 0, accessLogDropped: 0 };
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const settings = { target: "stdout", rules: [${JSON.stringify(ALL)}] };
    const accessLog = createAccessLog(settings, { random: systemRandom, clock: systemClock, log, counters });
    for (let index = 0; index < 3000; index++) accessLog.record({ ...${JSON.stringify(RECORD)}, attempts: index });
    await accessLog.close();
  `;
  const child = spawn(process.execPath, ["-C", "source", "--input-type=module", "--eval", script], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0);
  const attempts = text
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { attempts: number }).attempts);
  assert.deepEqual(
    attempts,
    Array.from({ length: 3000 }, (_, index) => index),
  );
});

test("createAccessLog() takes the real generator too", async (context) => {
  const rules = [{ ...ALL, sample: 0.5 }];
  const log = createAccessLog({ target: join(folderOf(context), "log"), rules }, depsOf({ random: systemRandom }));
  const answers = new Set(Array.from({ length: 200 }, () => log.isWanted(200, 1, "r")));
  assert.equal(answers.size, 2);
  await log.close();
});
