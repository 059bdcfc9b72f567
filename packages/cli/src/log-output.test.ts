import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LOG_PENDING_BYTES_MAX } from "./limits.ts";
import { LogOutput } from "./log-output.ts";

test("LogOutput.write() keeps the order of lines and says how many were lost beyond the limit", () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-log-output-"));
  const path = join(folder, "log");
  const fd = openSync(path, "w");
  try {
    const output = new LogOutput(fd);
    const line = `${"x".repeat(9_999)}\n`;
    // In one turn, so that nothing is written meanwhile but the first line, which is handed over at once.
    const room = Math.floor(LOG_PENDING_BYTES_MAX / line.length) + 1;
    for (let count = 0; count < room; count++) output.write(line);
    assert.equal(output.lostLines, 0);
    output.write(line);
    output.write(line);
    assert.equal(output.lostLines, 2);
    output.write("y\n");
    output.end();
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    assert.equal(lines.filter((text) => text.startsWith("x")).length, room);
    assert.deepEqual(lines.slice(-2), ["(2 lines were lost: their reader is too slow)", "y"]);
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true, force: true });
  }
});
