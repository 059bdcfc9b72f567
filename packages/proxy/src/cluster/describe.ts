import type { BreakerUse } from "./circuit-breaker.ts";
import type { Cluster } from "./cluster.ts";
import type { DnsStatus } from "./dns-source.ts";
import type { HealthVerdict, Host } from "./host.ts";
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

/** One cluster as plain data, for the admin page; holds no secret. */
export interface ClusterDescription {
  readonly name: string;
  readonly protocol: string;
  readonly balancer: string;
  readonly hosts: readonly HostDescription[];
  readonly usableHosts: number;
  readonly panickingLevels: readonly number[];
  readonly breaker: BreakerUse;
  /** Null where hosts are configured. */
  readonly dns: DnsStatus | null;
}

/** What a cluster looks like now; `nowMs` on its clock's scale. */
export function describeCluster(cluster: Cluster, nowMs: number): ClusterDescription {
  const hosts = [...cluster.hosts.values()].map((host) => describeHost(host, nowMs));
  return {
    name: cluster.name,
    protocol: cluster.config.protocol,
    balancer: cluster.config.balancing.policy.type,
    hosts,
    usableHosts: hosts.filter((host) => host.isUsable).length,
    panickingLevels: cluster.panickingLevels,
    breaker: cluster.breaker.use(),
    dns: cluster.dnsStatus ?? null,
  };
}

function describeHost(host: Host, nowMs: number): HostDescription {
  const state = host.isDraining ? "draining" : host.isEjected ? "ejected" : host.verdict;
  return {
    key: host.key,
    zone: host.zone,
    priority: host.priority,
    labels: host.config.labels,
    isUsable: host.isUsable,
    state,
    reason: state === "draining" ? "taken out of use" : state === "ejected" ? host.ejectionReason : host.verdictReason,
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

function describeLatency({ histogram }: Host): LatencyDescription | null {
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
