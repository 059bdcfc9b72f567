import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep, systemClock } from "./clock.ts";
import { FakeClock } from "./fake-clock.ts";
import { CLOCK_DELAY_MS_MAX } from "./limits.ts";

test("systemClock.nowMs() never goes back and has a fraction", () => {
  const readings = Array.from({ length: 100 }, () => systemClock.nowMs());
  assert.deepEqual(
    readings.toSorted((a, b) => a - b),
    readings,
  );
  assert.ok(readings.some((reading) => !Number.isInteger(reading)));
});

test("systemClock.setTimer() fires about on time, and not after clearTimer()", async () => {
  const startMs = systemClock.nowMs();
  let isClearedFired = false;
  const cleared = systemClock.setTimer(() => (isClearedFired = true), 5);
  systemClock.clearTimer(cleared);
  await new Promise<void>((resolve) => systemClock.setTimer(resolve, 20));
  assert.ok(systemClock.nowMs() - startMs >= 19);
  assert.ok(!isClearedFired);
});

test("setTimer() refuses delays that a clock cannot wait for, on every clock", () => {
  for (const clock of [systemClock, new FakeClock()]) {
    for (const delayMs of [-1, Number.NaN, CLOCK_DELAY_MS_MAX + 1, Number.POSITIVE_INFINITY]) {
      assert.throws(() => clock.setTimer(() => undefined, delayMs), { code: "KERNEL_ASSERTION_FAILED" });
    }
  }
});

test("sleep() resolves when its time has come", async () => {
  const clock = new FakeClock();
  let isAwake = false;
  const nap = sleep(clock, 100).then(() => (isAwake = true));
  await clock.advanceAsync(99);
  assert.ok(!isAwake);
  clock.advance(1);
  await nap;
  assert.ok(isAwake);
});

test("sleep() rejects with KERNEL_WAIT_ABORTED on abort and leaves no timer", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const nap = sleep(clock, 100, controller.signal);
  controller.abort("shutdown");
  await assert.rejects(nap, { code: "KERNEL_WAIT_ABORTED", cause: "shutdown" });
  assert.equal(clock.pendingTimers, 0);
});

test("sleep() rejects at once when its signal is aborted already", async () => {
  const clock = new FakeClock();
  await assert.rejects(sleep(clock, 100, AbortSignal.abort()), { code: "KERNEL_WAIT_ABORTED" });
  assert.equal(clock.pendingTimers, 0);
});

test("sleep() resolved before an abort stays resolved", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const nap = sleep(clock, 10, controller.signal);
  clock.advance(10);
  controller.abort();
  await nap;
});
