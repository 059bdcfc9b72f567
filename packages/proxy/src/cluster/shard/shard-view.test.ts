import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isWeftError } from "@weft/kernel";
import fc from "fast-check";
import { HOSTS_PER_CLUSTER_MAX } from "../limits.ts";
import { connectionsOf, countOpened, keysOf, shardHosts, shardsOfAll, tell, viewOf } from "./shard.fixture.ts";
import { type ShardAlgorithm, ShardView } from "./shard-view.ts";

const ALGORITHMS: readonly ShardAlgorithm[] = ["draft", "rendezvous", "ring", "rounds"];

/** What one host that goes may open anew, in multiples of the connections it had; rounds promise nothing. */
const MOVES_MAX: Readonly<Record<ShardAlgorithm, number>> = { draft: 2.5, rendezvous: 1, ring: 1, rounds: Infinity };

/** Most connections of a host of 100 that serves 1,000 clients, each with 20, over the mean. */
const BALANCE_MAX: Readonly<Record<ShardAlgorithm, number>> = { draft: 1.1, rendezvous: 1.3, ring: 3, rounds: 1.1 };

for (const algorithm of ALGORITHMS) {
  describe(algorithm, () => {
    test("update() gives as many members as wanted, each once, in any order of hosts and after any history", () => {
      const world = fc.record({
        hosts: fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 50 }),
        size: fc.integer({ min: 1, max: 60 }),
        weights: fc.constantFrom<readonly number[]>([1], [3], [1, 2, 5], [1, 1000]),
      });
      fc.assert(
        fc.property(fc.nat(300), fc.array(world, { minLength: 1, maxLength: 6 }), (index, worlds) => {
          const view = viewOf(algorithm, index);
          for (const { hosts: numbers, size, weights } of worlds) {
            const all = shardHosts(61, (host) => weights[host % weights.length] ?? 1);
            const hosts = numbers.map((number) => all[number]).filter((host) => host !== undefined);
            const keys = keysOf(tell(view, hosts, size));
            assert.equal(keys.length, Math.min(size, hosts.length));
            assert.equal(new Set(keys).size, keys.length);
            const fresh = viewOf(algorithm, index);
            assert.deepEqual(keys, keysOf(tell(fresh, hosts.toReversed(), size)));
          }
        }),
        { numRuns: 200 },
      );
    });

    test("update() replaces a member that failed by one host, gives the place back, and says both", () => {
      fc.assert(
        fc.property(fc.nat(300), fc.uniqueArray(fc.nat(29), { maxLength: 15 }), (index, failing) => {
          const hosts = shardHosts(30);
          const view = viewOf(algorithm, index);
          const before = tell(view, hosts, 10);
          const down = new Set<string>();
          for (const number of failing) {
            const last = keysOf(view.shard);
            const key = hosts[number]?.key ?? "";
            down.add(key);
            const { joined, left, members, substitutes } = tell(view, hosts, 10, down);
            const wasMember = last.includes(key);
            assert.deepEqual([joined.length, left.length], wasMember ? [1, 1] : [0, 0]);
            assert.ok(members.every((member) => !down.has(member.key)));
            assert.equal(substitutes, keysOf(before).filter((member) => down.has(member)).length);
          }
          for (const key of down) {
            down.delete(key);
            const { joined, left } = tell(view, hosts, 10, down);
            assert.ok(joined.length <= 1 && left.length <= 1);
          }
          assert.deepEqual(keysOf(tell(view, hosts, 10)), keysOf(before));
        }),
        { numRuns: 100 },
      );
    });

    test("update() keeps the shard's own members in their places where too few hosts are usable", () => {
      const hosts = shardHosts(12);
      const view = viewOf(algorithm, 3);
      const own = keysOf(tell(view, hosts, 8));
      const down = new Set(hosts.slice(0, 9).map(({ key }) => key));
      const keys = keysOf(tell(view, hosts, 8, down));
      assert.equal(new Set(keys).size, 8);
      assert.deepEqual(
        keys.slice(0, 3).toSorted(),
        hosts
          .slice(9)
          .map(({ key }) => key)
          .toSorted(),
      );
      assert.ok(keys.slice(3).every((key) => own.includes(key)));
      assert.deepEqual(keysOf(tell(view, hosts, 8, new Set(hosts.map(({ key }) => key)))), own);
    });

    test("update() keeps hosts balanced, and moves what it promises when a host goes or comes", () => {
      const hosts = shardHosts(100);
      const before = shardsOfAll(algorithm, 1000, hosts, 20);
      const connections = connectionsOf(before, hosts);
      assert.ok(Math.max(...connections) / 200 <= BALANCE_MAX[algorithm], `${Math.max(...connections)}`);
      const after = shardsOfAll(algorithm, 1000, hosts.toSpliced(41, 1), 20);
      const moves = countOpened(before, after) / (connections[41] ?? 0);
      assert.ok(moves <= MOVES_MAX[algorithm], `${moves}`);
      assert.equal(countOpened(after, before), countOpened(before, after));
    });

    test("update() without hosts, or with none wanted, gives nothing", () => {
      const view = viewOf(algorithm, 0);
      assert.deepEqual(tell(view, [], 5).members, []);
      assert.deepEqual(tell(view, shardHosts(4), 0).members, []);
      assert.equal(tell(view, shardHosts(4), 9).joined.length, 4);
      assert.equal(tell(view, [], 5).left.length, 4);
    });
  });
}

test("ShardView() works for clients without a number, and refuses a number that is none", () => {
  for (const algorithm of ALGORITHMS) {
    const client = { key: "10.0.0.9", index: null, zone: "" };
    const view = new ShardView({ algorithm, client, isZoneAware: false });
    assert.equal(tell(view, shardHosts(40), 7).members.length, 7, algorithm);
  }
  for (const index of [-1, 0.5, 4_294_967_296]) {
    assert.throws(
      () => viewOf("draft", index),
      (error) => isWeftError(error, "KERNEL_INVALID_ARGUMENT"),
    );
  }
});

test("ShardView() gives hosts connections by weight, but none more than one per client", () => {
  const hosts = shardHosts(40, (index) => (index === 0 ? 1000 : index < 20 ? 1 : 3));
  for (const algorithm of ["draft", "rendezvous"] as const) {
    const connections = connectionsOf(shardsOfAll(algorithm, 512, hosts, 9), hosts);
    assert.ok((connections[0] ?? 0) >= 500, algorithm);
    const sumOf = (part: readonly number[]): number => part.reduce((sum, count) => sum + count, 0);
    const ratio = sumOf(connections.slice(20)) / 20 / (sumOf(connections.slice(1, 20)) / 19);
    assert.ok(ratio > 2.4 && ratio < 3.2, `${algorithm}: ${ratio}`);
  }
});

test("ShardView() does not move anything when all weights change alike", () => {
  const view = viewOf("draft", 70);
  tell(view, shardHosts(50), 10);
  const { joined, left } = tell(
    view,
    shardHosts(50, () => 7),
    10,
  );
  assert.deepEqual([joined, left], [[], []]);
});

test("ShardView() stays in the own zone where it suffices, and keeps every zone's hosts balanced", () => {
  // Half of the hosts are in zone a, a quarter each in b and c; a third of the clients is in each.
  const zoneOf = (index: number): string => (index % 2 === 0 ? "a" : index % 4 === 1 ? "b" : "c");
  const hosts = shardHosts(80, () => 1, zoneOf);
  const shards = ["a", "b", "c"].flatMap((zone) =>
    Array.from({ length: 320 }, (_, index) => ({
      zone,
      keys: new Set(keysOf(tell(viewOf("draft", index, zone), hosts, 12))),
    })),
  );
  const zones = new Map(hosts.map(({ key, zone }) => [key, zone]));
  for (const { zone, keys } of shards) {
    const own = [...keys].filter((key) => zones.get(key) === zone).length;
    assert.equal(keys.size, 12);
    // Zone b has 1/4 of the hosts for 1/3 of the clients: 3/4 of a shard stay.
    assert.equal(own, zone === "a" ? 12 : 9);
    assert.ok([...keys].every((key) => zones.get(key) === zone || zones.get(key) === "a"));
  }
  const connections = connectionsOf(
    shards.map(({ keys }) => keys),
    hosts,
  );
  const mean = (960 * 12) / 80;
  assert.ok(Math.max(...connections) <= mean * 1.12, `${Math.max(...connections)} ${mean}`);
});

test("ShardView() fills places in the own zone from the own zone, then from others", () => {
  const hosts = shardHosts(
    12,
    () => 1,
    (index) => (index < 6 ? "a" : "b"),
  );
  const view = viewOf("rendezvous", 1, "a");
  const own = tell(view, hosts, 4);
  assert.ok(own.members.every(({ zone }) => zone === "a"));
  const down = new Set(own.members.slice(0, 3).map(({ key }) => key));
  assert.deepEqual(
    tell(view, hosts, 4, down).members.map(({ zone }) => zone),
    ["a", "a", "a", "b"],
  );
});

test("update() refuses more hosts than a cluster may have", () => {
  const [only] = shardHosts(1);
  const tooMany = Array.from({ length: HOSTS_PER_CLUSTER_MAX + 1 }, () => only).filter((host) => host !== undefined);
  assert.throws(
    () => tell(viewOf("rendezvous", 0), tooMany, 5),
    (error) => isWeftError(error, "KERNEL_ASSERTION_FAILED"),
  );
});
