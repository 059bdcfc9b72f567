import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@weft/kernel";
import { Host, hostKey, type RequestOutcome } from "./host.ts";
import { FAILURE_LATENCY_MS_MAX, FAILURE_LATENCY_MS_MIN, WEIGHT_SCALE } from "./limits.ts";
import { hostConfig } from "./test-cluster.ts";

function answer(host: Host, outcome: RequestOutcome, latencyMs: number): void {
  host.onRequestStart();
  host.onRequestEnd(outcome, latencyMs);
}

test("hostKey() puts IPv6 addresses in brackets", () => {
  assert.equal(hostKey("10.0.0.1", 80), "10.0.0.1:80");
  assert.equal(hostKey("::1", 80), "[::1]:80");
});

test("onRequestEnd() counts outcomes, and answer times of those that were answered", () => {
  const host = new Host(hostConfig(1), new FakeClock());
  answer(host, "success", 10);
  answer(host, "success", 20);
  answer(host, "failure", 30);
  answer(host, "connect-failure", 40);
  answer(host, "cancelled", 50);
  assert.deepEqual([host.successes, host.failures, host.connectFailures, host.cancels], [2, 1, 1, 1]);
  assert.equal(host.histogram?.count, 3);
  assert.equal(host.histogram?.max, 30_000);
  assert.equal(host.activeRequests, 0);
});

test("onRequestEnd() without a start ends the worker", () => {
  const host = new Host(hostConfig(1), new FakeClock());
  assert.throws(() => host.onRequestEnd("success", 1), { code: "KERNEL_ASSERTION_FAILED" });
});

test("onRequestEnd() makes a host that fails fast look slower and slower, up to FAILURE_LATENCY_MS_MAX", () => {
  const clock = new FakeClock();
  const host = new Host(hostConfig(1), clock);
  answer(host, "success", 2);
  answer(host, "connect-failure", 0.1);
  assert.equal(host.latencyMs(clock.nowMs()), FAILURE_LATENCY_MS_MIN);
  answer(host, "failure", 0.1);
  assert.equal(host.latencyMs(clock.nowMs()), 2 * FAILURE_LATENCY_MS_MIN);
  for (let index = 0; index < 50; index++) answer(host, "failure", 0.1);
  assert.equal(host.latencyMs(clock.nowMs()), FAILURE_LATENCY_MS_MAX);
  answer(host, "failure", 90_000);
  assert.equal(host.latencyMs(clock.nowMs()), 90_000);
});

test("onRequestEnd() learns from a cancelled try only that it would have taken longer", () => {
  const clock = new FakeClock();
  const host = new Host(hostConfig(1), clock);
  answer(host, "success", 100);
  answer(host, "cancelled", 1);
  assert.equal(host.latencyMs(clock.nowMs()), 100);
  answer(host, "cancelled", 500);
  assert.equal(host.latencyMs(clock.nowMs()), 500);
});

test("onRequestEnd() tells the observer of errors and successes, not of cancelled tries", () => {
  const host = new Host(hostConfig(1), new FakeClock());
  const told: string[] = [];
  host.observer = {
    onOutcome: (isError, latencyMs) => told.push(`${isError} ${latencyMs}`),
    onSilence: (reason) => told.push(reason),
  };
  answer(host, "success", 1);
  answer(host, "failure", 2);
  answer(host, "connect-failure", 3);
  answer(host, "cancelled", 4);
  assert.deepEqual(told, ["false 1", "true 2", "true 3"]);
});

test("refreshWeight() grows from a tenth to all over the slow start", () => {
  const host = new Host(hostConfig(1, { weight: 3 }), new FakeClock());
  const full = 3 * WEIGHT_SCALE;
  assert.equal(host.refreshWeight(0, 1000), false);
  assert.equal(host.weight, full);
  host.startWarming(5000);
  const weights = [5000, 5050, 5500, 5900, 6000, 9000].map((nowMs) => {
    host.refreshWeight(nowMs, 1000);
    return host.weight / full;
  });
  assert.deepEqual(weights, [0.1, 0.1, 0.5, 0.9, 1, 1]);
  host.refreshWeight(5500, 0);
  assert.equal(host.weight, full);
});

test("isUsable follows verdict, ejection and draining", () => {
  const host = new Host(hostConfig(1), new FakeClock());
  assert.equal(host.isUsable, true);
  assert.equal(host.setVerdict("unhealthy", "down"), true);
  assert.equal(host.setVerdict("unhealthy", "still down"), false);
  assert.equal(host.isUsable, false);
  host.setVerdict("healthy", "up");
  host.eject(100, "latency", "slow");
  assert.equal(host.isUsable, false);
  host.endEjection();
  host.setDraining(true);
  assert.equal(host.isUsable, false);
  host.setDraining(false);
  assert.equal(host.isUsable, true);
});

test("Host keeps one shape from its first request to its last, whatever happens to it", () => {
  const clock = new FakeClock();
  const fresh = new Host(hostConfig(1), clock);
  const used = new Host(hostConfig(2, { zone: "a", labels: { version: "2" } }), clock);
  used.pool = {};
  used.observer = { onOutcome: () => undefined, onSilence: () => undefined };
  answer(used, "success", 1);
  answer(used, "failure", 1);
  used.setVerdict("unhealthy", "down");
  used.eject(100, "latency", "slow");
  used.endEjection();
  used.setDraining(true);
  used.startWarming(0);
  used.refreshWeight(5, 10);
  assert.deepEqual(Object.keys(used), Object.keys(fresh));
  assert.deepEqual(Object.keys(fresh), ["key", "address", "port", "pool", "observer"]);
});
