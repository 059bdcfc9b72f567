import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouteRule, World } from "@weft/contract";
import { gateway, problemsOf, route, service, worldOf } from "../load/resources.fixture.ts";
import { EDGE_HEARTBEAT_TIMEOUT_MS, WORLD_DEFAULTS } from "./defaults.ts";

function rulesOf(world: World, table: string): readonly RouteRule[] {
  const found = world.routeTables.find(({ name }) => name === table);
  assert.ok(found, `table ${table} of ${world.routeTables.map(({ name }) => name).join()}`);
  return found.rules;
}

/** Route and hosts of each rule, `!` for an answer without backend. */
function outline(rules: readonly RouteRule[]): readonly string[] {
  return rules.map(
    ({ route: name, hostnames, directResponse }) =>
      `${name}${directResponse === null ? "" : "!"} ${hostnames.join(" ")}`,
  );
}

const BACKEND = "  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]";

test("compileWorld() writes out a listener with all its defaults", () => {
  const world = worldOf([gateway(), route("shop", BACKEND), service("cart")]);
  const { listener } = WORLD_DEFAULTS;
  assert.deepEqual(world.listeners, [
    {
      ...listener,
      name: "0.0.0.0:80",
      port: 80,
      protocol: "http",
      tls: null,
      routeTable: "0.0.0.0:80",
      tcpRoutes: [],
      isEdge: true,
      keepsColour: false,
      underscores: "reject",
      heartbeat: { ...listener.heartbeat, timeoutMs: EDGE_HEARTBEAT_TIMEOUT_MS },
    },
  ]);
  assert.deepEqual(world.settings, WORLD_DEFAULTS.settings);
  assert.equal(world.revision, 1);
});

test("compileWorld() gives a route without rules or matches one that matches everything", () => {
  const [rule] = rulesOf(worldOf([gateway(), route("shop", BACKEND), service("cart")]), "0.0.0.0:80");
  assert.deepEqual(rule, {
    route: "default/shop",
    rule: 0,
    matchIndex: 0,
    ruleName: "",
    hostnames: ["*"],
    match: { path: { type: "prefix", value: "/" }, method: "", headers: [], queryParams: [] },
    createdMs: 0,
    backends: [{ cluster: "default/cart:80", weight: 1, subset: null, requestHeaders: null, responseHeaders: null }],
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
    timeoutMs: 0,
    hashOn: [],
  });
  const [empty] = rulesOf(worldOf([gateway(), route("shop", "")]), "0.0.0.0:80");
  assert.equal(empty?.directResponse?.status, 404);
});

test("compileWorld() answers 500 where all backends have weight 0", () => {
  const rules = "  rules: [{ backendRefs: [{ name: cart, port: 80, weight: 0 }] }]";
  const [rule] = rulesOf(worldOf([gateway(), route("shop", rules), service("cart")]), "0.0.0.0:80");
  assert.equal(rule?.directResponse?.status, 500);
  assert.deepEqual(rule?.backends, []);
});

test("compileWorld() puts listeners of one port on one socket, and keeps their routes apart", () => {
  const listeners = [
    "name: any, port: 80, protocol: HTTP",
    'name: wild, port: 80, protocol: HTTP, hostname: "*.example"',
    "name: exact, port: 80, protocol: HTTP, hostname: a.example",
    "name: other, port: 81, protocol: HTTP",
  ];
  const on = (name: string, section: string, hostnames: string = ""): string =>
    route(name, `${hostnames}${BACKEND}`).replace("name: web", `name: web, sectionName: ${section}`);
  const world = worldOf([
    gateway(listeners),
    service("cart"),
    on("any", "any"),
    on("narrow", "any", "  hostnames: [a.example, x.example, b.test]\n"),
    on("wild", "wild"),
    on("all", "other").replace(", sectionName: other", ""),
  ]);
  assert.deepEqual(
    world.listeners.map(({ name }) => name),
    ["0.0.0.0:80", "0.0.0.0:81"],
  );
  assert.deepEqual(outline(rulesOf(world, "0.0.0.0:80")), [
    "default/all a.example *.example *",
    "default/any *",
    // a.example and x.example belong to listeners that name them.
    "default/narrow b.test",
    // Nothing falls from a listener through to a less specific one.
    "default/web/exact! a.example",
    "default/web/wild! *.example",
    "default/wild *.example",
  ]);
  assert.deepEqual(outline(rulesOf(world, "0.0.0.0:81")), ["default/all *"]);
});

test("compileWorld() takes routes as the listener allows them", () => {
  const allow = (from: string, rest: string = ""): string =>
    gateway([`name: http, port: 80, protocol: HTTP, allowedRoutes: { namespaces: { from: ${from}${rest} } }`]);
  const foreign = route("shop", "", ", namespace: shop").replace("name: web", "name: web, namespace: default");
  const namespace = "apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { team: red } }\n";
  const selector = (text: string): string => allow("Selector", `, selector: { ${text} }`);
  assert.deepEqual(problemsOf([allow("All"), foreign]), []);
  assert.equal(problemsOf([allow("Same"), foreign]).length, 1);
  assert.equal(problemsOf([allow("None"), route("shop", "")]).length, 1);
  assert.deepEqual(problemsOf([selector("matchLabels: { team: red }"), foreign, namespace]), []);
  assert.equal(problemsOf([selector("matchLabels: { team: blue }"), foreign, namespace]).length, 1);
  assert.equal(problemsOf([selector("matchLabels: { team: red }"), foreign]).length, 1);
  assert.deepEqual(problemsOf([selector("matchLabels: { kubernetes.io/metadata.name: shop }"), foreign]), []);
  const expressions = [
    ["{ key: team, operator: In, values: [red] }", 0],
    ["{ key: team, operator: NotIn, values: [red] }", 1],
    ["{ key: team, operator: Exists }", 0],
    ["{ key: team, operator: DoesNotExist }", 1],
    ["{ key: nothing, operator: NotIn, values: [red] }", 0],
    ["{ key: nothing, operator: In, values: [red] }", 1],
  ] as const;
  for (const [expression, count] of expressions) {
    assert.equal(
      problemsOf([selector(`matchExpressions: [${expression}]`), foreign, namespace]).length,
      count,
      expression,
    );
  }
  const kinds = gateway(["name: http, port: 80, protocol: HTTP, allowedRoutes: { kinds: [{ kind: GRPCRoute }] }"]);
  assert.match(problemsOf([kinds, route("shop", "")]).join(), /that allows HTTPRoute of namespace default$/);
});

test("compileWorld() opens one listener per address, with ProxyConfig's settings for its port", () => {
  const config = `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: edge, namespace: ops }
spec:
  listenerDefaults: { connectionsMax: 5, edge: false, address: 127.0.0.3, underscores: drop }
  listeners: [{ port: 80, connectionsMax: 7, proxyProtocol: required, bodyBytesMax: 10, bodyBytesPerSecondMin: 0, idleTimeout: 7s }]
  accessLog: { target: stdout }
  tracing: { otlpEndpoint: "http://127.0.0.1:4318/v1/traces", sample: 50 }
  admin: { port: 0 }
  drain: { deadline: 1m }
`;
  const world = worldOf([
    gateway(undefined, '  addresses: [{ value: 127.0.0.1 }, { type: IPAddress, value: "::1" }]'),
    gateway(["name: http, port: 81, protocol: HTTP"]).replace("name: web", "name: other"),
    config,
  ]);
  assert.deepEqual(
    world.listeners.map(({ name, address, connectionsMax, proxyProtocol, isEdge }) => [
      name,
      address,
      connectionsMax,
      proxyProtocol,
      isEdge,
    ]),
    [
      ["127.0.0.3:81", "127.0.0.3", 5, "off", false],
      ["127.0.0.1:80", "127.0.0.1", 7, "required", false],
      ["[::1]:80", "::1", 7, "required", false],
    ],
  );
  assert.equal(world.listeners[1]?.idleTimeoutMs, 7000);
  assert.equal(world.listeners[1]?.bodyBytesMax, 10);
  assert.deepEqual(
    world.listeners.map(({ bodyBytesPerSecondMin }) => bodyBytesPerSecondMin),
    [240, 0, 0],
  );
  assert.equal(world.listeners[0]?.underscores, "drop");
  assert.deepEqual(world.settings, {
    name: "ops/edge",
    accessLog: { target: "stdout", rules: [{ statusMin: 0, durationMsMin: 0, routes: [], sample: 1 }] },
    tracing: { otlpEndpoint: "http://127.0.0.1:4318/v1/traces", sample: 0.5 },
    admin: { address: "127.0.0.1", port: 0, metricsOpen: false },
    drainDeadlineMs: 60_000,
    hopsMax: 16,
  });
});

const STREAM = "gateway.networking.k8s.io/v1alpha2";

test("compileWorld() orders TLS routes by server name, the most specific first", () => {
  const tls = (name: string, hostnames: string): string => `apiVersion: ${STREAM}
kind: TLSRoute
metadata: { name: ${name} }
spec:
  parentRefs: [{ name: web }]
  hostnames: [${hostnames}]
  rules: [{ backendRefs: [{ name: db, port: 80, weight: 3 }] }]`;
  const listeners = [
    "name: any, port: 443, protocol: TLS, tls: { mode: Passthrough }",
    'name: own, port: 443, protocol: TLS, hostname: "*.own.example", tls: { mode: Passthrough }',
  ];
  const world = worldOf([
    gateway(listeners),
    service("db", "  protocol: tcp"),
    tls("a", '"*.example", a.example').replace("name: web", "name: web, sectionName: any"),
    tls("b", "b.example").replace("name: web", "name: web, sectionName: any"),
  ]);
  assert.equal(world.listeners[0]?.protocol, "tls-passthrough");
  assert.deepEqual(
    world.listeners[0]?.tcpRoutes.map(({ name, serverNames, backends }) => [name, serverNames, backends]),
    [
      ["default/a", ["a.example"], [{ cluster: "default/db:80", weight: 3 }]],
      ["default/b", ["b.example"], [{ cluster: "default/db:80", weight: 3 }]],
      ["default/web/own", ["*.own.example"], []],
      ["default/a", ["*.example"], [{ cluster: "default/db:80", weight: 3 }]],
    ],
  );
  assert.deepEqual(world.routeTables, []);
});

test("compileWorld() carries a TCPRoute to its backends", () => {
  const tcp = `apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: db }
spec:
  parentRefs: [{ name: web }]
  rules: [{ backendRefs: [{ name: db }] }]`;
  const world = worldOf([gateway(["name: db, port: 5432, protocol: TCP"]), tcp, service("db", "  protocol: tcp")]);
  assert.deepEqual(world.listeners[0]?.tcpRoutes, [
    { name: "default/db", serverNames: [], backends: [{ cluster: "default/db:80", weight: 1 }] },
  ]);
  assert.equal(world.listeners[0]?.protocol, "tcp");
  assert.equal(world.clusters[0]?.protocol, "tcp");
});
