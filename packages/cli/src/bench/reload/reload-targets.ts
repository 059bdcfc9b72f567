import type { TargetResult } from "../targets.ts";
import type { PhaseRow } from "./phase-row.ts";
import { PHASES } from "./phases.ts";
import type { ReloadMeasurements } from "./reload-bench.ts";

/** What changes are held to: no phase may lose a request that was not in flight on a worker that was killed. */
export function evaluateReloadTargets({ rows, faults }: ReloadMeasurements): readonly TargetResult[] {
  return PHASES.map(({ name: phase, mayFail }) => {
    const own = rows.filter(({ scenario }) => scenario === phase);
    const value = own.length === 0 ? null : own.reduce((sum, row) => sum + countBeyond(row), 0);
    const fault = faults.find(({ scenario }) => scenario === phase);
    return {
      name: mayFail ? `${phase}: failed requests beyond those in flight there` : `${phase}: failed requests`,
      limit: 0,
      unit: "requests",
      value,
      ok: value === 0 && fault === undefined,
      reason: fault?.reason ?? (value === null ? "the phase was left out" : ""),
    };
  });
}

function countBeyond({ failed, failed_at_most: allowed }: PhaseRow): number {
  return Math.max(0, failed - allowed);
}
