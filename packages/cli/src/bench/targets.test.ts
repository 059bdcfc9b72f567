import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadRound, Measurements, MemoryRound } from "./measurement.ts";
import { HTTP1_SCENARIO, HTTP2_SCENARIO, IDLE_SCENARIO, LOAD_SCENARIOS, STREAM_SCENARIOS } from "./scenario.ts";
import { evaluateTargets, type TargetResult } from "./targets.ts";

const NOTHING: Measurements = { load: [], memory: [], faults: [] };

function loadRound(scenario: string, peer: string, round: number, cpu: number): LoadRound {
  const figures = { requests: 100, requests_per_second: 1, p50_ms: 1, p99_ms: 1, rss_mb: 1 };
  return { scenario, peer, round, cpu_us_per_request: cpu, ...figures };
}

function memoryRound(scenario: string, figures: Partial<MemoryRound>): MemoryRound {
  const empty = { empty_mb: 1, rss_mb: 1, connection_kb: null, growth_mb: null };
  return { scenario, peer: "weft", round: 1, ...empty, ...figures };
}

function find(results: readonly TargetResult[], part: string): TargetResult {
  const result = results.find(({ name }) => name.includes(part));
  assert.ok(result, part);
  return result;
}

test("evaluateTargets() has every target of the suite when nothing was measured, each with a reason", () => {
  const results = evaluateTargets(NOTHING);
  assert.deepEqual(
    results.map(({ limit }) => limit),
    [1.4, 1.2, 0.15, 1.6, 0.25, 4, 32],
  );
  for (const { value, ok, reason } of results) {
    assert.equal(value, null);
    assert.equal(ok, false);
    assert.notEqual(reason, "");
  }
});

test("evaluateTargets() takes the median of ratios per round; exactly the limit is met", () => {
  const { name } = HTTP1_SCENARIO;
  const rounds = (cpus: readonly number[]): readonly LoadRound[] =>
    cpus.flatMap((cpu, index) => [loadRound(name, "weft", index, cpu), loadRound(name, "nginx", index, 10)]);
  const judge = (cpus: readonly number[]): TargetResult =>
    find(evaluateTargets({ ...NOTHING, load: rounds(cpus) }), "vs nginx");
  assert.deepEqual([judge([14, 100, 1]).value, judge([14, 100, 1]).ok], [1.4, true]);
  assert.deepEqual([judge([15, 100, 1]).value, judge([15, 100, 1]).ok], [1.5, false]);
});

test("evaluateTargets() misses a target when ours had a fault, whatever the figures say", () => {
  const { name } = HTTP2_SCENARIO;
  const load = [loadRound(name, "weft", 1, 1), loadRound(name, "HAProxy", 1, 10)];
  const faults = [{ scenario: name, peer: "weft", round: 2, reason: "3 answers missing" }];
  const { value, ok, reason } = find(evaluateTargets({ ...NOTHING, load, faults }), "vs HAProxy");
  // Two targets are against HAProxy; the first is HTTP/2 -> HTTP/2.
  assert.deepEqual([value, ok], [0.1, false]);
  assert.match(reason, /3 answers missing/);
});

test("evaluateTargets() judges any row by the worst one, and not at all while one is missing", () => {
  const load = LOAD_SCENARIOS.flatMap(({ name, path }, index) => [
    loadRound(name, "weft", 1, 10 + index),
    loadRound(name, path.downstream === "http1" ? "node:http" : "node:http2", 1, 100),
  ]);
  const all = find(evaluateTargets({ ...NOTHING, load }), "any row");
  assert.deepEqual([all.value, all.ok, all.reason], [0.17, true, 'the worst row is "gRPC unary"']);
  const some = find(evaluateTargets({ ...NOTHING, load: load.slice(2) }), "any row");
  assert.deepEqual([some.value, some.ok], [null, false]);
  assert.match(some.reason, /HTTP\/1\.1, 1 connection/);
});

test("evaluateTargets() takes the larger growth of the two long bodies, and the median of idle rounds", () => {
  const memory = [
    ...STREAM_SCENARIOS.map(({ name }, index) => memoryRound(name, { growth_mb: 20 + index * 20 })),
    ...[3, 9, 4].map((kb, index) => memoryRound(IDLE_SCENARIO.name, { round: index, connection_kb: kb })),
  ];
  const results = evaluateTargets({ ...NOTHING, memory });
  assert.deepEqual([find(results, "1 GB").value, find(results, "1 GB").ok], [40, false]);
  assert.deepEqual([find(results, "idle").value, find(results, "idle").ok], [4, true]);
});
