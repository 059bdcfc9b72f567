import type { Clock, TimerHandle } from "@weft/kernel";
import { METRICS_LAG_PERIOD_MS } from "./limits.ts";
import { type Stats, StatsShape } from "./stats-shape.ts";

/** What holds for a whole worker: its configuration, the logs and traces that leave it, and the process itself. */
export const PROCESS_METRICS = {
  configRevision: {
    name: "weft_config_revision",
    type: "gauge",
    merge: "min",
    help: "Revision of the configuration in force; the oldest among the workers.",
  },
  configUpdates: {
    name: "weft_config_updates_total",
    label: "result",
    values: ["applied", "refused"],
    help: "Configurations that workers received, by result; each counts.",
  },
  configIsCurrent: {
    name: "weft_config_last_reload_successful",
    type: "gauge",
    merge: "min",
    help: "Is 1 while the latest configuration is in force in every worker, 0 while it is refused.",
  },
  configAppliedSeconds: {
    name: "weft_config_applied_timestamp_seconds",
    type: "gauge",
    merge: "min",
    help: "When the configuration in force was applied, in seconds since 1970.",
  },
  accessLogRecords: { name: "weft_access_log_records_total", help: "Access log records that were written." },
  accessLogDropped: {
    name: "weft_access_log_dropped_total",
    help: "Access log records lost because the log was slower than the traffic.",
  },
  spans: { name: "weft_tracing_spans_total", help: "Spans delivered to the collector." },
  spansDropped: {
    name: "weft_tracing_spans_dropped_total",
    help: "Spans lost because the collector was slow or refused them.",
  },
  overflows: {
    name: "weft_metrics_overflows_total",
    label: "kind",
    values: ["listener", "rule", "cluster", "host"],
    help: "Names that got no series of their own because a limit on series was reached.",
  },
  cpuSeconds: { name: "weft_process_cpu_seconds_total", help: "Processor time used, in user and system mode." },
  residentBytes: {
    name: "weft_process_resident_memory_bytes",
    type: "gauge",
    help: "Memory held, as the system counts it.",
  },
  heapBytes: {
    name: "weft_process_heap_used_bytes",
    type: "gauge",
    help: "Memory in use by JavaScript objects.",
  },
  lagUs: {
    name: "weft_process_event_loop_lag_seconds",
    type: "histogram",
    help: "How late a timer fired that is set all the time: what one turn of the loop delays others by.",
  },
  timersActive: {
    name: "weft_process_timers_active",
    type: "gauge",
    help: "Deadlines that are set: one or more for each connection and request.",
  },
  startedSeconds: {
    name: "weft_process_start_timestamp_seconds",
    type: "gauge",
    merge: "min",
    help: "When the oldest worker started, in seconds since 1970.",
  },
  workers: { name: "weft_process_workers", type: "gauge", help: "Worker processes that report." },
} as const;

export type ProcessStats = Stats<typeof PROCESS_METRICS>;

export const PROCESS_SHAPE: StatsShape<typeof PROCESS_METRICS> = new StatsShape([], PROCESS_METRICS);

/** The stats of this worker; `startedAtMs` in milliseconds since 1970. */
export function createProcessStats(startedAtMs: number): ProcessStats {
  const stats = PROCESS_SHAPE.create();
  stats.startedSeconds = startedAtMs / 1000;
  stats.workers = 1;
  return stats;
}

/** Asks the system what the process uses: before a scrape. */
export function refreshUsage(stats: ProcessStats): void {
  const usage = process.cpuUsage();
  const memory = process.memoryUsage();
  stats.cpuSeconds = (usage.user + usage.system) / 1e6;
  stats.residentBytes = memory.rss;
  stats.heapBytes = memory.heapUsed;
}

/**
 * Measures how late a timer fires, for as long as the process runs; it does not keep the process alive.
 *
 * @returns how to end it
 */
export function startLagProbe(clock: Clock, stats: ProcessStats): () => void {
  let dueMs = 0;
  let timer: TimerHandle | undefined = undefined;
  const arm = (): void => {
    dueMs = clock.nowMs() + METRICS_LAG_PERIOD_MS;
    timer = clock.setTimer(measure, METRICS_LAG_PERIOD_MS);
    timer.unref();
  };
  const measure = (): void => {
    stats.lagUs.record((clock.nowMs() - dueMs) * 1000);
    arm();
  };
  arm();
  return () => {
    if (timer !== undefined) clock.clearTimer(timer);
    timer = undefined;
  };
}
