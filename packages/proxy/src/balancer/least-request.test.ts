import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, FakeClock } from "@weft/kernel";
import { type FakeHost, fakeHosts } from "./fake-host.ts";
import { createLeastRequest } from "./least-request.ts";
import { CHOICES_MAX } from "./limits.ts";

const CONTEXT = { hash: 0, tried: [] };

test("createLeastRequest() leaves a host that does not answer", () => {
  const hosts = fakeHosts([1, 1, 1, 1]);
  const balancer = createLeastRequest<FakeHost>(
    { type: "least-request", choices: 2 },
    createRandom(1),
    new FakeClock(),
  );
  balancer.update(hosts);
  const [stuck] = hosts;
  for (let index = 0; index < 1000; index++) {
    const host = balancer.pick(CONTEXT);
    // All others answer at once.
    if (host !== undefined && host === stuck) host.activeRequests++;
  }
  assert.equal(stuck?.activeRequests, 1, "never again while another one has nothing to do");
});

test("createLeastRequest() compares two hosts, of two as of many and however they weigh", () => {
  for (const weights of [
    [1, 1],
    [1, 1000],
    [1, 1, 1, 1],
  ]) {
    const hosts = fakeHosts(weights);
    const balancer = createLeastRequest<FakeHost>(
      { type: "least-request", choices: 2 },
      createRandom(4),
      new FakeClock(),
    );
    balancer.update(hosts);
    const stuck = hosts.at(-1);
    assert.ok(stuck !== undefined);
    stuck.activeRequests = stuck.weight * 10;
    for (let index = 0; index < 1000; index++) assert.notEqual(balancer.pick(CONTEXT), stuck);
  }
});

test("createLeastRequest() compares with no host that was tried", () => {
  const hosts = fakeHosts([1, 1, 1, 1]);
  const [busy, ...tried] = hosts;
  assert.ok(busy !== undefined);
  busy.activeRequests = 10;
  const balancer = createLeastRequest<FakeHost>(
    { type: "least-request", choices: 4 },
    createRandom(5),
    new FakeClock(),
  );
  balancer.update(hosts);
  for (let index = 0; index < 100; index++) assert.equal(balancer.pick({ hash: 0, tried }), busy);
});

test("createLeastRequest() keeps the largest load near the mean, far below random choice", () => {
  const hosts = fakeHosts(Array.from({ length: 100 }, () => 1));
  const maxLoad = (choices: number): number => {
    const balancer = createLeastRequest<FakeHost>({ type: "least-request", choices }, createRandom(2), new FakeClock());
    balancer.update(hosts);
    for (const host of hosts) host.activeRequests = 0;
    for (let index = 0; index < 10_000; index++) {
      const host = balancer.pick(CONTEXT);
      assert.ok(host);
      host.activeRequests++;
    }
    return Math.max(...hosts.map((host) => host.activeRequests));
  };
  assert.ok(maxLoad(1) > 115, `one choice is random: ${maxLoad(1)}`);
  assert.ok(maxLoad(2) <= 104, `two choices: ${maxLoad(2)}`);
});

test("createLeastRequest() balances requests in flight by weight", () => {
  const hosts = fakeHosts([1, 4]);
  const balancer = createLeastRequest<FakeHost>(
    { type: "least-request", choices: 2 },
    createRandom(3),
    new FakeClock(),
  );
  balancer.update(hosts);
  for (let index = 0; index < 1000; index++) {
    const host = balancer.pick(CONTEXT);
    assert.ok(host);
    host.activeRequests++;
  }
  assert.ok(Math.abs((hosts[0]?.activeRequests ?? 0) - 200) < 20, `${hosts[0]?.activeRequests} of 200`);
});

test("createLeastRequest() refuses choices beyond CHOICES_MAX", () => {
  for (const choices of [0, 1.5, CHOICES_MAX + 1]) {
    assert.throws(() => createLeastRequest({ type: "least-request", choices }, createRandom(1), new FakeClock()), {
      code: "KERNEL_INVALID_ARGUMENT",
    });
  }
});
