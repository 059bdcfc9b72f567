import type {
  BalancingConfig,
  CircuitBreakerConfig,
  HealthCheckConfig,
  HeartbeatConfig,
  ListenerConfig,
  OutlierConfig,
  PoolConfig,
  ProxySettings,
  Retry,
} from "@weft/contract";

/** What holds where no resource says otherwise; every value of it is in docs/resources.md. */
export interface WorldDefaults {
  readonly settings: ProxySettings;
  readonly listener: ListenerDefaults;
  readonly cluster: ClusterDefaults;
  readonly route: RouteDefaults;
}

/** Per listener, before ProxyConfig. */
export type ListenerDefaults = Pick<
  ListenerConfig,
  | "address"
  | "connectionsMax"
  | "idleTimeoutMs"
  | "headerTimeoutMs"
  | "streamIdleTimeoutMs"
  | "headerBytesMax"
  | "targetBytesMax"
  | "bodyBytesMax"
  | "bodyBytesPerSecondMin"
  | "http2StreamsMax"
  | "rpcFrameBytesMax"
  | "rpcStreamsMax"
  | "heartbeat"
  | "proxyProtocol"
  | "allowsPlainText"
  | "requestId"
  | "echoesRequestId"
  | "startsTraces"
>;

/** Per cluster, before TrafficPolicy. */
export interface ClusterDefaults {
  readonly balancing: Omit<BalancingConfig, "zone">;
  /** For the proxy's own zone, where it has one. */
  readonly zoneSpillBelow: number;
  readonly breaker: CircuitBreakerConfig;
  readonly pool: PoolConfig;
  /** In place of the pool's, for protocols whose connections are meant to live long: bolt and dubbo. */
  readonly rpcIdleTimeoutMs: number;
  /** For the fields that a TrafficPolicy with `outlier` leaves out; without one there is no ejection. */
  readonly outlier: OutlierConfig;
  /** For the fields that a health check leaves out. */
  readonly healthCheck: Omit<HealthCheckConfig, "type" | "target" | "authority">;
  /** Protocol http and http2. */
  readonly responseTimeoutMs: number;
  /** Protocol grpc and tcp: streams may be quiet. */
  readonly streamResponseTimeoutMs: number;
  readonly dnsTtlMsMin: number;
  readonly dnsTtlMsMax: number;
}

export interface RouteDefaults {
  readonly timeoutMs: number;
  /** Of rules without any retry policy: only what was certainly not processed. */
  readonly retry: Retry;
  /** Of rules and policies that configure retries, for what they leave out. */
  readonly configuredRetry: Retry;
}

/**
 * In place of the heartbeat's timeout at the edge, in milliseconds: lines of phones break for seconds, and nobody waits
 * for these clients.
 */
export const EDGE_HEARTBEAT_TIMEOUT_MS = 5000;

/** Bolt peers beat every 15 s, and close after 90 s of silence. */
const HEARTBEAT: HeartbeatConfig = {
  mode: "adaptive",
  periodMs: 15_000,
  periodMsMax: 80_000,
  timeoutMs: 1000,
  missesMax: 3,
  peerIdleTimeoutMs: 90_000,
  jitter: 0.1,
};

/** Sane values; those of Envoy and Linkerd where there is no reason for others. */
export const WORLD_DEFAULTS: WorldDefaults = {
  settings: {
    name: "weft",
    accessLog: { target: "", rules: [] },
    tracing: { otlpEndpoint: "", sample: 0.01 },
    admin: { address: "127.0.0.1", port: 15000, metricsOpen: false },
    drainDeadlineMs: 30_000,
    hopsMax: 16,
  },
  listener: {
    address: "0.0.0.0",
    connectionsMax: 10_000,
    idleTimeoutMs: 300_000,
    headerTimeoutMs: 10_000,
    streamIdleTimeoutMs: 300_000,
    headerBytesMax: 61_440,
    targetBytesMax: 8192,
    bodyBytesMax: 0,
    // Any modem is faster; Kestrel asks for as much.
    bodyBytesPerSecondMin: 240,
    http2StreamsMax: 128,
    rpcFrameBytesMax: 16_777_216,
    rpcStreamsMax: 4096,
    heartbeat: HEARTBEAT,
    proxyProtocol: "off",
    allowsPlainText: false,
    requestId: "pass",
    echoesRequestId: false,
    startsTraces: false,
  },
  cluster: {
    balancing: { policy: { type: "least-request", choices: 2 }, slowStartMs: 0, panicThreshold: 0.5 },
    zoneSpillBelow: 0.7,
    breaker: { connectionsMax: 1024, pendingMax: 1024, requestsMax: 1024, retriesMax: 64, retryBudget: 0.2 },
    pool: {
      http2ConnectionsMax: 4,
      http2StreamsMax: 128,
      http1IdleMax: 1024,
      rpcSharing: "multiplexed",
      rpcConnectionsMax: 1,
      rpcConnectionsMin: 1,
      rpcStreamsMax: 1024,
      idleTimeoutMs: 60_000,
      connectTimeoutMs: 1000,
      queueTimeoutMs: 5000,
      requestsPerConnectionMax: 0,
      heartbeat: HEARTBEAT,
    },
    rpcIdleTimeoutMs: 3_600_000,
    outlier: {
      consecutiveErrors: 5,
      intervalMs: 10_000,
      successRateStdevFactor: 1.9,
      latencyFactor: 0,
      requestsMin: 100,
      baseEjectionMs: 30_000,
      maxEjectionMs: 300_000,
      maxEjectedShare: 0.5,
    },
    healthCheck: {
      expectedStatuses: [{ from: 200, to: 299 }],
      intervalMs: 5000,
      timeoutMs: 1000,
      healthyThreshold: 2,
      unhealthyThreshold: 3,
      jitter: 0.1,
    },
    responseTimeoutMs: 60_000,
    streamResponseTimeoutMs: 0,
    dnsTtlMsMin: 1000,
    dnsTtlMsMax: 300_000,
  },
  route: {
    timeoutMs: 0,
    retry: {
      retriesMax: 2,
      on: ["connect-failure"],
      statuses: [],
      grpcStatuses: [],
      backoffBaseMs: 25,
      backoffMaxMs: 250,
      perTryTimeoutMs: 0,
      retriesNonIdempotent: false,
    },
    configuredRetry: {
      retriesMax: 2,
      on: ["connect-failure", "reset", "timeout"],
      statuses: [],
      grpcStatuses: [],
      backoffBaseMs: 25,
      backoffMaxMs: 250,
      perTryTimeoutMs: 0,
      retriesNonIdempotent: false,
    },
  },
};
