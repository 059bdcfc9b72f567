import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BalancerPolicy } from "@weft/contract";
import { createRandom, FakeClock, mixUint32 } from "@weft/kernel";
import fc from "fast-check";
import { createBalancer } from "./create-balancer.ts";
import { type FakeHost, fakeHosts } from "./fake-host.ts";
import { MAGLEV_TABLE_SIZE_MAX, RING_SIZE_MAX } from "./limits.ts";

const KEYS = 20_000;

/** What a consistent hash promises. `strays`: share of keys that move though their host stayed. */
const SUBJECTS: readonly { readonly policy: BalancerPolicy; readonly strays: number }[] = [
  { policy: { type: "ring-hash", ringSizeMin: 1024, ringSizeMax: 65_536 }, strays: 0 },
  { policy: { type: "maglev", tableSize: 65_537 }, strays: 0.02 },
];

/** The host of each of `KEYS` keys. */
function place(policy: BalancerPolicy, hosts: readonly FakeHost[]): string[] {
  const balancer = createBalancer<FakeHost>(policy, createRandom(1), new FakeClock());
  balancer.update(hosts);
  return Array.from({ length: KEYS }, (_, key) => balancer.pick({ hash: mixUint32(key), tried: [] })?.key ?? "");
}

function countMoved(
  before: readonly string[],
  after: readonly string[],
  isExcused: (from: string, to: string) => boolean,
) {
  let moved = 0;
  before.forEach((from, key) => {
    const to = after[key] ?? "";
    if (from !== to && !isExcused(from, to)) moved++;
  });
  return moved / before.length;
}

for (const { policy, strays } of SUBJECTS) {
  describe(policy.type, () => {
    test("pick() is the same for the same hash, whatever the order of hosts", () => {
      fc.assert(
        fc.property(fc.shuffledSubarray(fakeHosts([1, 2, 3, 4, 5, 6, 7, 8]), { minLength: 1 }), (hosts) => {
          assert.deepEqual(place(policy, hosts), place(policy, hosts.toReversed()));
        }),
        { numRuns: 5 },
      );
    });

    test("update() moves only the keys of a host that left", () => {
      for (const count of [8, 10, 30, 100]) {
        const hosts = fakeHosts(Array.from({ length: count }, () => 100));
        const gone = hosts[1]?.key ?? "";
        const before = place(policy, hosts);
        const after = place(
          policy,
          hosts.filter((host) => host.key !== gone),
        );
        const strayed = countMoved(before, after, (from) => from === gone);
        assert.ok(strayed <= strays, `${count} hosts: ${strayed}`);
      }
    });

    test("update() moves keys only to a host that joined", () => {
      const hosts = fakeHosts(Array.from({ length: 21 }, () => 100));
      const joined = hosts[20]?.key ?? "";
      const strayed = countMoved(place(policy, hosts.slice(0, 20)), place(policy, hosts), (_, to) => to === joined);
      assert.ok(strayed <= strays, `${strayed}`);
    });

    test("update() moves at most twice the keys that a changed weight is worth", () => {
      const before = fakeHosts([100, 100, 100, 100, 100, 100, 100, 100]);
      const after = fakeHosts([150, 100, 100, 100, 100, 100, 100, 100]);
      const moved = countMoved(place(policy, before), place(policy, after), () => false);
      const due = 150 / 850 - 1 / 8;
      assert.ok(moved < due * 2 + strays, `${moved}, due are ${due}`);
    });

    test("pick() retries at the same next host for the same key", () => {
      const hosts = fakeHosts([1, 1, 1, 1]);
      const balancer = createBalancer<FakeHost>(policy, createRandom(1), new FakeClock());
      balancer.update(hosts);
      for (let hash = 0; hash < 100; hash++) {
        const first = balancer.pick({ hash, tried: [] });
        assert.ok(first);
        const second = balancer.pick({ hash, tried: [first] });
        assert.equal(balancer.pick({ hash, tried: [first] }), second);
      }
    });
  });
}

test("createRingHash() keeps the worst of 100 hosts within a third of its share on 65,536 points", () => {
  const hosts = fakeHosts(Array.from({ length: 100 }, () => 100));
  const counts = new Map<string, number>();
  for (const key of place({ type: "ring-hash", ringSizeMin: 65_536, ringSizeMax: 131_072 }, hosts)) {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const [key, count] of counts) assert.ok(Math.abs(count - KEYS / 100) < KEYS / 300, `${key}: ${count}`);
});

test("createRingHash() arrives at the same ring by any history of updates", () => {
  const policy = { type: "ring-hash", ringSizeMin: 64, ringSizeMax: 4096 } as const;
  const weights = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(weights, { minLength: 1, maxLength: 6 }), (history) => {
      const balancer = createBalancer<FakeHost>(policy, createRandom(1), new FakeClock());
      // A weight of 0 stands for a host that is not there.
      const sets = history.map((weights) => fakeHosts(weights).filter((host) => host.weight > 0));
      for (const hosts of sets) balancer.update(hosts);
      const fresh = createBalancer<FakeHost>(policy, createRandom(1), new FakeClock());
      fresh.update(sets.at(-1) ?? []);
      for (let key = 0; key < 500; key++) {
        const request = { hash: mixUint32(key), tried: [] };
        assert.equal(balancer.pick(request), fresh.pick(request));
      }
    }),
    { numRuns: 60 },
  );
});

test("createRingHash() moves at most twice what is due while ringSizeMin binds", () => {
  const policy = { type: "ring-hash", ringSizeMin: 4096, ringSizeMax: 65_536 } as const;
  for (const count of [3, 5, 10, 20]) {
    const hosts = fakeHosts(Array.from({ length: count }, () => 100));
    const moved = countMoved(place(policy, hosts), place(policy, hosts.slice(1)), () => false);
    assert.ok(moved < 2.2 / count, `${count} hosts: ${moved}`);
  }
});

test("createRingHash() keeps to ringSizeMax, and gives every host a point all the same", () => {
  const hosts = fakeHosts(Array.from({ length: 50 }, (_, index) => 1 + index * 100));
  const crowded = new Set(place({ type: "ring-hash", ringSizeMin: 8, ringSizeMax: 16 }, hosts));
  assert.ok(crowded.size > 40, `${crowded.size} of 50 hosts reachable`);
});

test("createRingHash() refuses sizes beyond RING_SIZE_MAX or out of order", () => {
  for (const [ringSizeMin, ringSizeMax] of [
    [0, 10],
    [11, 10],
    [1, RING_SIZE_MAX + 1],
  ] as const) {
    const policy = { type: "ring-hash", ringSizeMin, ringSizeMax } as const;
    assert.throws(() => createBalancer(policy, createRandom(1), new FakeClock()), { code: "KERNEL_INVALID_ARGUMENT" });
  }
});

test("createMaglev() refuses sizes that are too large or no primes", () => {
  const create = (tableSize: number) => () =>
    createBalancer({ type: "maglev", tableSize }, createRandom(1), new FakeClock());
  assert.throws(create(2), { code: "KERNEL_INVALID_ARGUMENT" });
  assert.throws(create(MAGLEV_TABLE_SIZE_MAX + 1), { code: "KERNEL_INVALID_ARGUMENT" });
  for (const size of [4, 9, 65_536, 65_535]) assert.throws(create(size), { code: "BALANCER_TABLE_NOT_PRIME" });
  for (const size of [3, 5, 65_537, MAGLEV_TABLE_SIZE_MAX]) assert.doesNotThrow(create(size));
});
