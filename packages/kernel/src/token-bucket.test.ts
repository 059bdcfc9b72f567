import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TokenBucket } from "./token-bucket.ts";

test("tryTake() grants the burst at once, then the rate", () => {
  const bucket = new TokenBucket({ ratePerSecond: 10, burst: 3 }, 0);
  assert.deepEqual(
    [0, 0, 0, 0].map((ms) => bucket.tryTake(1, ms)),
    [true, true, true, false],
  );
  assert.ok(!bucket.tryTake(1, 99));
  assert.ok(bucket.tryTake(1, 100));
  assert.ok(!bucket.tryTake(1, 100));
  assert.equal(bucket.available(10_000), 3);
});

test("tryTake() grants at most burst + rate * time, and all of it to the greedy", () => {
  const gaps = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 50 }), gaps, (rate, burst, steps) => {
      const bucket = new TokenBucket({ ratePerSecond: rate, burst }, 0);
      let nowMs = 0;
      let granted = 0;
      for (const step of steps) {
        nowMs += step;
        while (bucket.tryTake(1, nowMs)) granted++;
      }
      assert.ok(granted <= burst + (rate * nowMs) / 1000 + 1e-6);
      assert.ok(granted >= burst);
    }),
  );
});

test("waitMs() says when a retry will succeed, or that none will", () => {
  const bucket = new TokenBucket({ ratePerSecond: 100, burst: 10 }, 0);
  assert.equal(bucket.waitMs(10, 0), 0);
  assert.ok(bucket.tryTake(10, 0));
  assert.equal(bucket.waitMs(5, 0), 50);
  assert.ok(bucket.tryTake(5, 50));
  assert.equal(bucket.waitMs(11, 50), Number.POSITIVE_INFINITY);
  const drip = new TokenBucket({ ratePerSecond: 0, burst: 1 }, 0);
  assert.ok(drip.tryTake(1, 0));
  assert.equal(drip.waitMs(1, 1e9), Number.POSITIVE_INFINITY);
});

test("configure() takes effect from now on", () => {
  const bucket = new TokenBucket({ ratePerSecond: 1000, burst: 100 }, 0);
  bucket.configure({ ratePerSecond: 1, burst: 10 }, 0);
  assert.equal(bucket.available(0), 10);
  assert.ok(bucket.tryTake(10, 0));
  assert.equal(bucket.available(2000), 2);
});

test("TokenBucket takes a clock that goes back for one that stands still", () => {
  const bucket = new TokenBucket({ ratePerSecond: 10, burst: 1 }, 1000);
  assert.ok(bucket.tryTake(1, 1000));
  assert.ok(!bucket.tryTake(1, 0));
  assert.equal(bucket.available(1050), 0.5);
});

test("TokenBucket() refuses negative options, tryTake() negative amounts", () => {
  assert.throws(() => new TokenBucket({ ratePerSecond: -1, burst: 1 }, 0), { code: "KERNEL_INVALID_ARGUMENT" });
  const bucket = new TokenBucket({ ratePerSecond: 1, burst: 1 }, 0);
  assert.throws(() => bucket.tryTake(-1, 0), { code: "KERNEL_ASSERTION_FAILED" });
  assert.throws(() => bucket.configure({ ratePerSecond: 1, burst: Number.NaN }, 0), {
    code: "KERNEL_INVALID_ARGUMENT",
  });
});
