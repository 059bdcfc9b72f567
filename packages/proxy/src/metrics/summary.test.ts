import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@weft/kernel";
import fc from "fast-check";
import { MetricsRegistry } from "./registry.ts";
import { summarise } from "./summary.ts";

test("summarise() gives rates and quantiles of the span alone", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const route = registry.route("r");
  for (let index = 0; index < 1000; index++) route.record(500, 1_000_000, 0, 0);
  const before = registry.snapshot();
  for (let index = 0; index < 99; index++) route.record(200, 2_000, 0, 0);
  route.record(503, 80_000, 0, 0);
  const [summary] = summarise(before, registry.snapshot(), 2_000);
  assert.equal(summary?.route, "r");
  assert.equal(summary?.requestsPerSecond, 50);
  assert.equal(summary?.successShare, 0.99);
  assert.ok(Math.abs((summary?.p50Ms ?? 0) - 2) < 0.07);
  assert.ok(Math.abs((summary?.p99Ms ?? 0) - 2) < 0.07);
});

test("summarise() counts gRPC failures that hide behind status 200, and answers that never came", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const before = registry.snapshot();
  const route = registry.route("r");
  for (const grpcStatus of [0, 5, 13, 14]) {
    route.record(200, 10, 0, 0);
    route.recordGrpc(grpcStatus);
  }
  route.record(0, 10, 0, 0);
  const [summary] = summarise(before, registry.snapshot(), 1_000);
  assert.equal(summary?.successShare, 1 - 3 / 5);
});

test("summarise() says nothing of a silent route but that it is silent", () => {
  const registry = new MetricsRegistry(new FakeClock());
  registry.route("r").record(200, 10, 0, 0);
  const snapshot = registry.snapshot();
  assert.deepEqual(summarise(snapshot, snapshot, 1_000), [
    { route: "r", requestsPerSecond: 0, successShare: 1, p50Ms: null, p99Ms: null },
  ]);
});

test("summarise() counts from zero when a worker was replaced", () => {
  const old = new MetricsRegistry(new FakeClock());
  for (let index = 0; index < 10; index++) old.route("r").record(200, 10, 0, 0);
  const fresh = new MetricsRegistry(new FakeClock());
  fresh.route("r").record(200, 3_000, 0, 0);
  const [summary] = summarise(old.snapshot(), fresh.snapshot(), 1_000);
  assert.equal(summary?.requestsPerSecond, 1);
  assert.ok(Math.abs((summary?.p50Ms ?? 0) - 3) < 0.1);
});

test("summarise() puts the busiest route first", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const before = registry.snapshot();
  registry.route("b");
  registry.route("a");
  registry.route("busy").record(200, 1, 0, 0);
  const routes = summarise(before, registry.snapshot(), 1_000).map(({ route }) => route);
  assert.deepEqual(routes, ["busy", "a", "b"]);
});

test("summarise() stays within its bounds whatever was recorded", () => {
  const record = fc.tuple(
    fc.integer({ min: 0, max: 700 }),
    fc.integer({ min: 0, max: 1e9 }),
    fc.integer({ min: -1, max: 20 }),
  );
  fc.assert(
    fc.property(fc.array(record), fc.array(record), fc.integer({ min: 0, max: 10_000 }), (first, second, elapsedMs) => {
      const registry = new MetricsRegistry(new FakeClock());
      const play = (records: typeof first): void => {
        for (const [status, durationUs, grpcStatus] of records) {
          registry.route("r").record(status, durationUs, 0, 0);
          if (grpcStatus >= 0) registry.route("r").recordGrpc(grpcStatus);
        }
      };
      play(first);
      const before = registry.snapshot();
      play(second);
      for (const summary of summarise(before, registry.snapshot(), elapsedMs)) {
        assert.ok(summary.successShare >= 0 && summary.successShare <= 1);
        assert.equal(summary.requestsPerSecond, elapsedMs === 0 ? 0 : (second.length * 1000) / elapsedMs);
        if (second.length > 0) assert.ok((summary.p50Ms ?? -1) <= (summary.p99Ms ?? -1));
        else assert.equal(summary.p50Ms, null);
      }
    }),
    { numRuns: 100 },
  );
});
