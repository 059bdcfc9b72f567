import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashBytes, hashString, mixUint32 } from "./hash.ts";

test("hashBytes() is MurmurHash3_x86_32", () => {
  // Vectors by Ian Boyd, https://stackoverflow.com/a/31929528, over UTF-8 bytes.
  const vectors: readonly (readonly [string, number, number])[] = [
    ["", 0, 0],
    ["", 1, 0x514e28b7],
    ["", 0xffffffff, 0x81f16f39],
    ["aaaa", 0x9747b28c, 0x5a97808a],
    ["aaa", 0x9747b28c, 0x283e0130],
    ["aa", 0x9747b28c, 0x5d211726],
    ["a", 0x9747b28c, 0x7fa09ea6],
    ["abcd", 0x9747b28c, 0xf0478627],
    ["Hello, world!", 0x9747b28c, 0x24884cba],
    ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
  ];
  for (const [text, seed, expected] of vectors) assert.equal(hashBytes(Buffer.from(text), seed), expected, text);
});

test("hashString() equals hashBytes() of the text's UTF-16LE bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer(), (text, seed) => {
      assert.equal(hashString(text, seed), hashBytes(Buffer.from(text, "utf16le"), seed));
    }),
  );
});

test("hashString() flips about half of the bits for one changed character", () => {
  let flips = 0;
  const pairs = 2000;
  for (let i = 0; i < pairs; i++) {
    const difference = (hashString(`host-${i}:8080`) ^ hashString(`host-${i}:8081`)) >>> 0;
    flips += difference.toString(2).replaceAll("0", "").length;
  }
  assert.ok(Math.abs(flips / pairs - 16) < 0.5, `${flips / pairs} bits of 32`);
});

test("hashString() spreads similar names evenly", () => {
  const buckets = new Uint32Array(64);
  for (let i = 0; i < 64_000; i++) {
    const bucket = hashString(`10.0.${i >> 8}.${i & 255}:20880`) % 64;
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  const chiSquare = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  // 63 degrees of freedom: one hash in a million lies above 130.
  assert.ok(chiSquare < 130, `chi square ${chiSquare}`);
});

test("mixUint32() is a uint32 and tells neighbours apart", () => {
  const seen = new Set<number>();
  for (let i = -5000; i < 5000; i++) {
    const mixed = mixUint32(i);
    assert.ok(Number.isInteger(mixed) && mixed >= 0 && mixed < 2 ** 32);
    seen.add(mixed);
  }
  assert.equal(seen.size, 10_000);
});
