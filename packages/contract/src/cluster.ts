import type { HeartbeatConfig } from "./heartbeat.ts";
import type { SessionProtocol } from "./session.ts";

/** How requests are spoken to the hosts of a cluster. `http` follows ALPN under TLS, HTTP/1.1 without. */
export type UpstreamProtocol = SessionProtocol | "http" | "tcp";

/** Where a cluster's hosts come from. */
export type HostSource =
  | { readonly type: "static" }
  /** Every address of the name is a host; asked again when its TTL ends, within bounds. */
  | {
      readonly type: "dns";
      readonly name: string;
      readonly port: number;
      readonly ttlMsMin: number;
      readonly ttlMsMax: number;
    };

/** One address that serves a cluster, as it was configured or discovered. */
export interface HostConfig {
  /** IP address, or a host name where the system resolver is to be asked at connect. */
  readonly address: string;
  readonly port: number;
  /** At least 1. */
  readonly weight: number;
  /** "" for none. */
  readonly zone: string;
  /** 0 is used first; the next only as the healthy share falls. */
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** How a host is chosen among those that may be used; `choices` hosts are compared by least-request. */
export type BalancerPolicy =
  | { readonly type: "round-robin" }
  | { readonly type: "random" }
  | { readonly type: "least-request"; readonly choices: number }
  | { readonly type: "peak-ewma"; readonly decayMs: number }
  | { readonly type: "ring-hash"; readonly ringSizeMin: number; readonly ringSizeMax: number }
  | { readonly type: "maglev"; readonly tableSize: number };

/** How requests are spread over the hosts of a cluster: the policy, and what overrides it. */
export interface BalancingConfig {
  readonly policy: BalancerPolicy;
  /** Prefer hosts of this proxy's own zone; spill over as their healthy share falls below `spillBelow`. */
  readonly zone: { readonly own: string; readonly spillBelow: number } | null;
  /** A host that is new or healthy again gets a growing share for so long; 0 for none. */
  readonly slowStartMs: number;
  /** Below this healthy share (0 to 1) health is ignored: all hosts are used. 0 never panics. */
  readonly panicThreshold: number;
}

/**
 * Which rule gives every client of a cluster its shard of the hosts; docs/SHARDING.md compares them. `balanced` and
 * `deterministic` keep what they promise for numbered clients; without numbers, balance is that of chance.
 */
export type ShardAlgorithm = "balanced" | "consistent-hash" | "rendezvous" | "deterministic";

/** How many hosts of a cluster (of each of its priority levels) a client connects to. */
export type ShardSize =
  | { readonly type: "fixed"; readonly hosts: number }
  /** `hostsMin` where the share comes out at less. */
  | { readonly type: "percent"; readonly percent: number; readonly hostsMin: number }
  | AutomaticShardSize;

/** A size that follows what the client sends. */
export interface AutomaticShardSize {
  readonly type: "automatic";
  /** What makes a connection worth having: requests per second that one should carry. */
  readonly requestsPerConnection: number;
  /** Never fewer hosts, so that a failure does not hit hard. */
  readonly hostsMin: number;
  /** Connections that a host should have at most, where the number of clients is known. */
  readonly connectionsPerHostMax: number;
}

/** Which part of a cluster's hosts this proxy connects to, the same in all of its workers. */
export interface ShardingConfig {
  readonly algorithm: ShardAlgorithm;
  readonly size: ShardSize;
  /** Stable over restarts and unlike that of other proxies; "" takes the proxy's host name and own name. */
  readonly clientId: string;
  /** This proxy's number among the cluster's clients, from 0, each given once; null where nobody counts. */
  readonly clientIndex: number | null;
  /** How many clients the cluster has; null where nobody counts. */
  readonly clientCount: number | null;
}

/** What serves a request whose subset has no host: nobody, any host, or the hosts with these labels. */
export type SubsetFallback =
  | { readonly type: "none" }
  | { readonly type: "any" }
  | { readonly type: "default"; readonly labels: Readonly<Record<string, string>> };

/** Keys by which a request may choose, all of them together; their order means nothing. */
export interface SubsetSelector {
  readonly keys: readonly string[];
  readonly fallback: SubsetFallback;
}

/** How requests may choose among a cluster's hosts by label. */
export interface SubsetConfig {
  readonly selectors: readonly SubsetSelector[];
  /** For requests that name no labels, or keys that are those of no selector. */
  readonly fallback: SubsetFallback;
  /** Subsets that are kept built; the one that was not asked for the longest is forgotten first. */
  readonly subsetsMax: number;
}

/** One active check of every host: a connection, an HTTP answer or the gRPC health protocol (`grpc.health.v1`). */
export interface HealthCheckConfig {
  readonly type: "tcp" | "http" | "grpc";
  /** HTTP: request target. gRPC: service name ("" for the server). TCP: "". */
  readonly target: string;
  /** HTTP: Host header; "" uses the host's address. */
  readonly authority: string;
  readonly expectedStatuses: readonly { readonly from: number; readonly to: number }[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** 0 to 1: share of the interval added or taken by chance. */
  readonly jitter: number;
}

/** When a host is taken out for what its answers look like, and for how long. Each ejection lasts longer than the one before. */
export interface OutlierConfig {
  /** Errors in a row until a host is ejected; 0 for never. Connection failures and 5xx count. */
  readonly consecutiveErrors: number;
  readonly intervalMs: number;
  /** Ejected if the success rate is below mean - factor * standard deviation; 0 for never. */
  readonly successRateStdevFactor: number;
  /** Ejected if the median latency is above factor * the cluster's median; 0 for never. */
  readonly latencyFactor: number;
  /** Fewer requests in an interval are not judged. */
  readonly requestsMin: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** At most this share of the hosts is ejected at once, 0 to 1. */
  readonly maxEjectedShare: number;
}

/** Every limit trips: what exceeds it is answered at once with the error named. */
export interface CircuitBreakerConfig {
  readonly connectionsMax: number;
  /** Requests waiting for a connection. */
  readonly pendingMax: number;
  /** Requests in flight. */
  readonly requestsMax: number;
  /** Retries in flight. */
  readonly retriesMax: number;
  /** Retries at most this share of requests in flight (plus 3) and of those before that needed none, 0 to 1. */
  readonly retryBudget: number;
}

/**
 * How calls share connections to a host: many at a time on few, one at a time on each, or every connection of a client
 * has one of its own, and both end together: for hosts that keep state with a connection.
 */
export type RpcSharing = "multiplexed" | "ping-pong" | "bound";

/** How connections to hosts are opened, kept and given up. Per worker. */
export interface PoolConfig {
  /** HTTP/2: connections per host that are opened as streams fill up. */
  readonly http2ConnectionsMax: number;
  /** HTTP/2: our own cap besides the peer's SETTINGS. */
  readonly http2StreamsMax: number;
  /** Bolt and Dubbo. */
  readonly rpcSharing: RpcSharing;
  /** Bolt and Dubbo, multiplexed: connections per host that calls are spread over; a further one is opened as calls meet. */
  readonly rpcConnectionsMax: number;
  /** The same: as many are opened by the first calls, whether or not they meet. At most `rpcConnectionsMax`. */
  readonly rpcConnectionsMin: number;
  /** Bolt and Dubbo: calls at a time on one connection. */
  readonly rpcStreamsMax: number;
  /** HTTP/1, and Bolt and Dubbo in ping-pong: idle connections kept per host. */
  readonly http1IdleMax: number;
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** How long a request waits for a connection. */
  readonly queueTimeoutMs: number;
  /** Requests per connection before it is replaced; 0 for no limit. */
  readonly requestsPerConnectionMax: number;
  readonly heartbeat: HeartbeatConfig;
}

/** How connections to hosts use TLS: what we check, and what we present. */
export interface UpstreamTls {
  /** Server name sent and checked; "" uses the host's address: connections are shared by requests of any authority. */
  readonly serverName: string;
  /** PEM bundle; "" uses the system's roots. */
  readonly ca: string;
  readonly certificateChain: string;
  /** Never shown. */
  readonly privateKey: string;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** Exact URI SANs of which the peer must present one; empty checks the server name only. */
  readonly subjectAltNames: readonly string[];
}

/** A named set of hosts that serve the same, with everything that is done to reach them. Routes name it. */
export interface ClusterConfig {
  readonly name: string;
  readonly protocol: UpstreamProtocol;
  readonly source: HostSource;
  readonly hosts: readonly HostConfig[];
  readonly tls: UpstreamTls | null;
  readonly balancing: BalancingConfig;
  /** Null connects to every host. */
  readonly sharding: ShardingConfig | null;
  /** Null for hosts that requests cannot choose among. */
  readonly subsets: SubsetConfig | null;
  readonly healthChecks: readonly HealthCheckConfig[];
  readonly outlier: OutlierConfig | null;
  readonly breaker: CircuitBreakerConfig;
  readonly pool: PoolConfig;
  /** From our last request byte to the first of the answer, and between pieces of it; 0 for none. */
  readonly responseTimeoutMs: number;
  /** Start each upstream connection with a PROXY protocol header of this version; 0 for none. */
  readonly sendProxyProtocol: 0 | 1 | 2;
}
