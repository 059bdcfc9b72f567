import {
  type ClusterConfig,
  type Feed,
  type Feeds,
  type HeartbeatConfig,
  type HostConfig,
  type ListenerConfig,
  PLAIN_RULE,
  type ProxySettings,
  type RouteBackend,
  type RouteRule,
  type RouteTableConfig,
  type Subscription,
} from "@weft/contract";

/** As the control plane has it where no policy says otherwise. */
const HEARTBEAT: HeartbeatConfig = {
  mode: "adaptive",
  periodMs: 15_000,
  periodMsMax: 80_000,
  timeoutMs: 1000,
  missesMax: 3,
  peerIdleTimeoutMs: 90_000,
  jitter: 0.1,
};

/** Settings of a proxy that logs, traces and limits nothing unusual. */
export function createSettings(changes: Partial<ProxySettings> = {}): ProxySettings {
  return {
    name: "test",
    accessLog: { target: "", rules: [] },
    tracing: { otlpEndpoint: "", sample: 0 },
    admin: { address: "127.0.0.1", port: 0, metricsOpen: false },
    drainDeadlineMs: 5000,
    hopsMax: 16,
    ...changes,
  };
}

/** A plain-text HTTP listener on a free port of 127.0.0.1, with route table "routes". */
export function createListener(changes: Partial<ListenerConfig> = {}): ListenerConfig {
  return {
    name: "http",
    address: "127.0.0.1",
    port: 0,
    protocol: "http",
    tls: null,
    allowsPlainText: false,
    proxyProtocol: "off",
    routeTable: "routes",
    tcpRoutes: [],
    isEdge: true,
    keepsColour: false,
    underscores: "reject",
    requestId: "pass",
    echoesRequestId: false,
    startsTraces: false,
    connectionsMax: 1000,
    idleTimeoutMs: 60_000,
    headerTimeoutMs: 10_000,
    streamIdleTimeoutMs: 60_000,
    headerBytesMax: 61_440,
    targetBytesMax: 8192,
    bodyBytesMax: 0,
    bodyBytesPerSecondMin: 240,
    http2StreamsMax: 100,
    rpcFrameBytesMax: 16_777_216,
    rpcStreamsMax: 4096,
    heartbeat: HEARTBEAT,
    ...changes,
  };
}

/** A backend that gets everything. */
export function createBackend(cluster: string, changes: Partial<RouteBackend> = {}): RouteBackend {
  return { cluster, weight: 1, subset: null, requestHeaders: null, responseHeaders: null, ...changes };
}

/** A rule for every host and path that sends to cluster "backend". */
export function createRule(changes: Partial<RouteRule> = {}): RouteRule {
  return { ...PLAIN_RULE, route: "test/route", hostnames: ["*"], backends: [createBackend("backend")], ...changes };
}

/** A host on 127.0.0.1. */
export function createHost(port: number, changes: Partial<HostConfig> = {}): HostConfig {
  return { address: "127.0.0.1", port, weight: 1, zone: "", priority: 0, labels: {}, ...changes };
}

/** Cluster "backend" of static hosts at these ports of 127.0.0.1, HTTP/1.1. */
export function createCluster(ports: readonly number[], changes: Partial<ClusterConfig> = {}): ClusterConfig {
  return {
    name: "backend",
    protocol: "http1",
    source: { type: "static" },
    hosts: ports.map((port) => createHost(port)),
    tls: null,
    balancing: { policy: { type: "round-robin" }, zone: null, slowStartMs: 0, panicThreshold: 0 },
    sharding: null,
    subsets: null,
    healthChecks: [],
    outlier: null,
    breaker: { connectionsMax: 1000, pendingMax: 1000, requestsMax: 1000, retriesMax: 10, retryBudget: 0.2 },
    pool: {
      http2ConnectionsMax: 4,
      http2StreamsMax: 100,
      http1IdleMax: 100,
      rpcSharing: "multiplexed",
      rpcConnectionsMax: 1,
      rpcConnectionsMin: 1,
      rpcStreamsMax: 1024,
      idleTimeoutMs: 60_000,
      connectTimeoutMs: 1000,
      queueTimeoutMs: 2000,
      requestsPerConnectionMax: 0,
      heartbeat: HEARTBEAT,
    },
    responseTimeoutMs: 0,
    sendProxyProtocol: 0,
    ...changes,
  };
}

/** A feed whose value tests set. */
export class ValueFeed<T> implements Feed<T> {
  #value: T;
  readonly #listeners: Set<(value: T) => void> = new Set();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    for (const listener of this.#listeners) listener(value);
  }

  subscribe(onChange: (value: T) => void): Subscription {
    this.#listeners.add(onChange);
    onChange(this.#value);
    return { unsubscribe: () => this.#listeners.delete(onChange) };
  }
}

/** Feeds of a whole world that tests change part by part. */
export interface WorldFixture extends Feeds {
  readonly settings: ValueFeed<ProxySettings>;
  readonly listeners: ValueFeed<readonly ListenerConfig[]>;
  readonly routes: ValueFeed<readonly RouteTableConfig[]>;
  readonly clusters: ValueFeed<readonly ClusterConfig[]>;
}

/** One listener whose table "routes" holds `rules`. */
export function createWorldFixture(
  clusters: readonly ClusterConfig[],
  rules: readonly RouteRule[] = [createRule()],
  listener: ListenerConfig = createListener(),
): WorldFixture {
  return {
    settings: new ValueFeed(createSettings()),
    listeners: new ValueFeed<readonly ListenerConfig[]>([listener]),
    routes: new ValueFeed<readonly RouteTableConfig[]>([{ name: "routes", rules }]),
    clusters: new ValueFeed(clusters),
  };
}
