import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeHost, fakeHosts } from "./fake-host.ts";
import { HashRing } from "./hash-ring.ts";
import { RING_HOSTS_MAX } from "./limits.ts";

/** The key of every point's host, in order. */
function owners(ring: HashRing<FakeHost>): (string | undefined)[] {
  return Array.from({ length: ring.size }, (_, point) => ring.hosts[ring.ownerAt(point)]?.key);
}

test("update() gives every host its points, and more points without moving the ones before", () => {
  const ring = new HashRing<FakeHost>();
  const hosts = fakeHosts([1, 1, 1]);
  ring.update(hosts, () => 5);
  assert.equal(ring.size, 15);
  for (const host of hosts) assert.equal(owners(ring).filter((key) => key === host.key).length, 5);
  const before = owners(ring);
  ring.update(hosts, (host) => (host === hosts[1] ? 9 : 5));
  assert.equal(ring.size, 19);
  const others = (keys: readonly (string | undefined)[]): (string | undefined)[] =>
    keys.filter((key) => key !== hosts[1]?.key);
  assert.deepEqual(others(owners(ring)), others(before));
  ring.update(hosts, () => 5);
  assert.deepEqual(owners(ring), before);
  ring.update([], () => 5);
  assert.equal(ring.size, 0);
});

test("firstPointFrom() goes round at the end", () => {
  const ring = new HashRing<FakeHost>();
  ring.update(fakeHosts([1, 1]), () => 3);
  assert.equal(ring.firstPointFrom(0), 0);
  assert.equal(ring.firstPointFrom(0xffff_ffff), 0);
});

test("update() refuses more than RING_HOSTS_MAX hosts", () => {
  const hosts = new Array<FakeHost>(RING_HOSTS_MAX + 1);
  assert.throws(() => new HashRing<FakeHost>().update(hosts, () => 1), { code: "KERNEL_INVALID_ARGUMENT" });
});
