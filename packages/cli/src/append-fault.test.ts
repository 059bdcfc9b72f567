import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { accessLogFile, appendFault } from "./append-fault.ts";

function makeFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "weft-append-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("appendFault() finds nothing where a log can be written, and leaves nothing behind", (context) => {
  const folder = makeFolder(context);
  assert.equal(appendFault(join(folder, "a.log")), null);
  assert.equal(appendFault(join(folder, "a".repeat(200))), null);
  assert.deepEqual(readdirSync(folder), []);
  writeFileSync(join(folder, "b.log"), "kept\n");
  assert.equal(appendFault(join(folder, "b.log")), null);
  assert.equal(readFileSync(join(folder, "b.log"), "utf8"), "kept\n");
  // A pipe without a reader could not be opened without waiting for one.
  execFileSync("mkfifo", [join(folder, "pipe")]);
  assert.equal(appendFault(join(folder, "pipe")), null);
  assert.equal(appendFault("/dev/null"), null);
});

test("appendFault() says why a log cannot be written", (context) => {
  const folder = makeFolder(context);
  assert.equal(appendFault(join(folder, "no", "a.log")), `the folder ${folder}/no does not exist`);
  assert.equal(appendFault("/proc/nope/a.log"), "the folder /proc/nope does not exist");
  assert.equal(appendFault(folder), "it is a folder");
  writeFileSync(join(folder, "file"), "");
  assert.equal(appendFault(join(folder, "file", "a.log")), `the folder ${folder}/file is none`);
  symlinkSync("loop", join(folder, "loop"));
  assert.equal(appendFault(join(folder, "loop")), "its links form a loop");
  mkdirSync(join(folder, "locked"));
  chmodSync(join(folder, "locked"), 0o500);
  // Root writes everywhere.
  if (process.getuid?.() !== 0) assert.equal(appendFault(join(folder, "locked", "a.log")), "permission denied");
});

test("accessLogFile() is the file that is written to", () => {
  const rule = { statusMin: 0, durationMsMin: 0, routes: [], sample: 1 };
  assert.equal(accessLogFile({ target: "/logs/a", rules: [rule] }), "/logs/a");
  assert.equal(accessLogFile({ target: "a", rules: [rule] }), join(process.cwd(), "a"));
  assert.equal(accessLogFile({ target: "stdout", rules: [rule] }), null);
  assert.equal(accessLogFile({ target: "", rules: [rule] }), null);
  assert.equal(accessLogFile({ target: "/logs/a", rules: [{ ...rule, sample: 0 }] }), null);
});
