import { Histogram } from "@weft/kernel";
import { definitionOf } from "./catalog.ts";
import { type HistogramSample, keyOf, type MetricsSnapshot, type NumberSample } from "./snapshot.ts";

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
