import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Bitmap } from "./bitmap.ts";

function bitmapOf(size: number, indexes: Iterable<number>): Bitmap {
  const bitmap = new Bitmap(size);
  for (const index of indexes) bitmap.set(index);
  return bitmap;
}

function indexesOf(bitmap: Bitmap): number[] {
  const indexes: number[] = [];
  bitmap.iterate((index) => indexes.push(index));
  return indexes;
}

test("set(), clear() and has() at word borders", () => {
  const bitmap = new Bitmap(100);
  for (const index of [0, 31, 32, 63, 64, 99]) {
    assert.ok(!bitmap.has(index));
    bitmap.set(index);
    assert.ok(bitmap.has(index));
  }
  assert.deepEqual(indexesOf(bitmap), [0, 31, 32, 63, 64, 99]);
  bitmap.clear(31);
  bitmap.clear(1000);
  assert.equal(bitmap.count(), 5);
  assert.ok(!bitmap.has(31) && !bitmap.has(1000) && !bitmap.has(-1));
});

test("set() asserts that the index fits; or() that the union does", () => {
  const bitmap = new Bitmap(33);
  for (const index of [-1, 33, Number.NaN]) {
    assert.throws(() => bitmap.set(index), { code: "KERNEL_ASSERTION_FAILED" });
  }
  assert.throws(() => bitmap.or(bitmapOf(200, [33])), { code: "KERNEL_ASSERTION_FAILED" });
  bitmap.or(bitmapOf(200, [32]));
  assert.deepEqual(indexesOf(bitmap), [32]);
});

test("setAll() sets exactly the bits within size, also after growth by spare words", () => {
  for (const size of [0, 1, 31, 32, 33, 64, 100]) {
    const bitmap = new Bitmap(size);
    bitmap.setAll();
    assert.equal(bitmap.count(), size);
    bitmap.grow(size + 200);
    assert.equal(bitmap.count(), size);
    bitmap.grow(size + 201);
    bitmap.setAll();
    assert.equal(bitmap.count(), size + 201);
    bitmap.clearAll();
    assert.ok(bitmap.isEmpty());
  }
});

test("Bitmap agrees with sets of numbers, whatever the two sizes", () => {
  const side = fc
    .integer({ min: 1, max: 200 })
    .chain((size) => fc.record({ size: fc.constant(size), indexes: fc.uniqueArray(fc.nat(size - 1)) }));
  fc.assert(
    fc.property(side, side, fc.nat(250), (a, b, from) => {
      const left = bitmapOf(a.size, a.indexes);
      const right = bitmapOf(b.size, b.indexes);
      const leftSet = new Set(a.indexes);
      const rightSet = new Set(b.indexes);
      const sorted = (indexes: Iterable<number>): number[] => [...indexes].toSorted((x, y) => x - y);

      assert.equal(left.count(), leftSet.size);
      assert.equal(left.isEmpty(), leftSet.size === 0);
      assert.equal(left.countAnd(right), a.indexes.filter((index) => rightSet.has(index)).length);
      assert.equal(left.nextSetBit(from), sorted(leftSet).find((index) => index >= from) ?? -1);
      assert.equal(
        left.equals(right),
        leftSet.size === rightSet.size && a.indexes.every((index) => rightSet.has(index)),
      );

      const both = left.clone();
      both.and(right);
      assert.deepEqual(indexesOf(both), sorted(a.indexes.filter((index) => rightSet.has(index))));
      const without = left.clone();
      without.andNot(right);
      assert.deepEqual(indexesOf(without), sorted(a.indexes.filter((index) => !rightSet.has(index))));
      const either = left.clone();
      either.grow(b.size);
      either.or(right);
      assert.deepEqual(indexesOf(either), sorted(new Set([...a.indexes, ...b.indexes])));
      assert.deepEqual(indexesOf(left), sorted(leftSet), "operands stay as they were");

      left.copyFrom(right);
      assert.ok(left.equals(right) && left.size === right.size);
    }),
  );
});
