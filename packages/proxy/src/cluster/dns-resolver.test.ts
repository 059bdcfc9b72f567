import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FakeClock, systemClock, TimerWheel } from "@weft/kernel";
import { Cluster } from "./cluster.ts";
import { createDnsResolver, type DnsAnswer, type DnsResolver } from "./dns-resolver.ts";
import { DNS_TIMEOUT_MS } from "./limits.ts";
import { clusterConfig, EventLog, testContext } from "./test-cluster.ts";
import { TestDnsServer } from "./test-dns-server.ts";

function addressesOf(answer: DnsAnswer): string[] {
  assert.equal(answer.type, "addresses");
  return answer.type === "addresses" ? answer.addresses.map(({ address }) => address).toSorted() : [];
}

describe("createDnsResolver()", () => {
  let server: TestDnsServer;
  let resolver: DnsResolver;
  const hosts = new Map<string, string>([["in-hosts-file", "192.0.2.9"]]);

  const create = (overrides: Partial<Parameters<typeof createDnsResolver>[0]> = {}): DnsResolver =>
    createDnsResolver({
      clock: systemClock,
      servers: [server.address],
      hasIpv6: () => true,
      lookup: (name) => {
        const address = hosts.get(name);
        return address === undefined
          ? Promise.reject(new Error("ENOTFOUND"))
          : Promise.resolve([{ address, family: 4 }]);
      },
      ...overrides,
    });

  before(async () => {
    server = await TestDnsServer.start();
    resolver = create();
  });
  after(async () => {
    resolver.close();
    await server.stop();
  });

  test("returns A and AAAA records with their TTLs", async () => {
    server.set("both.test", "A", { type: "records", addresses: ["192.0.2.1", "192.0.2.2"], ttlSeconds: 7 });
    server.set("both.test", "AAAA", { type: "records", addresses: ["2001:db8::5"], ttlSeconds: 30 });
    assert.deepEqual(await resolver.resolve("both.test"), {
      type: "addresses",
      addresses: [
        { address: "192.0.2.1", ttlMs: 7000 },
        { address: "192.0.2.2", ttlMs: 7000 },
        { address: "2001:db8::5", ttlMs: 30_000 },
      ],
      missingFamily: 0,
    });
  });

  test("leaves out IPv6 addresses where they cannot be reached, unless there are no others", async () => {
    const here = create({ hasIpv6: () => false });
    server.set("six.test", "AAAA", { type: "records", addresses: ["2001:db8::6"], ttlSeconds: 1 });
    server.set("six.test", "A", { type: "records", addresses: ["192.0.2.6"], ttlSeconds: 1 });
    server.set("only-six.test", "AAAA", { type: "records", addresses: ["2001:db8::6"], ttlSeconds: 1 });
    assert.deepEqual(addressesOf(await here.resolve("six.test")), ["192.0.2.6"]);
    assert.deepEqual(addressesOf(await here.resolve("only-six.test")), ["2001:db8::6"]);
  });

  test("says which family is missing when only the other was answered", async () => {
    server.set("half.test", "A", { type: "records", addresses: ["192.0.2.1"], ttlSeconds: 1 });
    server.set("half.test", "AAAA", { type: "servfail" });
    const answer = await resolver.resolve("half.test");
    assert.deepEqual(addressesOf(answer), ["192.0.2.1"]);
    assert.equal(answer.type === "addresses" && answer.missingFamily, 6);
  });

  test("tells a name without addresses from a server that fails", async () => {
    assert.deepEqual(await resolver.resolve("nowhere.test"), { type: "empty", reason: "ENOTFOUND" });
    server.set("broken.test", "A", { type: "servfail" });
    server.set("broken.test", "AAAA", { type: "servfail" });
    assert.deepEqual(await resolver.resolve("broken.test"), { type: "failed", reason: "ESERVFAIL" });
  });

  test("reads answers that do not fit a datagram", async () => {
    const addresses = Array.from({ length: 300 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
    server.set("large.test", "A", { type: "records", addresses, ttlSeconds: 1 });
    assert.deepEqual(addressesOf(await resolver.resolve("large.test")), addresses.toSorted());
  });

  test("finds no address at the end of a CNAME that leads nowhere, or round in a loop", async () => {
    server.set("loop-a.test", "A", { type: "cname", target: "loop-b.test" });
    server.set("loop-b.test", "A", { type: "cname", target: "loop-a.test" });
    server.set("dangling.test", "A", { type: "cname", target: "gone.test" });
    assert.deepEqual(await resolver.resolve("loop-a.test"), { type: "empty", reason: "ENODATA" });
    assert.deepEqual(await resolver.resolve("dangling.test"), { type: "empty", reason: "ENODATA" });
  });

  test("knows addresses, localhost and the hosts file without a name server", async () => {
    const asked = server.questions.length;
    assert.deepEqual(addressesOf(await resolver.resolve("192.0.2.77")), ["192.0.2.77"]);
    assert.deepEqual(addressesOf(await resolver.resolve("::1")), ["::1"]);
    hosts.set("localhost", "127.0.0.1");
    assert.deepEqual(addressesOf(await resolver.resolve("localhost")), ["127.0.0.1"]);
    assert.equal(server.questions.length, asked);
    assert.deepEqual(addressesOf(await resolver.resolve("in-hosts-file")), ["192.0.2.9"]);
    const offline = create({ servers: ["127.0.0.1:1"] });
    assert.deepEqual(addressesOf(await offline.resolve("in-hosts-file")), ["192.0.2.9"]);
  });

  test("asks the system itself by default", async () => {
    const system = createDnsResolver({ clock: systemClock, servers: [server.address] });
    const addresses = addressesOf(await system.resolve("localhost"));
    assert.ok(addresses.includes("127.0.0.1") || addresses.includes("::1"), addresses.join(" "));
  });

  test("gives up on a silent server after DNS_TIMEOUT_MS", async () => {
    const clock = new FakeClock();
    const patient = create({ clock });
    server.set("silent.test", "A", { type: "silent" });
    server.set("silent.test", "AAAA", { type: "silent" });
    const answer = patient.resolve("silent.test");
    clock.advance(DNS_TIMEOUT_MS);
    assert.deepEqual(await answer, { type: "failed", reason: `no answer within ${DNS_TIMEOUT_MS} ms` });
    patient.close();
  });

  test("fails what is open when it is closed", async () => {
    const closing = create();
    server.set("silent.test", "A", { type: "silent" });
    server.set("silent.test", "AAAA", { type: "silent" });
    const answer = closing.resolve("silent.test");
    closing.close();
    assert.deepEqual(await answer, { type: "failed", reason: "ECANCELLED" });
  });

  test("makes a cluster of what a real server answers, and follows it", async () => {
    const observer = new EventLog();
    const wheel = new TimerWheel(systemClock);
    server.set("shop.test", "A", { type: "records", addresses: ["192.0.2.1", "192.0.2.2"], ttlSeconds: 0 });
    const source = { type: "dns", name: "shop.test", port: 80, ttlMsMin: 0, ttlMsMax: 60_000 } as const;
    const context = { ...testContext(), clock: systemClock, wheel, resolver, observer };
    const changed = (): Promise<void> =>
      new Promise((resolve) => {
        observer.onHostAdded = (_cluster, host) => {
          observer.lines.push(`added ${host.key}`);
          setImmediate(resolve);
        };
      });
    const first = changed();
    const cluster = new Cluster(clusterConfig({ hosts: [], source }), context);
    assert.equal(cluster.pick({ hash: 0, tried: [] }), undefined);
    await first;
    assert.deepEqual([...cluster.hosts.keys()].toSorted(), ["192.0.2.1:80", "192.0.2.2:80"]);
    server.set("shop.test", "A", { type: "records", addresses: ["192.0.2.2", "192.0.2.3"], ttlSeconds: 600 });
    await changed();
    assert.deepEqual([...cluster.hosts.keys()].toSorted(), ["192.0.2.2:80", "192.0.2.3:80"]);
    cluster.close();
    wheel.close();
  });
});
