import { type Clock, Histogram, type TimerHandle } from "@weft/kernel";
import { METRICS_LAG_PERIOD_MS } from "./limits.ts";
import type { NumberSeries, SnapshotBuilder } from "./snapshot.ts";

/** What holds for a whole worker: its configuration, the logs and traces that leave it, and the process itself. */
export class ProcessStats {
  configRevision: number = 0;
  configApplied: number = 0;
  configRefused: number = 0;
  /** 1 while the configuration that came last is in force, all of it. */
  configIsCurrent: number = 0;
  /** Milliseconds since 1970. */
  configAppliedAtMs: number = 0;
  accessLogRecords: number = 0;
  accessLogDropped: number = 0;
  spans: number = 0;
  spansDropped: number = 0;
  timersActive: number = 0;
  readonly lagUs: Histogram = new Histogram();
  readonly #startedAtMs: number;

  /** `startedAtMs`: milliseconds since 1970. */
  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  /** Adds the series of the process; asks the system for its usage. */
  addTo(builder: SnapshotBuilder): void {
    builder.numbers<ProcessStats>(this, [], NUMBERS);
    const usage = process.cpuUsage();
    const memory = process.memoryUsage();
    builder.number("weft_config_applied_timestamp_seconds", [], this.configAppliedAtMs / 1000);
    builder.number("weft_process_cpu_seconds_total", [], (usage.user + usage.system) / 1e6);
    builder.number("weft_process_resident_memory_bytes", [], memory.rss);
    builder.number("weft_process_heap_used_bytes", [], memory.heapUsed);
    builder.number("weft_process_start_timestamp_seconds", [], this.#startedAtMs / 1000);
    builder.number("weft_process_workers", [], 1);
    builder.histogram("weft_process_event_loop_lag_seconds", [], this.lagUs.snapshot());
  }
}

const NUMBERS: readonly NumberSeries<ProcessStats>[] = [
  ["weft_config_revision", [], "configRevision"],
  ["weft_config_updates_total", ["applied"], "configApplied"],
  ["weft_config_updates_total", ["refused"], "configRefused"],
  ["weft_config_last_reload_successful", [], "configIsCurrent"],
  ["weft_access_log_records_total", [], "accessLogRecords"],
  ["weft_access_log_dropped_total", [], "accessLogDropped"],
  ["weft_tracing_spans_total", [], "spans"],
  ["weft_tracing_spans_dropped_total", [], "spansDropped"],
  ["weft_process_timers_active", [], "timersActive"],
];

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
