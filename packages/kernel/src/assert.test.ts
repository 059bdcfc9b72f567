import check from "node:assert/strict";
import { test } from "node:test";
import { assert, assertInteger, assertRange, fail, unreachable } from "./assert.ts";

test("assert() lets truth pass and throws KERNEL_ASSERTION_FAILED otherwise", () => {
  assert(true, "holds");
  check.throws(() => assert(false, "a stream ends once"), {
    code: "KERNEL_ASSERTION_FAILED",
    message: "[KERNEL_ASSERTION_FAILED] Assertion failed: a stream ends once",
  });
});

test("fail() carries the values behind the message", () => {
  check.throws(() => fail("text", { index: 7 }), { code: "KERNEL_ASSERTION_FAILED", details: { index: 7 } });
});

test("unreachable() names the value that came from outside the types", () => {
  check.throws(() => unreachable("surprise" as never), /surprise/);
});

test("assertRange() takes finite numbers within both ends", () => {
  assertRange("tickMs", 1, 1, 2);
  assertRange("tickMs", 2, 1, 2);
  for (const value of [0.9, 2.1, Number.NaN, Number.POSITIVE_INFINITY]) {
    check.throws(() => assertRange("tickMs", value, 1, 2), { code: "KERNEL_INVALID_ARGUMENT" });
  }
  check.throws(() => assertRange("tickMs", 9, 1, 2), /tickMs = 9: expected a number from 1 to 2/);
});

test("assertInteger() refuses fractions", () => {
  assertInteger("size", 3, 0, 5);
  for (const value of [2.5, -1, 6, Number.NaN]) {
    check.throws(() => assertInteger("size", value, 0, 5), { code: "KERNEL_INVALID_ARGUMENT" });
  }
});
