import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@weft/kernel";
import { DeadlineHeap } from "./deadline-heap.ts";
import { VIRTUAL_TIME_MAX } from "./limits.ts";

test("DeadlineHeap keeps proportions when virtual time starts over at VIRTUAL_TIME_MAX", () => {
  const heap = new DeadlineHeap([1, 2], createRandom(1));
  const turns = [0, 0];
  // Three turns per unit of virtual time: this passes the limit, and goes on for a tenth of it.
  const count = Math.ceil(VIRTUAL_TIME_MAX * 3.3);
  for (let turn = 0; turn < count; turn++) {
    const item = heap.itemAt(0);
    turns[item] = (turns[item] ?? 0) + 1;
    heap.advance(0);
  }
  assert.ok(Math.abs((turns[0] ?? 0) - count / 3) <= 2, `${turns.join(" and ")} turns`);
});

test("DeadlineHeap refuses a weight of 0", () => {
  assert.throws(() => new DeadlineHeap([1, 0], createRandom(1)), { code: "KERNEL_ASSERTION_FAILED" });
});
