import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "./fake-clock.ts";

test("advance() fires timers by due time, then in the order they were set", () => {
  const clock = new FakeClock(1000);
  const seen: string[] = [];
  clock.setTimer(() => seen.push(`b@${clock.nowMs()}`), 20);
  clock.setTimer(() => seen.push(`a@${clock.nowMs()}`), 10);
  clock.setTimer(() => seen.push(`c@${clock.nowMs()}`), 20);
  clock.advance(19);
  assert.deepEqual(seen, ["a@1010"]);
  clock.advance(1);
  assert.deepEqual(seen, ["a@1010", "b@1020", "c@1020"]);
  assert.equal(clock.pendingTimers, 0);
});

test("advance() fires timers that were set on the way", () => {
  const clock = new FakeClock();
  let ticks = 0;
  const tick = (): void => {
    ticks++;
    clock.setTimer(tick, 10);
  };
  tick();
  clock.advance(100);
  assert.equal(ticks, 11);
  assert.equal(clock.nowMs(), 100);
});

test("advance() throws a callback's exception and goes on when called again", () => {
  const clock = new FakeClock();
  let isSecondFired = false;
  clock.setTimer(() => {
    throw new Error("first");
  }, 5);
  clock.setTimer(() => (isSecondFired = true), 6);
  assert.throws(() => clock.advance(10), /first/);
  assert.equal(clock.nowMs(), 5);
  clock.advance(5);
  assert.ok(isSecondFired);
});

test("clearTimer() forgets a timer, and is harmless twice or after it fired", () => {
  const clock = new FakeClock();
  const cleared = clock.setTimer(() => assert.fail("was cleared"), 5);
  const fired = clock.setTimer(() => undefined, 5);
  clock.clearTimer(cleared);
  clock.clearTimer(cleared);
  assert.equal(clock.pendingTimers, 1);
  clock.advance(5);
  clock.clearTimer(fired);
  assert.equal(clock.pendingTimers, 0);
});

test("advanceAsync() lets awaiting code go on between timers", async () => {
  const clock = new FakeClock();
  const seen: number[] = [];
  const loop = (async () => {
    for (let i = 0; i < 3; i++) {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 10));
      seen.push(clock.nowMs());
    }
  })();
  await clock.advanceAsync(100);
  await loop;
  assert.deepEqual(seen, [10, 20, 30]);
});

test("wallMs() moves with nowMs() from its own start", () => {
  const clock = new FakeClock(0.5, 1_000_000);
  clock.advance(250.25);
  assert.equal(clock.wallMs(), 1_000_250);
});

test("advance() fires every timer that is left, in order, for any sequence of set and clear", () => {
  const step = fc.record({ delayMs: fc.integer({ min: 1, max: 50 }), isCleared: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new FakeClock();
      const fired: number[] = [];
      const handles = steps.map(({ delayMs }, index) => clock.setTimer(() => fired.push(index), delayMs));
      handles.forEach((handle, index) => steps[index]?.isCleared === true && clock.clearTimer(handle));
      clock.advance(50);
      const expected = steps
        .map(({ delayMs, isCleared }, index) => ({ delayMs, isCleared, index }))
        .filter(({ isCleared }) => !isCleared)
        .toSorted((a, b) => a.delayMs - b.delayMs || a.index - b.index)
        .map(({ index }) => index);
      assert.deepEqual(fired, expected);
    }),
  );
});
