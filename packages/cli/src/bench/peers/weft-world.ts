import { readFileSync } from "node:fs";
import type { ClusterConfig, ListenerConfig, RouteRule, World } from "@weft/contract";
import { WORLD_DEFAULTS } from "@weft/control/client";
import { LOOPBACK } from "../ports.ts";
import { PEER_CONNECTIONS_MAX, PEER_IDLE_UPSTREAM_MAX } from "./limits.ts";
import { backendPortOf, type PeerSetup } from "./peer.ts";

/** As often as in production, so that the checks' cost is in the figures. */
const HEALTH_CHECK_INTERVAL_MS = 1_000;
const HOUR_MS = 3_600_000;

/** The world of the bench: the defaults of every deployment, several routes to choose from, and health checks. */
export function createBenchWorld(setup: PeerSetup): World {
  return {
    revision: 1,
    settings: { ...WORLD_DEFAULTS.settings, name: "bench", admin: { address: LOOPBACK, port: 0 } },
    listeners: [createListener(setup)],
    routeTables: [{ name: "routes", rules: createRules() }],
    clusters: [createCluster(setup)],
  };
}

function createListener({ listenPort, path, certificate }: PeerSetup): ListenerConfig {
  const tls: ListenerConfig["tls"] =
    path.downstream === "tls-http2"
      ? {
          certificates: [
            {
              name: "bench",
              certificateChain: readFileSync(certificate.certificatePath, "utf8"),
              privateKey: readFileSync(certificate.keyPath, "utf8"),
            },
          ],
          clientCa: "",
          clientCertificate: "ignore",
          minVersion: "TLSv1.3",
          alpn: ["h2"],
        }
      : null;
  return {
    ...WORLD_DEFAULTS.listener,
    name: "bench",
    address: LOOPBACK,
    port: listenPort,
    protocol: "http",
    tls,
    routeTable: "routes",
    tcpRoutes: [],
    isEdge: true,
    connectionsMax: PEER_CONNECTIONS_MAX,
    idleTimeoutMs: HOUR_MS,
  };
}

/** Paths of a shop's services, most with conditions of their own; the bench asks for three of them. */
function createRules(): readonly RouteRule[] {
  return [
    createRule("bench/storefront", { type: "prefix", value: "/" }),
    createRule("bench/orders", { type: "prefix", value: "/orders" }),
    { ...createRule("bench/orders-admin", { type: "prefix", value: "/orders" }), hostnames: ["admin.example.com"] },
    createRule("bench/orders-beta", { type: "prefix", value: "/orders" }, "x-version", "beta"),
    createRule("bench/order-archive", { type: "prefix", value: "/orders/archive" }),
    createRule("bench/pictures", { type: "prefix", value: "/pictures" }),
    createRule("bench/picture-thumbnails", { type: "regex", value: "/pictures/[a-z]+/small" }),
    createRule("bench/backups", { type: "prefix", value: "/backups" }),
    createRule("bench/health", { type: "exact", value: "/healthz" }),
    createRule("bench/grpc-orders", { type: "prefix", value: "/shop.v1.Orders" }),
    createRule("bench/grpc-carts", { type: "exact", value: "/shop.v1.Carts/Get" }),
    { ...createRule("bench/wildcard", { type: "prefix", value: "/" }), hostnames: ["*.example.com"] },
  ];
}

function createRule(route: string, path: RouteRule["match"]["path"], header = "", value = ""): RouteRule {
  const headers: RouteRule["match"]["headers"] = header === "" ? [] : [{ type: "exact", name: header, value }];
  return {
    route,
    rule: 0,
    matchIndex: 0,
    hostnames: ["*"],
    match: { path, method: "", headers, queryParams: [] },
    createdMs: 0,
    backends: [{ cluster: "backend", weight: 1, requestHeaders: null, responseHeaders: null }],
    redirect: null,
    directResponse: null,
    requestHeaders: null,
    responseHeaders: null,
    rewrite: null,
    mirrors: [],
    cors: null,
    fault: null,
    colour: null,
    retry: WORLD_DEFAULTS.route.retry,
    timeoutMs: WORLD_DEFAULTS.route.timeoutMs,
    hashOn: [],
  };
}

function createCluster(setup: PeerSetup): ClusterConfig {
  const { balancing, breaker, pool, healthCheck, responseTimeoutMs } = WORLD_DEFAULTS.cluster;
  return {
    name: "backend",
    protocol: setup.path.upstream,
    source: { type: "static" },
    hosts: [{ address: LOOPBACK, port: backendPortOf(setup), weight: 1, zone: "", priority: 0, labels: {} }],
    tls: null,
    balancing: { ...balancing, zone: null },
    healthChecks: [
      { ...healthCheck, type: "http", target: "/healthz", authority: "", intervalMs: HEALTH_CHECK_INTERVAL_MS },
    ],
    outlier: null,
    breaker: {
      ...breaker,
      connectionsMax: PEER_CONNECTIONS_MAX,
      pendingMax: PEER_CONNECTIONS_MAX,
      requestsMax: PEER_CONNECTIONS_MAX,
    },
    pool: { ...pool, http1IdleMax: PEER_IDLE_UPSTREAM_MAX },
    responseTimeoutMs,
    sendProxyProtocol: 0,
  };
}
