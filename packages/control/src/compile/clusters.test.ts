import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterConfig } from "@weft/contract";
import { gateway, route, service, worldOf } from "../load/resources.fixture.ts";
import { WORLD_DEFAULTS } from "./defaults.ts";

/** The cluster of Service "cart". */
function cluster(document: string, ...documents: readonly string[]): ClusterConfig {
  const backend = document.includes("protocol: tcp") ? "" : "  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]";
  const [first] = worldOf([gateway(), route("shop", backend), document, ...documents]).clusters;
  assert.ok(first);
  return first;
}

function policy(spec: string, section: string = "", name: string = "p"): string {
  return `apiVersion: weft.dev/v1\nkind: TrafficPolicy\nmetadata: { name: ${name} }\nspec:\n  targetRefs: [{ kind: Service, name: cart${section} }]\n${spec}`;
}

test("compileCluster() writes out every default", () => {
  const { balancing, breaker, pool } = WORLD_DEFAULTS.cluster;
  assert.deepEqual(cluster(service("cart")), {
    name: "default/cart:80",
    protocol: "http",
    source: { type: "static" },
    hosts: [{ address: "10.0.0.1", port: 80, weight: 1, zone: "", priority: 0, labels: {} }],
    tls: null,
    balancing: { ...balancing, zone: null },
    sharding: null,
    subsets: null,
    healthChecks: [],
    outlier: null,
    breaker,
    pool,
    responseTimeoutMs: 60_000,
    sendProxyProtocol: 0,
  });
  assert.equal(cluster(service("cart", "  protocol: grpc")).responseTimeoutMs, 0);
});

test("compileCluster() sorts hosts, so that another order is the same cluster", () => {
  const list = (...hosts: readonly string[]): ClusterConfig =>
    cluster(service("cart").replace("[{ address: 10.0.0.1 }]", `[${hosts.join(", ")}]`));
  const a = "{ address: a.internal, port: 9, weight: 5, zone: z1, priority: 1, labels: { v: '2' } }";
  const b = "{ address: ::1 }";
  assert.deepEqual(list(a, b), list(b, a));
  assert.deepEqual(list(a, b).hosts, [
    { address: "::1", port: 80, weight: 1, zone: "", priority: 0, labels: {} },
    { address: "a.internal", port: 9, weight: 5, zone: "z1", priority: 1, labels: { v: "2" } },
  ]);
});

test("compileCluster() takes hosts from DNS, on the port they listen on", () => {
  const dns = service("cart").replace("hosts: [{ address: 10.0.0.1 }]", "dns: { name: cart.internal }");
  const { dnsTtlMsMin: ttlMsMin, dnsTtlMsMax: ttlMsMax } = WORLD_DEFAULTS.cluster;
  assert.deepEqual(cluster(dns).source, { type: "dns", name: "cart.internal", port: 80, ttlMsMin, ttlMsMax });
  assert.equal((cluster(dns.replace("port: 80", "port: 80, targetPort: 81")).source as { port: number }).port, 81);
  assert.equal(
    (cluster(dns.replace("cart.internal }", "cart.internal, port: 82 }")).source as { port: number }).port,
    82,
  );
});

test("compileCluster() applies every field of a policy", () => {
  const found = cluster(
    service("cart"),
    policy(`  balancing: { algorithm: ring-hash, ringSizeMin: 10, ringSizeMax: 20, slowStart: 10s, panicThreshold: 0, zone: { spillBelow: 90 } }
  connections: { connectTimeout: 2s, queueTimeout: 3s, idleTimeout: 4s, requestsPerConnectionMax: 5, http1IdleMax: 6, rpcSharing: bound, rpcStreamsMax: 9, http2ConnectionsMax: 7, http2StreamsMax: 8, proxyProtocol: v2 }
  heartbeat: { mode: fixed, period: 20s, timeout: 2s, misses: 4, peerIdleTimeout: 60s, jitter: 20 }
  timeouts: { response: 0s }
  retryBudget: { percentage: 10 }
  breaker: { connectionsMax: 1, pendingMax: 0, requestsMax: 3, retriesMax: 4 }
  outlier: { consecutiveErrors: 3, maxEjected: 10, baseEjection: 10m }
  healthChecks: [{ type: http, path: /health, authority: cart, expectedStatuses: ["200", "300-399"], interval: 1s, timeout: 500ms, healthyThreshold: 1, unhealthyThreshold: 2, jitter: 0 }, { type: grpc, service: shop.Cart }, { type: tcp }]
`),
    "apiVersion: weft.dev/v1\nkind: ProxyConfig\nmetadata: { name: me }\nspec: { zone: z1 }",
  );
  assert.deepEqual(found.balancing, {
    policy: { type: "ring-hash", ringSizeMin: 10, ringSizeMax: 20 },
    zone: { own: "z1", spillBelow: 0.9 },
    slowStartMs: 10_000,
    panicThreshold: 0,
  });
  assert.deepEqual(found.pool, {
    connectTimeoutMs: 2000,
    queueTimeoutMs: 3000,
    idleTimeoutMs: 4000,
    requestsPerConnectionMax: 5,
    http1IdleMax: 6,
    rpcSharing: "bound",
    rpcConnectionsMax: 1,
    rpcConnectionsMin: 1,
    rpcStreamsMax: 9,
    http2ConnectionsMax: 7,
    http2StreamsMax: 8,
    heartbeat: {
      mode: "fixed",
      periodMs: 20_000,
      periodMsMax: 58_000,
      timeoutMs: 2000,
      missesMax: 4,
      peerIdleTimeoutMs: 60_000,
      jitter: 0.2,
    },
  });
  assert.deepEqual(found.breaker, {
    connectionsMax: 1,
    pendingMax: 0,
    requestsMax: 3,
    retriesMax: 4,
    retryBudget: 0.1,
  });
  assert.equal(found.responseTimeoutMs, 0);
  assert.equal(found.sendProxyProtocol, 2);
  const { outlier, healthCheck } = WORLD_DEFAULTS.cluster;
  assert.deepEqual(found.outlier, {
    ...outlier,
    consecutiveErrors: 3,
    maxEjectedShare: 0.1,
    baseEjectionMs: 600_000,
    maxEjectionMs: 600_000,
  });
  assert.deepEqual(found.healthChecks, [
    {
      type: "http",
      target: "/health",
      authority: "cart",
      expectedStatuses: [
        { from: 200, to: 200 },
        { from: 300, to: 399 },
      ],
      intervalMs: 1000,
      timeoutMs: 500,
      healthyThreshold: 1,
      unhealthyThreshold: 2,
      jitter: 0,
    },
    { ...healthCheck, type: "grpc", target: "shop.Cart", authority: "" },
    { ...healthCheck, type: "tcp", target: "", authority: "" },
  ]);
});

test("compileCluster() fits the heartbeats that a policy leaves out to those that it names", () => {
  const periods = (spec: string): readonly number[] => {
    const { heartbeat } = cluster(service("cart"), policy(`  heartbeat: { ${spec} }`)).pool;
    return [heartbeat.periodMs, heartbeat.periodMsMax];
  };
  assert.deepEqual(cluster(service("cart")).pool.heartbeat, WORLD_DEFAULTS.cluster.pool.heartbeat);
  assert.deepEqual(periods("mode: adaptive"), [15_000, 80_000]);
  assert.deepEqual(periods("periodMax: 10s"), [10_000, 10_000]);
  assert.deepEqual(periods("peerIdleTimeout: 10s"), [9000, 9000]);
  assert.deepEqual(periods("peerIdleTimeout: 1s"), [500, 500]);
  assert.deepEqual(periods("peerIdleTimeout: 0s, periodMax: 10m"), [15_000, 600_000]);
  assert.deepEqual(periods("period: 85s"), [85_000, 85_000]);
});

test("compileCluster() keeps idle connections of RPC protocols for longer", () => {
  const sidecar = "apiVersion: weft.dev/v1\nkind: ProxyConfig\nmetadata: { name: me }\nspec: { outbound: { port: 0 } }";
  const idleMs = (protocol: string): number | undefined => {
    const document = service("cart").replace("spec:", `spec:\n  protocol: ${protocol}`);
    return worldOf([document, sidecar]).clusters.find(({ name }) => name === "default/cart:80")?.pool.idleTimeoutMs;
  };
  assert.deepEqual(["http", "bolt", "dubbo"].map(idleMs), [60_000, 3_600_000, 3_600_000]);
});

test("compileCluster() knows every algorithm and its defaults", () => {
  const balancer = (spec: string): ClusterConfig["balancing"]["policy"] =>
    cluster(service("cart"), policy(`  balancing: { ${spec} }`)).balancing.policy;
  assert.deepEqual(balancer("algorithm: round-robin"), { type: "round-robin" });
  assert.deepEqual(balancer("algorithm: random"), { type: "random" });
  assert.deepEqual(balancer("algorithm: least-request, choices: 3"), { type: "least-request", choices: 3 });
  assert.deepEqual(balancer("algorithm: least-request"), { type: "least-request", choices: 2 });
  assert.deepEqual(balancer("algorithm: peak-ewma"), { type: "peak-ewma", decayMs: 10_000 });
  assert.deepEqual(balancer("algorithm: ring-hash"), { type: "ring-hash", ringSizeMin: 1024, ringSizeMax: 65_536 });
  assert.deepEqual(balancer("algorithm: ring-hash, ringSizeMax: 100"), {
    type: "ring-hash",
    ringSizeMin: 100,
    ringSizeMax: 100,
  });
  assert.deepEqual(balancer("algorithm: ring-hash, ringSizeMin: 70000"), {
    type: "ring-hash",
    ringSizeMin: 70_000,
    ringSizeMax: 70_000,
  });
  assert.deepEqual(balancer("algorithm: maglev"), { type: "maglev", tableSize: 65_537 });
  assert.deepEqual(balancer("slowStart: 1s"), WORLD_DEFAULTS.cluster.balancing.policy);
});

test("compileCluster() lets a policy for a port win, field by field", () => {
  const found = cluster(
    service("cart"),
    policy("  breaker: { requestsMax: 5 }\n  timeouts: { response: 5s }"),
    policy("  timeouts: { response: 6s }", ", sectionName: '80'", "q"),
  );
  assert.equal(found.breaker.requestsMax, 5);
  assert.equal(found.responseTimeoutMs, 6000);
});
