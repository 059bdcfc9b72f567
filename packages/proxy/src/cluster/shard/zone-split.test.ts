import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { roundSplit, splitByZone, type ZoneHosts } from "./zone-split.ts";

const zonesArbitrary: fc.Arbitrary<ZoneHosts[]> = fc
  .array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
  .map((counts) => counts.map((hosts, index) => ({ zone: `z${index}`, hosts, weight: hosts })));

test("splitByZone() adds up, gives no zone more than it has, and over all clients gives by hosts", () => {
  const world = fc.record({
    zones: zonesArbitrary,
    clients: fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 5, maxLength: 5 }),
    size: fc.integer({ min: 1, max: 60 }),
  });
  fc.assert(
    fc.property(world, ({ zones, clients, size }) => {
      const byZone = new Map(zones.map(({ zone }, index) => [zone, clients[index] ?? 0]));
      const wanted = Math.min(
        size,
        zones.reduce((sum, { hosts }) => sum + hosts, 0),
      );
      const totals = zones.map(() => 0);
      for (const [zone, count] of byZone) {
        const split = splitByZone(zones, zone, byZone, size);
        assert.ok(Math.abs(split.reduce((sum, part) => sum + part, 0) - wanted) < 1e-6);
        split.forEach((part, index) => {
          assert.ok(part <= (zones[index]?.hosts ?? 0) + 1e-6);
          totals[index] = (totals[index] ?? 0) + part * count;
        });
      }
      const clientTotal = [...byZone.values()].reduce((sum, count) => sum + count, 0);
      const hostTotal = zones.reduce((sum, { hosts }) => sum + hosts, 0);
      // Where every zone alone has hosts enough for a shard, nothing is cut off and balance is exact.
      if (clientTotal === 0 || zones.some(({ hosts }) => hosts < size)) return;
      totals.forEach((total, index) => {
        const due = (clientTotal * size * (zones[index]?.hosts ?? 0)) / hostTotal;
        assert.ok(Math.abs(total - due) < 1e-6 * (1 + due), `${total} ${due}`);
      });
    }),
  );
});

test("splitByZone() of a client in a zone without hosts is by weight", () => {
  const zones = [
    { zone: "a", hosts: 10, weight: 10 },
    { zone: "b", hosts: 10, weight: 30 },
  ];
  assert.deepEqual(splitByZone(zones, "elsewhere", null, 8), [2, 6]);
  assert.deepEqual(splitByZone(zones, "", null, 8), [2, 6]);
});

test("roundSplit() keeps the sum, rounds up or down, and is right on average", () => {
  fc.assert(
    fc.property(zonesArbitrary, fc.integer({ min: 1, max: 60 }), (zones, size) => {
      const split = splitByZone(zones, "z0", null, size);
      const sums = split.map(() => 0);
      for (let step = 0; step < 64; step++) {
        const counts = roundSplit(split, step / 64);
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          Math.round(split.reduce((sum, part) => sum + part, 0)),
        );
        counts.forEach((count, index) => {
          assert.ok(Math.abs(count - (split[index] ?? 0)) < 1 + 1e-6);
          sums[index] = (sums[index] ?? 0) + count / 64;
        });
      }
      sums.forEach((mean, index) => assert.ok(Math.abs(mean - (split[index] ?? 0)) <= 1 / 64 + 1e-6));
    }),
  );
});
