import { assertRange } from "./assert.ts";

/** Longest decay constant accepted, in milliseconds (1 day). */
const DECAY_MS_MAX = 86_400_000;

/**
 * A mean that forgets: an observation's weight falls to 1/e in `decayMs`. Observations at the same
 * instant count alike, so a clock read once per event-loop turn does no harm.
 *
 *     sum = sum * e^(-dt/decay) + value        weight = weight * e^(-dt/decay) + 1        mean = sum / weight
 */
export class Ewma {
  readonly #decayMs: number;
  #sum: number = 0;
  #weight: number = 0;
  #lastMs: number = 0;

  /** @throws WeftError KERNEL_INVALID_ARGUMENT when `decayMs` is not within 1 ms to 1 day */
  constructor(decayMs: number) {
    assertRange("decayMs", decayMs, 1, DECAY_MS_MAX);
    this.#decayMs = decayMs;
  }

  /** Takes in `value`, seen at `nowMs` (on one clock's `nowMs()` scale; going back counts as standing still). */
  observe(value: number, nowMs: number): void {
    if (nowMs > this.#lastMs) {
      const keep = Math.exp((this.#lastMs - nowMs) / this.#decayMs);
      this.#sum *= keep;
      this.#weight *= keep;
      this.#lastMs = nowMs;
    }
    this.#sum += value;
    this.#weight += 1;
  }

  /**
   * The mean, 0 before the first observation. With `nowMs` it also fades towards 0 while nothing is
   * observed, so that a host avoided for its past is tried again; without, it stays.
   */
  value(nowMs?: number): number {
    if (this.#weight === 0) return 0;
    const mean = this.#sum / this.#weight;
    if (nowMs === undefined || nowMs <= this.#lastMs) return mean;
    return mean * Math.exp((this.#lastMs - nowMs) / this.#decayMs);
  }

  /** Observations per second, over about the last `decayMs`. */
  ratePerSecond(nowMs: number): number {
    const idleMs = nowMs > this.#lastMs ? nowMs - this.#lastMs : 0;
    return (this.#weight * Math.exp(-idleMs / this.#decayMs) * 1000) / this.#decayMs;
  }
}

/**
 * A latency estimate that believes bad news at once and good news slowly: it jumps to any value
 * above it and comes down with time constant `decayMs` (as in Finagle's peak EWMA balancer).
 */
export class PeakEwma {
  readonly #decayMs: number;
  #value: number = 0;
  #lastMs: number = 0;

  /** @throws WeftError KERNEL_INVALID_ARGUMENT when `decayMs` is not within 1 ms to 1 day */
  constructor(decayMs: number) {
    assertRange("decayMs", decayMs, 1, DECAY_MS_MAX);
    this.#decayMs = decayMs;
  }

  /** Takes in `value`, seen at `nowMs` (on one clock's `nowMs()` scale; going back counts as standing still). */
  observe(value: number, nowMs: number): void {
    const idleMs = nowMs > this.#lastMs ? nowMs - this.#lastMs : 0;
    if (idleMs > 0) this.#lastMs = nowMs;
    if (value >= this.#value) {
      this.#value = value;
      return;
    }
    const keep = Math.exp(-idleMs / this.#decayMs);
    this.#value = this.#value * keep + value * (1 - keep);
  }

  /** The estimate, 0 before the first observation; with `nowMs` it fades towards 0 while nothing is observed. */
  value(nowMs?: number): number {
    if (nowMs === undefined || nowMs <= this.#lastMs) return this.#value;
    return this.#value * Math.exp((this.#lastMs - nowMs) / this.#decayMs);
  }
}
