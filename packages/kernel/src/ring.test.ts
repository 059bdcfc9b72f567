import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ring } from "./ring.ts";

test("Ring is first-in first-out and says when it is full", () => {
  const ring = new Ring<string>(2);
  assert.equal(ring.peek(), undefined);
  assert.equal(ring.shift(), undefined);
  assert.ok(ring.push("a") && ring.push("b"));
  assert.ok(ring.isFull);
  assert.ok(!ring.push("c"));
  assert.equal(ring.peek(), "a");
  assert.equal(ring.shift(), "a");
  assert.ok(ring.push("c"));
  assert.equal(ring.at(1), "c");
  assert.equal(ring.at(2), undefined);
  assert.equal(ring.at(-1), undefined);
  ring.clear();
  assert.equal(ring.length, 0);
});

test("Ring() refuses a capacity that is no count", () => {
  for (const capacity of [0, -1, 1.5, Number.NaN, 2 ** 30]) {
    assert.throws(() => new Ring(capacity), { code: "KERNEL_INVALID_ARGUMENT" });
  }
});

test("Ring agrees with an array for any sequence of operations", () => {
  const operations = fc.array(fc.constantFrom("push", "push", "push", "shift", "shift", "clear"), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), operations, (capacity, sequence) => {
      const ring = new Ring<number>(capacity);
      let model: number[] = [];
      sequence.forEach((operation, step) => {
        if (operation === "push") {
          assert.equal(ring.push(step), model.length < capacity);
          if (model.length < capacity) model.push(step);
        } else if (operation === "shift") assert.equal(ring.shift(), model.shift());
        else {
          ring.clear();
          model = [];
        }
        assert.equal(ring.length, model.length);
        assert.equal(ring.peek(), model[0]);
        assert.deepEqual(
          model.map((_, index) => ring.at(index)),
          model,
        );
      });
    }),
  );
});
