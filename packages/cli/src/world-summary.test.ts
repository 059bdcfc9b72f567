import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "@weft/contract";
import { createCluster, createListener, createRule, createSettings } from "@weft/testkit";
import { summariseWorld } from "./world-summary.ts";

const TLS = {
  certificates: [],
  hosts: [],
  clientCa: "",
  clientCertificate: "ignore",
  minVersion: "TLSv1.2",
  alpn: [],
} as const;
const ROUTE = { name: "r", serverNames: [], backends: [] };
const PLACE = { address: "127.0.0.1", port: 15001 };

test("summariseWorld() says what a configuration comes to, each listener once", () => {
  const dns = { type: "dns", name: "cart.internal", port: 80, ttlMsMin: 1, ttlMsMax: 2 } as const;
  const world: World = {
    revision: 1,
    settings: createSettings({ admin: { address: "::1", port: 15000, metricsOpen: false } }),
    listeners: [
      createListener({ name: "0.0.0.0:8080", address: "0.0.0.0", port: 8080, routeTable: "one" }),
      createListener({ ...PLACE, name: "outbound", tls: TLS, routeTable: "two" }),
      createListener({ ...PLACE, name: "127.0.0.1:15001", protocol: "tcp", tcpRoutes: [ROUTE] }),
      createListener({ ...PLACE, name: "tls", protocol: "tcp", tls: TLS, tcpRoutes: [ROUTE, ROUTE] }),
      createListener({ ...PLACE, name: "sni", protocol: "tls-passthrough", tcpRoutes: [] }),
    ],
    routeTables: [
      { name: "one", rules: [createRule()] },
      { name: "two", rules: [createRule(), createRule()] },
    ],
    clusters: [
      createCluster([80], { name: "shop/cart:80", protocol: "http" }),
      createCluster([80, 81], { name: "shop/pay:80", protocol: "http2" }),
      createCluster([], { name: "shop/far:80", protocol: "http", source: dns }),
    ],
  };
  assert.equal(
    summariseWorld(world),
    `The configuration is valid.
  listener 0.0.0.0:8080 (HTTP): 1 rule
  listener outbound 127.0.0.1:15001 (HTTPS): 2 rules
  listener 127.0.0.1:15001 (TCP): 1 route
  listener tls 127.0.0.1:15001 (TLS): 2 routes
  listener sni 127.0.0.1:15001 (TLS, not opened): 0 routes
  cluster shop/cart:80 (http): 1 host
  cluster shop/pay:80 (http2): 2 hosts
  cluster shop/far:80 (http): the hosts of cart.internal
  admin server on [::1]:15000
`,
  );
});
