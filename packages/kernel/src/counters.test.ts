import assert from "node:assert/strict";
import { test } from "node:test";
import { createCounterBlock } from "./counters.ts";

test("CounterBlock counts, sets and reads by index", () => {
  const block = createCounterBlock(["requests", "bytes", "connections"]);
  block.increment(0);
  block.increment(0);
  block.add(1, 2.5e9);
  block.add(1, 2.5e9);
  block.set(2, 7);
  block.decrement(2);
  assert.deepEqual(block.snapshot(), [2, 5e9, 6]);
  assert.equal(block.get(1), 5e9);
  assert.deepEqual(block.names, ["requests", "bytes", "connections"]);
  block.reset();
  assert.deepEqual(block.snapshot(), [0, 0, 0]);
});

test("CounterBlock.merge() adds another block's snapshot of the same shape", () => {
  const block = createCounterBlock(["a", "b"]);
  block.increment(1);
  block.merge([3, 4]);
  assert.deepEqual(block.snapshot(), [3, 5]);
  assert.throws(() => block.merge([1]), { code: "KERNEL_ASSERTION_FAILED" });
});

test("CounterBlock asserts that an index exists", () => {
  const block = createCounterBlock(["a"]);
  for (const index of [-1, 1, 0.5, Number.NaN]) {
    assert.throws(() => block.increment(index), { code: "KERNEL_ASSERTION_FAILED" });
    assert.throws(() => block.decrement(index), { code: "KERNEL_ASSERTION_FAILED" });
    assert.throws(() => block.add(index, 1), { code: "KERNEL_ASSERTION_FAILED" });
    assert.throws(() => block.set(index, 1), { code: "KERNEL_ASSERTION_FAILED" });
    assert.throws(() => block.get(index), { code: "KERNEL_ASSERTION_FAILED" });
  }
});
