import assert from "node:assert/strict";
import { test } from "node:test";
import { Histogram } from "@weft/kernel";
import type { RouteTraffic } from "@weft/proxy";
import { RouteWindow } from "./route-window.ts";

/** A second in which a route answered in these milliseconds. */
function second(route: string, successShare: number, ...durationsMs: readonly number[]): RouteTraffic {
  const durations = new Histogram();
  for (const durationMs of durationsMs) durations.record(durationMs * 1000);
  const quantile = (q: number): number | null => (durations.count === 0 ? null : durations.quantile(q) / 1000);
  return {
    route,
    requests: durationsMs.length,
    failures: durationsMs.length * (1 - successShare),
    requestsPerSecond: durationsMs.length,
    successShare,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    durations: durations.snapshot(),
  };
}

test("RouteWindow.routes() takes the requests of its seconds together", () => {
  const window = new RouteWindow(2);
  window.add([second("forgotten", 0, 1, 1, 1)]);
  window.add([second("b", 1, 10, 10, 10), second("a", 1, 5)]);
  window.add([second("b", 0, 50), second("idle", 1)]);
  const routes = window.routes();
  assert.deepEqual(
    routes.map(({ route, requestsPerSecond, successShare }) => [route, requestsPerSecond, successShare]),
    [
      ["a", 0.5, 1],
      ["b", 2, 0.75],
    ],
  );
  assert.ok(Math.abs((routes[1]?.p50Ms ?? 0) - 10) < 0.4);
  assert.ok(Math.abs((routes[1]?.p99Ms ?? 0) - 50) < 1.6);
});

test("RouteWindow.routes() does not take the worst second's tail for that of all", () => {
  const window = new RouteWindow(10);
  const quick = Array.from({ length: 50 }, () => 2);
  for (let index = 0; index < 9; index++) window.add([second("shop", 1, ...quick)]);
  // One slow request of 500: its second's own p99 is 300 ms, that of the window is not.
  window.add([second("shop", 1, ...quick.slice(1), 300)]);
  const [shop] = window.routes();
  assert.ok((shop?.p99Ms ?? 300) < 2.1);
});

test("RouteWindow.routes() says nothing of durations where none were measured", () => {
  const window = new RouteWindow(1);
  window.add([{ ...second("tunnel", 1), requests: 3, requestsPerSecond: 3 }]);
  assert.deepEqual(window.routes(), [
    { route: "tunnel", requestsPerSecond: 3, successShare: 1, p50Ms: null, p99Ms: null },
  ]);
});

test("RouteWindow.routes() is empty before the first second", () => {
  assert.deepEqual(new RouteWindow(10).routes(), []);
});
