import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Cluster } from "./cluster.ts";
import type { DnsAnswer } from "./dns-resolver.ts";
import { DnsSource, type DnsSourceConfig } from "./dns-source.ts";
import {
  DNS_ADDRESSES_MAX,
  DNS_EMPTY_GRACE_MS,
  DNS_NOTICE_PERIOD_MS,
  DNS_REFRESH_MS_MIN,
  DNS_RETRY_MS_MAX,
} from "./limits.ts";
import { clusterConfig, hostConfig, type TestContext, testContext } from "./test-cluster.ts";

const FAILED: DnsAnswer = { type: "failed", reason: "ESERVFAIL" };
const EMPTY: DnsAnswer = { type: "empty", reason: "ENOTFOUND" };

class Scene {
  readonly context: TestContext = testContext();
  readonly source: DnsSource;
  readonly told: (readonly string[])[] = [];
  readonly problems: string[] = [];
  /** What is worth a line in the log. */
  readonly news: string[] = [];

  constructor(overrides: Partial<DnsSourceConfig> = {}) {
    const config = {
      type: "dns",
      name: "shop.test",
      port: 80,
      ttlMsMin: 1000,
      ttlMsMax: 60_000,
      ...overrides,
    } as const;
    this.source = new DnsSource(config, this.context, {
      onAddresses: (addresses) => this.told.push(addresses),
      onDnsProblem: (reason, isNews) => {
        this.problems.push(reason);
        if (isNews) this.news.push("problem");
      },
      onDnsRecovery: () => this.news.push("recovery"),
    });
  }

  async start(addresses: readonly string[], ttlMs?: number): Promise<void> {
    this.context.resolver.setAddresses(addresses, ttlMs);
    this.source.start();
    await this.advance(0);
  }

  async advance(ms: number): Promise<void> {
    await this.context.clock.advanceAsync(ms);
  }

  get asked(): number {
    return this.context.resolver.asked;
  }
}

describe("DnsSource", () => {
  test("tells addresses once, sorted, and again only when they change", async () => {
    const scene = new Scene();
    await scene.start(["10.0.0.2", "10.0.0.1", "10.0.0.2"], 5000);
    assert.deepEqual(scene.told, [["10.0.0.1", "10.0.0.2"]]);
    scene.context.resolver.setAddresses(["10.0.0.1", "10.0.0.2"], 5000);
    await scene.advance(5020);
    assert.equal(scene.told.length, 1);
    scene.context.resolver.setAddresses(["10.0.0.3"], 5000);
    await scene.advance(5020);
    assert.deepEqual(scene.told[1], ["10.0.0.3"]);
  });

  test("asks again when the TTL ends, as it changes", async () => {
    const scene = new Scene();
    await scene.start(["10.0.0.1"], 20_000);
    await scene.advance(19_900);
    assert.equal(scene.asked, 1);
    scene.context.resolver.setAddresses(["10.0.0.1"], 3000);
    await scene.advance(120);
    assert.equal(scene.asked, 2);
    await scene.advance(3020);
    assert.equal(scene.asked, 3);
  });

  test("asks for the shortest TTL of an answer", async () => {
    const scene = new Scene();
    const addresses = [
      { address: "10.0.0.1", ttlMs: 50_000 },
      { address: "10.0.0.2", ttlMs: 2000 },
    ];
    scene.context.resolver.answer = { type: "addresses", addresses, missingFamily: 0 };
    scene.source.start();
    await scene.advance(2020);
    assert.equal(scene.asked, 2);
  });

  test("keeps to ttlMsMin and ttlMsMax", async () => {
    const scene = new Scene({ ttlMsMin: 10_000, ttlMsMax: 20_000 });
    await scene.start(["10.0.0.1"], 0);
    await scene.advance(9980);
    assert.equal(scene.asked, 1);
    scene.context.resolver.setAddresses(["10.0.0.1"], 3_600_000);
    await scene.advance(40);
    assert.equal(scene.asked, 2);
    await scene.advance(20_020);
    assert.equal(scene.asked, 3);
  });

  test("does not flood the server on a TTL of 0, whatever ttlMsMin says", async () => {
    const scene = new Scene({ ttlMsMin: 0 });
    await scene.start(["10.0.0.1"], 0);
    await scene.advance(10_000);
    assert.ok(scene.asked <= 1 + 10_000 / DNS_REFRESH_MS_MIN, `${scene.asked} questions`);
    assert.ok(scene.asked >= 15, `${scene.asked} questions`);
  });

  test("keeps the last good addresses through any failure, asking again with back-off", async () => {
    const scene = new Scene();
    await scene.start(["10.0.0.1"], 1000);
    scene.context.resolver.answer = FAILED;
    await scene.advance(24 * 3_600_000);
    assert.deepEqual(scene.told, [["10.0.0.1"]]);
    const perDay = (24 * 3_600_000) / DNS_RETRY_MS_MAX;
    assert.ok(scene.asked > perDay && scene.asked < 3 * perDay, `${scene.asked} questions a day`);
    assert.match(scene.problems[0] ?? "", /"shop\.test".*no answer \(ESERVFAIL\)/);
    assert.equal(scene.source.status.problem, "no answer (ESERVFAIL)");
    scene.context.resolver.setAddresses(["10.0.0.2"], 1000);
    await scene.advance(DNS_RETRY_MS_MAX + 20);
    assert.deepEqual(scene.told.at(-1), ["10.0.0.2"]);
    assert.equal(scene.source.status.problem, "");
  });

  test("keeps them for DNS_EMPTY_GRACE_MS when the name is found empty, failures between or not", async () => {
    const scene = new Scene();
    await scene.start(["10.0.0.1"], 1000);
    scene.context.resolver.answer = EMPTY;
    await scene.advance(DNS_EMPTY_GRACE_MS / 2);
    scene.context.resolver.answer = FAILED;
    await scene.advance(DNS_EMPTY_GRACE_MS / 4);
    scene.context.resolver.answer = EMPTY;
    assert.equal(scene.told.length, 1);
    await scene.advance(DNS_EMPTY_GRACE_MS / 4 + DNS_RETRY_MS_MAX + 2000);
    assert.deepEqual(scene.told, [["10.0.0.1"], []]);
  });

  test("starts the grace anew when addresses were there in between", async () => {
    const scene = new Scene();
    await scene.start(["10.0.0.1"], 1000);
    scene.context.resolver.answer = EMPTY;
    await scene.advance(DNS_EMPTY_GRACE_MS * 0.8);
    scene.context.resolver.setAddresses(["10.0.0.1"], 1000);
    await scene.advance(DNS_RETRY_MS_MAX + 20);
    scene.context.resolver.answer = EMPTY;
    await scene.advance(DNS_EMPTY_GRACE_MS * 0.8);
    assert.deepEqual(scene.told, [["10.0.0.1"]]);
  });

  test("says a problem when it begins and once in DNS_NOTICE_PERIOD_MS, tells each, and says its end once", async () => {
    const scene = new Scene();
    scene.context.resolver.answer = FAILED;
    scene.source.start();
    await scene.advance(DNS_NOTICE_PERIOD_MS - 100);
    assert.deepEqual(scene.news, ["problem"]);
    assert.ok(scene.problems.length > 3, `${scene.problems.length} problems`);
    await scene.advance(10 * DNS_NOTICE_PERIOD_MS);
    assert.ok(scene.news.length >= 6 && scene.news.length <= 11, `${scene.news.length} lines in eleven periods`);
    scene.news.length = 0;
    scene.context.resolver.setAddresses(["10.0.0.1"], 1000);
    await scene.advance(10 * DNS_NOTICE_PERIOD_MS);
    assert.deepEqual(scene.news, ["recovery"]);
    scene.context.resolver.answer = FAILED;
    await scene.advance(1020);
    assert.deepEqual(scene.news, ["recovery", "problem"]);
  });

  test("says no more of a name that comes and goes than of one that stays away", async () => {
    const scene = new Scene();
    await scene.start(["10.0.0.1"], 1000);
    for (let turn = 0; turn < 20; turn++) {
      scene.context.resolver.answer = turn % 2 === 0 ? FAILED : scene.context.resolver.answer;
      if (turn % 2 === 1) scene.context.resolver.setAddresses(["10.0.0.1"], 1000);
      await scene.advance(1500);
    }
    assert.ok(scene.problems.length >= 8, `${scene.problems.length} problems`);
    assert.deepEqual(scene.news, ["problem", "recovery"]);
  });

  test("says nothing of recovery while an answer lacks a half", async () => {
    const scene = new Scene();
    await scene.start(["10.0.0.1", "2001:db8::1"], 1000);
    const addresses = [{ address: "10.0.0.1", ttlMs: 1000 }];
    scene.context.resolver.answer = { type: "addresses", addresses, missingFamily: 6 };
    await scene.advance(10_000);
    assert.deepEqual(scene.news, ["problem"]);
    scene.context.resolver.setAddresses(["10.0.0.1"], 1000);
    await scene.advance(DNS_RETRY_MS_MAX);
    assert.deepEqual(scene.news, ["problem", "recovery"]);
  });

  test("takes half an answer, and keeps the other half as it was", async () => {
    const scene = new Scene();
    await scene.start(["10.0.0.1", "2001:db8::1"], 1000);
    scene.context.resolver.answer = {
      type: "addresses",
      addresses: [{ address: "10.0.0.2", ttlMs: 1000 }],
      missingFamily: 6,
    };
    await scene.advance(1020);
    assert.deepEqual(scene.told.at(-1), ["10.0.0.2", "2001:db8::1"]);
    assert.match(scene.problems[0] ?? "", /no answer for its IPv6 addresses/);
  });

  test("takes DNS_ADDRESSES_MAX addresses at most, the same ones in any order", async () => {
    const scene = new Scene();
    const addresses = Array.from({ length: DNS_ADDRESSES_MAX + 5 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
    await scene.start(addresses, 1000);
    assert.equal(scene.told[0]?.length, DNS_ADDRESSES_MAX);
    assert.match(scene.problems[0] ?? "", /1005 addresses, of which the first 1000 are used/);
    scene.context.resolver.setAddresses(addresses.toReversed(), 1000);
    await scene.advance(1020);
    assert.equal(scene.told.length, 1);
  });

  test("ends with close(): no answer is taken and nothing is asked any more", async () => {
    const scene = new Scene();
    scene.context.resolver.setAddresses(["10.0.0.1"], 1000);
    scene.source.start();
    scene.source.close();
    await scene.advance(10_000);
    assert.deepEqual(scene.told, []);
    assert.equal(scene.asked, 1);
    assert.equal(scene.context.wheel.size, 0);
  });
});

describe("Cluster with a DNS source", () => {
  const source = { type: "dns", name: "shop.test", port: 8080, ttlMsMin: 1000, ttlMsMax: 60_000 } as const;

  test("has a host per address beside the configured ones, keeps them when only bounds change", async () => {
    const context = testContext();
    context.resolver.setAddresses(["10.0.0.1", "10.0.0.2"], 5000);
    const extra = hostConfig(2, { port: 8080, weight: 7 });
    const cluster = new Cluster(clusterConfig({ hosts: [extra], source }), context);
    await context.clock.advanceAsync(10);
    assert.deepEqual([...cluster.hosts.keys()], ["10.0.0.2:8080", "10.0.0.1:8080"]);
    assert.equal(cluster.hosts.get("10.0.0.2:8080")?.config.weight, 7);
    assert.deepEqual(cluster.dnsStatus, {
      name: "shop.test",
      addresses: ["10.0.0.1", "10.0.0.2"],
      problem: "",
      isSettled: true,
    });
    const first = cluster.hosts.get("10.0.0.1:8080");
    cluster.update(clusterConfig({ hosts: [], source: { ...source, ttlMsMax: 30_000 } }));
    await context.clock.advanceAsync(10);
    assert.equal(cluster.hosts.get("10.0.0.1:8080"), first);
    assert.equal(context.resolver.asked, 2);
  });

  test("is settled by the first answer, and says what is wrong with its name", async () => {
    const context = testContext();
    context.resolver.answer = FAILED;
    const cluster = new Cluster(clusterConfig({ hosts: [], source }), context);
    assert.equal(cluster.isSettled, false);
    await context.clock.advanceAsync(10);
    assert.equal(cluster.isSettled, true);
    assert.match(cluster.dnsStatus?.problem ?? "", /no answer \(ESERVFAIL\)/);
    assert.equal(new Cluster(clusterConfig(), context).isSettled, true);
  });

  test("drops the addresses of another name, and asks no more once its hosts are configured", async () => {
    const context = testContext();
    context.resolver.setAddresses(["10.0.0.1"], 5000);
    const cluster = new Cluster(clusterConfig({ hosts: [], source }), context);
    await context.clock.advanceAsync(10);
    context.resolver.answer = FAILED;
    cluster.update(clusterConfig({ hosts: [], source: { ...source, name: "other.test" } }));
    await context.clock.advanceAsync(10);
    assert.equal(cluster.hosts.size, 0);
    assert.match(context.observer.take().at(-1) ?? "", /"other\.test".*no answer/);
    cluster.update(clusterConfig({ hosts: [hostConfig(9)] }));
    assert.deepEqual([...cluster.hosts.keys()], ["10.0.0.9:80"]);
    assert.equal(cluster.dnsStatus, undefined);
    assert.equal(context.wheel.size, 0);
  });
});
