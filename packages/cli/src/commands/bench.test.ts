import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { BenchReport } from "../bench/report/bench-report.ts";
import { requireProgram } from "@weft/testkit";
import { runCommand } from "../test-command.ts";

test("weft bench ends with 2 and the list of suites on wrong usage", async () => {
  for (const args of [["bench"], ["bench", "nothing"]]) {
    const { status, stderr } = await runCommand(args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, /Suites:\n {2}http {2}/);
  }
});

test("weft bench ends with 2 before it measures when a report cannot be written", async () => {
  const { status, stderr } = await runCommand(["bench", "http", "--json", join(import.meta.filename, "report.json")]);
  assert.equal(status, 2);
  assert.match(stderr, /Cannot write .*report\.json/);
});

test(
  "weft bench writes JSON, with every target in it, and HTML beside it; --strict makes a missed target a failure",
  { skip: requireProgram("nginx", "wrk", "h2load"), timeout: 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-bench-command-"));
    try {
      const json = join(folder, "reports", "http.json");
      // No scenario has this name: nothing is measured, and no target is met.
      const args = ["bench", "http", "--quick", "--only", "no such scenario", "--json", json];
      const { status, stdout } = await runCommand(args);
      assert.equal(status, 0);
      assert.match(stdout, /✘ HTTP\/1\.1, CPU per request, vs nginx: not measured/);
      const report = JSON.parse(readFileSync(json, "utf8")) as BenchReport;
      assert.equal(report.suite, "http");
      assert.equal(report.targets.length, 7);
      assert.ok(existsSync(join(folder, "reports", "http.html")));
      assert.equal((await runCommand([...args, "--strict"])).status, 1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
