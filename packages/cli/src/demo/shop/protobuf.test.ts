import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeMessage, encodeMessage } from "./protobuf.ts";

const SHAPE = { name: "", count: 0, note: "" };

test("encodeMessage() writes the bytes of protobuf's own example", () => {
  // https://protobuf.dev/programming-guides/encoding: field 1 = 150 is 08 96 01; field 2 = "testing" is 12 07 74...
  assert.equal(encodeMessage({ a: 0 }, { a: 150 }).toString("hex"), "089601");
  assert.equal(encodeMessage({ a: 0, b: "" }, { a: 0, b: "testing" }).toString("hex"), "120774657374696e67");
});

test("decodeMessage() reads back what encodeMessage() wrote", () => {
  const fields = {
    name: fc.string({ unit: "grapheme" }),
    count: fc.integer({ min: 0, max: 0xffff_ffff }),
    note: fc.string(),
  };
  const message = fc.record(fields, { noNullPrototype: true });
  fc.assert(
    fc.property(message, (value) => assert.deepEqual(decodeMessage(SHAPE, encodeMessage(SHAPE, value)), value)),
  );
});

test("decodeMessage() skips fields that it does not know and ignores known ones of another type", () => {
  // Field 9 as varint, fixed64, bytes and fixed32; then field 1 as varint although it is a string; then field 2 = 5.
  const bytes = Buffer.from("48ff014901020304050607084a01614d0102030408071005", "hex");
  assert.deepEqual(decodeMessage(SHAPE, bytes), { name: "", count: 5, note: "" });
});

test("decodeMessage() refuses what is cut short, too long or of a wire type that is not in use", () => {
  for (const [hex, reason] of [
    ["0a05616263", /cut short/],
    ["08", /cut short/],
    ["08ffffffffffffffffffff01", /longer than 10 bytes/],
    ["0b", /wire type 3/],
  ] as const) {
    assert.throws(() => decodeMessage(SHAPE, Buffer.from(hex, "hex")), reason);
  }
});
