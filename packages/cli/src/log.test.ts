import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { createLog } from "./log.ts";
import { NODE_ARGS } from "./test-command.ts";

const LOG_MODULE = new URL("log.ts", import.meta.url).href;

test("createLog() writes JSON lines with level, time, process and fields, from the level on that is set", () => {
  const lines: string[] = [];
  const output = { write: (line: string): void => void lines.push(line) };
  const log = createLog({ name: "proxy", isForPeople: false, level: "info", output });
  log.debug("too little");
  log.info("listening", { port: 80 });
  log.level = "debug";
  log.debug("enough now");
  log.level = "error";
  log.warn("too little");
  log.error("broken");
  const [first, second, third, ...rest] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(rest, []);
  const { time, ...fields } = first ?? {};
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  assert.deepEqual(fields, { level: "info", pid: process.pid, name: "proxy", port: 80, message: "listening" });
  assert.deepEqual([second?.["message"], third?.["message"]], ["enough now", "broken"]);
});

test("createLog() writes short lines for people", () => {
  const lines: string[] = [];
  const output = { write: (line: string): void => void lines.push(line) };
  const log = createLog({ name: "proxy", isForPeople: true, level: "info", output });
  log.debug("too little");
  log.warn("drain ended", { outcome: "deadline", reason: "two words", took: 1.5, error: new Error("why") });
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? "",
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}proxy: drain ended outcome=deadline reason="two words" took=1\.5 error="why"\n$/,
  );
});

/** Runs a program that logs, in a process of its own. */
function runProgram(program: string): ReturnType<typeof spawn> {
  const source = `import { createLog } from ${JSON.stringify(LOG_MODULE)};
const log = createLog({ name: "test", isForPeople: false, level: "info" });
${program}`;
  const args = [...NODE_ARGS, "--input-type=module", "--eval", source];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
}

test("createLog() loses no line when the process ends right after", async () => {
  const child = runProgram("for (let n = 0; n < 1000; n++) log.info(String(n)); process.exit(3);");
  assert.ok(child.stderr !== null);
  const [content, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  assert.equal(status, 3);
  assert.equal(content.trimEnd().split("\n").length, 1000);
});

test("createLog() goes on when nobody reads any more", async () => {
  const child = runProgram(`
let left = 200;
const again = () => {
  log.info("x".repeat(1000));
  if (--left > 0) setTimeout(again, 1);
  else process.exit(5);
};
again();`);
  child.stderr?.destroy();
  assert.deepEqual(await once(child, "exit"), [5, null]);
});

test("createLog() neither waits for a reader that takes nothing nor keeps all lines for it", async () => {
  const child = runProgram(`
const before = process.memoryUsage().rss;
const line = "x".repeat(10_000);
let left = 100;
const again = () => {
  for (let n = 0; n < 100; n++) log.info(line);
  if (--left > 0) setImmediate(again);
  else process.stdout.end(String(process.memoryUsage().rss - before));
};
again();`);
  assert.ok(child.stdout !== null && child.stderr !== null);
  // 100 MB were logged while standard error was not read.
  const growth = Number(await text(child.stdout));
  assert.ok(growth < 60_000_000, `${growth} bytes`);
  const [content, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  assert.equal(status, 0);
  const lines = content.trimEnd().split("\n").length;
  assert.ok(lines > 0 && lines < 1000, `${lines} lines`);
});
