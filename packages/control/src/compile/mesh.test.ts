import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "@weft/contract";
import { problemsOf, route, service, worldOf } from "../load/resources.fixture.ts";
import { WORLD_DEFAULTS } from "./defaults.ts";

function config(spec: string, namespace: string = "default"): string {
  return `apiVersion: weft.dev/v1\nkind: ProxyConfig\nmetadata: { name: me, namespace: ${namespace} }\nspec:\n${spec}`;
}

const OUTBOUND = "  outbound: { port: 15001 }";

function onService(name: string, ref: string, metadata: string = ""): string {
  return route(name, "  rules: [{ backendRefs: [{ name: next, port: 80 }] }]", metadata).replace(
    "name: web",
    `group: "", kind: Service, ${ref}`,
  );
}

/** Route, hosts and backends of the outbound table. */
function outbound(world: World): readonly string[] {
  const table = world.routeTables.find(({ name }) => name === "outbound");
  return (table?.rules ?? []).map(
    ({ route: name, hostnames, backends }) =>
      `${name} [${hostnames.join(" ")}] ${backends.map(({ cluster }) => cluster).join(" ")}`,
  );
}

const NAMES = (name: string, namespace: string = "default"): string =>
  `${name}.${namespace} ${name}.${namespace}.svc ${name}.${namespace}.svc.cluster.local`;

test("compileMesh() forwards inbound requests to the application", () => {
  const world = worldOf([config("  inbound: { port: 15006, targetPort: 8080, settings: { connectionsMax: 9 } }")]);
  const [listener] = world.listeners;
  assert.deepEqual(listener, {
    ...WORLD_DEFAULTS.listener,
    name: "inbound",
    address: "0.0.0.0",
    port: 15006,
    protocol: "http",
    tls: null,
    routeTable: "inbound",
    tcpRoutes: [],
    isEdge: false,
    keepsColour: true,
    underscores: "allow",
    connectionsMax: 9,
  });
  assert.deepEqual(
    world.routeTables[0]?.rules.map(({ hostnames, match, backends }) => [hostnames, match.path, backends[0]?.cluster]),
    [[["*"], null, "default/me:inbound"]],
  );
  const [cluster] = world.clusters;
  assert.equal(cluster?.protocol, "http");
  assert.deepEqual(
    cluster?.hosts.map(({ address, port }) => [address, port]),
    [["127.0.0.1", 8080]],
  );
});

test("compileMesh() takes inbound connections as bytes with protocol tcp", () => {
  const world = worldOf([config("  inbound: { port: 15006, targetPort: 5432, protocol: tcp, address: 127.0.0.9 }")]);
  assert.equal(world.listeners[0]?.protocol, "tcp");
  assert.equal(world.listeners[0]?.address, "127.0.0.9");
  assert.deepEqual(world.listeners[0]?.tcpRoutes[0]?.backends, [{ cluster: "default/me:inbound", weight: 1 }]);
  assert.deepEqual(world.routeTables, []);
});

test("compileMesh() routes outbound requests by the names of Services", () => {
  const far = service("far").replace("name: far", "name: far, namespace: pay");
  const ports = service("multi").replace(
    "[{ port: 80 }]",
    "[{ name: web, port: 80 }, { name: admin, port: 81 }, { name: db, port: 82, protocol: tcp }]",
  );
  const world = worldOf([config(OUTBOUND), service("cart"), far, ports]);
  assert.deepEqual(outbound(world), [
    `default/cart [cart ${NAMES("cart")}] default/cart:80`,
    `default/multi [multi ${NAMES("multi")}] default/multi:80`,
    `default/multi [${NAMES("admin.multi")}] default/multi:81`,
    `pay/far [${NAMES("far", "pay")}] pay/far:80`,
  ]);
  assert.deepEqual(
    world.clusters.map(({ name }) => name),
    ["default/cart:80", "default/multi:80", "default/multi:81", "pay/far:80"],
  );
  assert.equal(world.listeners[0]?.address, "127.0.0.1");
});

test("compileMesh() puts the routes of a Service in the place of the Service", () => {
  const world = worldOf([config(OUTBOUND), service("cart"), service("next"), onService("shift", "name: cart")]);
  assert.deepEqual(outbound(world), [
    `default/shift [cart ${NAMES("cart")}] default/next:80`,
    `default/next [next ${NAMES("next")}] default/next:80`,
  ]);
});

test("compileMesh() applies a route to the one port that it names", () => {
  const ports = service("cart").replace("[{ port: 80 }]", "[{ name: web, port: 80 }, { name: admin, port: 81 }]");
  for (const ref of ["name: cart, port: 81", "name: cart, sectionName: admin"]) {
    const world = worldOf([config(OUTBOUND), ports, service("next"), onService("shift", ref)]);
    assert.deepEqual(outbound(world).slice(0, 2), [
      `default/cart [cart ${NAMES("cart")}] default/cart:80`,
      `default/shift [${NAMES("admin.cart")}] default/next:80`,
    ]);
  }
});

test("compileMesh() prefers routes of the caller's namespace to those of the Service's", () => {
  const documents = [
    service("cart").replace("name: cart", "name: cart, namespace: shop"),
    service("next").replace("name: next", "name: next, namespace: shop"),
    service("next").replace("name: next", "name: next, namespace: pay"),
    onService("producer", "name: cart", ", namespace: shop"),
    onService("consumer", "name: cart, namespace: shop", ", namespace: pay"),
  ];
  const backendFor = (namespace: string): string =>
    outbound(worldOf([config(OUTBOUND, namespace), ...documents])).find((line) => line.includes("cart.shop.svc")) ?? "";
  assert.match(backendFor("pay"), /^pay\/consumer .* pay\/next:80$/);
  assert.match(backendFor("shop"), /^shop\/producer .* shop\/next:80$/);
  assert.match(backendFor("other"), /^shop\/producer .* shop\/next:80$/);
});

test("compileMesh() checks routes on Services without any sidecar, too", () => {
  assert.match(
    problemsOf([service("next"), onService("shift", "name: crat")]).join(),
    /an existing Service of namespace default$/,
  );
});

test("compileWorld() refuses ports that are taken twice", () => {
  const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web }
spec: { gatewayClassName: weft, listeners: [{ name: a, port: 15001, protocol: HTTP }] }`;
  assert.deepEqual(
    problemsOf([config(`${OUTBOUND}\n  inbound: { port: 15001, targetPort: 80 }\n  admin: { port: 15001 }`), gateway]),
    [
      "shop.yaml:5: ProxyConfig default/me spec.outbound.port: 15001 — expected another port: 0.0.0.0:15001 is taken by Gateway default/web",
      "shop.yaml:6: ProxyConfig default/me spec.inbound.port: 15001 — expected another port: 0.0.0.0:15001 is taken by Gateway default/web",
      "shop.yaml:7: ProxyConfig default/me spec.admin.port: 15001 — expected another port: 0.0.0.0:15001 is taken by Gateway default/web",
    ],
  );
  assert.deepEqual(problemsOf([config("  outbound: { port: 15000 }")]), [
    "shop.yaml:5: ProxyConfig default/me spec.admin.port: missing — expected another port: 127.0.0.1:15000 is taken by outbound",
  ]);
  assert.deepEqual(
    problemsOf([config("  outbound: { port: 0 }\n  inbound: { port: 0, targetPort: 80 }\n  admin: { port: 0 }")]),
    [],
  );
});
