import assert from "node:assert/strict";
import { test } from "node:test";
import type { AutomaticShardSize, ShardSize } from "@weft/contract";
import { isWeftError } from "@weft/kernel";
import fc from "fast-check";
import { AUTOMATIC_HOSTS_MIN } from "./limits.ts";
import { ShardSizer } from "./shard-size.ts";

const QUIET = { requestsPerSecond: 0, clients: null };
const AUTOMATIC: AutomaticShardSize = {
  type: "automatic",
  requestsPerConnection: 2,
  hostsMin: 5,
  connectionsPerHostMax: 400,
};

test("resolve() of a fixed size and of a percentage, never more than there are", () => {
  const sizeOf = (rule: ShardSize, hosts: number): number => new ShardSizer(rule).resolve(hosts, QUIET);
  assert.equal(sizeOf({ type: "fixed", hosts: 20 }, 100), 20);
  assert.equal(sizeOf({ type: "fixed", hosts: 20 }, 7), 7);
  assert.equal(sizeOf({ type: "percent", percent: 20, hostsMin: 3 }, 101), 21);
  assert.equal(sizeOf({ type: "percent", percent: 7, hostsMin: 3 }, 100), 7);
  assert.equal(sizeOf({ type: "percent", percent: 20, hostsMin: 3 }, 10), 3);
  assert.equal(sizeOf({ type: "percent", percent: 20, hostsMin: 3 }, 0), 0);
});

test("resolve() of an automatic size follows requests in steps, with a floor that clients do not lower", () => {
  const sizeAt = (requestsPerSecond: number, clients: number | null): number =>
    new ShardSizer(AUTOMATIC).resolve(100, { requestsPerSecond, clients });
  assert.equal(sizeAt(0.01, null), 5);
  assert.equal(sizeAt(12, null), 8);
  assert.equal(sizeAt(60, null), 41);
  assert.equal(sizeAt(1e9, null), 100);
  // 400 connections per host * 100 hosts / 2000 clients = 20 hosts each.
  assert.equal(sizeAt(1e9, 2000), 20);
  assert.equal(sizeAt(1e9, 1_000_000), 5);
});

test("resolve() grows at once and shrinks only when the load has halved", () => {
  const sizer = new ShardSizer(AUTOMATIC);
  const sizes = [12, 17, 30, 20, 13, 12, 12, 0].map((rate) =>
    sizer.resolve(100, { requestsPerSecond: rate, clients: null }),
  );
  assert.deepEqual(sizes, [8, 12, 18, 18, 8, 8, 8, 5]);
});

test("resolve() does not move while the load sways by less than a third", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 10, max: 200, noNaN: true }),
      fc.array(fc.double({ min: 0.85, max: 1, noNaN: true })),
      (top, sways) => {
        const sizer = new ShardSizer(AUTOMATIC);
        const size = sizer.resolve(1000, { requestsPerSecond: top, clients: null });
        for (const sway of sways) {
          assert.equal(sizer.resolve(1000, { requestsPerSecond: top * sway, clients: null }), size);
        }
      },
    ),
  );
});

test("ShardSizer() refuses rules out of bounds", () => {
  const rules: readonly ShardSize[] = [
    { type: "fixed", hosts: 0 },
    { type: "fixed", hosts: 100_001 },
    { type: "percent", percent: 101, hostsMin: 1 },
    { type: "percent", percent: 10, hostsMin: 0 },
    { ...AUTOMATIC, requestsPerConnection: 0 },
    { ...AUTOMATIC, hostsMin: AUTOMATIC_HOSTS_MIN - 1 },
    { ...AUTOMATIC, connectionsPerHostMax: 0 },
  ];
  for (const rule of rules) {
    assert.throws(
      () => new ShardSizer(rule),
      (error) => isWeftError(error, "KERNEL_INVALID_ARGUMENT"),
    );
  }
});
