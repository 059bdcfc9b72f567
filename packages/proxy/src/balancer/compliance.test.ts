import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Balancer, BalancerPolicy, PickContext } from "@weft/contract";
import { createRandom, FakeClock, mixUint32 } from "@weft/kernel";
import fc from "fast-check";
import { createBalancer } from "./create-balancer.ts";
import { type FakeHost, fakeHosts } from "./fake-host.ts";

/** What each policy promises. `weightError`: how far a host's share may be off, relative to it, over many picks. */
interface Subject {
  readonly policy: BalancerPolicy;
  readonly weightError: number;
}

const SUBJECTS: readonly Subject[] = [
  { policy: { type: "round-robin" }, weightError: 0.001 },
  { policy: { type: "random" }, weightError: 0.05 },
  { policy: { type: "least-request", choices: 2 }, weightError: 0.05 },
  { policy: { type: "peak-ewma", decayMs: 10_000 }, weightError: 0.05 },
  // A ring of so many points spreads them by chance: 16 % is 4 standard deviations for the lightest host here.
  { policy: { type: "ring-hash", ringSizeMin: 16_384, ringSizeMax: 65_536 }, weightError: 0.16 },
  { policy: { type: "maglev", tableSize: 65_537 }, weightError: 0.05 },
];

function create(policy: BalancerPolicy, seed: number, hosts: readonly FakeHost[]): Balancer<FakeHost> {
  const balancer = createBalancer<FakeHost>(policy, createRandom(seed), new FakeClock());
  balancer.update(hosts);
  return balancer;
}

function request(index: number, tried: readonly FakeHost[] = []): PickContext {
  return { hash: mixUint32(index + 1), tried };
}

/** Picks per host over `count` requests with different hashes. */
function countPicks(balancer: Balancer<FakeHost>, count: number): Map<FakeHost, number> {
  const picks = new Map<FakeHost, number>();
  for (let index = 0; index < count; index++) {
    const host = balancer.pick(request(index));
    assert.ok(host !== undefined);
    picks.set(host, (picks.get(host) ?? 0) + 1);
  }
  return picks;
}

const someWeights = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 20 });

for (const { policy, weightError } of SUBJECTS) {
  describe(policy.type, () => {
    test("pick() finds nothing before the first update and in an empty set", () => {
      const balancer = createBalancer<FakeHost>(policy, createRandom(1), new FakeClock());
      assert.equal(balancer.pick(request(0)), undefined);
      balancer.update([]);
      assert.equal(balancer.pick(request(0)), undefined);
      const [host] = fakeHosts([1]);
      assert.ok(host);
      balancer.update([host]);
      balancer.update([]);
      assert.equal(balancer.pick(request(0, [host])), undefined);
    });

    test("pick() returns a single host, tried or not", () => {
      const [host] = fakeHosts([7]);
      assert.ok(host);
      const balancer = create(policy, 1, [host]);
      assert.equal(balancer.pick(request(0)), host);
      assert.equal(balancer.pick(request(1, [host])), host);
    });

    test("pick() respects weights", () => {
      const hosts = fakeHosts([100, 300, 100, 500]);
      const picks = countPicks(create(policy, 2, hosts), 40_000);
      for (const host of hosts) {
        const expected = (40_000 * host.weight) / 1000;
        const actual = picks.get(host) ?? 0;
        assert.ok(Math.abs(actual - expected) <= expected * weightError, `${host.key}: ${actual} of ${expected}`);
      }
    });

    test("pick() treats hosts of equal weight alike", () => {
      const hosts = fakeHosts(Array.from({ length: 10 }, () => 100));
      const picks = countPicks(create(policy, 3, hosts), 40_000);
      for (const host of hosts) {
        const actual = picks.get(host) ?? 0;
        assert.ok(Math.abs(actual - 4000) <= 4000 * Math.max(weightError, 0.01), `${host.key}: ${actual} of 4000`);
      }
    });

    test("pick() avoids tried hosts while others exist, and only then", () => {
      fc.assert(
        fc.property(someWeights, fc.integer(), fc.nat(25), (weights, seed, triedCount) => {
          const hosts = fakeHosts(weights);
          const tried = hosts.slice(0, triedCount);
          const balancer = create(policy, seed, hosts);
          for (let index = 0; index < 20; index++) {
            const host = balancer.pick(request(index, tried));
            assert.ok(host !== undefined && hosts.includes(host));
            assert.equal(tried.includes(host), tried.length === hosts.length);
          }
        }),
        { numRuns: 50 },
      );
    });

    test("pick() takes each host once when a request is tried again and again", () => {
      const hosts = fakeHosts([1, 100, 10_000, 1, 5, 5]);
      const balancer = create(policy, 4, hosts);
      for (let index = 0; index < 50; index++) {
        const tried: FakeHost[] = [];
        while (tried.length < hosts.length) {
          const host = balancer.pick(request(index, tried));
          assert.ok(host !== undefined && !tried.includes(host));
          tried.push(host);
        }
      }
    });

    test("pick() is not led astray by tried hosts that have left", () => {
      const [gone, ...hosts] = fakeHosts([1, 1, 1]);
      assert.ok(gone);
      const host = create(policy, 5, hosts).pick(request(0, [gone]));
      assert.ok(host !== undefined && hosts.includes(host));
    });

    test("update() makes a removed host unreachable and an added one reachable", () => {
      fc.assert(
        fc.property(
          fc.array(fc.subarray(fakeHosts([1, 2, 3, 4, 5, 6])), { minLength: 1 }),
          fc.integer(),
          (sets, seed) => {
            const balancer = create(policy, seed, []);
            for (const hosts of sets) {
              balancer.update(hosts);
              const picks = hosts.length === 0 ? new Map<FakeHost, number>() : countPicks(balancer, 400);
              for (const host of picks.keys()) assert.ok(hosts.includes(host));
              assert.equal(picks.size, hosts.length);
            }
          },
        ),
        { numRuns: 30 },
      );
    });

    test("pick() is repeatable from its seed", () => {
      const hosts = fakeHosts([1, 2, 3, 4]);
      const first = create(policy, 6, hosts);
      const second = create(policy, 6, hosts);
      for (let index = 0; index < 200; index++) assert.equal(first.pick(request(index)), second.pick(request(index)));
    });
  });
}
