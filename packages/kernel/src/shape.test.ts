import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { Ewma, PeakEwma } from "./ewma.ts";
import { FakeClock } from "./fake-clock.ts";
import { Histogram } from "./histogram.ts";
import { TimerEntry, TimerWheel } from "./timer-wheel.ts";
import { TokenBucket } from "./token-bucket.ts";

setFlagsFromString("--allow-natives-syntax");
const haveSameMap: (a: object, b: object) => boolean = runInThisContext("(a, b) => %HaveSameMap(a, b)");

/** Uses two objects alike, but with whole numbers in one and fractions in the other. */
function assertSameShape<T extends object>(create: () => T, use: (object: T, number: number) => void): void {
  const [whole, fraction, third] = [create(), create(), create()];
  use(whole, 7);
  use(fraction, 7.5);
  // Once more: an object whose shape was generalised by another moves over at its next store.
  for (const object of [whole, fraction, third]) use(object, 8.25);
  assert.ok(haveSameMap(whole, fraction) && haveSameMap(whole, third));
}

test("TimerEntry keeps one shape, fresh, scheduled, extended and fired", () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const owner = { onTimer: () => undefined };
  const fresh = new TimerEntry(owner, 1);
  const used = new TimerEntry(owner, 1);
  wheel.schedule(used, 50);
  assert.ok(haveSameMap(fresh, used));
  used.extend(100.5);
  clock.advance(200);
  assert.ok(!used.isScheduled && haveSameMap(fresh, used));
  wheel.close();
});

test("Histogram, Ewma, PeakEwma and TokenBucket keep one shape in use", () => {
  assertSameShape(
    () => new Histogram(),
    (histogram, number) => histogram.record(number),
  );
  assertSameShape(
    () => new Ewma(1000),
    (ewma, number) => ewma.observe(number, number),
  );
  assertSameShape(
    () => new PeakEwma(1000),
    (peak, number) => peak.observe(number, number),
  );
  assertSameShape(
    () => new TokenBucket({ ratePerSecond: 10, burst: 5 }, 0),
    (bucket, number) => bucket.tryTake(1, number),
  );
});
