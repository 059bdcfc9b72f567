import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { KERNEL_ERRORS } from "./errors.ts";
import { isWeftError, WeftError, type ErrorCatalog } from "./weft-error.ts";

test("WeftError() puts the code before the message and keeps code, details and cause", () => {
  const cause = new Error("socket closed");
  const error = new WeftError("POOL_EXHAUSTED", "Cannot connect: 3 of 3 in use", { max: 3 }, { cause });
  assert.equal(error.message, "[POOL_EXHAUSTED] Cannot connect: 3 of 3 in use");
  assert.equal(error.code, "POOL_EXHAUSTED");
  assert.deepEqual(error.details, { max: 3 });
  assert.equal(error.cause, cause);
  assert.equal(error.name, "WeftError");
  assert.ok(error instanceof Error);
});

test("WeftError() prints its name and code first and no field twice", () => {
  const text = inspect(new WeftError("ROUTER_NO_MATCH", "Cannot route request"));
  assert.match(text, /^WeftError: \[ROUTER_NO_MATCH\] Cannot route request/);
  assert.doesNotMatch(text, /name:/);
});

test("isWeftError() tells the class and, when asked, the code", () => {
  const error: unknown = new WeftError("A_CODE", "text");
  assert.ok(isWeftError(error));
  assert.ok(isWeftError(error, "A_CODE"));
  assert.ok(!isWeftError(error, "B_CODE"));
  assert.ok(!isWeftError(new Error("[A_CODE] text")));
  assert.ok(!isWeftError({ code: "A_CODE" }, "A_CODE"));
  assert.ok(!isWeftError(undefined));
});

test("KERNEL_ERRORS explains every code in sentences", () => {
  const catalog: ErrorCatalog = KERNEL_ERRORS;
  for (const [code, entry] of Object.entries(catalog)) {
    assert.match(code, /^KERNEL_[A-Z_]+$/);
    assert.match(entry.meaning, /\.$/);
    assert.match(entry.action, /\.$/);
  }
});
