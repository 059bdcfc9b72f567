import { Histogram, type HistogramSnapshot } from "@weft/kernel";
import { definitionOf } from "./catalog.ts";

/** One counter or gauge: the label values in the order of the metric's label names, and the number. */
export interface NumberSample {
  readonly labels: readonly string[];
  readonly value: number;
}

/** One histogram, in microseconds. */
export interface HistogramSample {
  readonly labels: readonly string[];
  readonly histogram: HistogramSnapshot;
}

/** All series of a process, or of several merged, at one moment; plain data that survives JSON. */
export interface MetricsSnapshot {
  /** When it was taken, in milliseconds since 1970. */
  readonly wallMs: number;
  /** Samples by metric name. */
  readonly numbers: Readonly<Record<string, readonly NumberSample[]>>;
  readonly histograms: Readonly<Record<string, readonly HistogramSample[]>>;
}

/** The fields of a stats class that hold a number. */
type NumberField<S> = { [K in keyof S]: S[K] extends number ? K : never }[keyof S];

/** The fields of a stats class that hold a histogram. */
type HistogramField<S> = { [K in keyof S]: S[K] extends Histogram ? K : never }[keyof S];

/** Which field of a stats object is which series: metric, label values after the object's own, field. */
export type NumberSeries<S> = readonly [metric: string, labels: readonly string[], field: NumberField<S>];

/** As `NumberSeries`, for histograms, which carry the object's own labels alone. */
export type HistogramSeries<S> = readonly [metric: string, field: HistogramField<S>];

/** Collects samples into a snapshot. */
export class SnapshotBuilder {
  readonly #numbers: Record<string, NumberSample[]> = {};
  readonly #histograms: Record<string, HistogramSample[]> = {};

  number(metric: string, labels: readonly string[], value: number): void {
    (this.#numbers[metric] ??= []).push({ labels, value });
  }

  histogram(metric: string, labels: readonly string[], histogram: HistogramSnapshot): void {
    (this.#histograms[metric] ??= []).push({ labels, histogram });
  }

  /** All numbers of one stats object, by its table. */
  numbers<S>(stats: S, own: readonly string[], table: readonly NumberSeries<S>[]): void {
    for (const [metric, labels, field] of table) {
      this.number(metric, labels.length === 0 ? own : [...own, ...labels], Number(stats[field]));
    }
  }

  /** All histograms of one stats object, by its table. */
  histograms<S>(stats: S, own: readonly string[], table: readonly HistogramSeries<S>[]): void {
    for (const [metric, field] of table) {
      const value: unknown = stats[field];
      if (value instanceof Histogram) this.histogram(metric, own, value.snapshot());
    }
  }

  build(wallMs: number): MetricsSnapshot {
    return { wallMs, numbers: this.#numbers, histograms: this.#histograms };
  }
}

/**
 * One snapshot for all workers of a role: counters and histograms add up, gauges as the catalog says. Metrics that are
 * not in the catalog (a worker of another version during an upgrade) are left out.
 */
export function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const [only] = snapshots;
  if (only !== undefined && snapshots.length === 1) return only;
  const numbers: Record<string, NumberSample[]> = {};
  const histograms: Record<string, HistogramSample[]> = {};
  for (const name of metricNames(snapshots, "numbers")) numbers[name] = mergeNumbers(name, snapshots);
  for (const name of metricNames(snapshots, "histograms")) histograms[name] = mergeHistograms(name, snapshots);
  return { wallMs: snapshots.reduce((latest, { wallMs }) => Math.max(latest, wallMs), 0), numbers, histograms };
}

function metricNames(snapshots: readonly MetricsSnapshot[], kind: "numbers" | "histograms"): string[] {
  const names = new Set(snapshots.flatMap((snapshot) => Object.keys(snapshot[kind])));
  return [...names].filter((name) => {
    const type = definitionOf(name)?.type;
    return type !== undefined && (type === "histogram") === (kind === "histograms");
  });
}

function mergeNumbers(name: string, snapshots: readonly MetricsSnapshot[]): NumberSample[] {
  const how = definitionOf(name)?.merge ?? "sum";
  const byLabels = new Map<string, { labels: readonly string[]; value: number }>();
  for (const snapshot of snapshots) {
    for (const { labels, value } of snapshot.numbers[name] ?? []) {
      const key = keyOf(labels);
      const sample = byLabels.get(key);
      if (sample === undefined) byLabels.set(key, { labels, value });
      else if (how === "sum") sample.value += value;
      else sample.value = how === "min" ? Math.min(sample.value, value) : Math.max(sample.value, value);
    }
  }
  return [...byLabels.values()];
}

function mergeHistograms(name: string, snapshots: readonly MetricsSnapshot[]): HistogramSample[] {
  const byLabels = new Map<string, { labels: readonly string[]; sum: Histogram }>();
  for (const snapshot of snapshots) {
    for (const { labels, histogram } of snapshot.histograms[name] ?? []) {
      const key = keyOf(labels);
      let entry = byLabels.get(key);
      if (entry === undefined) byLabels.set(key, (entry = { labels, sum: new Histogram() }));
      entry.sum.merge(histogram);
    }
  }
  return [...byLabels.values()].map(({ labels, sum }) => ({ labels, histogram: sum.snapshot() }));
}

/** Label values in one text; no value can imitate the border between two. */
export function keyOf(labels: readonly string[]): string {
  return labels.length === 1 ? (labels[0] ?? "") : JSON.stringify(labels);
}
