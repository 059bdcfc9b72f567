import { assert } from "./assert.ts";
import { assertDelay, type Clock, type TimerHandle } from "./clock.ts";
import { FAKE_CLOCK_FIRINGS_MAX } from "./limits.ts";

/** Wall-clock start of a `FakeClock` unless told otherwise: 2026-01-01T00:00:00Z. */
const WALL_START_MS = 1_767_225_600_000;

class FakeTimer implements TimerHandle {
  readonly dueMs: number;
  readonly sequence: number;
  callback: (() => void) | undefined;

  constructor(dueMs: number, sequence: number, callback: () => void) {
    this.dueMs = dueMs;
    this.sequence = sequence;
    this.callback = callback;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

/**
 * A clock that stands still until it is told to move: for the tests of every room and for the
 * simulator. Timers fire in the order of their due time, then in the order they were set.
 *
 * @example
 * const clock = new FakeClock();
 * clock.setTimer(() => console.log(clock.nowMs()), 50); // prints 50
 * clock.advance(100);
 */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #wallOffsetMs: number;
  #sequence: number = 0;
  #pending: number = 0;
  /** A binary heap by (dueMs, sequence); cleared timers stay until they come up. */
  readonly #heap: FakeTimer[] = [];

  /** `startMs` is the first `nowMs()`, `wallStartMs` the first `wallMs()`. */
  constructor(startMs: number = 0, wallStartMs: number = WALL_START_MS) {
    this.#nowMs = startMs;
    this.#wallOffsetMs = wallStartMs - startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return Math.floor(this.#nowMs + this.#wallOffsetMs);
  }

  /** Timers that are set and have neither fired nor been cleared. */
  get pendingTimers(): number {
    return this.#pending;
  }

  /** As Node's `setTimeout`: a delay below 1 ms counts as 1 ms. */
  setTimer(callback: () => void, delayMs: number): TimerHandle {
    assertDelay(delayMs);
    const timer = new FakeTimer(this.#nowMs + Math.max(1, delayMs), this.#sequence++, callback);
    this.#pending++;
    this.#push(timer);
    return timer;
  }

  clearTimer(handle: TimerHandle): void {
    assert(handle instanceof FakeTimer, "a fake clock is given back its own timers");
    if (handle.callback === undefined) return;
    handle.callback = undefined;
    this.#pending--;
  }

  /**
   * Moves time forward by `ms` and fires every timer that comes due on the way, those set meanwhile
   * included; during a callback `nowMs()` is the timer's due time. Promise reactions run only after
   * this returns: where code awaits between timers, use `advanceAsync`. An exception in a callback
   * is thrown here, with time standing at that timer; call again to go on.
   */
  advance(ms: number): void {
    assert(ms >= 0, "time only moves forward");
    const untilMs = this.#nowMs + ms;
    let fired = 0;
    while (this.#fireNext(untilMs)) {
      assert(++fired < FAKE_CLOCK_FIRINGS_MAX, "one advance fires a bounded number of timers");
    }
    this.#nowMs = untilMs;
  }

  /** As `advance`, and lets all promise reactions and immediates run before and after every timer. */
  async advanceAsync(ms: number): Promise<void> {
    assert(ms >= 0, "time only moves forward");
    const untilMs = this.#nowMs + ms;
    let fired = 0;
    await settle();
    while (this.#fireNext(untilMs)) {
      assert(++fired < FAKE_CLOCK_FIRINGS_MAX, "one advance fires a bounded number of timers");
      await settle();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #fireNext(untilMs: number): boolean {
    for (;;) {
      const timer = this.#heap[0];
      if (timer === undefined || timer.dueMs > untilMs) return false;
      this.#pop();
      const callback = timer.callback;
      if (callback === undefined) continue;
      timer.callback = undefined;
      this.#pending--;
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      callback();
      return true;
    }
  }

  #push(timer: FakeTimer): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(timer);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || isBefore(parent, timer)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      const right = heap[childIndex + 1];
      if (child === undefined) break;
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex++;
      }
      if (isBefore(last, child)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
  }
}

function isBefore(a: FakeTimer, b: FakeTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
