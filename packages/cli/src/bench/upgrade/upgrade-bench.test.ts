import assert from "node:assert/strict";
import { test } from "node:test";
import { canPassHandles } from "@weft/kernel";
import type { UpgradePlan } from "./plan.ts";
import { runUpgradeBench, UPGRADE_SCENARIO, type UpgradeMeasurements } from "./upgrade-bench.ts";
import type { UpgradeRow } from "./upgrade-row.ts";
import { evaluateUpgradeTargets } from "./upgrade-targets.ts";

const PLAN: UpgradePlan = { connections: 50, requestsPerSecond: 100, upgrades: 1, calmSeconds: 0.2 };
const ROW: UpgradeRow = {
  scenario: UPGRADE_SCENARIO,
  upgrade: 1,
  took_ms: 900,
  hand_over_ms: 90,
  moved: 50,
  busy: 0,
  requests: 100,
  failed: 0,
  closed: 0,
  calm_longest_ms: 5,
  longest_ms: 9,
};

function verdicts(measurements: UpgradeMeasurements): readonly (readonly [number | null, boolean])[] {
  return evaluateUpgradeTargets(measurements, PLAN).map(({ value, ok }) => [value, ok]);
}

test("evaluateUpgradeTargets() counts what failed and what was closed, and misses what was not measured", () => {
  assert.deepEqual(verdicts({ rows: [ROW], faults: [] }), [
    [0, true],
    [0, true],
  ]);
  assert.deepEqual(verdicts({ rows: [{ ...ROW, failed: 2, closed: 1 }], faults: [] }), [
    [2, false],
    [1, false],
  ]);
  assert.deepEqual(verdicts({ rows: [], faults: [] }), [
    [null, false],
    [null, false],
  ]);
});

test("runUpgradeBench() upgrades a proxy under load, and no call fails", { skip: !canPassHandles() }, async () => {
  const signal = AbortSignal.timeout(120_000);
  const { rows, faults } = await runUpgradeBench({ plan: PLAN, signal, onStep: () => {} });
  assert.deepEqual(faults, []);
  const [row] = rows;
  assert.deepEqual([row?.failed, row?.closed], [0, 0]);
  assert.equal((row?.moved ?? 0) + (row?.busy ?? 0), PLAN.connections);
  assert.ok((row?.requests ?? 0) > 0 && (row?.took_ms ?? 0) > 0);
});
