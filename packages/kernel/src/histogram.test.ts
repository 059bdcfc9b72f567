import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Histogram } from "./histogram.ts";

const RELATIVE_ERROR_MAX = 0.031;

function recorded(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

test("Histogram() is empty at first", () => {
  const histogram = new Histogram();
  assert.deepEqual(histogram.snapshot(), { count: 0, sum: 0, min: 0, max: 0, buckets: [] });
  assert.ok(Number.isNaN(histogram.quantile(0.5)));
  assert.deepEqual(histogram.cumulativeBuckets([100, Number.POSITIVE_INFINITY]), [0, 0]);
});

test("quantile() is within 3.1 % of the exact value, from 0 to beyond 100 s", () => {
  const value = fc.oneof(fc.nat(1000), fc.nat(1_000_000), fc.nat(400_000_000));
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), share, (values, q) => {
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? Number.NaN;
      const estimate = recorded(values).quantile(q);
      assert.ok(Math.abs(estimate - exact) <= exact * RELATIVE_ERROR_MAX, `exact ${exact}, estimate ${estimate}`);
    }),
  );
});

test("quantile() is exact at every bucket's ends within the error bound", () => {
  for (let power = 0; power < 32; power++) {
    for (const value of [2 ** power - 1, 2 ** power, 2 ** power + 1]) {
      // A second, larger value keeps max from correcting the estimate.
      const estimate = recorded([value, value, 2 ** 32 - 1]).quantile(0.5);
      assert.ok(Math.abs(estimate - value) <= value * RELATIVE_ERROR_MAX, `${value}: ${estimate}`);
    }
  }
});

test("record() takes any number: negative and NaN as 0, beyond the range into the last bucket", () => {
  const histogram = recorded([-5, Number.NaN, 1e12]);
  assert.equal(histogram.count, 3);
  assert.equal(histogram.min, 0);
  assert.equal(histogram.max, 1e12);
  assert.equal(histogram.sum, 1e12);
  assert.equal(histogram.quantile(0.5), 0);
  assert.deepEqual(histogram.snapshot().buckets, [0, 2, 463, 1]);
});

test("merge() of a snapshot that travelled as JSON equals recording everything in one place", () => {
  const values = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { maxLength: 100 });
  fc.assert(
    fc.property(values, values, (left, right) => {
      const merged = recorded(left);
      merged.merge(JSON.parse(JSON.stringify(recorded(right).snapshot())));
      const { sum, ...rest } = merged.snapshot();
      const { sum: expectedSum, ...expected } = recorded([...left, ...right]).snapshot();
      assert.deepEqual(rest, expected);
      assert.ok(Math.abs(sum - expectedSum) <= expectedSum * 1e-12);
    }),
  );
});

test("merge() asserts that a snapshot names existing buckets", () => {
  for (const index of [-1, 0.5, 464, Number.NaN]) {
    const snapshot = { count: 1, sum: 1, min: 1, max: 1, buckets: [index, 1] };
    assert.throws(() => new Histogram().merge(snapshot), { code: "KERNEL_ASSERTION_FAILED" });
  }
});

test("merge() counts beyond 32 bits", () => {
  const histogram = recorded([7]);
  const many = { count: 4_294_967_295, sum: 1, min: 7, max: 7, buckets: [7, 4_294_967_295] };
  histogram.merge(many);
  histogram.merge(many);
  histogram.record(7);
  histogram.record(1_000_000);
  assert.equal(histogram.count, 2 * 4_294_967_295 + 3);
  assert.deepEqual(histogram.snapshot().buckets.slice(0, 2), [7, 2 * 4_294_967_295 + 2]);
  assert.equal(histogram.quantile(0.5), 7);
});

test("cumulativeBuckets() ascends, meets exact boundaries below 32 us and ends at count", () => {
  const histogram = recorded([1, 5, 5, 10, 100, 1000, 50_000]);
  const boundaries = [1, 5, 9, 10, 90, 110, 900, 1100, 40_000, 60_000, Number.POSITIVE_INFINITY];
  assert.deepEqual(histogram.cumulativeBuckets(boundaries), [1, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
  assert.throws(() => histogram.cumulativeBuckets([2, 1]), { code: "KERNEL_ASSERTION_FAILED" });
});

test("reset() forgets everything", () => {
  const histogram = recorded([1, 2, 3]);
  histogram.reset();
  assert.deepEqual(histogram.snapshot(), new Histogram().snapshot());
  histogram.record(9);
  assert.equal(histogram.min, 9);
});
