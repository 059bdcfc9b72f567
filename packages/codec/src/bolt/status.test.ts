import assert from "node:assert/strict";
import { test } from "node:test";
import { boltStatusOf, httpStatusOf, knownStatusOf } from "./status.ts";

/** Every status that sofa-bolt knows. */
const KNOWN = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x10, 0x11, 0x12]);

test("boltStatusOf() only gives statuses that every peer knows, and never success", () => {
  for (let status = 100; status < 600; status++) {
    assert.ok(KNOWN.has(boltStatusOf(status)));
    assert.notEqual(boltStatusOf(status), 0);
  }
});

test("statuses keep their meaning there and back", () => {
  for (const status of [400, 404, 502, 503, 504, 500]) assert.equal(httpStatusOf(boltStatusOf(status)), status);
  assert.equal(httpStatusOf(0), 200);
});

test("knownStatusOf() replaces what peers would throw on", () => {
  for (let status = 0; status < 300; status++) {
    assert.equal(knownStatusOf(status), KNOWN.has(status) ? status : 3);
  }
});
