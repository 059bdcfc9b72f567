import { assert, assertInteger, assertRange } from "./assert.ts";
import { SLIDING_WINDOW_BUCKETS_MAX, SLIDING_WINDOW_COLUMNS_MAX } from "./limits.ts";

/** Options of a `SlidingWindow`. */
export interface SlidingWindowOptions {
  /** How far back the sums reach. */
  readonly windowMs: number;
  /** Steps in which the window moves on. */
  readonly buckets: number;
  /** Numbers counted side by side, one per outcome told apart; default 1. */
  readonly columns?: number;
}

/**
 * Sums over the last `windowMs`, for success rates and the like: a ring of buckets, each
 * `windowMs / buckets` long. The bucket of now is part of the sums, so they reach back between
 * `windowMs - windowMs / buckets` and `windowMs`. Sums are O(1) and nothing allocates after creation.
 *
 * @example
 * const OK = 0, FAILED = 1;
 * const window = new SlidingWindow({ windowMs: 10_000, buckets: 10, columns: 2 });
 * window.add(FAILED, 1, nowMs);
 * const failureRate = window.sum(FAILED, nowMs) / (window.sum(OK, nowMs) + window.sum(FAILED, nowMs));
 */
export class SlidingWindow {
  readonly #bucketMs: number;
  readonly #buckets: number;
  readonly #columns: number;
  /** [bucket * columns + column] */
  readonly #counts: Float64Array;
  readonly #sums: Float64Array;
  /** Number of the newest bucket since the clock's start; slot = number % buckets. */
  #current: number = 0;

  /** @throws WeftError KERNEL_INVALID_ARGUMENT when an option lies outside the room's limits */
  constructor(options: SlidingWindowOptions) {
    const columns = options.columns ?? 1;
    assertRange("windowMs", options.windowMs, 1, Number.MAX_SAFE_INTEGER);
    assertInteger("buckets", options.buckets, 1, SLIDING_WINDOW_BUCKETS_MAX);
    assertInteger("columns", columns, 1, SLIDING_WINDOW_COLUMNS_MAX);
    this.#bucketMs = options.windowMs / options.buckets;
    this.#buckets = options.buckets;
    this.#columns = columns;
    this.#counts = new Float64Array(options.buckets * columns);
    this.#sums = new Float64Array(columns);
  }

  /** Adds `amount` to `column` at `nowMs` (the clock's `nowMs()`; going back counts as standing still). */
  add(column: number, amount: number, nowMs: number): void {
    this.#advance(nowMs);
    const sum = this.#sums[column];
    assert(sum !== undefined, "a sliding window has the column used");
    this.#sums[column] = sum + amount;
    const cell = (this.#current % this.#buckets) * this.#columns + column;
    this.#counts[cell] = (this.#counts[cell] ?? 0) + amount;
  }

  /** What was added to `column` within the window that ends at `nowMs`. */
  sum(column: number, nowMs: number): number {
    this.#advance(nowMs);
    const sum = this.#sums[column];
    assert(sum !== undefined, "a sliding window has the column used");
    return sum;
  }

  /** Forgets everything. */
  reset(): void {
    this.#counts.fill(0);
    this.#sums.fill(0);
  }

  #advance(nowMs: number): void {
    const target = Math.floor(nowMs / this.#bucketMs);
    if (target <= this.#current) return;
    if (target - this.#current >= this.#buckets) {
      // Everything is old. Sums restart at an exact 0, which also ends any drift of fractions.
      this.reset();
    } else {
      for (let bucket = this.#current + 1; bucket <= target; bucket++) this.#expire(bucket);
    }
    this.#current = target;
  }

  /** Empties the slot that bucket number `bucket` takes over. */
  #expire(bucket: number): void {
    const start = (bucket % this.#buckets) * this.#columns;
    for (let column = 0; column < this.#columns; column++) {
      const old = this.#counts[start + column] ?? 0;
      if (old === 0) continue;
      this.#sums[column] = (this.#sums[column] ?? 0) - old;
      this.#counts[start + column] = 0;
    }
  }
}
