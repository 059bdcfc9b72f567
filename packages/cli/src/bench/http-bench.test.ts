import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { requireProgram } from "@weft/testkit";
import { rotate, runHttpBench } from "./http-bench.ts";
import { findPeers } from "./machine.ts";
import { PEERS } from "./peers/index.ts";
import type { Peer } from "./peers/peer.ts";
import { type BenchPlan, QUICK_PLAN } from "./plan.ts";
import { HTTP2_SCENARIO, IDLE_SCENARIO, STREAM_SCENARIOS } from "./scenario.ts";

const skip = requireProgram("nginx", "wrk", "h2load");
const TINY: BenchPlan = {
  ...QUICK_PLAN,
  rounds: 1,
  idleConnections: 50,
  settleMs: 50,
  streamBytes: 8 * 1_048_576,
  streamBytesPerSecond: 64 * 1_048_576,
  streamStallMs: 50,
};
const OURS = PEERS.filter(({ name }) => name === "weft");

test("rotate() begins one later each time", () => {
  assert.deepEqual(rotate(["a", "b", "c"], 4), ["b", "c", "a"]);
  assert.deepEqual(rotate([], 3), []);
});

test("runHttpBench() measures every peer that is installed over HTTP/2", { skip, timeout: 120_000 }, async () => {
  const { installed } = await findPeers(PEERS);
  const peers = installed.map(({ peer }) => peer);
  const isWanted = (scenario: string): boolean => scenario === HTTP2_SCENARIO.name;
  const signal = new AbortController().signal;
  const { load, faults } = await runHttpBench({ plan: TINY, peers, isWanted, signal, onStep: () => {} });
  assert.deepEqual(faults, []);
  const able = peers.filter((peer) => peer.serves(HTTP2_SCENARIO.path)).map(({ name }) => name);
  assert.deepEqual(
    load.map(({ peer }) => peer),
    able,
  );
  for (const { requests, p50_ms: p50, p99_ms: p99, cpu_us_per_request: cpu, rss_mb: rss } of load) {
    assert.ok(requests >= 400);
    assert.ok(p50 > 0 && p99 >= p50);
    assert.ok(cpu > 1 && cpu < 10_000, String(cpu));
    assert.ok(rss > 1);
  }
});

test("runHttpBench() measures memory of idle connections and of slow readers", { skip, timeout: 120_000 }, async () => {
  const names: readonly string[] = [IDLE_SCENARIO.name, ...STREAM_SCENARIOS.map(({ name }) => name)];
  const { memory, faults } = await runHttpBench({
    plan: TINY,
    peers: OURS,
    isWanted: (scenario) => names.includes(scenario),
    signal: new AbortController().signal,
    onStep: () => {},
  });
  assert.deepEqual(faults, []);
  assert.deepEqual(
    memory.map(({ scenario }) => scenario),
    names,
  );
  assert.notEqual(memory[0]?.connection_kb, null);
  for (const { growth_mb: growth } of memory.slice(1)) assert.notEqual(growth, null);
});

test("runHttpBench() leaves out a peer that answers wrongly, and says so", { skip, timeout: 60_000 }, async () => {
  // Sends everything to a port where nobody listens.
  const broken = OURS.map((peer): Peer => {
    return { ...peer, prepare: (setup) => peer.prepare({ ...setup, backend: { http1: 1, http2: 1 } }) };
  });
  const isWanted = (scenario: string): boolean => scenario === HTTP2_SCENARIO.name;
  const signal = new AbortController().signal;
  const { load, faults } = await runHttpBench({ plan: TINY, peers: broken, isWanted, signal, onStep: () => {} });
  assert.deepEqual(load, []);
  assert.equal(faults.length, 1);
  assert.match(faults[0]?.reason ?? "", /^\[BENCH_WRONG_ANSWER\] Cannot measure weft: it answered 50\d for/);
});

test("runHttpBench() removes its files when it is interrupted", { skip, timeout: 60_000 }, async (context) => {
  // A folder of its own: other benchmarks may come and go meanwhile.
  const temporary = mkdtempSync(join(tmpdir(), "weft-bench-test-"));
  context.after(() => rmSync(temporary, { recursive: true, force: true }));
  const usual = process.env["TMPDIR"];
  process.env["TMPDIR"] = temporary;
  const interrupt = new AbortController();
  const bench = runHttpBench({
    plan: TINY,
    peers: OURS,
    isWanted: () => true,
    signal: interrupt.signal,
    onStep: () => interrupt.abort(),
  });
  await assert.rejects(bench, (error) => isWeftError(error, "BENCH_INTERRUPTED"));
  if (usual === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = usual;
  assert.deepEqual(readdirSync(temporary), []);
});
