import { assert, assertRange } from "./assert.ts";

/** Options of a `TokenBucket`. */
export interface TokenBucketOptions {
  /** Tokens that flow in per second. 0 means that the first `burst` tokens are all there is. */
  readonly ratePerSecond: number;
  /** Most tokens that the bucket holds; it starts full. */
  readonly burst: number;
}

/**
 * A token bucket without a timer: it is refilled by the time that passed, when asked. Over any span
 * of t seconds it grants at most `burst + ratePerSecond * t` tokens.
 *
 * @example
 * if (!bucket.tryTake(1, clock.nowMs())) return "rate-limited";
 */
export class TokenBucket {
  // The zeros matter: a field that was undefined first holds its number in a new box on every store.
  #ratePerMs: number = 0;
  #burst: number = 0;
  #tokens: number = 0;
  #lastMs: number = 0;

  /** @throws WeftError KERNEL_INVALID_ARGUMENT when an option is negative or not finite */
  constructor(options: TokenBucketOptions, nowMs: number) {
    assertOptions(options);
    this.#ratePerMs = options.ratePerSecond / 1000;
    this.#burst = options.burst;
    this.#tokens = options.burst;
    this.#lastMs = nowMs;
  }

  /** Takes `tokens` if there are as many, else none. `nowMs` is on the clock's `nowMs()` scale. */
  tryTake(tokens: number, nowMs: number): boolean {
    assert(tokens >= 0, "tokens are taken, not given");
    this.#refill(nowMs);
    if (this.#tokens < tokens) return false;
    this.#tokens -= tokens;
    return true;
  }

  /** Tokens in the bucket, with a fraction. */
  available(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens;
  }

  /** Milliseconds until `tokens` will be there if nobody takes any; Infinity when they never will. */
  waitMs(tokens: number, nowMs: number): number {
    this.#refill(nowMs);
    if (this.#tokens >= tokens) return 0;
    if (tokens > this.#burst || this.#ratePerMs === 0) return Number.POSITIVE_INFINITY;
    return (tokens - this.#tokens) / this.#ratePerMs;
  }

  /** Changes rate and burst from now on; tokens beyond a smaller burst are lost. */
  configure(options: TokenBucketOptions, nowMs: number): void {
    assertOptions(options);
    this.#refill(nowMs);
    this.#ratePerMs = options.ratePerSecond / 1000;
    this.#burst = options.burst;
    this.#tokens = Math.min(this.#tokens, options.burst);
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#lastMs) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#lastMs) * this.#ratePerMs);
    this.#lastMs = nowMs;
  }
}

function assertOptions(options: TokenBucketOptions): void {
  assertRange("ratePerSecond", options.ratePerSecond, 0, Number.MAX_SAFE_INTEGER);
  assertRange("burst", options.burst, 0, Number.MAX_SAFE_INTEGER);
}
