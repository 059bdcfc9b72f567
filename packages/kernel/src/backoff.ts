import { assertRange } from "./assert.ts";
import { BACKOFF_MS_MAX } from "./limits.ts";
import type { Random } from "./random.ts";

/**
 * How delays are spread, so that clients that failed together do not return together:
 * - `full`: uniform in `[0, min(maxMs, baseMs * 2^attempt))`;
 * - `decorrelated`: uniform in `[baseMs, 3 * previous)`, at most `maxMs`; never shorter than `baseMs`.
 */
export type BackoffJitter = "full" | "decorrelated";

/** Options of `createBackoff`. */
export interface BackoffOptions {
  /** The scale of the first delay. */
  readonly baseMs: number;
  /** No delay is longer. */
  readonly maxMs: number;
  readonly random: Random;
  /** Default `decorrelated`. */
  readonly jitter?: BackoffJitter;
}

/** The delays between attempts of one thing. */
export interface Backoff {
  /** Delays handed out since the start or the last `reset`. */
  readonly attempts: number;
  /** How long to wait before the next attempt, in milliseconds with a fraction. */
  nextMs(): number;
  /** After a success: the next delay is a first one again. */
  reset(): void;
}

class JitteredBackoff implements Backoff {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #random: Random;
  readonly #isFull: boolean;
  #attempts: number = 0;
  /** full: the bound of the next delay; decorrelated: the delay before. */
  #scaleMs: number;

  constructor(options: BackoffOptions) {
    assertRange("baseMs", options.baseMs, 0.001, BACKOFF_MS_MAX);
    assertRange("maxMs", options.maxMs, options.baseMs, BACKOFF_MS_MAX);
    this.#baseMs = options.baseMs;
    this.#maxMs = options.maxMs;
    this.#random = options.random;
    this.#isFull = options.jitter === "full";
    this.#scaleMs = options.baseMs;
  }

  get attempts(): number {
    return this.#attempts;
  }

  nextMs(): number {
    this.#attempts++;
    const scaleMs = this.#scaleMs;
    if (this.#isFull) {
      this.#scaleMs = Math.min(this.#maxMs, scaleMs * 2);
      return this.#random.next() * scaleMs;
    }
    const spreadMs = scaleMs * 3 - this.#baseMs;
    this.#scaleMs = Math.min(this.#maxMs, this.#baseMs + this.#random.next() * spreadMs);
    return this.#scaleMs;
  }

  reset(): void {
    this.#attempts = 0;
    this.#scaleMs = this.#baseMs;
  }
}

/**
 * Exponential back-off with jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT unless `0 < baseMs <= maxMs <= BACKOFF_MS_MAX`
 * @example
 * const backoff = createBackoff({ baseMs: 100, maxMs: 30_000, random: systemRandom });
 * while (!(await connect())) await sleep(clock, backoff.nextMs(), signal);
 */
export function createBackoff(options: BackoffOptions): Backoff {
  return new JitteredBackoff(options);
}
