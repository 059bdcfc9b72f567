import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock, Histogram } from "@weft/kernel";
import fc from "fast-check";
import { MetricsRegistry } from "./registry.ts";
import { countAnswer, countGrpcStatus } from "./route-stats.ts";
import { summarise, summariseRetries } from "./summary.ts";

/** The rule of every route here that has only one. */
const RULE = "rules[0]";

const NO_DURATIONS = new Histogram().snapshot();

test("summarise() gives rates and quantiles of the span alone", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const route = registry.route("r", RULE);
  for (let index = 0; index < 1000; index++) countAnswer(route, 500, 1_000_000, 0, 0);
  const before = registry.snapshot();
  for (let index = 0; index < 99; index++) countAnswer(route, 200, 2_000, 0, 0);
  countAnswer(route, 503, 80_000, 0, 0);
  const [summary] = summarise(before, registry.snapshot(), 2_000);
  assert.equal(summary?.route, "r");
  assert.equal(summary?.requestsPerSecond, 50);
  assert.equal(summary?.successShare, 0.99);
  assert.deepEqual([summary?.requests, summary?.failures], [100, 1]);
  assert.ok(Math.abs((summary?.p50Ms ?? 0) - 2) < 0.07);
  assert.ok(Math.abs((summary?.p99Ms ?? 0) - 2) < 0.07);
});

test("summarise() counts gRPC failures that hide behind status 200, and answers that never came", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const before = registry.snapshot();
  const route = registry.route("r", RULE);
  for (const grpcStatus of [0, 5, 13, 14]) {
    countAnswer(route, 200, 10, 0, 0);
    countGrpcStatus(route, grpcStatus);
  }
  countAnswer(route, 0, 10, 0, 0);
  const [summary] = summarise(before, registry.snapshot(), 1_000);
  assert.equal(summary?.successShare, 1 - 3 / 5);
});

test("summarise() says nothing of a silent route but that it is silent", () => {
  const registry = new MetricsRegistry(new FakeClock());
  countAnswer(registry.route("r", RULE), 200, 10, 0, 0);
  const snapshot = registry.snapshot();
  assert.deepEqual(summarise(snapshot, snapshot, 1_000), [
    {
      route: "r",
      requests: 0,
      failures: 0,
      requestsPerSecond: 0,
      successShare: 1,
      p50Ms: null,
      p99Ms: null,
      durations: NO_DURATIONS,
    },
  ]);
});

test("summariseRetries() counts what was tried again, and what failed all the same", () => {
  const registry = new MetricsRegistry(new FakeClock());
  registry.cluster("shop/quiet");
  const busy = registry.cluster("shop/busy");
  busy.retries += 3;
  busy.retriesExhausted += 1;
  assert.deepEqual(summariseRetries(registry.snapshot()), [
    { cluster: "shop/busy", retries: 3, exhausted: 1 },
    { cluster: "shop/quiet", retries: 0, exhausted: 0 },
  ]);
});

test("summarise() counts from zero when a counter went backwards", () => {
  const old = new MetricsRegistry(new FakeClock());
  for (let index = 0; index < 10; index++) countAnswer(old.route("r", RULE), 200, 10, 0, 0);
  const fresh = new MetricsRegistry(new FakeClock());
  countAnswer(fresh.route("r", RULE), 200, 3_000, 0, 0);
  const [summary] = summarise(old.snapshot(), fresh.snapshot(), 1_000);
  assert.equal(summary?.requestsPerSecond, 1);
  assert.ok(Math.abs((summary?.p50Ms ?? 0) - 3) < 0.1);
});

test("summarise() puts the busiest route first", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const before = registry.snapshot();
  registry.route("b", RULE);
  registry.route("a", RULE);
  countAnswer(registry.route("busy", RULE), 200, 1, 0, 0);
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
          countAnswer(registry.route("r", RULE), status, durationUs, 0, 0);
          if (grpcStatus >= 0) countGrpcStatus(registry.route("r", RULE), grpcStatus);
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

test("summarise() adds up the rules of a route", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const rules = [registry.route("r", "rules[0]"), registry.route("r", "checkout")] as const;
  for (let index = 0; index < 10; index++) countAnswer(rules[0], 200, 1_000, 0, 0);
  const before = registry.snapshot();
  for (let index = 0; index < 90; index++) countAnswer(rules[0], 200, 1_000, 0, 0);
  for (let index = 0; index < 10; index++) countAnswer(rules[1], 503, 50_000, 0, 0);
  countGrpcStatus(rules[1], 13);
  const summaries = summarise(before, registry.snapshot(), 1_000);
  assert.equal(summaries.length, 1);
  const [summary] = summaries;
  assert.equal(summary?.requestsPerSecond, 100);
  assert.equal(summary?.successShare, 0.89);
  assert.ok(Math.abs((summary?.p50Ms ?? 0) - 1) < 0.04);
  assert.ok(Math.abs((summary?.p99Ms ?? 0) - 50) < 1.6);
});
