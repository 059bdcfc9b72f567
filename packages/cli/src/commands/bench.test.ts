import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readProcessTree } from "../bench/process-usage.ts";
import { type BenchReport, isPhaseRow } from "../bench/report/bench-report.ts";
import { isAlive, runCommand, spawnCommand, until } from "../test-command.ts";

test("weft bench ends with 2 and the list of suites on wrong usage, and says what was probably meant", async () => {
  for (const [args, reason] of [
    [["bench"], /a suite is missing\nSuites:\n {2}http {2,}HTTP/],
    [["bench", "nothing"], /there is no suite "nothing"\nSuites:\n {2}http {2,}HTTP/],
    [["bench", "relaod"], /there is no suite "relaod"; did you mean "reload"\?\nSuites:/],
    [["bench", "reload", "--seconds", "0"], /whole number from 1 to 3600/],
    [["bench", "reload", "--seconds", "3601"], /whole number from 1 to 3600/],
    [
      ["bench", "http", "--only", "HTTP/3"],
      /no scenario of http has "HTTP\/3" in its name\nScenarios:\n {2}HTTP\/1\.1, 1 con/,
    ],
    [["bench", "reload", "--only", "HTTP"], /Scenarios:\n {2}routes rewritten\n/],
  ] as const) {
    const { status, stderr } = await runCommand(args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, reason);
  }
});

test("weft bench ends with 2 before it measures when a report cannot be written", async () => {
  const { status, stderr } = await runCommand(["bench", "http", "--json", join(import.meta.filename, "report.json")]);
  assert.equal(status, 2);
  assert.match(stderr, /Cannot write .*report\.json/);
});

test("weft bench writes JSON, with every target in it, and HTML beside it; --strict makes a missed target a failure", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-bench-command-"));
  try {
    const json = join(folder, "reports", "reload.json");
    // Targets of the phases that are left out are not met.
    const args = ["bench", "reload", "--seconds", "1", "--only", "wrong files", "--json", json, "--strict"];
    const { status, stdout } = await runCommand(args);
    assert.equal(status, 1);
    assert.match(stdout, /✘ routes rewritten: failed requests: not measured/);
    assert.match(stdout, /✔ wrong files written: failed requests: 0 requests/);
    const report = JSON.parse(readFileSync(json, "utf8")) as BenchReport;
    assert.equal(report.suite, "reload");
    assert.deepEqual(
      report.targets.map(({ ok }) => ok),
      [false, false, true, false, false],
    );
    assert.ok(report.rows.every((row) => isPhaseRow(row) && row.scenario === "wrong files written"));
    assert.match(readFileSync(json.replace(".json", ".html"), "utf8"), /<h2>wrong files written/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("weft bench that is interrupted ends with 1 and leaves no process and no folder", async () => {
  const temporary = mkdtempSync(join(tmpdir(), "weft-bench-command-"));
  try {
    const child = spawnCommand(["bench", "reload", "--quick"], { TMPDIR: temporary });
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => void (said += text));
    await until(() => said.includes("routes rewritten"));
    const pids = readProcessTree(child.pid ?? 0);
    // This one, the backends, a supervisor and two workers at least.
    assert.ok(pids.length >= 5, String(pids.length));
    assert.equal(readdirSync(temporary).length, 1);
    child.kill("SIGINT");
    assert.deepEqual(await once(child, "exit"), [1, null]);
    assert.match(said, /BENCH_INTERRUPTED/);
    await until(() => !pids.some((pid) => isAlive(pid)));
    assert.deepEqual(readdirSync(temporary), []);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
});
