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

/** How connections to hosts are opened, kept and given up. Per worker. */
export interface PoolConfig {
  /** HTTP/2: connections per host that are opened as streams fill up. */
  readonly http2ConnectionsMax: number;
  /** HTTP/2: our own cap besides the peer's SETTINGS. */
  readonly http2StreamsMax: number;
  /** HTTP/1: idle connections kept per host. */
  readonly http1IdleMax: number;
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** How long a request waits for a connection. */
  readonly queueTimeoutMs: number;
  /** Requests per connection before it is replaced; 0 for no limit. */
  readonly requestsPerConnectionMax: number;
  /** HTTP/2 PING on quiet connections; 0 for none. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
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
  readonly healthChecks: readonly HealthCheckConfig[];
  readonly outlier: OutlierConfig | null;
  readonly breaker: CircuitBreakerConfig;
  readonly pool: PoolConfig;
  /** From our last request byte to the first of the answer, and between pieces of it; 0 for none. */
  readonly responseTimeoutMs: number;
  /** Start each upstream connection with a PROXY protocol header of this version; 0 for none. */
  readonly sendProxyProtocol: 0 | 1 | 2;
}
