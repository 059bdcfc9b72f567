import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SlidingWindow } from "./sliding-window.ts";

test("sum() forgets what is older than the window, bucket by bucket", () => {
  const window = new SlidingWindow({ windowMs: 1000, buckets: 10 });
  window.add(0, 1, 0);
  window.add(0, 2, 150);
  assert.equal(window.sum(0, 999), 3);
  assert.equal(window.sum(0, 1000), 2);
  assert.equal(window.sum(0, 1100), 0);
});

test("add() keeps columns apart", () => {
  const window = new SlidingWindow({ windowMs: 1000, buckets: 4, columns: 2 });
  window.add(0, 90, 10);
  window.add(1, 10, 20);
  assert.equal(window.sum(1, 30) / (window.sum(0, 30) + window.sum(1, 30)), 0.1);
  window.reset();
  assert.equal(window.sum(0, 30), 0);
});

test("sum() equals the sum over the buckets in reach, for any history", () => {
  const event = fc.record({ gapMs: fc.nat(700), amount: fc.integer({ min: 0, max: 9 }) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), fc.integer({ min: 1, max: 12 }), (events, buckets) => {
      const windowMs = 1200;
      const bucketMs = windowMs / buckets;
      const window = new SlidingWindow({ windowMs, buckets, columns: 3 });
      const log: { atMs: number; amount: number }[] = [];
      let nowMs = 0;
      for (const { gapMs, amount } of events) {
        nowMs += gapMs;
        window.add(2, amount, nowMs);
        log.push({ atMs: nowMs, amount });
        const newest = Math.floor(nowMs / bucketMs);
        const expected = log
          .filter(({ atMs }) => Math.floor(atMs / bucketMs) > newest - buckets)
          .reduce((sum, entry) => sum + entry.amount, 0);
        assert.equal(window.sum(2, nowMs), expected);
      }
    }),
  );
});

test("SlidingWindow takes a clock that goes back for one that stands still", () => {
  const window = new SlidingWindow({ windowMs: 1000, buckets: 10 });
  window.add(0, 1, 5000);
  window.add(0, 1, 100);
  assert.equal(window.sum(0, 5900), 2);
});

test("SlidingWindow() refuses sizes outside its limits, add() unknown columns", () => {
  for (const buckets of [0, 1.5, 100_000]) {
    assert.throws(() => new SlidingWindow({ windowMs: 1000, buckets }), { code: "KERNEL_INVALID_ARGUMENT" });
  }
  const window = new SlidingWindow({ windowMs: 1000, buckets: 10 });
  assert.throws(() => window.add(1, 1, 0), { code: "KERNEL_ASSERTION_FAILED" });
  assert.throws(() => window.sum(-1, 0), { code: "KERNEL_ASSERTION_FAILED" });
});
