import assert from "node:assert/strict";
import { test } from "node:test";
import { FAILURES_KEPT_MAX } from "./limits.ts";
import { Tally } from "./tally.ts";

test("fail() counts every failure and keeps the first ones", () => {
  const tally = new Tally();
  for (let count = 0; count <= FAILURES_KEPT_MAX; count++) tally.fail("broken", count);
  assert.equal(tally.failed, FAILURES_KEPT_MAX + 1);
  assert.equal(tally.requests, FAILURES_KEPT_MAX + 1);
  assert.equal(tally.failures.length, FAILURES_KEPT_MAX);
  assert.deepEqual(tally.failures[1], { reason: "broken", localPort: 1 });
});
