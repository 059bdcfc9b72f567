import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster } from "./cluster.ts";
import { describeCluster } from "./describe.ts";
import { clusterConfig, hostConfig, hostConfigs, testContext, type TestPool } from "./test-cluster.ts";

test("describeCluster() says of every host how it does and why it is used or not", () => {
  const context = testContext();
  const outlier = {
    consecutiveErrors: 2,
    intervalMs: 10_000,
    successRateStdevFactor: 0,
    latencyFactor: 0,
    requestsMin: 1,
    baseEjectionMs: 30_000,
    maxEjectionMs: 30_000,
    maxEjectedShare: 1,
  };
  const hosts = [
    hostConfig(1, { weight: 5, zone: "a", labels: { version: "2" } }),
    hostConfig(2),
    hostConfig(3, { priority: 1 }),
    hostConfig(4),
  ];
  const cluster = new Cluster(clusterConfig({ hosts, outlier }), context);
  const [first, second] = [...cluster.hosts.values()];
  assert.ok(first && second);
  for (let latencyMs = 1; latencyMs <= 1000; latencyMs++) {
    first.onRequestStart();
    first.onRequestEnd("success", latencyMs);
  }
  for (let error = 0; error < 2; error++) {
    second.onRequestStart();
    second.onRequestEnd("failure", 1);
  }
  second.onRequestStart();
  cluster.setVerdict("10.0.0.3:80", "unhealthy", "tcp check failed: ECONNREFUSED");
  cluster.setDraining("10.0.0.4:80", true, "by hand");
  cluster.breaker.tryAcquireRequest();
  context.clock.advance(10_000);

  const description = describeCluster(cluster, context.clock.nowMs());
  // It goes to the admin page as JSON.
  assert.deepEqual(JSON.parse(JSON.stringify(description)), description);
  assert.deepEqual(
    description.hosts.map(({ key, isUsable, state, reason, ejectedForMs }) => [
      key,
      isUsable,
      state,
      reason,
      ejectedForMs,
    ]),
    [
      ["10.0.0.1:80", true, "unknown", "", 0],
      ["10.0.0.2:80", false, "ejected", "2 errors in a row", 20_000],
      ["10.0.0.3:80", false, "unhealthy", "tcp check failed: ECONNREFUSED", 0],
      ["10.0.0.4:80", false, "draining", "taken out of use", 0],
    ],
  );
  const [one, two] = description.hosts;
  assert.deepEqual(
    [one?.zone, one?.labels, one?.weight, one?.effectiveWeight, one?.successes, one?.ejections],
    ["a", { version: "2" }, 5, 5, 1000, 0],
  );
  assert.deepEqual([two?.failures, two?.activeRequests, two?.ejections], [2, 1, 1]);
  for (const [name, expected] of Object.entries({ p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 })) {
    const actual = one?.latencyMs?.[name as "p50"] ?? 0;
    assert.ok(Math.abs(actual - expected) <= expected * 0.031, `${name}: ${actual}`);
  }
  assert.equal(description.hosts[2]?.latencyMs, null);
  assert.equal(description.usableHosts, 1);
  assert.equal(description.breaker.requests, 1);
  assert.equal(description.dns, null);
  assert.deepEqual([description.name, description.protocol, description.balancer], ["shop", "http1", "round-robin"]);
});

test("describeCluster() says what each host is to a proxy that shards, and how subsets are used", () => {
  const context = testContext();
  const sharding = {
    algorithm: "balanced",
    size: { type: "fixed", hosts: 2 },
    clientId: "",
    clientIndex: 3,
    clientCount: null,
  } as const;
  const subsets = {
    selectors: [{ keys: ["v"], fallback: { type: "none" } }],
    fallback: { type: "any" },
    subsetsMax: 4,
  } as const;
  const cluster = new Cluster<TestPool>(clusterConfig({ hosts: hostConfigs(6), sharding, subsets }), context);
  cluster.pick({ hash: 0, tried: [] });
  cluster.pick({ hash: 0, tried: [] }, { v: "none has it" });
  const [lost] = cluster.checkedHosts();
  assert.ok(lost);
  cluster.setVerdict(lost.key, "unhealthy", "test");
  lost.pool = "four";
  const description = describeCluster(cluster, context.clock.nowMs(), (pool) => pool.length);
  assert.deepEqual(JSON.parse(JSON.stringify(description)), description);
  assert.deepEqual(description.sharding, {
    algorithm: "balanced",
    clientId: "test proxy",
    clientIndex: 3,
    size: 2,
    members: 1,
    substitutes: 1,
    absent: 1,
    requestsPerSecond: 0,
    moves: { policy: 0, hosts: 0, size: 0, health: 1 },
  });
  assert.deepEqual(description.subsets, {
    selectors: [["v"]],
    built: 0,
    picks: { subset: 0, default: 0, any: 1, none: 1 },
  });
  const roles = description.hosts.map(({ shardRole }) => String(shardRole));
  assert.deepEqual(roles.toSorted(), ["absent", "member", "outside", "outside", "outside", "substitute"]);
  const absent = description.hosts.find(({ shardRole }) => shardRole === "absent");
  assert.deepEqual(
    [absent?.key, absent?.connections, absent?.shardReason],
    [lost.key, 4, "its place is kept until it is usable again"],
  );
});
