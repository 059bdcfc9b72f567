import assert from "node:assert/strict";
import { test } from "node:test";
import { findGenerators } from "./generators.ts";
import { PHASES } from "./phases.ts";
import { QUICK_RELOAD_PLAN } from "./plan.ts";
import { runReloadBench } from "./reload-bench.ts";
import { evaluateReloadTargets } from "./reload-targets.ts";

const TINY = {
  ...QUICK_RELOAD_PLAN,
  phaseSeconds: 2,
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
