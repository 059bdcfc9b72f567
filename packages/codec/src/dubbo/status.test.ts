import assert from "node:assert/strict";
import { test } from "node:test";
import { dubboStatusOf, httpStatusOf } from "./status.ts";

/** Every status that Dubbo has known since its beginnings. */
const KNOWN = new Set([30, 31, 40, 50, 60, 70, 80, 90, 100]);

test("dubboStatusOf() only gives statuses that every peer knows, and never OK", () => {
  for (let status = 100; status < 600; status++) assert.ok(KNOWN.has(dubboStatusOf(status)));
});

test("statuses keep their meaning there and back", () => {
  for (const status of [400, 404, 500, 502, 503, 504]) assert.equal(httpStatusOf(dubboStatusOf(status)), status);
  assert.equal(httpStatusOf(20), 200);
  for (const unknown of [0, 19, 21, 255]) assert.equal(httpStatusOf(unknown), 500);
});
