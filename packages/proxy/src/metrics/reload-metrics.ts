import type { ReloadStatus } from "@weft/contract";
import { PROCESS_METRICS } from "./process-stats.ts";
import { type MetricsSnapshot, SnapshotBuilder } from "./snapshot.ts";
import { StatsShape } from "./stats-shape.ts";

/** What the owner of a configuration source counts. */
export const RELOAD_METRICS = {
  reloads: {
    name: "weft_config_reloads_total",
    label: "result",
    values: ["applied", "refused"],
    help: "Versions of the configuration on disk, by result: applied, or refused, be it as wrong or by a worker.",
  },
  refusedSeconds: {
    name: "weft_config_refused_timestamp_seconds",
    type: "gauge",
    merge: "max",
    help: "When a version of the configuration on disk was last refused, in seconds since 1970; 0 for never.",
  },
  problems: {
    name: "weft_config_problems",
    type: "gauge",
    help: "What is wrong with the configuration on disk at present: see /api/reloads.",
  },
} as const;

export const RELOAD_SHAPE: StatsShape<typeof RELOAD_METRICS> = new StatsShape([], RELOAD_METRICS);

/** The counts of a configuration source, to be merged with those of the workers. */
export function reloadMetrics(status: ReloadStatus, wallMs: number): MetricsSnapshot {
  const stats = RELOAD_SHAPE.create();
  stats.reloads.applied = status.applied;
  stats.reloads.refused = status.refused;
  stats.refusedSeconds = status.refusedAtMs / 1000;
  stats.problems = status.problems.length;
  const builder = new SnapshotBuilder();
  RELOAD_SHAPE.addTo(builder, [], stats);
  // The workers say the same of what reached them: the smallest counts.
  builder.number(PROCESS_METRICS.configIsCurrent.name, [], status.isCurrent ? 1 : 0);
  return builder.build(wallMs);
}
