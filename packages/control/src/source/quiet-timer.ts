import type { Clock, TimerHandle } from "@weft/kernel";

/**
 * Fires once hints have been quiet for a while, or have come without a pause for too long: then the first of them has
 * waited `delayMsMax`.
 */
export class QuietTimer {
  readonly #clock: Clock;
  readonly #quietMs: number;
  readonly #delayMsMax: number;
  readonly #onQuiet: () => void;
  #timer: TimerHandle | null = null;
  #firstHintMs: number | null = null;

  constructor(clock: Clock, quietMs: number, delayMsMax: number, onQuiet: () => void) {
    this.#clock = clock;
    this.#quietMs = quietMs;
    this.#delayMsMax = delayMsMax;
    this.#onQuiet = onQuiet;
  }

  hint(): void {
    const nowMs = this.#clock.nowMs();
    this.#firstHintMs ??= nowMs;
    const delayMs = Math.max(0, Math.min(this.#quietMs, this.#firstHintMs + this.#delayMsMax - nowMs));
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = this.#clock.setTimer(() => {
      this.clear();
      this.#onQuiet();
    }, delayMs);
  }

  /** Forgets the hints so far. */
  clear(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#firstHintMs = null;
  }
}
