import assert from "node:assert/strict";
import { test } from "node:test";
import { FieldChanges, fieldNameOf, isFieldValue, isSameOnWire, knownNameCount } from "./fields.ts";
import { KNOWN_NAMES_MAX } from "./limits.ts";

test("fieldNameOf() gives field names in lower case, and none for what is ours or no name", () => {
  for (const [key, name] of [
    ["Service", "service"],
    ["rpc_trace_context.sofaRpcId", "rpc_trace_context.sofarpcid"],
    ["", ""],
    ["white space", ""],
    ["colon:", ""],
    ["gr\xfc\xdf", ""],
    ["RPC-Version", ""],
    ["x-weft-hops", ""],
    ["X-Forwarded-For", ""],
    ["x-weft-error", "x-weft-error"],
  ] as const) {
    assert.equal(fieldNameOf(key), name);
    assert.equal(fieldNameOf(key), name);
  }
});

test("KNOWN_NAMES_MAX: names beyond it are worked out each time", () => {
  for (let index = 0; index < KNOWN_NAMES_MAX + 10; index++) fieldNameOf(`Key-${index}`);
  assert.equal(knownNameCount(), KNOWN_NAMES_MAX);
  assert.equal(fieldNameOf("One-More"), "one-more");
  assert.equal(knownNameCount(), KNOWN_NAMES_MAX);
});

test("isFieldValue() refuses control characters and white space at the ends", () => {
  for (const value of ["", "a", "a b", "gr\xfc\xdf"]) assert.ok(isFieldValue(value));
  for (const value of [" ", " a", "a ", "a\r\nb", "\0", "\t", "\x7f"]) assert.ok(!isFieldValue(value));
});

test("isSameOnWire() looks past fields of ours at the end", () => {
  const original = ["a", "1", "b", "2"];
  assert.ok(isSameOnWire(original, original));
  assert.ok(isSameOnWire([...original, "x-forwarded-for", "1.2.3.4", "rpc-group", "x"], original));
  assert.ok(!isSameOnWire([...original, "traceparent", "00"], original));
  assert.ok(!isSameOnWire(["a", "1"], original));
  assert.ok(!isSameOnWire(["a", "1", "b", "3"], original));
  assert.ok(!isSameOnWire(["b", "2", "a", "1"], original));
});

test("FieldChanges gives each value once, and what was added", () => {
  const changes = new FieldChanges(["a", "1", "b", "2", "a", "3", "x-weft-hops", "1"]);
  assert.equal(changes.take("a"), "1");
  assert.equal(changes.take("a"), "3");
  assert.equal(changes.take("a"), undefined);
  assert.deepEqual(changes.added(), ["b", "2"]);
});
