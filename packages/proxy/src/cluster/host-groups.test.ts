import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type {
  BalancingConfig,
  ClusterConfig,
  HostConfig,
  OutlierConfig,
  ShardingConfig,
  SubsetConfig,
} from "@weft/contract";
import fc from "fast-check";
import { Cluster, type ClusterContext } from "./cluster.ts";
import { describeCluster } from "./describe.ts";
import type { SubsetLabels } from "./host-groups.ts";
import { CLIENT_ID_CHARS_MAX, CLIENTS_MAX, SHARD_LINGER_MS, SHARD_LOAD_PERIOD_MS } from "./limits.ts";
import { clusterConfig, countPicks, hostConfig, hostConfigs, testContext, type TestPool } from "./test-cluster.ts";

const BALANCING: BalancingConfig = clusterConfig().balancing;
const SHARDING: ShardingConfig = {
  algorithm: "balanced",
  size: { type: "fixed", hosts: 5 },
  clientId: "",
  clientIndex: null,
  clientCount: null,
};

/** Twenty hosts, of which the proxy connects to five. */
function sharded(overrides: Partial<ClusterConfig> = {}): ClusterConfig {
  return clusterConfig({ hosts: hostConfigs(20), sharding: SHARDING, ...overrides });
}

/** Hosts that requests go to. */
function pickedHosts(cluster: Cluster<TestPool>, labels: SubsetLabels | null = null): string[] {
  const picked = new Set<string>();
  for (let hash = 0; hash < 400; hash++) {
    const host = cluster.pick({ hash, tried: [] }, labels);
    if (host !== undefined) picked.add(host.key);
  }
  return [...picked].toSorted();
}

function contextOf(id: string): ReturnType<typeof testContext> {
  return { ...testContext(), identity: () => ({ id, workers: 1 }) };
}

/** Sets what checks say of hosts. */
function setVerdicts(cluster: Cluster<TestPool>, keys: Iterable<string>, verdict: "healthy" | "unhealthy"): void {
  for (const key of keys) cluster.setVerdict(key, verdict, "test");
}

describe("a sharded cluster", () => {
  test("sends requests to its shard alone, the same in all workers and after a restart", () => {
    const first = new Cluster(sharded(), contextOf("proxy a"));
    const members = pickedHosts(first);
    assert.equal(members.length, 5);
    assert.deepEqual(pickedHosts(new Cluster(sharded(), contextOf("proxy a"))), members);
    assert.notDeepEqual(pickedHosts(new Cluster(sharded(), contextOf("proxy b"))), members);
    const named = sharded({ sharding: { ...SHARDING, clientId: "proxy a" } });
    assert.deepEqual(pickedHosts(new Cluster(named, contextOf("proxy b"))), members);
  });

  test("puts one host in the place of a member that fails, gives it back, and lets its connections go later", () => {
    const context = testContext();
    const cluster = new Cluster(sharded(), context);
    const before = pickedHosts(cluster);
    const [lost = ""] = before;
    for (const host of cluster.hosts.values()) if (before.includes(host.key)) host.pool = `pool of ${host.key}`;
    setVerdicts(cluster, [lost], "unhealthy");
    const during = pickedHosts(cluster);
    const substitute = during.find((key) => !before.includes(key)) ?? "";
    assert.deepEqual(
      during.filter((key) => key !== substitute),
      before.filter((key) => key !== lost),
    );
    const stand = cluster.hosts.get(substitute);
    assert.ok(stand);
    stand.pool = "pool of the substitute";
    assert.deepEqual(
      [lost, substitute].map((key) => cluster.groups.roleOf(cluster.hosts.get(key) ?? assert.fail(key))),
      ["absent", "substitute"],
    );
    context.clock.advance(SHARD_LINGER_MS * 2);
    setVerdicts(cluster, [lost], "healthy");
    assert.deepEqual(pickedHosts(cluster), before);
    context.observer.take();
    context.clock.advance(SHARD_LINGER_MS - 1);
    assert.deepEqual(context.observer.take(), [], "a host that left is kept for a while");
    context.clock.advance(100);
    assert.deepEqual(context.observer.take(), [`released pool of the substitute of ${substitute}`]);
    assert.equal(stand.pool, undefined);
    assert.equal(cluster.hosts.get(lost)?.pool, `pool of ${lost}`, "a member that failed keeps its connections");
    assert.deepEqual(cluster.groups.moves, { policy: 0, hosts: 0, size: 0, health: 2 });
  });

  test("keeps the connections to a host that left and is back soon", () => {
    const context = testContext();
    const cluster = new Cluster(sharded(), context);
    const [lost = ""] = pickedHosts(cluster);
    setVerdicts(cluster, [lost], "unhealthy");
    const wanted = [lost, ...pickedHosts(cluster)].toSorted();
    for (const key of wanted) {
      const host = cluster.hosts.get(key) ?? assert.fail(key);
      host.pool = "open";
    }
    setVerdicts(cluster, [lost], "healthy");
    assert.equal(pickedHosts(cluster).length, 5, "the substitute has left");
    context.clock.advance(SHARD_LINGER_MS / 2);
    setVerdicts(cluster, [lost], "unhealthy");
    context.clock.advance(SHARD_LINGER_MS * 2);
    const open = [...cluster.hosts.values()].filter(({ pool }) => pool !== undefined).map(({ key }) => key);
    assert.deepEqual(open.toSorted(), wanted);
  });

  test("has its members checked, and those that failed, and nobody else", () => {
    const context = testContext();
    let watched: readonly string[] = [];
    const watcher = {
      watch: (_config: ClusterConfig, hosts: Iterable<{ readonly key: string }>): void => {
        watched = Array.from(hosts, ({ key }) => key).toSorted();
      },
      unwatch: (): void => {},
    };
    const cluster = new Cluster<TestPool>(sharded(), { ...context, watcher });
    const members = pickedHosts(cluster);
    assert.deepEqual(watched, members, "before the first request already");
    const [first = "", second = ""] = members;
    setVerdicts(cluster, [first], "unhealthy");
    context.clock.advance(20);
    const substitute = watched.find((key) => !members.includes(key)) ?? assert.fail("nobody stands in");
    assert.equal(watched.length, 6, "without a request, so that the substitute is known when one comes");
    setVerdicts(cluster, [substitute], "unhealthy");
    context.clock.advance(20);
    assert.equal(watched.length, 7);
    assert.ok(watched.includes(substitute), "it may be the next to stand in when it is well again");
    setVerdicts(cluster, [first, substitute], "healthy");
    setVerdicts(cluster, [second], "healthy");
    context.clock.advance(20);
    assert.deepEqual(watched, members);
    assert.equal(cluster.hosts.get(substitute)?.verdict, "unknown", "nobody looks at it any more");
    assert.equal(cluster.hosts.get(second)?.verdict, "healthy");
  });

  test("turns to another level by the health of all hosts, and to places of its own in a panic", () => {
    const hosts = [...hostConfigs(20), ...hostConfigs(10, { priority: 1 }, 101)];
    const config = sharded({ hosts, balancing: { ...BALANCING, panicThreshold: 0.2 } });
    const cluster = new Cluster(config, testContext());
    const own = pickedHosts(cluster);
    const bad = [...cluster.hosts.keys()].slice(0, 10);
    setVerdicts(cluster, bad, "unhealthy");
    const picks = countPicks(cluster, 20_000);
    const second = Object.entries(picks).reduce((sum, [key, count]) => sum + (/\.1\d\d:/.test(key) ? count : 0), 0);
    assert.ok(Math.abs(second / 20_000 - 0.3) < 0.03, `half of 20 is healthy, so 0.7 stay: ${second}`);
    assert.equal(Object.keys(picks).length, 10, "five members of each level");
    setVerdicts(cluster, cluster.hosts.keys(), "unhealthy");
    setVerdicts(cluster, bad.slice(0, 1), "healthy");
    assert.deepEqual(cluster.panickingLevels, [0, 1]);
    const inPanic = pickedHosts(cluster).filter((key) => !/\.1\d\d:/.test(key));
    assert.deepEqual(inPanic, own, "all clients together must not crowd on the last one that is healthy");
  });

  test("stays in its own zone, and leaves it by the share that its hosts cannot carry", () => {
    const hosts = [...hostConfigs(20, { zone: "a" }), ...hostConfigs(20, { zone: "b" }, 101)];
    const zone = { own: "a", spillBelow: 0.7 };
    const cluster = new Cluster(
      sharded({
        hosts,
        balancing: { ...BALANCING, zone },
        sharding: { ...SHARDING, size: { type: "fixed", hosts: 10 } },
      }),
      testContext(),
    );
    const inZone = (zoneName: string): number =>
      pickedHosts(cluster).filter((key) => cluster.hosts.get(key)?.zone === zoneName).length;
    assert.deepEqual([inZone("a"), inZone("b")], [10, 0]);
    const members = pickedHosts(cluster);
    setVerdicts(cluster, members.slice(0, 6), "unhealthy");
    assert.deepEqual([inZone("a"), inZone("b")], [10, 0], "14 of 20 are healthy: they carry it");
    setVerdicts(cluster, [...cluster.hosts.keys()].slice(0, 13), "unhealthy");
    const healthy = [...cluster.hosts.values()].filter((host) => host.zone === "a" && host.isUsable).length;
    const kept = Math.ceil((10 * (healthy / 20)) / 0.7);
    assert.deepEqual([inZone("a"), inZone("b")], [kept, 10 - kept]);
  });

  test("follows the load with an automatic size: up at once, down slowly, never below the floor", () => {
    const context = testContext();
    const size = { type: "automatic", requestsPerConnection: 10, hostsMin: 5, connectionsPerHostMax: 1000 } as const;
    const cluster = new Cluster(sharded({ sharding: { ...SHARDING, size } }), context);
    const load = (requests: number): void => {
      countPicks(cluster, requests);
      context.clock.advance(SHARD_LOAD_PERIOD_MS + 100);
    };
    load(10);
    assert.equal(cluster.checkedHosts().length, 5);
    load(700);
    assert.ok(cluster.checkedHosts().length >= 14, "140 a second at 10 for each");
    load(0);
    assert.ok(cluster.checkedHosts().length >= 14, "a pause is no reason to close connections");
    for (let period = 0; period < 60; period++) load(1);
    assert.equal(cluster.checkedHosts().length, 5);
    assert.ok(cluster.groups.moves.size > 0);
    assert.deepEqual([cluster.groups.moves.hosts, cluster.groups.moves.health], [0, 0]);
    cluster.close();
    assert.equal(context.wheel.size, 0, "nothing goes on after the end");
  });

  test("moves to another shard with another policy, and to all hosts without one", () => {
    const context = testContext();
    const cluster = new Cluster(sharded(), context);
    const before = pickedHosts(cluster);
    for (const host of cluster.hosts.values()) if (before.includes(host.key)) host.pool = host.key;
    cluster.update(sharded({ sharding: { ...SHARDING, algorithm: "consistent-hash" } }));
    const after = pickedHosts(cluster);
    const gone = before.filter((key) => !after.includes(key));
    assert.ok(gone.length > 0);
    assert.equal(cluster.groups.moves.policy, 2 * gone.length);
    context.observer.take();
    context.clock.advance(SHARD_LINGER_MS + 100);
    assert.deepEqual(
      context.observer.take().toSorted(),
      gone.map((key) => `released ${key} of ${key}`),
    );
    cluster.update(sharded({ sharding: null }));
    assert.equal(pickedHosts(cluster).length, 20);
    assert.equal(describeCluster(cluster, 0).sharding, null);
  });

  test("follows hosts that come and go by no more than these", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("add", "remove"), fc.nat(39)), { maxLength: 30 }),
        fc.constantFrom("balanced", "rendezvous", "consistent-hash"),
        (steps, algorithm) => {
          const sharding = { ...SHARDING, algorithm } as const;
          const context: ClusterContext<TestPool> = testContext();
          let hosts: HostConfig[] = hostConfigs(20);
          const cluster = new Cluster(sharded({ hosts, sharding }), context);
          let members = pickedHosts(cluster);
          for (const [step, number] of steps) {
            const without = hosts.filter(({ address }) => address !== `10.0.0.${number + 1}`);
            hosts = step === "add" ? [...without, hostConfig(number + 1)] : without;
            cluster.update(sharded({ hosts, sharding }));
            const after = pickedHosts(cluster);
            assert.equal(after.length, Math.min(5, hosts.length));
            const joined = after.filter((key) => !members.includes(key)).length;
            assert.ok(joined <= 1, `${joined} joined for one host`);
            members = after;
          }
          assert.deepEqual(pickedHosts(new Cluster(sharded({ hosts, sharding }), testContext())), members);
        },
      ),
      { numRuns: 25 },
    );
  });
});

const SUBSETS: SubsetConfig = {
  selectors: [
    { keys: ["version"], fallback: { type: "none" } },
    { keys: ["stage", "version"], fallback: { type: "default", labels: { version: "v1" } } },
    { keys: ["stage"], fallback: { type: "any" } },
  ],
  fallback: { type: "any" },
  subsetsMax: 2,
};

/** Six hosts: 1 to 4 are v1, 5 and 6 v2; even ones are in stage "test". */
function divided(overrides: Partial<ClusterConfig> = {}): ClusterConfig {
  const hosts = hostConfigs(6).map((host, index) => ({
    ...host,
    labels: { version: index < 4 ? "v1" : "v2", stage: index % 2 === 1 ? "test" : "live" },
  }));
  return clusterConfig({ hosts, subsets: SUBSETS, ...overrides });
}

const hostNumbers = (keys: readonly string[]): number[] => keys.map((key) => Number(/\.(\d+):/.exec(key)?.[1]));

describe("a cluster with subsets", () => {
  const picked = (cluster: Cluster<TestPool>, labels: SubsetLabels | null): number[] =>
    hostNumbers(pickedHosts(cluster, labels));

  test("sends requests to hosts with the labels that they ask for, in any order of labels", () => {
    const cluster = new Cluster(divided(), testContext());
    assert.deepEqual(picked(cluster, { version: "v2" }), [5, 6]);
    assert.deepEqual(picked(cluster, { version: "v1", stage: "test" }), [2, 4]);
    assert.deepEqual(picked(cluster, { stage: "test", version: "v1" }), [2, 4]);
    assert.deepEqual(picked(cluster, null), [1, 2, 3, 4, 5, 6]);
  });

  test("falls back as its selector says where no host has the labels, and says so where it may not", () => {
    const cluster = new Cluster(divided(), testContext());
    const nobody = { version: "v3" };
    assert.deepEqual(picked(cluster, nobody), []);
    assert.equal(cluster.noHostCode(nobody), "SUBSET_NO_HOST");
    assert.deepEqual(picked(cluster, { version: "v3", stage: "test" }), [1, 2, 3, 4]);
    assert.deepEqual(picked(cluster, { stage: "gone" }), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(picked(cluster, { colour: "blue" }), [1, 2, 3, 4, 5, 6], "no selector has this key");
    assert.deepEqual(cluster.groups.subsetPicks, { subset: 0, default: 400, any: 800, none: 400 });
  });

  test("keeps health, panic and retries within the subset", () => {
    const config = divided({ balancing: { ...BALANCING, panicThreshold: 0.4 } });
    const cluster = new Cluster(config, testContext());
    const v2 = { version: "v2" };
    setVerdicts(cluster, ["10.0.0.5:80"], "unhealthy");
    assert.deepEqual(picked(cluster, v2), [6]);
    const six = cluster.hosts.get("10.0.0.6:80") ?? assert.fail("host 6");
    assert.equal(cluster.pick({ hash: 1, tried: [six] }, v2)?.key, six.key, "rather the same host than another subset");
    setVerdicts(cluster, ["10.0.0.6:80"], "unhealthy");
    assert.deepEqual(picked(cluster, v2), [5, 6], "none of two is healthy: the subset panics");
    assert.deepEqual(picked(cluster, { version: "v1" }), [1, 2, 3, 4], "others do not");
    const calm = new Cluster(divided(), testContext());
    setVerdicts(calm, ["10.0.0.5:80", "10.0.0.6:80"], "unhealthy");
    assert.deepEqual(picked(calm, v2), []);
    assert.equal(calm.noHostCode(v2), "CLUSTER_NO_HOST");
  });

  test("sees hosts that come, go and are labelled anew with the next pick", () => {
    const cluster = new Cluster(divided(), testContext());
    const v2 = { version: "v2" };
    assert.deepEqual(picked(cluster, v2), [5, 6]);
    const labels = { version: "v2", stage: "live" };
    const hosts = divided().hosts.map((host, index) => (index === 0 ? { ...host, labels } : host));
    cluster.update(divided({ hosts: [...hosts.slice(0, 5), hostConfig(7, { labels })] }));
    assert.deepEqual(picked(cluster, v2), [1, 5, 7]);
    assert.deepEqual(picked(cluster, { version: "v1" }), [2, 3, 4]);
  });

  test("keeps as many subsets built as it may, and builds others again", () => {
    const cluster = new Cluster(divided(), testContext());
    for (const version of ["v1", "v2"]) picked(cluster, { version });
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(picked(cluster, { stage: "test" }), [2, 4, 6]);
      assert.deepEqual(picked(cluster, { version: "v2" }), [5, 6]);
      assert.deepEqual(picked(cluster, { version: "v1" }), [1, 2, 3, 4]);
      assert.equal(cluster.groups.subsetsBuilt, 2);
    }
    for (let value = 0; value < 100; value++) cluster.pick({ hash: 0, tried: [] }, { version: `made up ${value}` });
    assert.equal(cluster.groups.subsetsBuilt, 2, "what clients make up costs no room");
  });

  test("is never half applied: every pick has the labels that it asked for", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(9), fc.constantFrom("v1", "v2", "v3", "")), { minLength: 1, maxLength: 40 }),
        (steps) => {
          const hosts = new Map<number, HostConfig>();
          const cluster = new Cluster(clusterConfig({ hosts: [], subsets: SUBSETS }), testContext());
          for (const [number, version] of steps) {
            if (version === "") hosts.delete(number);
            else hosts.set(number, hostConfig(number + 1, { labels: { version } }));
            cluster.update(clusterConfig({ hosts: [...hosts.values()], subsets: SUBSETS }));
            for (const asked of ["v1", "v2", "v3"]) {
              const wanted = [...hosts.values()].filter(({ labels }) => labels["version"] === asked);
              const expected = wanted.map(({ address }) => `${address}:80`).toSorted();
              assert.deepEqual(pickedHosts(cluster, { version: asked }), expected);
            }
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test("shards every subset by itself, and lets a subset's connections go that is forgotten", () => {
    const context = testContext();
    const hosts = hostConfigs(60).map((host, index) => ({ ...host, labels: { version: `v${index % 3}` } }));
    const sharding: ShardingConfig = { ...SHARDING, size: { type: "fixed", hosts: 4 } };
    const cluster = new Cluster(clusterConfig({ hosts, subsets: SUBSETS, sharding }), context);
    assert.deepEqual(cluster.checkedHosts(), [], "nobody asked yet");
    const shards = ["v0", "v1"].map((version) => pickedHosts(cluster, { version }));
    for (const [index, shard] of shards.entries()) {
      assert.equal(shard.length, 4);
      for (const key of shard) {
        const host = cluster.hosts.get(key) ?? assert.fail(key);
        assert.equal(host.labels["version"], `v${index}`);
        host.pool = "open";
      }
    }
    assert.equal(cluster.checkedHosts().length, 8);
    const several = { ...testContext(), identity: () => ({ id: "test proxy", workers: 2 }) };
    const shared = new Cluster(clusterConfig({ hosts, subsets: SUBSETS, sharding }), several);
    assert.equal(shared.checkedHosts().length, 60, "one worker checks for others, whose subsets it does not know");
    context.observer.take();
    pickedHosts(cluster, { version: "v2" });
    context.clock.advance(SHARD_LINGER_MS + 100);
    assert.deepEqual(
      context.observer.take().toSorted(),
      (shards[0] ?? []).map((key) => `released open of ${key}`).toSorted(),
    );
  });
});

describe("outlier detection", () => {
  const outlier: OutlierConfig = {
    consecutiveErrors: 2,
    intervalMs: 10_000,
    successRateStdevFactor: 0,
    latencyFactor: 0,
    requestsMin: 10,
    baseEjectionMs: 30_000,
    maxEjectionMs: 30_000,
    maxEjectedShare: 0.4,
  };
  const answer = (
    cluster: Cluster<TestPool>,
    key: string,
    count: number,
    latencyMs: number,
    isError: boolean,
  ): void => {
    const host = cluster.hosts.get(key) ?? assert.fail(key);
    for (let index = 0; index < count; index++) {
      host.onRequestStart();
      host.onRequestEnd(isError ? "failure" : "success", latencyMs);
    }
  };
  const ejected = (cluster: Cluster<TestPool>): string[] =>
    [...cluster.hosts.values()].filter(({ isEjected }) => isEjected).map(({ key }) => key);

  test("ejects a share of the hosts that this proxy uses, so that its own trouble does not eat its way through all", () => {
    const cluster = new Cluster(sharded({ outlier }), testContext());
    for (let round = 0; round < 20; round++) {
      for (const key of pickedHosts(cluster)) answer(cluster, key, 2, 1, true);
    }
    assert.equal(ejected(cluster).length, 2, "of five members; of all twenty it would be eight");
    assert.equal(pickedHosts(cluster).length, 5);
  });

  test("compares hosts with those of the same subset: a version that is slower is no outlier", () => {
    const context = testContext();
    const hosts = hostConfigs(10).map((host, index) => ({ ...host, labels: { version: index < 6 ? "v1" : "v2" } }));
    const config = clusterConfig({ hosts, subsets: SUBSETS, outlier: { ...outlier, latencyFactor: 3 } });
    const cluster = new Cluster(config, context);
    hosts.forEach(({ address, labels }, index) => {
      const usualMs = labels.version === "v1" ? 10 : 100;
      answer(cluster, `${address}:80`, 20, index === 2 || index === 7 ? 10 * usualMs : usualMs, false);
    });
    context.clock.advance(10_020);
    assert.deepEqual(ejected(cluster), ["10.0.0.3:80", "10.0.0.8:80"]);
  });
});

test("Cluster() refuses sharding and subsets that it cannot use, and says why", () => {
  const broken: readonly [Partial<ClusterConfig>, RegExp][] = [
    [{ sharding: { ...SHARDING, size: { type: "fixed", hosts: 0 } } }, /"shop": .*hosts/],
    [
      { sharding: { ...SHARDING, clientId: "x".repeat(CLIENT_ID_CHARS_MAX + 1) } },
      /sharding\.clientId .* at most 1024/,
    ],
    [{ sharding: { ...SHARDING, clientIndex: CLIENTS_MAX } }, /sharding\.clientIndex is 4294967295/],
    [{ sharding: { ...SHARDING, clientCount: CLIENTS_MAX + 1 } }, /sharding\.clientCount is 4294967296/],
    [{ subsets: { ...SUBSETS, selectors: [{ keys: [], fallback: { type: "any" } }] } }, /"shop": .*keys/],
    [{ subsets: { ...SUBSETS, fallback: { type: "default", labels: {} } } }, /labels of subset fallback/],
  ];
  for (const [overrides, message] of broken) {
    assert.throws(() => new Cluster(clusterConfig(overrides), testContext()), {
      code: "CLUSTER_INVALID_CONFIG",
      message,
    });
  }
});
