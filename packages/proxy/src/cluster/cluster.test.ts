import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BalancingConfig, HostConfig } from "@weft/contract";
import fc from "fast-check";
import { Cluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import {
  CHECK_TIMEOUT_MS_MAX,
  CHECKS_PER_HOST_MAX,
  DURATION_MS_MAX,
  HOSTS_PER_CLUSTER_MAX,
  KEPT_VERDICTS_MAX,
  SLOW_START_STEP_MS_MIN,
  WEIGHT_MAX,
} from "./limits.ts";
import {
  clusterConfig,
  countPicks,
  hostConfig,
  hostConfigs,
  tcpCheck,
  testContext,
  type TestPool,
} from "./test-cluster.ts";

const PLAIN: BalancingConfig = { policy: { type: "round-robin" }, zone: null, slowStartMs: 0, panicThreshold: 0 };
const KEYS = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"];

function hostOf(cluster: Cluster<TestPool>, number: number): Host<TestPool> {
  const host = cluster.hosts.get(`10.0.0.${number}:80`);
  assert.ok(host);
  return host;
}

function setUnhealthy(cluster: Cluster<TestPool>, ...numbers: number[]): void {
  for (const number of numbers) cluster.setVerdict(`10.0.0.${number}:80`, "unhealthy", "test");
}

/** Share of picks that fall on hosts for which `matches` holds. */
function shareOf(cluster: Cluster<TestPool>, matches: (host: HostConfig) => boolean): number {
  let matching = 0;
  for (let index = 0; index < 4000; index++) {
    const host = cluster.pick({ hash: index, tried: [] });
    if (host !== undefined && matches(host.config)) matching++;
  }
  return matching / 4000;
}

function assertNear(actual: number, expected: number, slack: number = 0.03): void {
  assert.ok(Math.abs(actual - expected) <= slack, `${actual}, expected ${expected}`);
}

describe("pick()", () => {
  test("goes round all hosts", () => {
    const cluster = new Cluster(clusterConfig(), testContext());
    assert.deepEqual(countPicks(cluster, 300), Object.fromEntries(KEYS.map((key) => [key, 100])));
  });

  test("leaves out a host from the moment it is unhealthy until it is healthy again", () => {
    const cluster = new Cluster(clusterConfig(), testContext());
    setUnhealthy(cluster, 2);
    assert.deepEqual(Object.keys(countPicks(cluster, 30)).toSorted(), ["10.0.0.1:80", "10.0.0.3:80"]);
    cluster.setVerdict("10.0.0.2:80", "healthy", "test");
    assert.equal(Object.keys(countPicks(cluster, 30)).length, 3);
  });

  test("finds nothing, and says why, when no host may be used", () => {
    const context = testContext();
    const cluster = new Cluster(clusterConfig(), context);
    setUnhealthy(cluster, 1, 2);
    cluster.setDraining("10.0.0.3:80", true, "test");
    assert.equal(cluster.pick({ hash: 0, tried: [] }), undefined);
    assert.equal(cluster.noHostCode(null), "CLUSTER_NO_HOST");
  });

  test("uses all hosts of a level below the panic threshold, but draining ones never", () => {
    const cluster = new Cluster(clusterConfig({ balancing: { ...PLAIN, panicThreshold: 0.5 } }), testContext());
    setUnhealthy(cluster, 1);
    assert.equal(Object.keys(countPicks(cluster, 30)).length, 2);
    assert.deepEqual(cluster.panickingLevels, []);
    setUnhealthy(cluster, 2);
    assert.equal(Object.keys(countPicks(cluster, 30)).length, 3);
    assert.deepEqual(cluster.panickingLevels, [0]);
    cluster.setDraining("10.0.0.1:80", true, "test");
    assert.deepEqual(cluster.panickingLevels, []);
    assert.deepEqual(countPicks(cluster, 30), { "10.0.0.3:80": 30 });
  });

  test("moves load to the next priority as the first loses health", () => {
    const hosts = [...hostConfigs(10), ...hostConfigs(5, { priority: 1 }, 11)];
    const cluster = new Cluster(clusterConfig({ hosts }), testContext());
    const isSecond = (host: HostConfig): boolean => host.priority === 1;
    assert.equal(shareOf(cluster, isSecond), 0);
    setUnhealthy(cluster, 1, 2);
    assert.equal(shareOf(cluster, isSecond), 0);
    setUnhealthy(cluster, 3, 4, 5);
    assertNear(shareOf(cluster, isSecond), 0.3);
    setUnhealthy(cluster, 6, 7, 8, 9, 10);
    assert.equal(shareOf(cluster, isSecond), 1);
  });

  test("keeps to its own zone while that is healthy, and spills over in proportion", () => {
    const hosts = [...hostConfigs(10, { zone: "a" }), ...hostConfigs(5, { zone: "b" }, 11)];
    const balancing = { ...PLAIN, zone: { own: "a", spillBelow: 0.8 } };
    const cluster = new Cluster(clusterConfig({ hosts, balancing }), testContext());
    const isOwn = (host: HostConfig): boolean => host.zone === "a";
    assert.equal(shareOf(cluster, isOwn), 1);
    setUnhealthy(cluster, 1, 2);
    assert.equal(shareOf(cluster, isOwn), 1);
    setUnhealthy(cluster, 3, 4, 5, 6);
    assertNear(shareOf(cluster, isOwn), 0.5);
    setUnhealthy(cluster, 7, 8, 9, 10);
    assert.equal(shareOf(cluster, isOwn), 0);
    setUnhealthy(cluster, 11, 12, 13, 14, 15);
    assert.equal(cluster.pick({ hash: 1, tried: [] }), undefined);
    cluster.setVerdict("10.0.0.1:80", "healthy", "test");
    assert.equal(shareOf(cluster, isOwn), 1);
  });

  test("uses every zone when it has no host in its own", () => {
    const balancing = { ...PLAIN, zone: { own: "nowhere", spillBelow: 0.7 } };
    const cluster = new Cluster(clusterConfig({ balancing }), testContext());
    assert.equal(Object.keys(countPicks(cluster, 30)).length, 3);
  });

  test("goes on to other zones and priorities when every host of the first choice was tried", () => {
    const hosts = [hostConfig(1, { zone: "a" }), hostConfig(2, { zone: "b" }), hostConfig(3, { priority: 1 })];
    const balancing = { ...PLAIN, zone: { own: "a", spillBelow: 0.7 } };
    const cluster = new Cluster(clusterConfig({ hosts, balancing }), testContext());
    const tried: Host<TestPool>[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      const host = cluster.pick({ hash: 0, tried });
      assert.ok(host);
      tried.push(host);
    }
    assert.deepEqual(
      tried.map((host) => host.key),
      KEYS,
    );
    assert.equal(cluster.pick({ hash: 0, tried })?.key, KEYS[0]);
  });

  test("keeps a hash on its host and zone, whatever other requests do", () => {
    const hosts = [...hostConfigs(4, { zone: "a" }), ...hostConfigs(4, { zone: "b" }, 5)];
    const policy = { type: "maglev", tableSize: 1009 } as const;
    const balancing = { ...PLAIN, policy, zone: { own: "a", spillBelow: 1 } };
    const cluster = new Cluster(clusterConfig({ hosts, balancing }), testContext());
    setUnhealthy(cluster, 1, 2);
    const place = (): (string | undefined)[] =>
      Array.from({ length: 500 }, (_, hash) => cluster.pick({ hash, tried: [] })?.key);
    const first = place();
    assert.deepEqual(place(), first);
    assert.equal(new Set(first).size, 6);
  });

  test("never returns a host that left, is draining, or is unhealthy without panic, in any history", () => {
    const action = fc.record({
      kind: fc.constantFrom("sick", "well", "drain", "undrain", "remove", "add"),
      number: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), fc.integer(), (actions, seed) => {
        const present = new Set([1, 2, 3, 4, 5, 6]);
        const configs = (): HostConfig[] =>
          [...present].map((number) =>
            hostConfig(number, { priority: number % 2, zone: number > 3 ? "a" : "b", weight: number }),
          );
        const balancing = { ...PLAIN, zone: { own: "a", spillBelow: 0.7 } };
        const cluster = new Cluster(clusterConfig({ hosts: configs(), balancing }), testContext(seed));
        for (const { kind, number } of actions) {
          const key = `10.0.0.${number}:80`;
          if (kind === "sick" || kind === "well")
            cluster.setVerdict(key, kind === "sick" ? "unhealthy" : "healthy", "");
          else if (kind === "drain" || kind === "undrain") cluster.setDraining(key, kind === "drain", "");
          else {
            if (kind === "remove") present.delete(number);
            else present.add(number);
            cluster.update(clusterConfig({ hosts: configs(), balancing }));
          }
          const usable = [...cluster.hosts.values()].filter((host) => host.isUsable);
          for (let index = 0; index < 10; index++) {
            const host = cluster.pick({ hash: index, tried: [] });
            if (host === undefined) assert.equal(usable.length, 0);
            else assert.ok(usable.includes(host));
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("update()", () => {
  test("keeps hosts that stay, with their statistics, health and pools, and reports who came and went", () => {
    const context = testContext();
    const cluster = new Cluster(clusterConfig(), context);
    assert.deepEqual(
      context.observer.take(),
      KEYS.map((key) => `added ${key}`),
    );
    const second = hostOf(cluster, 2);
    second.pool = "pool 2";
    hostOf(cluster, 1).pool = "pool 1";
    second.onRequestStart();
    second.onRequestEnd("success", 5);
    second.onRequestStart();
    setUnhealthy(cluster, 2);
    context.observer.take();
    cluster.update(clusterConfig({ hosts: [hostConfig(2, { weight: 9, zone: "z" }), hostConfig(3), hostConfig(4)] }));
    assert.deepEqual(context.observer.take(), [
      "added 10.0.0.4:80",
      "removed 10.0.0.1:80",
      "retired pool 1 of 10.0.0.1:80",
    ]);
    assert.equal(hostOf(cluster, 2), second);
    assert.deepEqual(
      [second.pool, second.verdict, second.successes, second.activeRequests, second.zone, second.config.weight],
      ["pool 2", "unhealthy", 1, 1, "z", 9],
    );
    cluster.setVerdict("10.0.0.2:80", "healthy", "test");
    assertNear(countPicks(cluster, 1100)["10.0.0.2:80"] ?? 0, 900, 2);
  });

  test("retires pools when the way to reach hosts changes, and only then", () => {
    const context = testContext();
    const cluster = new Cluster(clusterConfig({ hosts: [hostConfig(1)] }), context);
    const host = hostOf(cluster, 1);
    const { pool } = clusterConfig();
    const changes = [
      { protocol: "http2" },
      { sendProxyProtocol: 2 },
      { pool: { ...pool, connectTimeoutMs: 1 } },
    ] as const;
    let config = clusterConfig({ hosts: [hostConfig(1)] });
    context.observer.take();
    for (const change of changes) {
      host.pool = Object.keys(change).join("");
      config = Object.assign({}, config, change);
      cluster.update(config);
      assert.deepEqual(context.observer.take(), [`retired ${Object.keys(change).join("")} of 10.0.0.1:80`]);
      assert.equal(host.pool, undefined);
    }
    host.pool = "kept";
    cluster.update({ ...config, responseTimeoutMs: 7, balancing: { ...PLAIN, policy: { type: "random" } } });
    assert.equal(host.pool, "kept");
    assert.deepEqual(context.observer.take(), []);
  });

  test("retires pools when all else is settled: whoever waited there finds the new hosts", () => {
    const context = testContext();
    const cluster = new Cluster(clusterConfig({ hosts: hostConfigs(2) }), context);
    for (const host of cluster.hosts.values()) host.pool = `pool ${host.key}`;
    const picked: (string | undefined)[] = [];
    context.observer.onPoolRetired = () => {
      picked.push(cluster.pick({ hash: 0, tried: [] })?.key);
      assert.equal(cluster.config.protocol, "http2");
    };
    cluster.update(clusterConfig({ hosts: [hostConfig(7)], protocol: "http2" }));
    assert.deepEqual(picked, ["10.0.0.7:80", "10.0.0.7:80"]);
    assert.equal(hostOf(cluster, 7).pool, undefined);
  });

  test("applies another balancer and other limits at once", () => {
    const cluster = new Cluster(clusterConfig(), testContext());
    cluster.pick({ hash: 0, tried: [] });
    const policy = { type: "ring-hash", ringSizeMin: 64, ringSizeMax: 1024 } as const;
    cluster.update(
      clusterConfig({ balancing: { ...PLAIN, policy }, breaker: { ...clusterConfig().breaker, requestsMax: 0 } }),
    );
    const first = cluster.pick({ hash: 7, tried: [] });
    for (let index = 0; index < 10; index++) assert.equal(cluster.pick({ hash: 7, tried: [] }), first);
    assert.equal(cluster.breaker.tryAcquireRequest(), "CLUSTER_REQUESTS_FULL");
  });

  test("changes nothing when the configuration is invalid, and says what is wrong with it", () => {
    const context = testContext();
    const cluster = new Cluster(clusterConfig(), context);
    const before = cluster.config;
    context.observer.take();
    const cases: [Partial<Parameters<typeof clusterConfig>[0]>, string, RegExp][] = [
      [{ hosts: [hostConfig(1), hostConfig(1)] }, "CLUSTER_DUPLICATE_HOST", /10\.0\.0\.1:80 is in it twice/],
      [{ hosts: [hostConfig(1, { weight: WEIGHT_MAX + 1 })] }, "CLUSTER_INVALID_CONFIG", /from 1 to 1000000/],
      [
        { hosts: Array.from({ length: HOSTS_PER_CLUSTER_MAX + 1 }, () => hostConfig(1)) },
        "CLUSTER_INVALID_CONFIG",
        /hosts is 100001, expected at most 100000/,
      ],
      [{ balancing: { ...PLAIN, slowStartMs: DURATION_MS_MAX + 1 } }, "CLUSTER_INVALID_CONFIG", /slowStartMs/],
      [{ healthChecks: [tcpCheck({ timeoutMs: CHECK_TIMEOUT_MS_MAX + 1 })] }, "CLUSTER_INVALID_CONFIG", /timeoutMs/],
      [
        { breaker: { ...clusterConfig().breaker, pendingMax: -1 } },
        "CLUSTER_INVALID_CONFIG",
        /breaker\.pendingMax is -1/,
      ],
      [{ hosts: [hostConfig(1, { weight: 0 })] }, "CLUSTER_INVALID_CONFIG", /weight of host 10\.0\.0\.1:80 is 0/],
      [{ hosts: [hostConfig(1, { port: 0 })] }, "CLUSTER_INVALID_CONFIG", /port/],
      [{ hosts: [hostConfig(1, { priority: 128 })] }, "CLUSTER_INVALID_CONFIG", /priority .* from 0 to 127/],
      [{ hosts: [hostConfig(1, { address: "" })] }, "CLUSTER_INVALID_CONFIG", /address/],
      [{ balancing: { ...PLAIN, panicThreshold: 50 } }, "CLUSTER_INVALID_CONFIG", /panicThreshold is 50/],
      [
        { balancing: { ...PLAIN, policy: { type: "maglev", tableSize: 100 } } },
        "CLUSTER_INVALID_CONFIG",
        /BALANCER_TABLE_NOT_PRIME/,
      ],
      [
        { source: { type: "dns", name: "", port: 80, ttlMsMin: 0, ttlMsMax: 1 } },
        "CLUSTER_INVALID_CONFIG",
        /source\.name/,
      ],
      [{ healthChecks: [tcpCheck({ intervalMs: 0 })] }, "CLUSTER_INVALID_CONFIG", /healthChecks\[0\]\.intervalMs is 0/],
      [{ healthChecks: [tcpCheck({ type: "http" })] }, "CLUSTER_INVALID_CONFIG", /begins with "\/"/],
      [
        { healthChecks: Array.from({ length: CHECKS_PER_HOST_MAX + 1 }, () => tcpCheck()) },
        "CLUSTER_INVALID_CONFIG",
        /at most 8/,
      ],
      [
        { source: { type: "dns", name: "x", port: 80, ttlMsMin: 2, ttlMsMax: 1 } },
        "CLUSTER_INVALID_CONFIG",
        /ttlMsMax/,
      ],
    ];
    for (const [overrides, code, message] of cases) {
      assert.throws(() => cluster.update(clusterConfig(overrides)), { code, message });
    }
    assert.equal(cluster.config, before);
    assert.deepEqual(context.observer.take(), []);
    assert.equal(Object.keys(countPicks(cluster, 30)).length, 3);
  });

  test("forgets verdicts when active checks are turned off", () => {
    const cluster = new Cluster(clusterConfig({ healthChecks: [tcpCheck()] }), testContext());
    setUnhealthy(cluster, 1);
    cluster.update(clusterConfig({ healthChecks: [tcpCheck({ intervalMs: 7 })] }));
    assert.equal(hostOf(cluster, 1).verdict, "unhealthy");
    cluster.update(clusterConfig());
    assert.equal(hostOf(cluster, 1).verdict, "unknown");
    assert.equal(Object.keys(countPicks(cluster, 30)).length, 3);
  });
});

describe("slow start", () => {
  const balancing = { ...PLAIN, slowStartMs: 10_000 };

  /** Share of picks of host 2, of two hosts. */
  const shareOfSecond = (cluster: Cluster<TestPool>): number => (countPicks(cluster, 1000)["10.0.0.2:80"] ?? 0) / 1000;

  test("lets a host that joins take its share step by step", () => {
    const context = testContext();
    const cluster = new Cluster(clusterConfig({ balancing, hosts: [hostConfig(1)] }), context);
    cluster.update(clusterConfig({ balancing, hosts: hostConfigs(2) }));
    assertNear(shareOfSecond(cluster), 0.1 / 1.1, 0.01);
    context.clock.advance(5010);
    assertNear(shareOfSecond(cluster), 0.5 / 1.5, 0.01);
    context.clock.advance(6000);
    assertNear(shareOfSecond(cluster), 0.5, 0.01);
    assert.equal(context.wheel.size, 0);
  });

  test("takes no step sooner than SLOW_START_STEP_MS_MIN, and is over in time all the same", () => {
    const context = testContext();
    const quick = { ...PLAIN, slowStartMs: 50 };
    const cluster = new Cluster(clusterConfig({ balancing: quick, hosts: [hostConfig(1)] }), context);
    cluster.update(clusterConfig({ balancing: quick, hosts: hostConfigs(2) }));
    cluster.pick({ hash: 0, tried: [] });
    context.clock.advance(SLOW_START_STEP_MS_MIN - 1);
    cluster.pick({ hash: 0, tried: [] });
    assert.equal(hostOf(cluster, 2).weight, 10);
    context.clock.advance(21);
    cluster.pick({ hash: 0, tried: [] });
    assert.equal(hostOf(cluster, 2).weight, 100);
    assert.equal(context.wheel.size, 0);
  });

  test("does not hold back the first hosts of a cluster", () => {
    const cluster = new Cluster(clusterConfig({ balancing, hosts: hostConfigs(2) }), testContext());
    assert.equal(hostOf(cluster, 1).weight, hostOf(cluster, 2).weight);
    assertNear(shareOfSecond(cluster), 0.5, 0.01);
  });

  test("applies to a host that is healthy again, and to one that is taken back into use", () => {
    const cluster = new Cluster(clusterConfig({ balancing, hosts: hostConfigs(2) }), testContext());
    setUnhealthy(cluster, 2);
    assert.equal(shareOfSecond(cluster), 0);
    cluster.setVerdict("10.0.0.2:80", "healthy", "test");
    assertNear(shareOfSecond(cluster), 0.1 / 1.1, 0.01);
    cluster.setDraining("10.0.0.1:80", true, "test");
    assert.equal(shareOfSecond(cluster), 1);
    cluster.setDraining("10.0.0.1:80", false, "test");
    assertNear(shareOfSecond(cluster), 0.5, 0.01);
  });

  test("leaves hashing alone, where it would move keys at every step", () => {
    const policy = { type: "maglev", tableSize: 1009 } as const;
    const hashing = { ...balancing, policy };
    const cluster = new Cluster(clusterConfig({ balancing: hashing, hosts: [hostConfig(1)] }), testContext());
    cluster.update(clusterConfig({ balancing: hashing, hosts: hostConfigs(2) }));
    assertNear(shareOfSecond(cluster), 0.5, 0.05);
  });
});

describe("setVerdict() and setDraining()", () => {
  test("report changes once, and ignore hosts that left", () => {
    const context = testContext();
    const cluster = new Cluster(clusterConfig(), context);
    context.observer.take();
    cluster.setVerdict("10.0.0.1:80", "healthy", "tcp check passed");
    cluster.setVerdict("10.0.0.1:80", "healthy", "tcp check passed");
    cluster.setVerdict("10.0.0.1:80", "unhealthy", "tcp check failed: ECONNREFUSED");
    cluster.setVerdict("10.9.9.9:80", "unhealthy", "gone");
    cluster.setDraining("10.0.0.2:80", true, "by hand");
    cluster.setDraining("10.0.0.2:80", true, "by hand");
    cluster.setDraining("10.0.0.2:80", false, "by hand");
    assert.deepEqual(context.observer.take(), [
      "10.0.0.1:80 healthy: tcp check passed",
      "10.0.0.1:80 unhealthy: tcp check failed: ECONNREFUSED",
      "10.0.0.2:80 draining: by hand",
      "10.0.0.2:80 returned: by hand",
    ]);
  });
});

describe("setVerdict() of a host that is not here", () => {
  test("holds when it comes, or comes back, and for KEPT_VERDICTS_MAX hosts at most", () => {
    const cluster = new Cluster(clusterConfig({ healthChecks: [tcpCheck()] }), testContext());
    const update = (hosts: HostConfig[]): void => cluster.update(clusterConfig({ healthChecks: [tcpCheck()], hosts }));
    setUnhealthy(cluster, 3, 4);
    update(hostConfigs(4));
    assert.deepEqual(
      [3, 4].map((number) => hostOf(cluster, number).verdict),
      ["unhealthy", "unhealthy"],
    );
    update(hostConfigs(2));
    update(hostConfigs(3));
    assert.equal(hostOf(cluster, 3).verdict, "unhealthy");
    cluster.setVerdict("10.0.0.4:80", "healthy", "test");
    update(hostConfigs(4));
    assert.equal(hostOf(cluster, 4).verdict, "healthy");
    setUnhealthy(cluster, 5);
    for (let index = 0; index < KEPT_VERDICTS_MAX; index++) cluster.setVerdict(`10.9.0.1:${index}`, "unhealthy", "");
    update(hostConfigs(5));
    assert.equal(hostOf(cluster, 5).verdict, "unknown");
  });
});

describe("close()", () => {
  test("removes every host and leaves no timer", () => {
    const context = testContext();
    const outlier = {
      consecutiveErrors: 1,
      intervalMs: 1000,
      successRateStdevFactor: 0,
      latencyFactor: 0,
      requestsMin: 1,
      baseEjectionMs: 1000,
      maxEjectionMs: 1000,
      maxEjectedShare: 1,
    };
    const cluster = new Cluster(clusterConfig({ balancing: { ...PLAIN, slowStartMs: 1000 }, outlier }), context);
    cluster.update(clusterConfig({ balancing: { ...PLAIN, slowStartMs: 1000 }, outlier, hosts: hostConfigs(5) }));
    const host = hostOf(cluster, 1);
    host.pool = "pool 1";
    host.onRequestStart();
    host.onRequestStart();
    host.onRequestEnd("failure", 1);
    assert.equal(host.isEjected, true);
    context.observer.take();
    cluster.close();
    cluster.close();
    const events = context.observer.take();
    assert.deepEqual([events[0], events.at(-1)], ["removed 10.0.0.1:80", "retired pool 1 of 10.0.0.1:80"]);
    assert.equal(context.wheel.size, 0);
    assert.equal(cluster.pick({ hash: 0, tried: [] }), undefined);
    // A try that was in flight ends as if nothing had happened.
    host.onRequestEnd("failure", 1);
    assert.equal(context.wheel.size, 0);
  });
});
