import type { HistogramSnapshot } from "@weft/kernel";

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

  build(wallMs: number): MetricsSnapshot {
    return { wallMs, numbers: this.#numbers, histograms: this.#histograms };
  }
}

/** Label values in one text; no value can imitate the border between two. */
export function keyOf(labels: readonly string[]): string {
  return labels.length === 1 ? (labels[0] ?? "") : JSON.stringify(labels);
}
