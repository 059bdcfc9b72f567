import assert from "node:assert/strict";
import { test } from "node:test";
import type { Balancer } from "@weft/contract";
import { createRandom, FakeClock } from "@weft/kernel";
import { type FakeHost, fakeHosts } from "./fake-host.ts";
import { DECAY_MS_MAX } from "./limits.ts";
import { createPeakEwma } from "./peak-ewma.ts";

const CONTEXT = { hash: 0, tried: [] };

function create(hosts: readonly FakeHost[]): Balancer<FakeHost> {
  const balancer = createPeakEwma<FakeHost>({ type: "peak-ewma", decayMs: 1000 }, createRandom(1), new FakeClock());
  balancer.update(hosts);
  return balancer;
}

function countPicks(balancer: Balancer<FakeHost>, wanted: FakeHost | undefined, count: number): number {
  let picks = 0;
  for (let index = 0; index < count; index++) if (balancer.pick(CONTEXT) === wanted) picks++;
  return picks;
}

test("createPeakEwma() leaves a slow host alone while others have room", () => {
  for (const count of [2, 4]) {
    const hosts = fakeHosts(Array.from({ length: count }, () => 1));
    hosts.forEach((host, index) => (host.latency = index === 0 ? 100 : 10));
    assert.equal(countPicks(create(hosts), hosts[0], 1000), 0);
    for (const host of hosts.slice(1)) host.activeRequests = 20;
    assert.ok(countPicks(create(hosts), hosts[0], 1000) > 300);
  }
});

test("createPeakEwma() weighs latency against requests in flight", () => {
  const [fast, slow] = fakeHosts([1, 1]);
  assert.ok(fast && slow);
  fast.latency = 10;
  slow.latency = 30;
  const balancer = create([fast, slow]);
  fast.activeRequests = 1;
  assert.ok(countPicks(balancer, fast, 1000) > 650);
  fast.activeRequests = 4;
  assert.ok(countPicks(balancer, slow, 1000) > 650);
});

test("createPeakEwma() sends a host without a first answer one request at a time", () => {
  const hosts = fakeHosts([1, 1, 1]);
  hosts.forEach((host, index) => (host.latency = index === 0 ? 0 : 5));
  const balancer = create(hosts);
  assert.ok(countPicks(balancer, hosts[0], 900) > 400);
  const [fresh] = hosts;
  assert.ok(fresh);
  fresh.activeRequests = 1;
  assert.ok(countPicks(balancer, fresh, 900) < 150);
});

test("createPeakEwma() refuses a decay beyond DECAY_MS_MAX", () => {
  for (const decayMs of [0, DECAY_MS_MAX + 1, Number.NaN]) {
    assert.throws(() => createPeakEwma({ type: "peak-ewma", decayMs }, createRandom(1), new FakeClock()), {
      code: "KERNEL_INVALID_ARGUMENT",
    });
  }
});
