import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "@weft/contract";
import { gateway, problemsOf, service, worldOf } from "../load/resources.fixture.ts";

const BOLT = "  protocol: bolt";
const SIDECAR =
  "apiVersion: weft.dev/v1\nkind: ProxyConfig\nmetadata: { name: me }\nspec: { outbound: { port: 15001 } }";

function rpcRoute(spec: string, parent: string = "name: web"): string {
  return `apiVersion: weft.dev/v1\nkind: RpcRoute\nmetadata: { name: calls }\nspec:\n  parentRefs: [{ ${parent} }]\n${spec}`;
}

const ON_SERVICE = "group: weft.dev, kind: Service, name: ledger";

function rulesOf(world: World, table: string): unknown[] {
  const rules = world.routeTables.find(({ name }) => name === table)?.rules ?? [];
  return rules.map(({ hostnames, match, backends }) => [
    hostnames.join(" "),
    match.path?.value ?? "",
    match.headers.map(({ name, value }) => `${name}=${value}`).join(" "),
    backends[0]?.cluster,
  ]);
}

test("compileRules() makes paths and fields of what an RpcRoute matches", () => {
  const world = worldOf([
    gateway(),
    service("ledger", BOLT),
    rpcRoute(`  rules:
    - matches:
        - { service: com.shop.Ledger, method: record, version: "1.0", group: blue }
        - { service: com.shop.Ledger }
        - { method: $invoke }
        - { type: RegularExpression, service: "com[.]shop[.].*" }
        - { application: ledger, caller: storefront, headers: [{ name: X-Colour, value: red }] }
      backendRefs: [{ name: ledger, port: 80 }]
      timeouts: { request: 2s }
      retry: { attempts: 1, nonIdempotent: true }`),
  ]);
  const [table] = world.routeTables;
  const cluster = "default/ledger:80";
  assert.deepEqual(rulesOf(world, table?.name ?? ""), [
    ["*", "/com.shop.Ledger/record", "rpc-version=1.0 rpc-group=blue", cluster],
    ["*", "/com.shop.Ledger", "", cluster],
    ["*", String.raw`/[^/]+/\$invoke`, "", cluster],
    ["*", "/(?:com[.]shop[.].*)/(?:[^/]+)", "", cluster],
    ["*", "", "x-colour=red rpc-application=ledger rpc-caller=storefront", cluster],
  ]);
  const [rule] = table?.rules ?? [];
  assert.equal(rule?.timeoutMs, 2000);
  assert.equal(rule.retry?.retriesMax, 1);
  assert.equal(rule.retry.retriesNonIdempotent, true);
  assert.equal(world.clusters[0]?.protocol, "bolt");
});

test("compileRules() lets an RpcRoute choose among a Service's hosts", () => {
  const policy =
    "apiVersion: weft.dev/v1\nkind: TrafficPolicy\nmetadata: { name: ledger }\nspec:\n  targetRefs: [{ group: weft.dev, kind: Service, name: ledger }]\n  subsets: { selectors: [{ keys: [version] }] }";
  const refs =
    "[{ name: ledger, port: 80, subset: { version: v2 } }, { name: ledger, port: 80, subsetHeaders: { version: X-Version } }]";
  const world = worldOf([gateway(), service("ledger", BOLT), policy, rpcRoute(`  rules: [{ backendRefs: ${refs} }]`)]);
  assert.deepEqual(
    world.routeTables[0]?.rules[0]?.backends.map(({ subset }) => subset),
    [
      { labels: { version: "v2" }, headers: [] },
      { labels: {}, headers: [{ label: "version", header: "x-version" }] },
    ],
  );
});

test("compileRules() refuses a mirror that does not speak what the rule's backends speak", () => {
  const mirrored = (name: string): string =>
    rpcRoute(`  rules:
    - filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: ${name}, port: 80 } } }]
      backendRefs: [{ name: ledger, port: 80 }]`);
  const services = [
    gateway(),
    service("ledger", BOLT),
    service("copy", BOLT),
    service("risk", "  protocol: dubbo"),
    service("web"),
  ];
  const [rule] = worldOf([...services, mirrored("copy")]).routeTables[0]?.rules ?? [];
  assert.deepEqual(rule?.mirrors, [{ cluster: "default/copy:80", share: 1 }]);
  for (const name of ["risk", "web"]) {
    const [problem, ...others] = problemsOf([...services, mirrored(name)]);
    assert.deepEqual(others, []);
    assert.match(
      problem ?? "",
      /RpcRoute default\/calls spec\.rules\[0\]\.filters\[0\]\.requestMirror\.backendRef\.port: 80 — expected a port with protocol bolt, as the rule's backends$/,
    );
  }
});

test("compileRules() refuses a mirror of requests to a service that takes calls", () => {
  const route =
    "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: shop }\nspec:\n  parentRefs: [{ name: web }]\n  rules:\n    - filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: ledger, port: 80 } } }]\n      backendRefs: [{ name: cart, port: 80 }]";
  const [problem, ...others] = problemsOf([gateway(), service("ledger", BOLT), service("cart"), route]);
  assert.deepEqual(others, []);
  assert.match(
    problem ?? "",
    /requestMirror\.backendRef\.port: 80 — expected a port with protocol http, http2 or grpc$/,
  );
});

test("compileMesh() finds calls to a Service by RpcRoutes, without one by its name and by the application", () => {
  const names = "ledger ledger.default ledger.default.svc ledger.default.svc.cluster.local";
  const cluster = "default/ledger:80";
  assert.deepEqual(rulesOf(worldOf([SIDECAR, service("ledger", BOLT)]), "outbound"), [
    [names, "", "", cluster],
    ["*", "", "rpc-application=ledger", cluster],
  ]);
  const routed = worldOf([
    SIDECAR,
    service("ledger", BOLT),
    rpcRoute(
      "  rules: [{ matches: [{ service: com.shop.Ledger }], backendRefs: [{ name: ledger, port: 80 }] }]",
      ON_SERVICE,
    ),
  ]);
  assert.deepEqual(rulesOf(routed, "outbound"), [["*", "/com.shop.Ledger", "", cluster]]);
});

test("compileMesh() forwards calls to an application that speaks Dubbo", () => {
  const world = worldOf([
    SIDECAR.replace("outbound: { port: 15001 }", "inbound: { port: 15006, protocol: dubbo, targetPort: 20880 }"),
  ]);
  assert.equal(world.clusters[0]?.protocol, "dubbo");
  assert.equal(world.listeners[0]?.protocol, "http");
});

test("an RpcRoute that cannot work is refused in words of its own", () => {
  const ledger = service("ledger", BOLT);
  const toLedger = "backendRefs: [{ name: ledger, port: 80 }]";
  const cases: readonly (readonly [documents: readonly string[], expected: RegExp])[] = [
    [[gateway(), ledger, rpcRoute(`  hostnames: [a.example]\n  rules: [{ ${toLedger} }]`)], /calls name no host/],
    [
      [gateway(), ledger, rpcRoute(`  rules: [{ matches: [{ path: { value: /a } }], ${toLedger} }]`)],
      /calls have no path/,
    ],
    [
      [gateway(), ledger, rpcRoute(`  rules: [{ matches: [{ service: "a b" }], ${toLedger} }]`)],
      /matches\[0\]\.service: "a b" — expected an interface such as/,
    ],
    [
      [gateway(), ledger, rpcRoute(`  rules: [{ matches: [{ type: RegularExpression, version: "1" }], ${toLedger} }]`)],
      /expected a service or a method to compare so/,
    ],
    [
      [gateway(), ledger, rpcRoute(`  rules: [{ matches: [{ method: record }], ${toLedger} }]`, ON_SERVICE)],
      /spec\.rules\[0\]\.matches\[0\].*expected a service or an application, because a parent is a Service/,
    ],
    [[gateway(), ledger, rpcRoute(`  rules: [{ ${toLedger} }]`, ON_SERVICE)], /spec\.rules\[0\]\.matches/],
    [
      [gateway(), service("web"), rpcRoute("  rules: [{ backendRefs: [{ name: web, port: 80 }] }]")],
      /backendRefs\[0\]\.port: 80 — expected a port with protocol bolt or dubbo/,
    ],
    [
      [
        gateway(["name: http, port: 80, protocol: HTTP, hostname: shop.example"]),
        ledger,
        rpcRoute(`  rules: [{ ${toLedger} }]`),
      ],
      /parentRefs\[0\]\.name: "web" — expected a listener of Gateway default\/web without hostname/,
    ],
  ];
  for (const [documents, expected] of cases) assert.match(problemsOf(documents).join("\n"), expected);
});
