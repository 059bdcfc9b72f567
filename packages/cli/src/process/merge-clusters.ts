import type { AdminSource } from "@weft/proxy";

/** One cluster as the admin server shows it. */
export type ClusterDescription = Awaited<ReturnType<AdminSource["clusters"]>>[number];
type HostDescription = ClusterDescription["hosts"][number];
type LatencyDescription = NonNullable<HostDescription["latencyMs"]>;

/**
 * One description per cluster out of those of several workers. Counts add up; a host is shown in the worst state that any
 * worker has it in, because each worker ejects hosts by what it alone saw.
 */
export function mergeClusters(perWorker: readonly (readonly ClusterDescription[])[]): readonly ClusterDescription[] {
  const merged = new Map<string, ClusterDescription>();
  for (const clusters of perWorker) {
    for (const cluster of clusters) {
      const present = merged.get(cluster.name);
      merged.set(cluster.name, present === undefined ? cluster : mergeCluster(present, cluster));
    }
  }
  return [...merged.values()];
}

function mergeCluster(one: ClusterDescription, other: ClusterDescription): ClusterDescription {
  const others = new Map(other.hosts.map((host) => [host.key, host]));
  const hosts = one.hosts.map((host) => {
    const same = others.get(host.key);
    others.delete(host.key);
    return same === undefined ? host : mergeHost(host, same);
  });
  // A host that only one worker has: a configuration is being applied right now.
  hosts.push(...others.values());
  const trips = Object.fromEntries(
    Object.entries(one.breaker.trips).map(([limit, count]) => [
      limit,
      count + other.breaker.trips[limit as keyof typeof other.breaker.trips],
    ]),
  ) as ClusterDescription["breaker"]["trips"];
  return {
    ...one,
    hosts,
    sharding: mergeSharding(one.sharding, other.sharding),
    subsets: mergeSubsets(one.subsets, other.subsets),
    usableHosts: hosts.filter(({ isUsable }) => isUsable).length,
    panickingLevels: [...new Set([...one.panickingLevels, ...other.panickingLevels])].sort((a, b) => a - b),
    breaker: {
      requests: one.breaker.requests + other.breaker.requests,
      pending: one.breaker.pending + other.breaker.pending,
      connections: one.breaker.connections + other.breaker.connections,
      retries: one.breaker.retries + other.breaker.retries,
      trips,
    },
  };
}

/** The shard is one; workers may see its members' health at other times. The load is that of the whole proxy in each. */
function mergeSharding(
  one: ClusterDescription["sharding"],
  other: ClusterDescription["sharding"],
): ClusterDescription["sharding"] {
  if (one === null || other === null) return one ?? other;
  const { size, members, substitutes, absent, requestsPerSecond, moves } = other;
  return {
    ...one,
    size: Math.max(one.size, size),
    members: Math.min(one.members, members),
    substitutes: Math.max(one.substitutes, substitutes),
    absent: Math.max(one.absent, absent),
    requestsPerSecond: Math.max(one.requestsPerSecond, requestsPerSecond),
    moves: {
      policy: Math.max(one.moves.policy, moves.policy),
      hosts: Math.max(one.moves.hosts, moves.hosts),
      size: Math.max(one.moves.size, moves.size),
      health: Math.max(one.moves.health, moves.health),
    },
  };
}

function mergeSubsets(
  one: ClusterDescription["subsets"],
  other: ClusterDescription["subsets"],
): ClusterDescription["subsets"] {
  if (one === null || other === null) return one ?? other;
  const { built, picks } = other;
  return {
    ...one,
    built: Math.max(one.built, built),
    picks: {
      subset: one.picks.subset + picks.subset,
      default: one.picks.default + picks.default,
      any: one.picks.any + picks.any,
      none: one.picks.none + picks.none,
    },
  };
}

/** A host that any worker connects to is one that the proxy connects to: the earlier, the more it is so. */
const ROLES: readonly HostDescription["shardRole"][] = ["member", "substitute", "absent", "outside", null];

/** The later, the worse. */
const STATES: readonly HostDescription["state"][] = ["healthy", "unknown", "draining", "ejected", "unhealthy"];

function mergeHost(one: HostDescription, other: HostDescription): HostDescription {
  const worse = STATES.indexOf(other.state) > STATES.indexOf(one.state) ? other : one;
  const nearer = ROLES.indexOf(other.shardRole) < ROLES.indexOf(one.shardRole) ? other : one;
  return {
    ...one,
    shardRole: nearer.shardRole,
    shardReason: nearer.shardReason,
    connections: one.connections + other.connections,
    isUsable: one.isUsable && other.isUsable,
    state: worse.state,
    reason: worse.reason,
    ejectedForMs: Math.max(one.ejectedForMs, other.ejectedForMs),
    ejections: one.ejections + other.ejections,
    effectiveWeight: Math.min(one.effectiveWeight, other.effectiveWeight),
    activeRequests: one.activeRequests + other.activeRequests,
    successes: one.successes + other.successes,
    failures: one.failures + other.failures,
    connectFailures: one.connectFailures + other.connectFailures,
    cancels: one.cancels + other.cancels,
    latencyEwmaMs: Math.max(one.latencyEwmaMs, other.latencyEwmaMs),
    latencyMs: mergeLatencies(one.latencyMs, other.latencyMs),
  };
}

/** Quantiles cannot be added up: the worst is shown, which is never better than the truth. Exact ones are in the metrics. */
function mergeLatencies(one: LatencyDescription | null, other: LatencyDescription | null): LatencyDescription | null {
  if (one === null || other === null) return one ?? other;
  return {
    p50: Math.max(one.p50, other.p50),
    p90: Math.max(one.p90, other.p90),
    p99: Math.max(one.p99, other.p99),
    p999: Math.max(one.p999, other.p999),
    max: Math.max(one.max, other.max),
  };
}
