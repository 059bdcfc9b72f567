import assert from "node:assert/strict";
import { test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { renderText } from "../report/text.ts";
import type { BenchReport } from "../report/bench-report.ts";
import { runShardingBench, SHARD_ALGORITHMS } from "./sharding-bench.ts";
import { evaluateShardingTargets, evaluateSubsetTargets } from "./sharding-targets.ts";
import { TARGET_SCENARIO } from "./sharding-scenario.ts";
import { measureSubsets } from "./subset-bench.ts";

const SMALL = { name: "small", clients: 64, servers: 20, size: 5 };

function run(scenarios: readonly (typeof SMALL)[], signal = AbortSignal.timeout(60_000)) {
  return runShardingBench({ scenarios, signal, onStep: () => {} });
}

test("runShardingBench() has the figures of every algorithm, and no move below what cannot be avoided", async () => {
  const rows = await run([SMALL]);
  assert.deepEqual(
    rows.map(({ peer }) => peer),
    SHARD_ALGORITHMS,
  );
  for (const row of rows) {
    assert.ok(row.max_connections_ratio >= 1 && row.min_connections_ratio <= 1, row.peer);
    assert.ok(row.p99_connections_ratio <= row.max_connections_ratio, row.peer);
    assert.ok(row.moved_one_server_ratio >= 1 && row.moved_tenth_of_servers_ratio >= 1, row.peer);
    assert.equal(row.moved_one_client_ratio, 1, row.peer);
    assert.ok(row.update_us > 0 && row.build_us > 0, row.peer);
  }
  const find = (peer: string): number => rows.find((row) => row.peer === peer)?.moved_one_server_ratio ?? 0;
  assert.deepEqual([find("ring"), find("rendezvous")], [1, 1]);
});

test("runShardingBench() ends when it is interrupted", async () => {
  await assert.rejects(run([SMALL], AbortSignal.abort()), (error) => isWeftError(error, "BENCH_INTERRUPTED"));
});

test("evaluateShardingTargets() judges the draft in the scenario that the target names", async () => {
  const rows = await run([TARGET_SCENARIO]);
  const [target] = evaluateShardingTargets(rows);
  assert.equal(target?.ok, true);
  assert.ok((target?.value ?? 9) <= 1.1);
  const poor = rows.map((row) => ({ ...row, max_connections_ratio: 1.11 }));
  assert.equal(evaluateShardingTargets(poor)[0]?.ok, false);
  assert.deepEqual(evaluateShardingTargets([])[0], {
    ...target,
    value: null,
    ok: false,
    reason: "the scenario was left out",
  });
});

test("measureSubsets() gives a row that the report shows, with every target", () => {
  const row = measureSubsets();
  assert.ok(row.full_build_ms > 0 && row.one_host_ms > 0 && row.one_host_ratio > 0);
  assert.ok(row.full_build_kb > 255 && row.one_host_kb > 0 && row.one_host_kb < row.full_build_kb);
  const targets = evaluateSubsetTargets([row]);
  const machine = { cpu: "", cores: "", memory: "", kernel: "", node: "", peers: "", generators: "" };
  const report: BenchReport = {
    suite: "sharding",
    mode: "quick",
    machine,
    rows: [row],
    targets,
    left_out: [],
    faults: [],
  };
  assert.match(renderText(report), /full build, CPU ms[\s\S]*one host added, allocated/);
  assert.deepEqual(
    targets.map(({ limit }) => limit),
    [10, 0.05, 100],
  );
  assert.ok(evaluateSubsetTargets([]).every(({ ok, value }) => !ok && value === null));
});
