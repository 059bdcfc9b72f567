import assert from "node:assert/strict";
import { test } from "node:test";
import { WeftError } from "@weft/kernel";
import { findGenerators, WRK } from "./generators.ts";
import { PHASES } from "./phases.ts";
import { QUICK_RELOAD_PLAN } from "./plan.ts";
import { runReloadBench } from "./reload-bench.ts";
import { evaluateReloadTargets } from "./reload-targets.ts";

const TINY = {
  ...QUICK_RELOAD_PLAN,
  phaseSeconds: 1,
  changeEveryMs: 250,
  killEveryMs: 500,
  restMsMax: 10,
  wrkConnections: 8,
  h2loadConnections: 2,
};

test(
  "no request fails while everything is replaced, but those in flight on a killed worker",
  { timeout: 240_000 },
  async () => {
    const measurements = await runReloadBench({
      plan: TINY,
      generators: findGenerators().installed,
      isWanted: () => true,
      signal: new AbortController().signal,
      onStep: () => {},
    });
    assert.deepEqual(measurements.faults, []);
    const targets = evaluateReloadTargets(measurements);
    assert.deepEqual(
      targets.map(({ value, ok }) => ({ value, ok })),
      PHASES.map(() => ({ value: 0, ok: true })),
    );
    for (const { scenario, client, requests, changes, p99_ms: p99, gap_ms: gap } of measurements.rows) {
      const where = `${scenario}, ${client}`;
      assert.ok(requests > 0, where);
      assert.ok(changes > 0, where);
      assert.ok(p99 > 0, where);
      assert.ok(gap === null || gap > 0, where);
    }
    const killed = measurements.rows.filter(({ scenario }) => scenario === "workers killed");
    // The kills were felt, so what counts them counts.
    assert.ok(killed.reduce((sum, { failed }) => sum + failed, 0) > 0);
    const rewritten = measurements.rows.filter(({ scenario }) => scenario === "routes rewritten");
    assert.ok(rewritten.every(({ sent_again: sent, seen_after_ms: seen }) => sent === null || (seen ?? 0) > 0));
  },
);

test("runReloadBench() writes down what could not be measured, and misses the target", async () => {
  const broken = { ...WRK, run: () => Promise.reject(new WeftError("BENCH_GENERATOR_FAILED", "it broke", {})) };
  const measurements = await runReloadBench({
    plan: TINY,
    generators: [broken],
    isWanted: (phase) => phase === "wrong files written",
    signal: new AbortController().signal,
    onStep: () => {},
  });
  const reason = "[BENCH_GENERATOR_FAILED] it broke";
  assert.deepEqual(measurements, {
    rows: [],
    faults: [{ scenario: "wrong files written", peer: "weft", round: 0, reason }],
  });
  const target = evaluateReloadTargets(measurements).find(({ name }) => name.startsWith("wrong files"));
  assert.deepEqual([target?.value, target?.ok, target?.reason], [null, false, reason]);
});
