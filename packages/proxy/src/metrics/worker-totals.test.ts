import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@weft/kernel";
import { MetricsRegistry } from "./registry.ts";
import { countAnswer } from "./route-stats.ts";
import type { MetricsSnapshot } from "./snapshot.ts";
import { summarise } from "./summary.ts";
import { WorkerTotals } from "./worker-totals.ts";

/** A worker that counts requests of routes. */
class Worker {
  readonly pid: number;
  readonly registry: MetricsRegistry = new MetricsRegistry(new FakeClock());

  constructor(pid: number) {
    this.pid = pid;
  }

  count(requests: number, durationUs: number = 1000, route: string = "shop"): void {
    for (let index = 0; index < requests; index++) {
      countAnswer(this.registry.route(route, "rules[0]"), 200, durationUs, 0, 0);
    }
  }

  get metrics(): { pid: number; snapshot: MetricsSnapshot } {
    return { pid: this.pid, snapshot: this.registry.snapshot() };
  }
}

function requestsOf({ numbers }: MetricsSnapshot, route: string = "shop"): number {
  const samples = numbers["weft_router_requests_total"] ?? [];
  return samples.reduce((sum, { labels, value }) => (labels[0] === route ? sum + value : sum), 0);
}

test("WorkerTotals.add() keeps what a worker counted when it is gone, and starts nothing anew", () => {
  const totals = new WorkerTotals();
  const [first, second] = [new Worker(1), new Worker(2)];
  first.count(1000, 80_000);
  second.count(1000, 80_000);
  const before = totals.add([first.metrics, second.metrics], new Set([1, 2]));
  assert.equal(requestsOf(before), 2000);
  second.count(10, 2000);
  const after = totals.add([second.metrics], new Set([2]));
  assert.equal(requestsOf(after), 2010);
  // What a live view makes of it: ten quick requests, not everything that the other worker ever did.
  const [summary] = summarise(before, after, 1000);
  assert.equal(summary?.requestsPerSecond, 10);
  assert.ok(Math.abs((summary?.p99Ms ?? 0) - 2) < 0.07);
  const third = new Worker(3);
  third.count(1);
  assert.equal(requestsOf(totals.add([second.metrics, third.metrics], new Set([2, 3]))), 2011);
  assert.equal(requestsOf(totals.add([third.metrics], new Set([3]))), 2011);
});

test("WorkerTotals.add() counts on for a worker that does not answer, without its gauges", () => {
  const totals = new WorkerTotals();
  const [first, second] = [new Worker(1), new Worker(2)];
  for (const worker of [first, second]) {
    worker.count(5);
    worker.registry.listener("edge").connectionsActive = 3;
  }
  const connections = ({ numbers }: MetricsSnapshot): unknown =>
    numbers["weft_downstream_connections_active"]?.[0]?.value;
  assert.equal(connections(totals.add([first.metrics, second.metrics], new Set([1, 2]))), 6);
  first.count(1);
  const silent = totals.add([first.metrics], new Set([1, 2]));
  assert.deepEqual([requestsOf(silent), connections(silent)], [11, 3]);
  second.count(1);
  assert.equal(requestsOf(totals.add([first.metrics, second.metrics], new Set([1, 2]))), 12);
});

test("WorkerTotals.add() lets go of what no worker knows any more", () => {
  const totals = new WorkerTotals();
  const [first, second] = [new Worker(1), new Worker(2)];
  first.count(5, 1000, "removed");
  first.count(5);
  second.count(5);
  totals.add([first.metrics, second.metrics], new Set([1, 2]));
  const after = totals.add([second.metrics], new Set([2]));
  assert.deepEqual([requestsOf(after), requestsOf(after, "removed")], [10, 0]);
  assert.equal((after.histograms["weft_router_request_duration_seconds"] ?? []).length, 1);
  // While nobody answers, nothing is known to be removed.
  assert.equal(requestsOf(totals.add([], new Set())), 10);
});
