import type { Clock, TimerHandle } from "@weft/kernel";

/**
 * A clock that is read once per turn of the event loop: on the hot path a turn's many requests share one reading, and
 * a turn is shorter than what anybody measures here. Timers are the real clock's.
 */
export class TurnClock implements Clock {
  readonly #clock: Clock;
  #nowMs: number = 0;
  #isFresh: boolean = false;
  readonly #expire: () => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#expire = () => {
      this.#isFresh = false;
    };
  }

  nowMs(): number {
    if (!this.#isFresh) {
      this.#nowMs = this.#clock.nowMs();
      this.#isFresh = true;
      setImmediate(this.#expire);
    }
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    return this.#clock.setTimer(callback, delayMs);
  }

  clearTimer(handle: TimerHandle): void {
    this.#clock.clearTimer(handle);
  }
}
