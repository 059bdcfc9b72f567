import assert from "node:assert/strict";
import { test } from "node:test";
import { median, medianRatio, percentile } from "./statistics.ts";

test("median() takes the middle, or the mean of the two in the middle", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([]), Number.NaN);
});

test("percentile() takes the nearest rank", () => {
  const values = Float64Array.from({ length: 200 }, (_, index) => index + 1);
  assert.equal(percentile(values, 0.5), 100);
  assert.equal(percentile(values, 0.99), 198);
  assert.equal(percentile(values, 1), 200);
  assert.equal(percentile(Float64Array.of(7), 0.01), 7);
  assert.equal(percentile(new Float64Array(), 0.5), Number.NaN);
});

test("medianRatio() compares within rounds, so that a slow round disturbs nothing", () => {
  const ours = new Map([
    [1, 10],
    [2, 100],
    [3, 30],
  ]);
  const theirs = new Map([
    [1, 20],
    [2, 200],
    [3, 20],
  ]);
  assert.equal(medianRatio(ours, theirs), 0.5);
});

test("medianRatio() leaves out rounds that only one has, and is null without any", () => {
  assert.equal(
    medianRatio(
      new Map([
        [1, 3],
        [2, 50],
      ]),
      new Map([[1, 2]]),
    ),
    1.5,
  );
  assert.equal(medianRatio(new Map([[1, 3]]), new Map([[2, 3]])), null);
});
