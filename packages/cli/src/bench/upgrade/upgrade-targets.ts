import type { TargetResult } from "../targets.ts";
import type { UpgradePlan } from "./plan.ts";
import type { UpgradeMeasurements } from "./upgrade-bench.ts";

/** What upgrades are held to: nobody notices. */
export function evaluateUpgradeTargets(
  { rows, faults }: UpgradeMeasurements,
  { connections, requestsPerSecond, upgrades }: UpgradePlan,
): readonly TargetResult[] {
  const what = `${upgrades} upgrades under ${requestsPerSecond} requests/s on ${connections} Bolt connections`;
  const reason = faults.map((fault) => fault.reason).join("; ");
  const judge = (name: string, unit: TargetResult["unit"], figure: "failed" | "closed"): TargetResult => {
    const value = rows.length < upgrades ? null : rows.reduce((sum, row) => sum + row[figure], 0);
    return { name: `${what}: ${name}`, limit: 0, unit, value, ok: value === 0 && reason === "", reason };
  };
  return [judge("failed", "requests", "failed"), judge("closed", "connections", "closed")];
}
