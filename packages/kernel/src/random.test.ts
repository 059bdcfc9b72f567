import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, systemRandom } from "./random.ts";

test("createRandom() repeats itself for one seed and not for another", () => {
  const draw = (seed: number): number[] => {
    const random = createRandom(seed);
    return Array.from({ length: 8 }, () => random.uint32());
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
  assert.notDeepEqual(draw(0), draw(1));
});

test("createRandom() keeps its numbers between releases", () => {
  const random = createRandom(42);
  assert.deepEqual([random.uint32(), random.uint32(), random.uint32(), random.below(100)], PINNED);
});

test("next() and below() stay in range and spread evenly", () => {
  for (const random of [createRandom(3), systemRandom]) {
    const buckets = new Uint32Array(16);
    const draws = 64_000;
    for (let i = 0; i < draws; i++) {
      const unit = random.next();
      assert.ok(unit >= 0 && unit < 1);
      const choice = random.below(16);
      buckets[choice] = (buckets[choice] ?? 0) + 1;
    }
    const expected = draws / 16;
    const chiSquare = buckets.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 15 degrees of freedom: one run in a million lies above 58.
    assert.ok(chiSquare < 58, `chi square ${chiSquare}`);
  }
});

test("below() asserts that there is a choice", () => {
  for (const random of [createRandom(1), systemRandom]) {
    assert.equal(random.below(1), 0);
    assert.throws(() => random.below(0), { code: "KERNEL_ASSERTION_FAILED" });
    assert.throws(() => random.below(Number.NaN), { code: "KERNEL_ASSERTION_FAILED" });
  }
});

// From a transcription of the reference C code with big integers.
const PINNED: readonly number[] = [2837322924, 544945897, 479756282, 81];
