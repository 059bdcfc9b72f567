import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, type Random } from "@weft/kernel";
import fc from "fast-check";
import { AliasTable } from "./alias-table.ts";

/** Walks all cells and a grid within each, so that counting draws measures the table's areas. */
class GridRandom implements Random {
  readonly #cells: number;
  readonly #steps: number;
  #drawn: number = 0;

  constructor(cells: number, steps: number) {
    this.#cells = cells;
    this.#steps = steps;
  }

  below(_n: number): number {
    return Math.floor(this.#drawn / this.#steps) % this.#cells;
  }

  next(): number {
    return ((this.#drawn++ % this.#steps) + 0.5) / this.#steps;
  }

  uint32(): number {
    return 0;
  }
}

test("AliasTable gives every index an area in proportion to its weight", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(weights, (weights) => {
      const steps = 400;
      const table = new AliasTable(weights);
      const random = new GridRandom(weights.length, steps);
      const counts = weights.map(() => 0);
      for (let draw = 0; draw < weights.length * steps; draw++) {
        const index = table.draw(random);
        counts[index] = (counts[index] ?? 0) + 1;
      }
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      weights.forEach((weight, index) => {
        const expected = (weight / total) * weights.length * steps;
        // Each border between two indexes within a cell costs at most half a grid step.
        assert.ok(Math.abs((counts[index] ?? 0) - expected) <= weights.length, `${counts[index]} of ${expected}`);
      });
    }),
  );
});

test("AliasTable draws a weight of one in a million as seldom as that", () => {
  const table = new AliasTable([1, 999_999]);
  const random = createRandom(3);
  let rare = 0;
  for (let draw = 0; draw < 1_000_000; draw++) if (table.draw(random) === 0) rare++;
  assert.ok(rare <= 8, `${rare} draws`);
});

test("AliasTable refuses a weight of 0 and an empty list", () => {
  assert.throws(() => new AliasTable([1, 0]), { code: "KERNEL_ASSERTION_FAILED" });
  assert.throws(() => new AliasTable([]), { code: "KERNEL_ASSERTION_FAILED" });
});
