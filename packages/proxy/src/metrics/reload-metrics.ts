import type { ReloadStatus } from "@weft/contract";
import { type MetricsSnapshot, SnapshotBuilder } from "./snapshot.ts";

/** What the owner of a configuration source counts, to be merged with what the workers do. */
export function reloadMetrics(status: ReloadStatus, wallMs: number): MetricsSnapshot {
  const builder = new SnapshotBuilder();
  builder.number("weft_config_reloads_total", ["applied"], status.applied);
  builder.number("weft_config_reloads_total", ["refused"], status.refused);
  builder.number("weft_config_last_reload_successful", [], status.isCurrent ? 1 : 0);
  builder.number("weft_config_refused_timestamp_seconds", [], status.refusedAtMs / 1000);
  builder.number("weft_config_problems", [], status.problems.length);
  return builder.build(wallMs);
}
