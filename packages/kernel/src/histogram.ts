import { assert } from "./assert.ts";
import {
  HISTOGRAM_BUCKETS_GROWTH,
  HISTOGRAM_BUCKETS_MAX,
  HISTOGRAM_BUCKETS_PER_OCTAVE,
  HISTOGRAM_VALUE_US_MAX,
} from "./limits.ts";

const UINT32_MAX = 4_294_967_295;
const OCTAVE_BITS = 4;

/** A histogram as plain JSON: what a worker sends to its supervisor. */
export interface HistogramSnapshot {
  readonly count: number;
  /** Sum of all values, in microseconds. */
  readonly sum: number;
  /** Smallest and largest value, in microseconds; both 0 when `count` is 0. */
  readonly min: number;
  readonly max: number;
  /** Only buckets in use: `[index, count, index, count, ...]`, indexes ascending. */
  readonly buckets: readonly number[];
}

/**
 * Log-linear latency histogram in whole microseconds: exact below 32 us, then 16 buckets per power
 * of two, so a quantile is at most 3.1 % off. Values reach from 0 to 71 minutes.
 *
 *     bucket   0..15 | 16 .. 31 | 32 .. 47 | 48 .. 63 | ...
 *     values   0..15 | 16 .. 31 | 32 .. 63 | 64 ..127 | ...
 *     width      1   |    1     |    2     |    4     | ...
 *
 * Memory grows with the largest value: nothing before the first record, 256 bytes of counters up to
 * 127 us, 1.9 KB for the full range. Recording allocates nothing but that growth.
 */
export class Histogram {
  #counts: Uint32Array | Float64Array = EMPTY;
  #count: number = 0;
  #sum: number = 0;
  #min: number = Number.POSITIVE_INFINITY;
  #max: number = 0;

  /** Values recorded. */
  get count(): number {
    return this.#count;
  }

  /** Sum of all values, in microseconds. */
  get sum(): number {
    return this.#sum;
  }

  /** Smallest value, in microseconds; 0 when there is none. */
  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  /** Largest value, in microseconds; 0 when there is none. */
  get max(): number {
    return this.#max;
  }

  /** Counts one value, in microseconds. Negative values and NaN count as 0: clocks may jump. */
  record(valueUs: number): void {
    const value = valueUs > 0 ? valueUs : 0;
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#add(bucketOf(value), 1);
  }

  /**
   * The value, in microseconds, below which a share `q` of all values lies (0.99: the 99th
   * percentile); NaN when nothing was recorded.
   */
  quantile(q: number): number {
    assert(q >= 0 && q <= 1, "a quantile lies in [0, 1]");
    if (this.#count === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index] ?? 0;
      if (seen >= rank) {
        return Math.min(this.#max, Math.max(this.#min, representativeOf(index)));
      }
    }
    return this.#max;
  }

  /** Adds the values of another histogram, as if they had been recorded here. */
  merge(other: HistogramSnapshot): void {
    if (other.count === 0) return;
    const { buckets } = other;
    for (let position = 0; position + 1 < buckets.length; position += 2) {
      const index = buckets[position] ?? -1;
      const count = buckets[position + 1] ?? 0;
      assert(
        Number.isInteger(index) && index >= 0 && index < HISTOGRAM_BUCKETS_MAX && count >= 0,
        "a histogram snapshot names existing buckets",
      );
      this.#add(index, count);
    }
    this.#count += other.count;
    this.#sum += other.sum;
    this.#min = Math.min(this.#min, other.min);
    this.#max = Math.max(this.#max, other.max);
  }

  /** The state as plain JSON; later records do not change it. */
  snapshot(): HistogramSnapshot {
    const buckets: number[] = [];
    for (let index = 0; index < this.#counts.length; index++) {
      const count = this.#counts[index] ?? 0;
      if (count > 0) buckets.push(index, count);
    }
    return { count: this.#count, sum: this.#sum, min: this.min, max: this.#max, buckets };
  }

  /** Forgets all values and keeps the memory. */
  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = 0;
  }

  /**
   * For each boundary (microseconds, ascending, Infinity allowed) the number of values at or below
   * it, as the `le` buckets of OpenMetrics want. A bucket counts whole where its representative
   * value lies, so a boundary is met within 3.1 %.
   */
  cumulativeBuckets(boundaries: readonly number[]): number[] {
    const result: number[] = [];
    let seen = 0;
    let index = 0;
    let last = Number.NEGATIVE_INFINITY;
    for (const boundary of boundaries) {
      assert(boundary >= last, "histogram boundaries ascend");
      last = boundary;
      while (index < this.#counts.length && representativeOf(index) <= boundary) {
        seen += this.#counts[index] ?? 0;
        index++;
      }
      result.push(seen);
    }
    return result;
  }

  #add(index: number, count: number): void {
    const counts = this.#counts;
    const total = (counts[index] ?? 0) + count;
    if (index >= counts.length || total > UINT32_MAX) this.#grow(index, total);
    this.#counts[index] = total;
  }

  /** Makes room for `index`, and for counts beyond 32 bits once `total` needs them. */
  #grow(index: number, total: number): void {
    const old = this.#counts;
    const needed = Math.ceil((index + 1) / HISTOGRAM_BUCKETS_GROWTH) * HISTOGRAM_BUCKETS_GROWTH;
    const length = Math.min(HISTOGRAM_BUCKETS_MAX, Math.max(old.length, needed));
    const isWide = old instanceof Float64Array || total > UINT32_MAX;
    this.#counts = isWide ? new Float64Array(length) : new Uint32Array(length);
    this.#counts.set(old);
  }
}

const EMPTY: Uint32Array = new Uint32Array(0);

function bucketOf(valueUs: number): number {
  const value = valueUs >= HISTOGRAM_VALUE_US_MAX ? HISTOGRAM_VALUE_US_MAX : Math.round(valueUs);
  if (value < HISTOGRAM_BUCKETS_PER_OCTAVE) return value;
  const shift = 31 - Math.clz32(value) - OCTAVE_BITS;
  // The leading one of the shifted value is bit 4: adding it moves on by one octave.
  return shift * HISTOGRAM_BUCKETS_PER_OCTAVE + (value >>> shift);
}

/** The value with the smallest largest relative error over a bucket: the harmonic mean of its ends. */
function representativeOf(index: number): number {
  if (index < 2 * HISTOGRAM_BUCKETS_PER_OCTAVE) return index;
  const shift = (index >>> OCTAVE_BITS) - 1;
  const width = 2 ** shift;
  const low = (index - shift * HISTOGRAM_BUCKETS_PER_OCTAVE) * width;
  const high = low + width - 1;
  return (2 * low * high) / (low + high);
}
