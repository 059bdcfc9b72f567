import type { BreakerUse } from "./circuit-breaker.ts";
import type { Cluster } from "./cluster.ts";
import type { DnsStatus } from "./dns-source.ts";
import type { HealthVerdict, Host } from "./host.ts";
import type { ShardMoveCause } from "./host-groups.ts";
import type { ShardRole } from "./level-shards.ts";
import { WEIGHT_SCALE } from "./limits.ts";

/** Quantiles of answer times in milliseconds. */
export interface LatencyDescription {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** One host as plain data. */
export interface HostDescription {
  readonly key: string;
  readonly zone: string;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly isUsable: boolean;
  /** Why it is used or not: the first that holds of draining, ejected, the verdict of the checks. */
  readonly state: "draining" | "ejected" | HealthVerdict;
  /** In words; "" where there is nothing to say. */
  readonly reason: string;
  /** Null where this proxy connects to every host; else what the host is to it. */
  readonly shardRole: ShardRole | null;
  /** Why, in words; "" for null. */
  readonly shardReason: string;
  /** Open from this worker; 0 where no request went to the host yet. */
  readonly connections: number;
  /** Milliseconds until an ejection ends; 0 for none. */
  readonly ejectedForMs: number;
  readonly ejections: number;
  /** As configured. */
  readonly weight: number;
  /** After slow start, on the same scale. */
  readonly effectiveWeight: number;
  readonly activeRequests: number;
  readonly successes: number;
  readonly failures: number;
  readonly connectFailures: number;
  readonly cancels: number;
  /** The estimate that peak EWMA balances by. */
  readonly latencyEwmaMs: number;
  /** Null before the first answer. */
  readonly latencyMs: LatencyDescription | null;
}

/** The part of a cluster's hosts that this proxy connects to. */
export interface ShardingDescription {
  readonly algorithm: string;
  /** Who this proxy is to the cluster: the same id and number give the same shard. */
  readonly clientId: string;
  readonly clientIndex: number | null;
  /** Hosts that have a place, usable or not. */
  readonly size: number;
  /** Hosts that have their place, that stand in for others, and that are not usable and have their place kept. */
  readonly members: number;
  readonly substitutes: number;
  readonly absent: number;
  /** What an automatic size follows; 0 for other sizes. */
  readonly requestsPerSecond: number;
  /** Hosts that joined or left, by cause. */
  readonly moves: Readonly<Record<ShardMoveCause, number>>;
}

/** How requests choose among a cluster's hosts. */
export interface SubsetsDescription {
  /** Keys of each selector. */
  readonly selectors: readonly (readonly string[])[];
  /** Subsets that requests asked for and that are kept built. */
  readonly built: number;
  /** Picks by what served them. */
  readonly picks: Readonly<Record<"subset" | "default" | "any" | "none", number>>;
}

/** One cluster as plain data, for the admin page; holds no secret. */
export interface ClusterDescription {
  readonly name: string;
  readonly protocol: string;
  readonly balancer: string;
  readonly hosts: readonly HostDescription[];
  readonly usableHosts: number;
  readonly panickingLevels: readonly number[];
  readonly breaker: BreakerUse;
  /** Null where this proxy connects to every host. */
  readonly sharding: ShardingDescription | null;
  /** Null where requests cannot choose among hosts. */
  readonly subsets: SubsetsDescription | null;
  /** Null where hosts are configured. */
  readonly dns: DnsStatus | null;
}

/** What a host of a cluster has open, as its pool says. */
type CountConnections<Pool> = (pool: Pool) => number;

/** What a cluster looks like now; `nowMs` on its clock's scale. */
export function describeCluster<Pool>(
  cluster: Cluster<Pool>,
  nowMs: number,
  countConnections: CountConnections<Pool> = () => 0,
): ClusterDescription {
  const sharding = describeSharding(cluster);
  const hosts = [...cluster.hosts.values()].map((host) => describeHost(cluster, host, nowMs, countConnections));
  return {
    name: cluster.name,
    protocol: cluster.config.protocol,
    balancer: cluster.config.balancing.policy.type,
    hosts,
    usableHosts: hosts.filter((host) => host.isUsable).length,
    panickingLevels: cluster.panickingLevels,
    breaker: cluster.breaker.use(),
    sharding,
    subsets: describeSubsets(cluster),
    dns: cluster.dnsStatus ?? null,
  };
}

function describeSharding<Pool>({ config, groups }: Cluster<Pool>): ShardingDescription | null {
  const facts = groups.shardFacts;
  if (facts === null || config.sharding === null) return null;
  const { algorithm, clientIndex } = config.sharding;
  const { clientId, size, members, substitutes, absent, requestsPerSecond } = facts;
  const moves = { ...groups.moves };
  return { algorithm, clientId, clientIndex, size, members, substitutes, absent, requestsPerSecond, moves };
}

function describeSubsets<Pool>({ config, groups }: Cluster<Pool>): SubsetsDescription | null {
  if (config.subsets === null) return null;
  const selectors = config.subsets.selectors.map(({ keys }) => keys);
  return { selectors, built: groups.subsetsBuilt, picks: { ...groups.subsetPicks } };
}

const SHARD_REASONS: Readonly<Record<ShardRole, string>> = {
  member: "has a place in this proxy's shard",
  substitute: "stands in for a member that is not usable",
  absent: "its place is kept until it is usable again",
  outside: "not in this proxy's shard",
};

function describeHost<Pool>(
  cluster: Cluster<Pool>,
  host: Host<Pool>,
  nowMs: number,
  countConnections: CountConnections<Pool>,
): HostDescription {
  const shardRole = cluster.groups.roleOf(host);
  const state = host.isDraining ? "draining" : host.isEjected ? "ejected" : host.verdict;
  return {
    key: host.key,
    zone: host.zone,
    priority: host.priority,
    labels: host.config.labels,
    isUsable: host.isUsable,
    state,
    reason: state === "draining" ? "taken out of use" : state === "ejected" ? host.ejectionReason : host.verdictReason,
    shardRole,
    shardReason: shardRole === null ? "" : SHARD_REASONS[shardRole],
    connections: host.pool === undefined ? 0 : countConnections(host.pool),
    ejectedForMs: host.isEjected ? Math.max(0, host.ejectedUntilMs - nowMs) : 0,
    ejections: host.ejections,
    weight: host.config.weight,
    effectiveWeight: host.weight / WEIGHT_SCALE,
    activeRequests: host.activeRequests,
    successes: host.successes,
    failures: host.failures,
    connectFailures: host.connectFailures,
    cancels: host.cancels,
    latencyEwmaMs: host.latencyMs(nowMs),
    latencyMs: describeLatency(host),
  };
}

function describeLatency({ histogram }: Pick<Host, "histogram">): LatencyDescription | null {
  if (histogram === undefined) return null;
  const quantileMs = (q: number): number => histogram.quantile(q) / 1000;
  return {
    p50: quantileMs(0.5),
    p90: quantileMs(0.9),
    p99: quantileMs(0.99),
    p999: quantileMs(0.999),
    max: histogram.max / 1000,
  };
}
