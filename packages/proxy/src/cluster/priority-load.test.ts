import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { computeLevelLoads, type LevelCount } from "./priority-load.ts";

/** Shares in whole percent of levels of 100 hosts with so many usable. */
function shares(usable: readonly number[], panicThreshold: number = 0): number[] {
  const levels = usable.map((count) => ({ total: 100, usable: count }));
  return computeLevelLoads(levels, panicThreshold).map(({ share }) => Math.round(share * 100));
}

test("computeLevelLoads() follows the tables of Envoy's documentation", () => {
  assert.deepEqual(shares([100, 100]), [100, 0]);
  assert.deepEqual(shares([72, 72]), [100, 0]);
  assert.deepEqual(shares([71, 71]), [99, 1]);
  assert.deepEqual(shares([50, 50]), [70, 30]);
  assert.deepEqual(shares([25, 100]), [35, 65]);
  assert.deepEqual(shares([25, 25]), [50, 50]);
  assert.deepEqual(shares([0, 100]), [0, 100]);
  assert.deepEqual(shares([100, 100, 100]), [100, 0, 0]);
  assert.deepEqual(shares([25, 25, 25]), [35, 35, 30]);
  assert.deepEqual(shares([20, 25, 10]), [36, 45, 18]);
});

test("computeLevelLoads() panics per level, only while the levels together cannot carry the load", () => {
  const panicking = (usable: readonly number[]): boolean[] =>
    computeLevelLoads(
      usable.map((count) => ({ total: 100, usable: count })),
      0.5,
    ).map(({ isPanicking }) => isPanicking);
  assert.deepEqual(panicking([40, 80]), [false, false]);
  assert.deepEqual(panicking([10, 55]), [true, false]);
  assert.deepEqual(panicking([49]), [true]);
  assert.deepEqual(panicking([50]), [false]);
});

test("computeLevelLoads() panics with a single level below the threshold, though it could carry the load", () => {
  assert.deepEqual(computeLevelLoads([{ total: 100, usable: 80 }], 0.9), [{ share: 1, isPanicking: true }]);
});

test("computeLevelLoads() shares by numbers of hosts when every level panics", () => {
  const levels = [
    { total: 30, usable: 0 },
    { total: 10, usable: 1 },
  ];
  assert.deepEqual(computeLevelLoads(levels, 0.5), [
    { share: 0.75, isPanicking: true },
    { share: 0.25, isPanicking: true },
  ]);
});

test("computeLevelLoads() gives nothing away when no host may be used and nobody panics", () => {
  assert.deepEqual(computeLevelLoads([{ total: 3, usable: 0 }], 0), [{ share: 0, isPanicking: false }]);
  assert.deepEqual(computeLevelLoads([{ total: 0, usable: 0 }], 0.5), [{ share: 0, isPanicking: false }]);
  assert.deepEqual(computeLevelLoads([], 0.5), []);
});

test("computeLevelLoads() sums to 1 while anything may be used, and loads nobody without hosts to use", () => {
  const level = fc.nat(50).chain((total) => fc.nat(total).map((usable): LevelCount => ({ total, usable })));
  const threshold = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 5 }), threshold, (levels, panicThreshold) => {
      const loads = computeLevelLoads(levels, panicThreshold);
      let sum = 0;
      loads.forEach(({ share, isPanicking }, index) => {
        assert.ok(share >= 0 && share <= 1 + 1e-9);
        const hosts = isPanicking ? levels[index]?.total : levels[index]?.usable;
        if (hosts === 0) assert.ok(share < 1e-9);
        sum += share;
      });
      const isServing = levels.some((level, index) => level.usable > 0 || loads[index]?.isPanicking === true);
      assert.ok(Math.abs(sum - (isServing ? 1 : 0)) < 1e-9, `sum ${sum}`);
    }),
  );
});
