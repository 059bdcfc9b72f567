import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@weft/kernel";
import { WATCH_DELAY_MS_MAX, WATCH_QUIET_MS } from "../limits.ts";
import { QuietTimer } from "./quiet-timer.ts";

function setUp(): { clock: FakeClock; timer: QuietTimer; firedMs: number[] } {
  const clock = new FakeClock();
  const firedMs: number[] = [];
  const timer = new QuietTimer(clock, WATCH_QUIET_MS, WATCH_DELAY_MS_MAX, () => firedMs.push(clock.nowMs()));
  return { clock, timer, firedMs };
}

test("QuietTimer fires once after a quiet time", () => {
  const { clock, timer, firedMs } = setUp();
  timer.hint();
  clock.advance(WATCH_QUIET_MS - 10);
  timer.hint();
  clock.advance(WATCH_QUIET_MS - 1);
  assert.deepEqual(firedMs, []);
  clock.advance(1000);
  assert.deepEqual(firedMs, [2 * WATCH_QUIET_MS - 10]);
  assert.equal(clock.pendingTimers, 0);
});

test("QuietTimer does not let hints without a pause put it off beyond its limit", () => {
  const { clock, timer, firedMs } = setUp();
  for (let elapsedMs = 0; elapsedMs < 3 * WATCH_DELAY_MS_MAX; elapsedMs += 10) {
    timer.hint();
    clock.advance(10);
  }
  assert.deepEqual(
    firedMs,
    [1, 2, 3].map((times) => times * WATCH_DELAY_MS_MAX),
  );
});

test("QuietTimer forgets what was cleared", () => {
  const { clock, timer, firedMs } = setUp();
  timer.hint();
  timer.clear();
  clock.advance(1000);
  assert.deepEqual(firedMs, []);
});
