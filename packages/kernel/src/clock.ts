import { assert } from "./assert.ts";
import type { KernelErrorCode } from "./errors.ts";
import { CLOCK_DELAY_MS_MAX } from "./limits.ts";
import { WeftError } from "./weft-error.ts";

/** A timer that is set; opaque except for whether it keeps the process alive. */
export interface TimerHandle {
  /** The process stays alive until this timer fires (the default). */
  ref(): unknown;
  /** The process may end while this timer waits. */
  unref(): unknown;
}

/**
 * Where time comes from. Everything that measures or waits takes a `Clock`, so that tests and the
 * simulator can drive time by hand (`FakeClock`).
 */
export interface Clock {
  /**
   * Monotonic milliseconds since an arbitrary start, with a fraction. For durations and deadlines. Not
   * free (60 to 140 ns on a virtual machine): hot paths read it once and hand the number on.
   */
  nowMs(): number;
  /** Wall-clock milliseconds since 1970 (UTC). May jump; only for what people or other machines read. */
  wallMs(): number;
  /**
   * Calls `callback` once, `delayMs` from now (at least 1, at most `CLOCK_DELAY_MS_MAX`). Measured by
   * `nowMs` it may come up to 1 ms early, as Node's own timers do. For many deadlines use `TimerWheel`.
   */
  setTimer(callback: () => void, delayMs: number): TimerHandle;
  /** Forgets a timer; nothing happens when it has fired or was cleared before. */
  clearTimer(handle: TimerHandle): void;
}

/**
 * Asserts that a clock can wait for `delayMs`; the rule is one for all clocks, so that a test with a
 * fake clock finds what production would.
 *
 * @throws WeftError KERNEL_ASSERTION_FAILED
 */
export function assertDelay(delayMs: number): void {
  assert(delayMs >= 0 && delayMs <= CLOCK_DELAY_MS_MAX, "a timer's delay lies in [0, 2^31) ms");
}

/** The real clock of this process. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(callback: () => void, delayMs: number): TimerHandle {
    assertDelay(delayMs);
    return setTimeout(callback, Math.ceil(delayMs));
  },
  clearTimer(handle: TimerHandle): void {
    // Handles are opaque, and this clock only ever hands out Node's own.
    clearTimeout(handle as NodeJS.Timeout);
  },
};

/**
 * Resolves after `delayMs`. With a `signal`, rejects as soon as it is aborted; the signal's reason
 * becomes the error's `cause`, and the timer is gone.
 *
 * @throws WeftError KERNEL_WAIT_ABORTED
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal === undefined) {
      clock.setTimer(resolve, delayMs);
      return;
    }
    if (signal.aborted) {
      reject(waitAborted(delayMs, signal));
      return;
    }
    const onAbort = (): void => {
      clock.clearTimer(timer);
      reject(waitAborted(delayMs, signal));
    };
    const timer = clock.setTimer(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function waitAborted(delayMs: number, signal: AbortSignal): WeftError<KernelErrorCode> {
  return new WeftError(
    "KERNEL_WAIT_ABORTED",
    `Cannot finish a wait of ${delayMs} ms: its signal was aborted`,
    { delayMs },
    { cause: signal.reason },
  );
}
