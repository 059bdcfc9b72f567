import { type Clock, hashString } from "@weft/kernel";
import { METRICS_LABEL_CHARS_MAX, METRICS_RETIRED_KEEP_MS } from "./limits.ts";
import { keyOf, type SnapshotBuilder } from "./snapshot.ts";
import type { MetricFamilies, Stats, StatsShape } from "./stats-shape.ts";

/** A bound that several tables share. */
export class SeriesBudget {
  readonly max: number;
  /** Entries in use. */
  used: number = 0;
  /** Names that got no entry of their own. */
  overflows: number = 0;

  constructor(max: number) {
    this.max = max;
  }
}

/** Stats with the label values that they are shown under. */
export interface StatsEntry<Families extends MetricFamilies> {
  readonly labels: readonly string[];
  readonly stats: Stats<Families>;
}

interface Entry<Families extends MetricFamilies> extends StatsEntry<Families> {
  /** When it is dropped; Infinity while it is in use. */
  dropAtMs: number;
}

/** Name of the entry that counts for all names beyond the bound. */
export const OVERFLOW_NAME = "_other";

/**
 * Stats by name, or by several: created when first asked for, kept for a while after their name has gone (so that the
 * last counts are still scraped, and a name that comes back goes on counting), bounded in number.
 */
export class StatsTable<Families extends MetricFamilies> {
  readonly #shape: StatsShape<Families>;
  readonly #entries: Map<string, Entry<Families>> = new Map();
  readonly #budget: SeriesBudget;
  readonly #clock: Clock;
  readonly #onDrop: ((labels: readonly string[]) => void) | undefined;
  #overflow: StatsEntry<Families> | undefined = undefined;

  constructor(
    shape: StatsShape<Families>,
    budget: SeriesBudget,
    clock: Clock,
    onDrop?: (labels: readonly string[]) => void,
  ) {
    this.#shape = shape;
    this.#budget = budget;
    this.#clock = clock;
    this.#onDrop = onDrop;
  }

  /** The stats of `names`. Beyond the bound all new names share one entry, "_other". Ask once, never per request. */
  get(...names: readonly string[]): StatsEntry<Families> {
    const labels = names.map(labelOf);
    const key = keyOf(labels);
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      entry.dropAtMs = Number.POSITIVE_INFINITY;
      return entry;
    }
    if (this.#budget.used >= this.#budget.max) this.#dropRetired();
    if (this.#budget.used >= this.#budget.max) {
      this.#budget.overflows++;
      return (this.#overflow ??= { labels: names.map(() => OVERFLOW_NAME), stats: this.#shape.create() });
    }
    this.#budget.used++;
    const created = { labels, stats: this.#shape.create(), dropAtMs: Number.POSITIVE_INFINITY };
    this.#entries.set(key, created);
    return created;
  }

  /** Retires every entry whose names are not among `names`. */
  keep(names: Iterable<readonly string[]>): void {
    const keys = new Set<string>();
    for (const each of names) keys.add(keyOf(each.map(labelOf)));
    const dropAtMs = this.#clock.nowMs() + METRICS_RETIRED_KEEP_MS;
    for (const [key, entry] of this.#entries) {
      if (keys.has(key)) entry.dropAtMs = Number.POSITIVE_INFINITY;
      else entry.dropAtMs = Math.min(entry.dropAtMs, dropAtMs);
    }
  }

  /** Adds the series of every entry that is still shown, those of the shared one last. */
  addTo(builder: SnapshotBuilder): void {
    this.#dropRetired();
    for (const { labels, stats } of this.#entries.values()) this.#shape.addTo(builder, labels, stats);
    if (this.#overflow !== undefined) this.#shape.addTo(builder, this.#overflow.labels, this.#overflow.stats);
  }

  /** Forgets every entry, and gives back what they hold of the bound. */
  clear(): void {
    this.#budget.used -= this.#entries.size;
    this.#entries.clear();
  }

  #dropRetired(): void {
    const nowMs = this.#clock.nowMs();
    for (const [key, entry] of this.#entries) {
      if (entry.dropAtMs > nowMs) continue;
      this.#entries.delete(key);
      this.#budget.used--;
      this.#onDrop?.(entry.labels);
    }
  }
}

/** A name as label value: of bounded length, and still its own when cut. */
function labelOf(name: string): string {
  if (name.length <= METRICS_LABEL_CHARS_MAX) return name;
  const hash = hashString(name).toString(16).padStart(8, "0");
  return `${name.slice(0, METRICS_LABEL_CHARS_MAX - hash.length - 1)}~${hash}`;
}
