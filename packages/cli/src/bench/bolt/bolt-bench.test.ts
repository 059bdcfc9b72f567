import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LoadRound } from "../measurement.ts";
import { BOLT_SCENARIO, runBoltBench } from "./bolt-bench.ts";
import { parseBoltLoad } from "./bolt-load.ts";
import { BOLT_RIVAL } from "./bolt-peers.ts";
import { evaluateBoltTargets } from "./bolt-targets.ts";
import { createHeartbeatAnswer, createRequest, FrameCutter, isHeartbeat } from "./frames.ts";

function round(peer: string, number: number, cpu: number): LoadRound {
  const figures = { requests: 10, requests_per_second: 10, p50_ms: 1, p99_ms: 2, rss_mb: 50 };
  return { scenario: BOLT_SCENARIO, peer, round: number, cpu_us_per_request: cpu, ...figures };
}

describe("evaluateBoltTargets()", () => {
  const both = [round("weft", 1, 14), round(BOLT_RIVAL, 1, 10), round("weft", 2, 16), round(BOLT_RIVAL, 2, 10)];

  test("takes the median of rounds that both have", () => {
    const [target] = evaluateBoltTargets({ load: both, memory: [], faults: [] });
    assert.equal(target?.value, 1.5);
    assert.ok(target.ok);
    assert.equal(evaluateBoltTargets({ load: [round("weft", 1, 9)], memory: [], faults: [] })[0]?.ok, false);
  });

  test("is missed where a round of ours failed", () => {
    const fault = { scenario: BOLT_SCENARIO, peer: "weft", round: 3, reason: "a connection was closed" };
    const [target] = evaluateBoltTargets({ load: both, memory: [], faults: [fault] });
    assert.equal(target?.ok, false);
    assert.match(target.reason, /a connection was closed/);
  });
});

test("parseBoltLoad() reads the report, and says what is wrong with it", () => {
  const report = { requests: 100, seconds: 2, p50_ms: 1, p99_ms: 3, fault: "" };
  assert.deepEqual(parseBoltLoad(`${JSON.stringify(report)}\n`), {
    requests: 100,
    requestsPerSecond: 50,
    p50Ms: 1,
    p99Ms: 3,
    fault: "",
  });
  assert.equal(parseBoltLoad(JSON.stringify({ ...report, requests: 0 })).fault, "no answer came");
  assert.throws(() => parseBoltLoad("Error: nothing"), /Error: nothing/);
});

test("FrameCutter finds each frame, and heartbeats between them, however the bytes come", () => {
  const heartbeat = createHeartbeatAnswer();
  const call = createRequest();
  const sequence = [call, heartbeat, heartbeat, call, call, heartbeat];
  const bytes = Buffer.concat(sequence);
  for (let step = 1; step <= bytes.length; step++) {
    const found: boolean[] = [];
    const cutter = new FrameCutter((piece, at) => found.push(isHeartbeat(piece, at)));
    for (let at = 0; at < bytes.length; at += step) cutter.take(bytes.subarray(at, at + step));
    const expected = sequence.map((frame) => frame === heartbeat);
    assert.deepEqual(found, expected, `pieces of ${step}`);
  }
});

test("runBoltBench() measures calls through a sidecar, each answered as expected", async () => {
  const { load, faults } = await runBoltBench({
    rounds: 1,
    roundSeconds: 0.2,
    warmUpSeconds: 0.1,
    missing: [BOLT_RIVAL],
    signal: AbortSignal.timeout(60_000),
    onStep: () => {},
  });
  assert.deepEqual(faults, []);
  assert.equal(load.length, 1);
  assert.ok((load[0]?.requests ?? 0) > 0);
  assert.ok((load[0]?.cpu_us_per_request ?? 0) > 0);
});
