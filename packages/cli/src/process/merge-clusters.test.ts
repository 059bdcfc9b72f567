import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClusterDescription, mergeClusters } from "./merge-clusters.ts";

type HostDescription = ClusterDescription["hosts"][number];

function host(key: string, shardRole: HostDescription["shardRole"], connections: number): HostDescription {
  return {
    key,
    zone: "",
    priority: 0,
    labels: {},
    isUsable: shardRole !== "absent",
    state: shardRole === "absent" ? "ejected" : "healthy",
    reason: "",
    shardRole,
    shardReason: String(shardRole),
    connections,
    ejectedForMs: 0,
    ejections: 0,
    weight: 1,
    effectiveWeight: 1,
    activeRequests: 0,
    successes: 0,
    failures: 0,
    connectFailures: 0,
    cancels: 0,
    latencyEwmaMs: 0,
    latencyMs: null,
  };
}

function cluster(hosts: readonly HostDescription[], changes: Partial<ClusterDescription> = {}): ClusterDescription {
  const trips = {
    CLUSTER_REQUESTS_FULL: 0,
    CLUSTER_PENDING_FULL: 0,
    CLUSTER_CONNECTIONS_FULL: 0,
    CLUSTER_RETRIES_FULL: 0,
    CLUSTER_RETRY_BUDGET_SPENT: 0,
  };
  return {
    name: "shop",
    protocol: "http1",
    balancer: "round-robin",
    hosts,
    usableHosts: hosts.length,
    panickingLevels: [],
    breaker: { requests: 0, pending: 0, connections: 0, retries: 0, trips },
    sharding: null,
    subsets: null,
    dns: null,
    ...changes,
  };
}

const SHARDING: NonNullable<ClusterDescription["sharding"]> = {
  algorithm: "balanced",
  clientId: "edge",
  clientIndex: null,
  size: 2,
  members: 2,
  substitutes: 0,
  absent: 0,
  requestsPerSecond: 5,
  moves: { policy: 0, hosts: 3, size: 0, health: 1 },
};

test("mergeClusters() has one shard for all workers, and adds up their connections", () => {
  const one = cluster(
    [host("a", "absent", 0), host("b", "member", 2), host("c", "substitute", 1), host("d", "outside", 0)],
    {
      sharding: { ...SHARDING, members: 1, substitutes: 1, absent: 1 },
    },
  );
  const other = cluster(
    [host("a", "member", 3), host("b", "member", 1), host("c", "outside", 0), host("d", "outside", 0)],
    {
      sharding: { ...SHARDING, moves: { ...SHARDING.moves, health: 4 } },
    },
  );
  const [merged] = mergeClusters([[one], [other]]);
  assert.deepEqual(
    merged?.hosts.map(({ key, shardRole, shardReason, connections, isUsable }) => [
      key,
      shardRole,
      shardReason,
      connections,
      isUsable,
    ]),
    [
      ["a", "member", "member", 3, false],
      ["b", "member", "member", 3, true],
      ["c", "substitute", "substitute", 1, true],
      ["d", "outside", "outside", 0, true],
    ],
  );
  assert.deepEqual(merged?.sharding, {
    ...SHARDING,
    members: 1,
    substitutes: 1,
    absent: 1,
    moves: { ...SHARDING.moves, health: 4 },
  });
});

test("mergeClusters() adds up what subsets served", () => {
  const subsetsOf = (built: number, count: number): ClusterDescription["subsets"] => ({
    selectors: [["version"]],
    built,
    picks: { subset: count, default: 2 * count, any: 3 * count, none: 4 * count },
  });
  const [merged] = mergeClusters([
    [cluster([], { subsets: subsetsOf(1, 1) })],
    [cluster([], { subsets: subsetsOf(5, 10) })],
  ]);
  assert.deepEqual(merged?.subsets, subsetsOf(5, 11));
});
