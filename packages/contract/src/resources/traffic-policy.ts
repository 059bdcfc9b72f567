import type { BalancerPolicy } from "../cluster.ts";
import type { HashKey, RetryCondition } from "../route.ts";
import type { DurationText, ResourceBase } from "./metadata.ts";
import type { LocalObjectReference, PolicyTargetReference } from "./references.ts";

/** How traffic to a Service, or on the routes of a Gateway or route, is treated. Percentages are numbers, 0 to 100. */
export type TrafficPolicyResource = ResourceBase<"weft.dev/v1", "TrafficPolicy", TrafficPolicySpec>;

/** What the policy acts on, and what it changes; absent fields keep their defaults. */
export interface TrafficPolicySpec {
  /** Service, HTTPRoute, GRPCRoute or Gateway. */
  readonly targetRefs: readonly PolicyTargetReference[];
  /** Services; `hashOn` alone also for routes and Gateways. */
  readonly balancing?: PolicyBalancing;
  /** Services. */
  readonly connections?: PolicyConnections;
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

/** Connections to the hosts, per worker. */
export interface PolicyConnections {
  readonly connectTimeout?: DurationText;
  /** How long a request waits for a connection. */
  readonly queueTimeout?: DurationText;
  readonly idleTimeout?: DurationText;
  /** 0 for no limit. */
  readonly requestsPerConnectionMax?: number;
  readonly http1IdleMax?: number;
  readonly http2ConnectionsMax?: number;
  readonly http2StreamsMax?: number;
  /** HTTP/2 PING; an interval of "0s" sends none. */
  readonly keepalive?: { readonly interval?: DurationText; readonly timeout?: DurationText };
  /** Header at the start of each connection. */
  readonly proxyProtocol?: "off" | "v1" | "v2";
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
