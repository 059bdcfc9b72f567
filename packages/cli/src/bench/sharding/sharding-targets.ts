import type { TargetResult } from "../targets.ts";
import { TARGET_SCENARIO } from "./sharding-scenario.ts";
import type { ShardingRow, SubsetRow } from "./sharding-row.ts";

/** What sharding is held to; the draft is what is judged. */
export function evaluateShardingTargets(rows: readonly ShardingRow[]): readonly TargetResult[] {
  const own = rows.find(({ scenario, peer }) => scenario === TARGET_SCENARIO.name && peer === "draft");
  return [judge(`max/mean connections per server, ${TARGET_SCENARIO.name}`, 1.1, "ratio", own?.max_connections_ratio)];
}

/** What the subset index is held to. */
export function evaluateSubsetTargets(rows: readonly SubsetRow[]): readonly TargetResult[] {
  const [row] = rows;
  const where = "8000 hosts x 4 labels x 15 selectors";
  return [
    judge(`subset index, ${where}: full build`, 10, "ms", row?.full_build_ms),
    judge(`subset index, ${where}: one host added, time vs full build`, 0.05, "ratio", row?.one_host_ratio),
    judge(`subset index, ${where}: one host added, allocated`, 100, "KB", row?.one_host_kb),
  ];
}

function judge(name: string, limit: number, unit: TargetResult["unit"], value: number | undefined): TargetResult {
  const reason = value === undefined ? "the scenario was left out" : "";
  return { name, limit, unit, value: value ?? null, ok: value !== undefined && value <= limit, reason };
}
