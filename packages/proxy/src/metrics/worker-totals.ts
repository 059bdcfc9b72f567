import { definitionOf } from "./catalog.ts";
import { mergeSnapshots } from "./merge-snapshots.ts";
import type { MetricsSnapshot } from "./snapshot.ts";

/** What one worker process answered when it was asked for its metrics. */
export interface WorkerMetrics {
  readonly pid: number;
  readonly snapshot: MetricsSnapshot;
}

/** Labels whose values come and go with the configuration: their series must be able to go, too. */
const CONFIGURED_LABELS: ReadonlySet<string> = new Set(["listener", "route", "cluster"]);

/**
 * Adds up what the workers of a role count. What a worker counted stays counted after it is gone, and while it does not
 * answer: the sums of a role never go back, so that neither a scraper nor a live view takes the end of a worker for a
 * burst of everything that the others ever did. Gauges are those of the workers that answered.
 */
export class WorkerTotals {
  readonly #last = new Map<number, MetricsSnapshot>();
  /** The counts of workers that are gone. */
  #gone: MetricsSnapshot | null = null;
  /** The counts of the version before this one. */
  #predecessor: MetricsSnapshot | null = null;

  /** Goes on from what the version before has counted so far, in place of what it had said earlier. */
  setPredecessor(snapshot: MetricsSnapshot): void {
    this.#predecessor = countsOf(snapshot);
  }

  /** Takes the answers of one round; `living` are all processes of the role, those that did not answer included. */
  add(answers: readonly WorkerMetrics[], living: ReadonlySet<number>): MetricsSnapshot {
    for (const { pid, snapshot } of answers) this.#last.set(pid, snapshot);
    const lost: MetricsSnapshot[] = [];
    for (const [pid, snapshot] of this.#last) {
      if (living.has(pid) || answers.some((answer) => answer.pid === pid)) continue;
      this.#last.delete(pid);
      lost.push(countsOf(snapshot));
    }
    const present = answers.map(({ snapshot }) => snapshot);
    if (lost.length > 0) this.#gone = mergeSnapshots(this.#gone === null ? lost : [this.#gone, ...lost]);
    if (present.length > 0) {
      if (this.#gone !== null) this.#gone = withoutForgotten(this.#gone, present);
      if (this.#predecessor !== null) this.#predecessor = withoutForgotten(this.#predecessor, present);
    }
    const silent = [...this.#last].filter(([pid]) => !answers.some((answer) => answer.pid === pid));
    const counts = silent.map(([, snapshot]) => countsOf(snapshot));
    const past = [this.#gone, this.#predecessor].filter((snapshot) => snapshot !== null);
    return mergeSnapshots([...present, ...counts, ...past]);
  }
}

/** Counters and histograms alone. */
function countsOf({ wallMs, numbers, histograms }: MetricsSnapshot): MetricsSnapshot {
  const counters = Object.entries(numbers).filter(([name]) => definitionOf(name)?.type === "counter");
  return { wallMs, numbers: Object.fromEntries(counters), histograms };
}

/** Without the series of listeners, routes and clusters that no worker has any more. */
function withoutForgotten(gone: MetricsSnapshot, present: readonly MetricsSnapshot[]): MetricsSnapshot {
  const known = new Set<string>();
  for (const { numbers } of present) {
    for (const [name, samples] of Object.entries(numbers)) {
      const label = definitionOf(name)?.labels[0] ?? "";
      if (CONFIGURED_LABELS.has(label)) for (const { labels } of samples) known.add(`${label} ${labels[0] ?? ""}`);
    }
  }
  const keep = <Sample extends { readonly labels: readonly string[] }>(
    families: Readonly<Record<string, readonly Sample[]>>,
  ): Record<string, readonly Sample[]> =>
    Object.fromEntries(
      Object.entries(families).map(([name, samples]) => {
        const label = definitionOf(name)?.labels[0] ?? "";
        if (!CONFIGURED_LABELS.has(label)) return [name, samples];
        return [name, samples.filter(({ labels }) => known.has(`${label} ${labels[0] ?? ""}`))];
      }),
    );
  return { wallMs: gone.wallMs, numbers: keep(gone.numbers), histograms: keep(gone.histograms) };
}
