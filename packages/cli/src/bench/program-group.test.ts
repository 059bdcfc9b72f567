import assert from "node:assert/strict";
import { test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { PROGRAM_OUTPUT_BYTES_MAX } from "./limits.ts";
import { chooseFreePort, LOOPBACK } from "./ports.ts";
import { readProcessTree, readUsage } from "./process-usage.ts";
import { type Launch, ProgramGroup } from "./program-group.ts";

function nodeProgram(code: string, name = "a program"): Launch {
  return { name, command: process.execPath, args: ["-e", code] };
}

function listenOn(port: number): string {
  return `require("node:net").createServer(() => {}).listen(${port}, "${LOOPBACK}")`;
}

test("startServer() resolves when the port is open, and close() ends the server", async () => {
  const group = new ProgramGroup(new AbortController().signal);
  const port = await chooseFreePort();
  const server = await group.startServer(nodeProgram(listenOn(port)), port);
  assert.deepEqual(server.pids(), [server.pid]);
  await group.close();
  assert.equal(server.isGone, true);
  assert.deepEqual(readProcessTree(server.pid), []);
});

test("startServer() tells what a server said that ended", async () => {
  const group = new ProgramGroup(new AbortController().signal);
  const launch = nodeProgram(`console.error("no such file"); process.exit(3)`, "the server");
  await assert.rejects(group.startServer(launch, await chooseFreePort()), (error) => {
    return isWeftError(error, "BENCH_START_FAILED") && /the server: it ended\. no such file/.test(error.message);
  });
  await group.close();
});

test("startServer() gives up on one that does not listen, and ends it", async () => {
  const group = new ProgramGroup(new AbortController().signal);
  const launch = nodeProgram("setInterval(() => {}, 1000)");
  await assert.rejects(group.startServer(launch, await chooseFreePort(), 200), (error) => {
    return isWeftError(error, "BENCH_START_FAILED") && /within 200 ms/.test(error.message);
  });
  await group.close();
});

test("run() kills a program that takes too long, with its children", async () => {
  const group = new ProgramGroup(new AbortController().signal);
  const code = `const { pid } = require("node:child_process").spawn("sleep", ["600"]); console.log(pid); setInterval(() => {}, 1000)`;
  const { isTimedOut, code: status, output } = await group.run(nodeProgram(code), 1_500);
  assert.deepEqual([isTimedOut, status], [true, null]);
  assert.match(output, /^\d+\n$/);
  assert.deepEqual(readProcessTree(Number(output)), []);
  await group.close();
});

test("run() keeps the end of a long output", async () => {
  const group = new ProgramGroup(new AbortController().signal);
  const code = `process.stdout.write("x".repeat(${PROGRAM_OUTPUT_BYTES_MAX}) + "end")`;
  const { output } = await group.run(nodeProgram(code), 10_000);
  assert.equal(output.length, PROGRAM_OUTPUT_BYTES_MAX);
  assert.match(output, /xend$/);
  await group.close();
});

test("an aborted signal ends run() and pause() with BENCH_INTERRUPTED", async () => {
  const interrupt = new AbortController();
  const group = new ProgramGroup(interrupt.signal);
  const isInterrupted = (error: unknown): boolean => isWeftError(error, "BENCH_INTERRUPTED");
  const running = assert.rejects(group.run(nodeProgram("setInterval(() => {}, 1000)"), 60_000), isInterrupted);
  const pausing = assert.rejects(group.pause(60_000), isInterrupted);
  interrupt.abort();
  await Promise.all([running, pausing]);
  assert.throws(() => group.start(nodeProgram("")), isInterrupted);
  await group.close();
});

test("readUsage() accounts the CPU time that this process burns, finer than a tick", () => {
  // Between two readings this process may be kept from running while its other threads go on.
  const errorsUs = Array.from({ length: 5 }, () => {
    const before = readUsage([process.pid]);
    const ownBefore = process.cpuUsage();
    let sum = 0;
    while (process.cpuUsage(ownBefore).user < 50_000) sum += Math.sqrt(sum + 1);
    assert.ok(Number.isFinite(sum));
    const { user, system } = process.cpuUsage(ownBefore);
    return Math.abs(readUsage([process.pid]).cpuUs - before.cpuUs - user - system);
  });
  assert.ok(Math.min(...errorsUs) < 10_000, errorsUs.join(" "));
  assert.ok(readUsage([process.pid]).rssBytes > 10_000_000);
});

test("readUsage() counts nothing for a process that is gone", () => {
  assert.deepEqual(readUsage([2 ** 30]), { cpuUs: 0, rssBytes: 0 });
});
