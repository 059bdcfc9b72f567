import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, FakeClock } from "@weft/kernel";
import fc from "fast-check";
import { type FakeHost, fakeHosts } from "./fake-host.ts";
import { createRoundRobin } from "./round-robin.ts";

const CONTEXT = { hash: 0, tried: [] };

function indexOf(hosts: readonly FakeHost[], host: FakeHost | undefined): number {
  return hosts.findIndex((candidate) => candidate === host);
}

test("createRoundRobin() visits equal hosts in their order, round and round", () => {
  const hosts = fakeHosts([1, 1, 1]);
  const balancer = createRoundRobin<FakeHost>({ type: "round-robin" }, createRandom(1), new FakeClock());
  balancer.update(hosts);
  const picks = Array.from({ length: 9 }, () => indexOf(hosts, balancer.pick(CONTEXT)));
  for (let index = 1; index < picks.length; index++) assert.equal(picks[index], ((picks[index - 1] ?? 0) + 1) % 3);
});

test("createRoundRobin() begins at a host by chance", () => {
  const hosts = fakeHosts(Array.from({ length: 16 }, () => 1));
  const firsts = new Set<string | undefined>();
  for (let seed = 0; seed < 64; seed++) {
    const balancer = createRoundRobin<FakeHost>({ type: "round-robin" }, createRandom(seed), new FakeClock());
    balancer.update(hosts);
    firsts.add(balancer.pick(CONTEXT)?.key);
  }
  assert.ok(firsts.size > 8, `${firsts.size} first hosts`);
});

test("createRoundRobin() goes on where it was when a host joins", () => {
  const hosts = fakeHosts([1, 1, 1, 1]);
  const balancer = createRoundRobin<FakeHost>({ type: "round-robin" }, createRandom(1), new FakeClock());
  balancer.update(hosts.slice(0, 3));
  const last = indexOf(hosts, balancer.pick(CONTEXT));
  const next = (last + 1) % 3;
  balancer.update(hosts);
  assert.equal(balancer.pick(CONTEXT), hosts[next]);
});

test("createRoundRobin() never strays more than one turn from a host's share, in any window", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(weights, fc.integer(), (weights, seed) => {
      const hosts = fakeHosts(weights);
      const balancer = createRoundRobin<FakeHost>({ type: "round-robin" }, createRandom(seed), new FakeClock());
      balancer.update(hosts);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const counts = new Map(hosts.map((host) => [host, 0]));
      for (let turn = 1; turn <= 300; turn++) {
        const host = balancer.pick(CONTEXT);
        assert.ok(host);
        counts.set(host, (counts.get(host) ?? 0) + 1);
        for (const [other, count] of counts) {
          // One turn of its own phase, and the others' phases summed, in shares of its weight.
          const slack = 1 + (other.weight * hosts.length) / total;
          assert.ok(Math.abs(count - (turn * other.weight) / total) <= slack + 1e-9);
        }
      }
    }),
    { numRuns: 40 },
  );
});

test("createRoundRobin() interleaves: a host of half the weight is never picked thrice in a row", () => {
  const hosts = fakeHosts([2, 1, 1]);
  const balancer = createRoundRobin<FakeHost>({ type: "round-robin" }, createRandom(9), new FakeClock());
  balancer.update(hosts);
  let run = 0;
  for (let index = 0; index < 1000; index++) {
    run = balancer.pick(CONTEXT) === hosts[0] ? run + 1 : 0;
    assert.ok(run <= 2);
  }
});
