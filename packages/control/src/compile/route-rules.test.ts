import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouteRule } from "@weft/contract";
import { gateway, route, service, worldOf } from "../load/resources.fixture.ts";
import { WORLD_DEFAULTS } from "./defaults.ts";

/** The rules of HTTPRoute "shop" on one listener, with Services cart and next and further documents. */
function rules(spec: string, ...documents: readonly string[]): readonly RouteRule[] {
  const world = worldOf([gateway(), service("cart"), service("next"), route("shop", spec), ...documents]);
  return world.routeTables[0]?.rules ?? [];
}

function rule(fields: string, ...documents: readonly string[]): RouteRule {
  const [first] = rules(`  rules:\n    - ${fields.split("\n").join("\n      ")}`, ...documents);
  assert.ok(first);
  return first;
}

const BACKEND = "backendRefs: [{ name: cart, port: 80 }]";

function policy(spec: string, target: string, name: string = "p"): string {
  return `apiVersion: weft.dev/v1\nkind: TrafficPolicy\nmetadata: { name: ${name} }\nspec:\n  targetRefs: [{ ${target} }]\n${spec}`;
}

test("compileRules() makes one rule per match, in order", () => {
  const found = rules(`  rules:
    - matches:
        - path: { type: Exact, value: /a }
          method: GET
          headers: [{ name: X-Version, value: v2 }, { type: RegularExpression, name: x-user, value: "[0-9]+" }]
          queryParams: [{ name: Debug, value: "1" }]
        - path: { value: /b/ }
        - path: { type: RegularExpression, value: "/c/[0-9]+" }
      ${BACKEND}
    - name: rest
      ${BACKEND}
`);
  assert.deepEqual(
    found.map(({ rule: index, matchIndex, ruleName }) => [index, matchIndex, ruleName]),
    [
      [0, 0, ""],
      [0, 1, ""],
      [0, 2, ""],
      [1, 0, "rest"],
    ],
  );
  assert.deepEqual(
    found.map(({ match }) => match.path),
    [
      { type: "exact", value: "/a" },
      { type: "prefix", value: "/b" },
      { type: "regex", value: "/c/[0-9]+" },
      { type: "prefix", value: "/" },
    ],
  );
  assert.deepEqual(found[0]?.match, {
    path: { type: "exact", value: "/a" },
    method: "GET",
    headers: [
      { type: "exact", name: "x-version", value: "v2" },
      { type: "regex", name: "x-user", value: "[0-9]+" },
    ],
    queryParams: [{ type: "exact", name: "Debug", value: "1" }],
  });
});

test("compileRules() compiles every filter", () => {
  const found = rule(
    `filters:
  - type: RequestHeaderModifier
    requestHeaderModifier: { set: [{ name: X-A, value: a }], add: [{ name: X-B, value: b }], remove: [X-C] }
  - type: ResponseHeaderModifier
    responseHeaderModifier: { remove: [Server] }
  - type: RequestMirror
    requestMirror: { backendRef: { name: next, port: 80 }, percent: 25 }
  - type: RequestMirror
    requestMirror: { backendRef: { name: next, port: 80 }, fraction: { numerator: 1, denominator: 8 } }
  - type: RequestMirror
    requestMirror: { backendRef: { name: next } }
  - type: URLRewrite
    urlRewrite: { hostname: cart.internal, path: { type: ReplaceFullPath, replaceFullPath: /x } }
  - type: CORS
    cors: { allowOrigins: ["*"], allowCredentials: true, allowMethods: [GET], allowHeaders: [x-a], exposeHeaders: [x-b] }
  - type: ExtensionRef
    extensionRef: { group: weft.dev, kind: Fault, name: slow }
  - type: ExtensionRef
    extensionRef: { group: weft.dev, kind: Colour, name: test }
${BACKEND}`,
    "apiVersion: weft.dev/v1\nkind: Fault\nmetadata: { name: slow }\nspec: { delay: { percentage: 10, duration: 2s }, abort: { percentage: 0.5, httpStatus: 503, grpcStatus: 14 } }",
    "apiVersion: weft.dev/v1\nkind: Colour\nmetadata: { name: test }\nspec: { header: X-Load, value: 'yes' }",
  );
  assert.deepEqual(found.requestHeaders, { set: [["x-a", "a"]], add: [["x-b", "b"]], remove: ["x-c"] });
  assert.deepEqual(found.responseHeaders, { set: [], add: [], remove: ["server"] });
  assert.deepEqual(
    found.mirrors,
    [0.25, 0.125, 1].map((share) => ({ cluster: "default/next:80", share })),
  );
  assert.deepEqual(found.rewrite, { hostname: "cart.internal", path: { type: "full", value: "/x" } });
  assert.deepEqual(found.cors, {
    allowOrigins: ["*"],
    allowMethods: ["GET"],
    allowHeaders: ["x-a"],
    exposeHeaders: ["x-b"],
    allowCredentials: true,
    maxAgeSeconds: 5,
  });
  assert.deepEqual(found.fault, {
    delayShare: 0.1,
    delayMs: 2000,
    abortShare: 0.005,
    abortStatus: 503,
    abortGrpcStatus: 14,
  });
  assert.deepEqual(found.colour, { header: "x-load", value: "yes" });
});

test("compileRules() compiles redirects and direct responses, which have no backends", () => {
  const moved = rule(
    `matches: [{ path: { value: /old } }]
filters: [{ type: RequestRedirect, requestRedirect: { scheme: https, hostname: a.example, port: 8443, statusCode: 308, path: { type: ReplacePrefixMatch, replacePrefixMatch: "" } } }]`,
  );
  assert.deepEqual(moved.redirect, {
    scheme: "https",
    hostname: "a.example",
    port: 8443,
    status: 308,
    path: { type: "prefix", value: "" },
  });
  assert.deepEqual(moved.backends, []);
  assert.equal(moved.directResponse, null);
  assert.equal(moved.retry, null);
  assert.equal(rule("filters: [{ type: RequestRedirect, requestRedirect: {} }]").redirect?.status, 302);
  const direct = rule(
    "filters: [{ type: ExtensionRef, extensionRef: { group: weft.dev, kind: DirectResponse, name: ok } }]",
    "apiVersion: weft.dev/v1\nkind: DirectResponse\nmetadata: { name: ok }\nspec: { status: 200, body: fine }",
  );
  assert.deepEqual(direct.directResponse, { status: 200, body: "fine", contentType: "text/plain; charset=utf-8" });
});

test("compileRules() gives backends their weights and header changes", () => {
  const found = rule(`backendRefs:
  - { name: cart, port: 80, weight: 9 }
  - name: next
    port: 80
    weight: 0
    filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: X-Next, value: "1" }] } }]`);
  assert.deepEqual(found.backends, [
    { cluster: "default/cart:80", weight: 9, subset: null, requestHeaders: null, responseHeaders: null },
    {
      cluster: "default/next:80",
      weight: 0,
      subset: null,
      requestHeaders: { set: [["x-next", "1"]], add: [], remove: [] },
      responseHeaders: null,
    },
  ]);
});

test("compileRules() compiles timeouts and retries", () => {
  const found = rule(
    `timeouts: { request: 10s, backendRequest: 2s }\nretry: { codes: [503], attempts: 4, backoff: 100ms }\n${BACKEND}`,
  );
  assert.equal(found.timeoutMs, 10_000);
  assert.deepEqual(found.retry, {
    ...WORLD_DEFAULTS.route.configuredRetry,
    retriesMax: 4,
    on: ["connect-failure", "reset", "timeout", "status"],
    statuses: [503],
    backoffBaseMs: 100,
    backoffMaxMs: 1000,
    perTryTimeoutMs: 2000,
  });
  assert.deepEqual(rule(`timeouts: { backendRequest: 2s }\n${BACKEND}`).retry, {
    ...WORLD_DEFAULTS.route.retry,
    perTryTimeoutMs: 2000,
  });
});

test("compileRules() lets the policy of a rule win over the route's, the listener's and the Gateway's", () => {
  const spec = `  rules: [{ name: one, ${BACKEND} }, { name: two, ${BACKEND} }, { name: three, timeouts: { request: 9s }, ${BACKEND} }]`;
  const found = rules(
    spec,
    policy("  timeouts: { request: 1s }\n  retry: { attempts: 1 }", "kind: Gateway, name: web", "a"),
    policy("  timeouts: { request: 2s }", "kind: Gateway, name: web, sectionName: http", "b"),
    policy(
      "  timeouts: { request: 3s }\n  balancing: { hashOn: [{ type: header, name: X-User }] }",
      "kind: HTTPRoute, name: shop",
      "c",
    ),
    policy(
      "  retry: { statuses: [500], perTryTimeout: 1s, nonIdempotent: true }",
      "kind: HTTPRoute, name: shop, sectionName: two",
      "d",
    ),
  );
  assert.deepEqual(
    found.map(({ timeoutMs }) => timeoutMs),
    [3000, 3000, 9000],
  );
  assert.deepEqual(
    found.map(({ retry }) => retry?.retriesMax),
    [1, 2, 1],
  );
  assert.deepEqual(found[1]?.retry?.on, ["connect-failure", "reset", "timeout", "status"]);
  assert.equal(found[1]?.retry?.perTryTimeoutMs, 1000);
  assert.equal(found[1]?.retry?.retriesNonIdempotent, true);
  assert.deepEqual(found[0]?.hashOn, [{ type: "header", name: "x-user" }]);
});

test("compileRules() takes hash keys from the Services where the route has none", () => {
  const hash = (keys: string, name: string): string =>
    policy(`  balancing: { algorithm: maglev, hashOn: [${keys}] }`, `kind: Service, name: ${name}`, name);
  const found = rule(
    "backendRefs: [{ name: cart, port: 80 }, { name: next, port: 80 }]",
    hash("{ type: cookie, name: sid }", "cart"),
    hash("{ type: cookie, name: sid }, { type: source-ip }", "next"),
  );
  assert.deepEqual(found.hashOn, [
    { type: "cookie", name: "sid" },
    { type: "source-ip", name: "" },
  ]);
});

test("compileRules() turns gRPC methods into paths", () => {
  const grpc = `apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: pay, creationTimestamp: "2026-01-01T00:00:01Z" }
spec:
  parentRefs: [{ name: web }]
  hostnames: [pay.example]
  rules:
    - matches:
        - method: { service: shop.v1.Pay, method: Charge }
        - method: { service: shop.v1.Pay }
        - method: { method: Charge }
        - method: { type: RegularExpression, service: "shop[.].*", method: "Get.*" }
        - method: { type: RegularExpression, service: "a|b" }
        - headers: [{ name: X-Tenant, value: a }]
      backendRefs: [{ name: pay, port: 80 }]
    - backendRefs: [{ name: pay, port: 80 }]
`;
  const world = worldOf([gateway(), grpc, service("pay", "  protocol: grpc")]);
  const found = world.routeTables[0]?.rules ?? [];
  assert.deepEqual(
    found.map(({ match }) => match.path),
    [
      { type: "exact", value: "/shop.v1.Pay/Charge" },
      { type: "prefix", value: "/shop.v1.Pay" },
      { type: "regex", value: "/[^/]+/Charge" },
      { type: "regex", value: "/(?:shop[.].*)/(?:Get.*)" },
      { type: "regex", value: "/(?:a|b)/(?:[^/]+)" },
      null,
      null,
    ],
  );
  assert.ok(found.every(({ match, hostnames }) => match.method === "POST" && hostnames.join() === "pay.example"));
  assert.equal(found[0]?.createdMs, Date.UTC(2026, 0, 1, 0, 0, 1));
  assert.equal(world.clusters[0]?.protocol, "http2");
});

test("compileRules() follows references that are granted", () => {
  const elsewhere = service("far").replace("name: far", "name: far, namespace: pay");
  const grant = (name: string): string => `apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: ${name}, namespace: pay }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default }]
  to: [{ group: "", kind: Service${name === "all" ? "" : `, name: ${name}`} }]`;
  const ref = "backendRefs: [{ name: far, namespace: pay, port: 80 }]";
  for (const name of ["all", "far"]) assert.equal(rule(ref, elsewhere, grant(name)).backends[0]?.cluster, "pay/far:80");
  assert.throws(() => rule(ref, elsewhere, grant("near")), /expected a ReferenceGrant in namespace pay/);
});
