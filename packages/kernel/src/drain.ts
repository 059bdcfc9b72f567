import { assert } from "./assert.ts";
import { assertDelay, type Clock, type TimerHandle } from "./clock.ts";

/** How a drain ended: everything in flight finished, or the deadline came first. */
export type DrainOutcome = "drained" | "deadline";

/**
 * Counts what is in flight (requests, streams, connections) and, once begun, tells when all of it is
 * done or time is up. Tracking is a count: no object and no closure per request.
 *
 * @example
 * drain.track();
 * try { await handle(request); } finally { drain.release(); }
 * // on SIGTERM:
 * const outcome = await drain.begin();
 */
export class Drain {
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #inFlight: number = 0;
  #outcome: Promise<DrainOutcome> | undefined = undefined;
  #settle: ((outcome: DrainOutcome) => void) | undefined = undefined;
  #timer: TimerHandle | undefined = undefined;

  /** `deadlineMs` is how long, from `begin()`, work in flight may go on. */
  constructor(clock: Clock, deadlineMs: number) {
    assertDelay(deadlineMs);
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  /** What is in flight now. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** True from `begin()` on: whoever accepts new work should refuse it. */
  get draining(): boolean {
    return this.#outcome !== undefined;
  }

  /** One more in flight; allowed while draining, as on connections whose peer has yet to hear of it. */
  track(): void {
    this.#inFlight++;
  }

  /** One less in flight. Asserts that it was tracked. */
  release(): void {
    assert(this.#inFlight > 0, "what a drain releases was tracked before");
    if (--this.#inFlight === 0) this.#finish("drained");
  }

  /**
   * Starts draining. Resolves with "drained" as soon as nothing is in flight, or with "deadline" when
   * the time is up; later calls return the same promise.
   */
  begin(): Promise<DrainOutcome> {
    this.#outcome ??= new Promise((resolve) => {
      this.#settle = resolve;
      if (this.#inFlight === 0) this.#finish("drained");
      else this.#timer = this.#clock.setTimer(() => this.#finish("deadline"), this.#deadlineMs);
    });
    return this.#outcome;
  }

  #finish(outcome: DrainOutcome): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#settle?.(outcome);
    this.#settle = undefined;
  }
}
