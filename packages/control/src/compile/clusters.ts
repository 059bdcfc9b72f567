import type {
  BalancerPolicy,
  BalancingConfig,
  ClusterConfig,
  HealthCheckConfig,
  HostConfig,
  HostSource,
  OutlierConfig,
  PolicyBalancing,
  PolicyConnections,
  PolicyHealthCheck,
  PolicyOutlier,
  PoolConfig,
  RpcProtocol,
  ServiceProtocol,
  UpstreamProtocol,
} from "@weft/contract";
import { durationMs } from "../load/duration.ts";
import { compareText } from "../load/problems.ts";
import type { Compilation, ServiceTarget } from "./compilation.ts";
import type { ClusterDefaults } from "./defaults.ts";
import { compileSharding, compileSubsets } from "./host-choice.ts";
import { heartbeatOf } from "./heartbeat.ts";
import { type AttachedPolicy, firstWith } from "./policies.ts";
import { upstreamTls } from "./upstream-tls.ts";

/** What is spoken to the hosts of a Service. */
export const UPSTREAM_PROTOCOLS: Readonly<Record<ServiceProtocol, UpstreamProtocol>> = {
  http: "http",
  http2: "http2",
  grpc: "http2",
  tcp: "tcp",
  bolt: "bolt",
  dubbo: "dubbo",
};

const PROXY_PROTOCOLS = { off: 0, v1: 1, v2: 2 } as const;

/** The protocol that the hosts of a Service speak on a port. */
export function protocolOf({ service, port }: Pick<ServiceTarget, "service" | "port">): ServiceProtocol {
  return port.protocol ?? service.resource.spec.protocol ?? "http";
}

/** True for protocols whose calls are told apart by interface and method. */
export function isRpc(protocol: ServiceProtocol): protocol is RpcProtocol {
  return protocol === "bolt" || protocol === "dubbo";
}

/** Traffic policies for one port of a Service, the port's own first. */
export function policiesOf({ policies }: Compilation, { service, port }: ServiceTarget): readonly AttachedPolicy[] {
  return policies.traffic(service, port.name, String(port.port));
}

/** One port of a Service as the proxy is told it, every default written out. */
export function compileCluster(compilation: Compilation, target: ServiceTarget, ownZone: string): ClusterConfig {
  const defaults = compilation.defaults.cluster;
  const policies = policiesOf(compilation, target);
  const protocol = protocolOf(target);
  const connections = firstWith(policies, "connections") ?? {};
  const budget = firstWith(policies, "retryBudget");
  const outlier = firstWith(policies, "outlier");
  const balancing = balancingOf(firstWith(policies, "balancing") ?? {}, defaults, ownZone);
  const heartbeat = heartbeatOf(firstWith(policies, "heartbeat") ?? {}, defaults.pool.heartbeat);
  const isStream = protocol === "grpc" || protocol === "tcp";
  return {
    name: target.cluster,
    protocol: UPSTREAM_PROTOCOLS[protocol],
    source: hostSource(target, defaults),
    hosts: hostsOf(target),
    tls: upstreamTls(compilation, target, policies),
    balancing,
    sharding: compileSharding(compilation, policies, balancing),
    subsets: compileSubsets(firstWith(policies, "subsets")),
    healthChecks: (firstWith(policies, "healthChecks") ?? []).map((check) => healthCheckOf(check, defaults)),
    outlier: outlier === undefined ? null : outlierOf(outlier, defaults.outlier),
    breaker: {
      ...defaults.breaker,
      ...firstWith(policies, "breaker"),
      ...(budget === undefined ? {} : { retryBudget: budget.percentage / 100 }),
    },
    pool: poolOf(connections, { ...defaultPool(defaults, protocol), heartbeat }),
    responseTimeoutMs: durationMs(
      firstWith(policies, "timeouts")?.response,
      isStream ? defaults.streamResponseTimeoutMs : defaults.responseTimeoutMs,
    ),
    sendProxyProtocol: PROXY_PROTOCOLS[connections.proxyProtocol ?? "off"],
  };
}

function hostSource({ service, port }: ServiceTarget, { dnsTtlMsMin, dnsTtlMsMax }: ClusterDefaults): HostSource {
  const { dns } = service.resource.spec;
  if (dns === undefined) return { type: "static" };
  return {
    type: "dns",
    name: dns.name,
    port: dns.port ?? port.targetPort ?? port.port,
    ttlMsMin: dnsTtlMsMin,
    ttlMsMax: dnsTtlMsMax,
  };
}

/** By address and port, so that lists in another order are the same cluster. */
function hostsOf({ service, port }: ServiceTarget): readonly HostConfig[] {
  const hosts = (service.resource.spec.hosts ?? []).map((host): HostConfig => {
    const { address, weight = 1, zone = "", priority = 0, labels = {} } = host;
    return { address, port: host.port ?? port.targetPort ?? port.port, weight, zone, priority, labels };
  });
  return hosts.sort((left, right) => compareText(left.address, right.address) || left.port - right.port);
}

function balancingOf(policy: PolicyBalancing, defaults: ClusterDefaults, ownZone: string): BalancingConfig {
  const { zone, slowStart, panicThreshold } = policy;
  const spillBelow = zone?.spillBelow === undefined ? defaults.zoneSpillBelow : zone.spillBelow / 100;
  return {
    policy: balancerOf(policy, defaults.balancing.policy),
    zone: ownZone === "" || zone === undefined ? null : { own: ownZone, spillBelow },
    slowStartMs: durationMs(slowStart, defaults.balancing.slowStartMs),
    panicThreshold: panicThreshold === undefined ? defaults.balancing.panicThreshold : panicThreshold / 100,
  };
}

/** Parameters of the balancers where a policy names only the algorithm; docs/resources.md has them. */
export const BALANCER_DEFAULTS = {
  choices: 2,
  decayMs: 10_000,
  ringSizeMin: 1024,
  ringSizeMax: 65_536,
  tableSize: 65_537,
} as const;

function balancerOf(policy: PolicyBalancing, fallback: BalancerPolicy): BalancerPolicy {
  switch (policy.algorithm) {
    case "round-robin":
    case "random":
      return { type: policy.algorithm };
    case "least-request":
      return { type: "least-request", choices: policy.choices ?? BALANCER_DEFAULTS.choices };
    case "peak-ewma":
      return { type: "peak-ewma", decayMs: durationMs(policy.decay, BALANCER_DEFAULTS.decayMs) };
    case "ring-hash": {
      const ringSizeMin = policy.ringSizeMin ?? Math.min(BALANCER_DEFAULTS.ringSizeMin, policy.ringSizeMax ?? Infinity);
      return {
        type: "ring-hash",
        ringSizeMin,
        ringSizeMax: policy.ringSizeMax ?? Math.max(BALANCER_DEFAULTS.ringSizeMax, ringSizeMin),
      };
    }
    case "maglev":
      return { type: "maglev", tableSize: policy.tableSize ?? BALANCER_DEFAULTS.tableSize };
    default:
      return fallback;
  }
}

/** Connections to the hosts of a Service, where no policy says anything. */
export function defaultPool({ pool, rpcIdleTimeoutMs }: ClusterDefaults, protocol: ServiceProtocol): PoolConfig {
  return isRpc(protocol) ? { ...pool, idleTimeoutMs: rpcIdleTimeoutMs } : pool;
}

function poolOf(policy: PolicyConnections, defaults: PoolConfig): PoolConfig {
  return {
    rpcSharing: policy.rpcSharing ?? defaults.rpcSharing,
    rpcConnectionsMax: policy.rpcConnectionsMax ?? defaults.rpcConnectionsMax,
    rpcConnectionsMin: policy.rpcConnectionsMin ?? defaults.rpcConnectionsMin,
    rpcStreamsMax: policy.rpcStreamsMax ?? defaults.rpcStreamsMax,
    http2ConnectionsMax: policy.http2ConnectionsMax ?? defaults.http2ConnectionsMax,
    http2StreamsMax: policy.http2StreamsMax ?? defaults.http2StreamsMax,
    http1IdleMax: policy.http1IdleMax ?? defaults.http1IdleMax,
    idleTimeoutMs: durationMs(policy.idleTimeout, defaults.idleTimeoutMs),
    connectTimeoutMs: durationMs(policy.connectTimeout, defaults.connectTimeoutMs),
    queueTimeoutMs: durationMs(policy.queueTimeout, defaults.queueTimeoutMs),
    requestsPerConnectionMax: policy.requestsPerConnectionMax ?? defaults.requestsPerConnectionMax,
    heartbeat: defaults.heartbeat,
  };
}

function outlierOf(policy: PolicyOutlier, defaults: OutlierConfig): OutlierConfig {
  const baseEjectionMs = durationMs(policy.baseEjection, defaults.baseEjectionMs);
  return {
    consecutiveErrors: policy.consecutiveErrors ?? defaults.consecutiveErrors,
    intervalMs: durationMs(policy.interval, defaults.intervalMs),
    successRateStdevFactor: policy.successRateStdevFactor ?? defaults.successRateStdevFactor,
    latencyFactor: policy.latencyFactor ?? defaults.latencyFactor,
    requestsMin: policy.requestsMin ?? defaults.requestsMin,
    baseEjectionMs,
    maxEjectionMs: durationMs(policy.maxEjection, Math.max(defaults.maxEjectionMs, baseEjectionMs)),
    maxEjectedShare: policy.maxEjected === undefined ? defaults.maxEjectedShare : policy.maxEjected / 100,
  };
}

function healthCheckOf(check: PolicyHealthCheck, { healthCheck: defaults }: ClusterDefaults): HealthCheckConfig {
  const targets = { tcp: "", http: check.path ?? "/", grpc: check.service ?? "" };
  const statuses = check.expectedStatuses?.map((range) => {
    const [from = "", to = from] = range.split("-");
    return { from: Number(from), to: Number(to) };
  });
  return {
    type: check.type,
    target: targets[check.type],
    authority: check.authority ?? "",
    expectedStatuses: statuses ?? defaults.expectedStatuses,
    intervalMs: durationMs(check.interval, defaults.intervalMs),
    timeoutMs: durationMs(check.timeout, defaults.timeoutMs),
    healthyThreshold: check.healthyThreshold ?? defaults.healthyThreshold,
    unhealthyThreshold: check.unhealthyThreshold ?? defaults.unhealthyThreshold,
    jitter: check.jitter === undefined ? defaults.jitter : check.jitter / 100,
  };
}
