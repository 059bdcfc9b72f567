import assert from "node:assert/strict";
import { test } from "node:test";
import { RouteWindow } from "./route-window.ts";

function summary(
  route: string,
  requestsPerSecond: number,
  successShare: number,
  p50Ms: number | null,
  p99Ms: number | null,
) {
  return { route, requestsPerSecond, successShare, p50Ms, p99Ms };
}

test("RouteWindow.routes() averages over its seconds, weighted by requests, and keeps the worst tail", () => {
  const window = new RouteWindow(2);
  window.add([summary("forgotten", 100, 0, 1, 1)]);
  window.add([summary("b", 3, 1, 10, 20), summary("a", 1, 1, 5, 5)]);
  window.add([summary("b", 1, 0, 50, 60), summary("idle", 0, 1, null, null), summary("c", 2, 1, null, null)]);
  assert.deepEqual(window.routes(), [
    summary("a", 0.5, 1, 5, 5),
    summary("b", 2, 0.75, 20, 60),
    summary("c", 1, 1, null, null),
  ]);
});

test("RouteWindow.routes() is empty before the first second", () => {
  assert.deepEqual(new RouteWindow(10).routes(), []);
});
