import type { BalancerPolicy, RpcSharing, ShardAlgorithm, SubsetFallback } from "../cluster.ts";
import type { HeartbeatConfig } from "../heartbeat.ts";
import type { HashKey, RetryCondition } from "../route.ts";
import type { DurationText, ResourceBase } from "./metadata.ts";
import type { LocalObjectReference, PolicyTargetReference } from "./references.ts";

/** How traffic to a Service, or on the routes of a Gateway or route, is treated. Percentages are numbers, 0 to 100. */
export type TrafficPolicyResource = ResourceBase<"weft.dev/v1", "TrafficPolicy", TrafficPolicySpec>;

/** What the policy acts on, and what it changes; absent fields keep their defaults. */
export interface TrafficPolicySpec {
  /** Service, HTTPRoute, GRPCRoute, RpcRoute or Gateway. */
  readonly targetRefs: readonly PolicyTargetReference[];
  /** Services; `hashOn` alone also for routes and Gateways. */
  readonly balancing?: PolicyBalancing;
  /** Services; absent: each proxy connects to every host. */
  readonly sharding?: PolicySharding;
  /** Services; absent: requests cannot choose among hosts by label. */
  readonly subsets?: PolicySubsets;
  /** Services. */
  readonly connections?: PolicyConnections;
  /** Services. */
  readonly heartbeat?: PolicyHeartbeat;
  /** `request` for routes and Gateways, `response` for Services. */
  readonly timeouts?: { readonly request?: DurationText; readonly response?: DurationText };
  /** Routes and Gateways; a rule's own `retry` wins. */
  readonly retry?: PolicyRetry;
  /** Services: retries at most this share of the requests in flight and of those before that needed none. */
  readonly retryBudget?: { readonly percentage: number };
  /** Services. */
  readonly breaker?: PolicyBreaker;
  /** Services; absent: no ejection. */
  readonly outlier?: PolicyOutlier;
  /** Services. */
  readonly healthChecks?: readonly PolicyHealthCheck[];
  /** Services; not together with a BackendTLSPolicy. */
  readonly tls?: PolicyTls;
}

/** How a host is chosen. */
export interface PolicyBalancing {
  readonly algorithm?: BalancerPolicy["type"];
  /** least-request: hosts compared per pick. */
  readonly choices?: number;
  /** peak-ewma: how long an answer time is remembered. */
  readonly decay?: DurationText;
  /** ring-hash. */
  readonly ringSizeMin?: number;
  readonly ringSizeMax?: number;
  /** maglev: a prime. */
  readonly tableSize?: number;
  /** Prefer hosts of the proxy's zone (ProxyConfig `zone`) until less than `spillBelow` percent of them are healthy. */
  readonly zone?: { readonly spillBelow?: number };
  readonly slowStart?: DurationText;
  /** Percent of healthy hosts below which health is ignored; 0 never. */
  readonly panicThreshold?: number;
  /** ring-hash and maglev: first that the request has. `name` is absent for source-ip. */
  readonly hashOn?: readonly { readonly type: HashKey["type"]; readonly name?: string }[];
}

/** Which part of the hosts each proxy connects to. */
export interface PolicySharding {
  /** docs/SHARDING.md compares them; "none" turns off what an outer policy says. */
  readonly algorithm: ShardAlgorithm | "none";
  /** A number of hosts, a percentage such as "20%", or "auto" (default), which follows the proxy's load. */
  readonly size?: number | string;
  /** Percentage and auto: never fewer hosts. */
  readonly hostsMin?: number;
  /** auto: requests per second that a connection should carry. */
  readonly requestsPerConnection?: number;
  /** auto: most connections of a host, where `clientCount` is given. */
  readonly connectionsPerHostMax?: number;
  /** Default: ProxyConfig `node.id`. */
  readonly clientId?: string;
  /** Default: ProxyConfig `node.index`. */
  readonly clientIndex?: number;
  readonly clientCount?: number;
}

/** By which labels requests may choose among the hosts. */
export interface PolicySubsets {
  readonly selectors: readonly {
    readonly keys: readonly string[];
    /** What serves a request whose subset has no host; default none. */
    readonly fallback?: SubsetFallback["type"];
  }[];
  /** What serves a request that names no labels, or keys of no selector; default any. */
  readonly fallback?: SubsetFallback["type"];
  /** The hosts of fallback `default`. */
  readonly defaultLabels?: Readonly<Record<string, string>>;
  /** Subsets that are kept built. */
  readonly subsetsMax?: number;
}

/** Connections to the hosts, per worker. */
export interface PolicyConnections {
  readonly connectTimeout?: DurationText;
  /** How long a request waits for a connection. */
  readonly queueTimeout?: DurationText;
  readonly idleTimeout?: DurationText;
  /** 0 for no limit. */
  readonly requestsPerConnectionMax?: number;
  /** Bolt and Dubbo: default "multiplexed". */
  readonly rpcSharing?: RpcSharing;
  /** Bolt and Dubbo, multiplexed: connections per host that calls are spread over. */
  readonly rpcConnectionsMax?: number;
  /** The same: opened by the first calls whether or not they meet; at most `rpcConnectionsMax`. */
  readonly rpcConnectionsMin?: number;
  /** Bolt and Dubbo, not in ping-pong: calls at a time on one connection. */
  readonly rpcStreamsMax?: number;
  readonly http1IdleMax?: number;
  readonly http2ConnectionsMax?: number;
  readonly http2StreamsMax?: number;
  /** Header at the start of each connection. */
  readonly proxyProtocol?: "off" | "v1" | "v2";
}

/** How silent connections are asked for signs of life: HTTP/2 PING, heartbeats of Bolt and Dubbo, else TCP keepalive. */
export interface PolicyHeartbeat {
  readonly mode?: HeartbeatConfig["mode"];
  /** Silence after which the peer is asked. */
  readonly period?: DurationText;
  /** adaptive: what the period is stretched to while all is well. */
  readonly periodMax?: DurationText;
  /** How long one answer may take. */
  readonly timeout?: DurationText;
  /** Dead after so many timeouts without a byte. */
  readonly misses?: number;
  /** When the peer closes idle connections; "0s" for never. */
  readonly peerIdleTimeout?: DurationText;
  /** Percent of the period. */
  readonly jitter?: number;
}

/** When and how often a request is tried again. */
export interface PolicyRetry {
  /** Tries after the first. */
  readonly attempts?: number;
  readonly on?: readonly RetryCondition[];
  /** With condition `status`. */
  readonly statuses?: readonly number[];
  /** With condition `grpc-status`. */
  readonly grpcStatuses?: readonly number[];
  readonly backoff?: { readonly base?: DurationText; readonly max?: DurationText };
  readonly perTryTimeout?: DurationText;
  /** Also POST, PATCH and other methods that are not idempotent. */
  readonly nonIdempotent?: boolean;
}

/** Bounds above which requests are answered at once; per cluster and worker. */
export interface PolicyBreaker {
  readonly connectionsMax?: number;
  readonly pendingMax?: number;
  readonly requestsMax?: number;
  readonly retriesMax?: number;
}

/** When a host that answers badly gets no requests for a while. */
export interface PolicyOutlier {
  /** 0 for never. */
  readonly consecutiveErrors?: number;
  readonly interval?: DurationText;
  /** Standard deviations below the mean success rate; 0 for never. */
  readonly successRateStdevFactor?: number;
  /** Times the cluster's median latency; 0 for never. */
  readonly latencyFactor?: number;
  readonly requestsMin?: number;
  readonly baseEjection?: DurationText;
  readonly maxEjection?: DurationText;
  /** Percent of the hosts. */
  readonly maxEjected?: number;
}

/** A question asked of each host from time to time. */
export interface PolicyHealthCheck {
  readonly type: "tcp" | "http" | "grpc";
  /** http: request target; default "/". */
  readonly path?: string;
  /** http: Host header; default the host's address. */
  readonly authority?: string;
  /** grpc: service asked about; default the whole server. */
  readonly service?: string;
  /** http: "200" or "200-299"; default 200-299. */
  readonly expectedStatuses?: readonly string[];
  readonly interval?: DurationText;
  readonly timeout?: DurationText;
  readonly healthyThreshold?: number;
  readonly unhealthyThreshold?: number;
  /** Percent of the interval. */
  readonly jitter?: number;
}

/** TLS to the hosts of a Service. */
export interface PolicyTls {
  /** Default: the request's authority. */
  readonly serverName?: string;
  /** ConfigMap with `ca.crt` or Certificate with `caFile`; default: the system's authorities. */
  readonly caCertificateRef?: LocalObjectReference;
  /** Secret or Certificate that we present. */
  readonly clientCertificateRef?: LocalObjectReference;
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /** URIs of which the peer must present one. */
  readonly subjectAltNames?: readonly string[];
}
