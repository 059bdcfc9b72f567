import type { Clock, Flushable, OutputScheduler, TimerHandle } from "@weft/kernel";

/**
 * A clock that is read once per turn of the event loop: on the hot path a turn's many requests share one reading, and
 * a turn is shorter than what anybody measures here. Timers are the real clock's.
 */
export class TurnClock implements Clock, Flushable {
  readonly #clock: Clock;
  #nowMs: number = 0;
  #isFresh: boolean = false;
  readonly #scheduler: OutputScheduler;

  constructor(clock: Clock, scheduler: OutputScheduler) {
    this.#clock = clock;
    this.#scheduler = scheduler;
  }

  /** The turn is over. */
  flush(): void {
    this.#isFresh = false;
  }

  nowMs(): number {
    if (!this.#isFresh) {
      this.#nowMs = this.#clock.nowMs();
      this.#isFresh = true;
      this.#scheduler.add(this);
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
