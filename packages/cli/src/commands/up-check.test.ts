import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { CheckReport } from "../demo/check/check.ts";
import { runCommand } from "../test-command.ts";

test("weft up --check --json tries every path, succeeds, and leaves no process", { timeout: 110_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-up-check-"));
  try {
    const { status, stdout, stderr } = await runCommand(["up", "--check", "--json", "--dir", folder]);
    const report = JSON.parse(stdout) as CheckReport;
    assert.deepEqual(
      report.checks.filter(({ isOk }) => !isOk),
      [],
    );
    assert.equal(report.ok, true);
    assert.equal(status, 0, stderr);
    assert.ok(report.checks.length >= 25);
    assert.ok(report.readyMs > 0 && report.durationMs < 60_000, `${report.durationMs} ms`);
    const commands = execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" });
    assert.ok(!commands.includes(folder), "a process of the mesh still runs");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
