import { hashString } from "@weft/kernel";
import type { Clock } from "@weft/kernel";
import { METRICS_LABEL_CHARS_MAX, METRICS_RETIRED_KEEP_MS } from "./limits.ts";

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

interface Entry<T> {
  readonly stats: T;
  /** When it is dropped; Infinity while it is in use. */
  dropAtMs: number;
}

/** Name of the entry that counts for all names beyond the bound. */
export const OVERFLOW_NAME = "_other";

/**
 * Stats by name: created when first asked for, kept for a while after their name has gone (so that the last counts are
 * still scraped, and a name that comes back goes on counting), bounded in number.
 */
export class StatsTable<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #budget: SeriesBudget;
  readonly #clock: Clock;
  readonly #create: (name: string) => T;
  readonly #onDrop: ((stats: T) => void) | undefined;
  #overflow: T | undefined = undefined;
  #isClosed: boolean = false;

  constructor(budget: SeriesBudget, clock: Clock, create: (name: string) => T, onDrop?: (stats: T) => void) {
    this.#budget = budget;
    this.#clock = clock;
    this.#create = create;
    this.#onDrop = onDrop;
  }

  /** The stats of `name`. Beyond the bound all new names share one entry, "_other". */
  get(name: string): T {
    const label = labelOf(name);
    const entry = this.#entries.get(label);
    if (entry !== undefined) {
      entry.dropAtMs = Number.POSITIVE_INFINITY;
      return entry.stats;
    }
    if (this.#budget.used >= this.#budget.max) this.#dropRetired();
    if (this.#isClosed || this.#budget.used >= this.#budget.max) {
      this.#budget.overflows++;
      return (this.#overflow ??= this.#create(OVERFLOW_NAME));
    }
    this.#budget.used++;
    const stats = this.#create(label);
    this.#entries.set(label, { stats, dropAtMs: Number.POSITIVE_INFINITY });
    return stats;
  }

  /** Retires every entry whose name is not in `names`. */
  keep(names: ReadonlySet<string>): void {
    const labels = new Set<string>();
    for (const name of names) labels.add(labelOf(name));
    const dropAtMs = this.#clock.nowMs() + METRICS_RETIRED_KEEP_MS;
    for (const [label, entry] of this.#entries) {
      if (labels.has(label)) entry.dropAtMs = Number.POSITIVE_INFINITY;
      else entry.dropAtMs = Math.min(entry.dropAtMs, dropAtMs);
    }
  }

  /** Every entry that is still shown, and the shared one last. */
  live(): T[] {
    this.#dropRetired();
    const all = Array.from(this.#entries.values(), ({ stats }) => stats);
    if (this.#overflow !== undefined) all.push(this.#overflow);
    return all;
  }

  /** Forgets all entries for good; whoever still asks gets the shared one, which nobody shows any more. */
  close(): void {
    this.#isClosed = true;
    this.#budget.used -= this.#entries.size;
    this.#entries.clear();
  }

  #dropRetired(): void {
    const nowMs = this.#clock.nowMs();
    for (const [label, entry] of this.#entries) {
      if (entry.dropAtMs > nowMs) continue;
      this.#entries.delete(label);
      this.#budget.used--;
      this.#onDrop?.(entry.stats);
    }
  }
}

/** A name as label value: of bounded length, and still its own when cut. */
function labelOf(name: string): string {
  if (name.length <= METRICS_LABEL_CHARS_MAX) return name;
  const hash = hashString(name).toString(16).padStart(8, "0");
  return `${name.slice(0, METRICS_LABEL_CHARS_MAX - hash.length - 1)}~${hash}`;
}
