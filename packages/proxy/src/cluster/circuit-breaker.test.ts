import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BreakerRefusal, CircuitBreaker } from "./circuit-breaker.ts";
import { RETRY_BUDGET_FLOOR, RETRY_BURST_MAX } from "./limits.ts";

const WIDE = { connectionsMax: 100, pendingMax: 100, requestsMax: 100, retriesMax: 100, retryBudget: 1 };

test("tryAcquireRequest() refuses at requestsMax, and takes again after a release", () => {
  const breaker = new CircuitBreaker({ ...WIDE, requestsMax: 2 });
  assert.equal(breaker.tryAcquireRequest(), "acquired");
  assert.equal(breaker.tryAcquireRequest(), "acquired");
  assert.equal(breaker.tryAcquireRequest(), "CLUSTER_REQUESTS_FULL");
  assert.equal(breaker.activeRequests, 2);
  breaker.releaseRequest();
  assert.equal(breaker.tryAcquireRequest(), "acquired");
  assert.equal(breaker.use().trips.CLUSTER_REQUESTS_FULL, 1);
});

test("tryAcquirePending() refuses at pendingMax", () => {
  const breaker = new CircuitBreaker({ ...WIDE, pendingMax: 1 });
  assert.equal(breaker.tryAcquirePending(), "acquired");
  assert.equal(breaker.tryAcquirePending(), "CLUSTER_PENDING_FULL");
  breaker.releasePending();
  assert.equal(breaker.tryAcquirePending(), "acquired");
});

test("tryAcquireConnection() refuses at connectionsMax", () => {
  const breaker = new CircuitBreaker({ ...WIDE, connectionsMax: 1 });
  assert.equal(breaker.tryAcquireConnection(), "acquired");
  assert.equal(breaker.tryAcquireConnection(), "CLUSTER_CONNECTIONS_FULL");
  assert.equal(breaker.use().connections, 1);
  breaker.releaseConnection();
  assert.equal(breaker.tryAcquireConnection(), "acquired");
});

test("tryAcquireRetry() refuses at retriesMax", () => {
  const breaker = new CircuitBreaker({ ...WIDE, retriesMax: 1 });
  assert.equal(breaker.tryAcquireRetry(), "acquired");
  assert.equal(breaker.tryAcquireRetry(), "CLUSTER_RETRIES_FULL");
  breaker.releaseRetry();
  assert.equal(breaker.tryAcquireRetry(), "acquired");
});

test("tryAcquireRetry() keeps to the budget: a share of requests in flight above RETRY_BUDGET_FLOOR", () => {
  const breaker = new CircuitBreaker({ ...WIDE, retryBudget: 0.2 });
  for (let request = 0; request < 24; request++) breaker.tryAcquireRequest();
  for (let retry = 0; retry < RETRY_BUDGET_FLOOR + 4; retry++) assert.equal(breaker.tryAcquireRetry(), "acquired");
  assert.equal(breaker.tryAcquireRetry(), "CLUSTER_RETRY_BUDGET_SPENT");
  breaker.tryAcquireRequest();
  assert.equal(breaker.tryAcquireRetry(), "acquired");
  assert.equal(breaker.use().trips.CLUSTER_RETRY_BUDGET_SPENT, 1);
});

test("tryAcquireRetry() grants bursts out of what earlier requests saved, RETRY_BURST_MAX at most", () => {
  const breaker = new CircuitBreaker({ ...WIDE, retriesMax: 1000, retryBudget: 0.2 });
  const pass = (requests: number): void => {
    for (let request = 0; request < requests; request++) {
      breaker.tryAcquireRequest();
      breaker.releaseRequest();
    }
  };
  const burst = (): number => {
    let retries = 0;
    while (breaker.tryAcquireRetry() === "acquired") retries++;
    for (let retry = 0; retry < retries; retry++) breaker.releaseRetry();
    return retries;
  };
  // A quiet cluster has its floor, again and again.
  assert.equal(burst(), RETRY_BUDGET_FLOOR);
  assert.equal(burst(), RETRY_BUDGET_FLOOR);
  // Fifty requests save ten retries, once.
  pass(51);
  assert.equal(burst(), 10);
  assert.equal(burst(), RETRY_BUDGET_FLOOR);
  pass(100_000);
  assert.equal(burst(), RETRY_BURST_MAX);
});

test("configure() lowers a limit without forgetting what is in use", () => {
  const breaker = new CircuitBreaker(WIDE);
  for (let request = 0; request < 10; request++) breaker.tryAcquireRequest();
  breaker.configure({ ...WIDE, requestsMax: 5 });
  assert.equal(breaker.tryAcquireRequest(), "CLUSTER_REQUESTS_FULL");
  for (let request = 0; request < 6; request++) breaker.releaseRequest();
  assert.equal(breaker.tryAcquireRequest(), "acquired");
  assert.equal(breaker.activeRequests, 5);
});

test("release*() of what was not acquired ends the worker", () => {
  const breaker = new CircuitBreaker(WIDE);
  const releases = ["releaseRequest", "releasePending", "releaseConnection", "releaseRetry"] as const;
  for (const release of releases) assert.throws(() => breaker[release](), { code: "KERNEL_ASSERTION_FAILED" });
});

test("CircuitBreaker keeps every count within its limit and counts every refusal, in any order of calls", () => {
  const limits = { connectionsMax: 3, pendingMax: 2, requestsMax: 4, retriesMax: 5, retryBudget: 0.5 };
  const kinds = ["Request", "Pending", "Connection", "Retry"] as const;
  const call = fc.record({ kind: fc.constantFrom(...kinds), isAcquire: fc.boolean() });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 200 }), (calls) => {
      const breaker = new CircuitBreaker(limits);
      const held = { Request: 0, Pending: 0, Connection: 0, Retry: 0 };
      const trips: Partial<Record<BreakerRefusal, number>> = {};
      for (const { kind, isAcquire } of calls) {
        if (isAcquire) {
          const verdict = breaker[`tryAcquire${kind}`]();
          if (verdict === "acquired") held[kind]++;
          else trips[verdict] = (trips[verdict] ?? 0) + 1;
        } else if (held[kind] > 0) {
          breaker[`release${kind}`]();
          held[kind]--;
        }
        const use = breaker.use();
        assert.deepEqual([use.requests, use.pending, use.connections, use.retries], Object.values(held));
        assert.ok(use.requests <= 4 && use.pending <= 2 && use.connections <= 3 && use.retries <= 5);
      }
      for (const [code, count] of Object.entries(breaker.use().trips)) {
        assert.equal(count, trips[code as BreakerRefusal] ?? 0);
      }
    }),
  );
});
