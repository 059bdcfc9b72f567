import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway, problemsOf, route, service } from "./resources.fixture.ts";

const base = [gateway(), service("cart")];
const rule = (text: string): string => route("shop", `  rules:\n    - ${text.trim().split("\n").join("\n      ")}\n`);
const backend = "backendRefs: [{ name: cart, port: 80 }]";

test("loadResources() names what is wrong with rules that are no list", () => {
  assert.deepEqual(problemsOf([...base, route("shop", "  rules: 5")]), [
    "shop.yaml:21: HTTPRoute default/shop spec.rules: 5 — expected a list of at most 16 entries",
  ]);
});

test("loadResources() names what is wrong with path matches", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `matches: [{ path: { value: a } }, { path: { value: /a//b } }, { path: { value: "/a?b" } }, { path: { value: /a/%2e%2e/b } }, { path: { value: /%ff } }, { path: { value: /%00 } }, { path: { value: /a/.. } }, { path: { type: Exac } }]\n${backend}`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[0].path.value: "a" — expected a path that begins with "/"',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[1].path.value: "/a//b" — expected a path without "//"',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[2].path.value: "/a?b" — expected a path without query, fragment, spaces and control characters',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[3].path.value: "/a/%2e%2e/b" — expected a path without dot segments',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[4].path.value: "/%ff" — expected a path whose escapes are UTF-8',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[5].path.value: "/%00" — expected a path without control characters',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[6].path.value: "/a/.." — expected a path that does not end with "/.."',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[7].path.type: "Exac" — expected one of "Exact", "PathPrefix", "RegularExpression"',
    ],
  );
});

test("loadResources() names what is wrong with regular expressions", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `matches: [{ path: { type: RegularExpression, value: "/(a" } }, { headers: [{ name: x, type: RegularExpression, value: "(?=a)" }] }]\n${backend}`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[0].path.value: "/(a" — expected a regular expression in RE2 syntax (error parsing regexp: missing closing ): `/(a`)',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[1].headers[0].value: "(?=a)" — expected a regular expression in RE2 syntax (error parsing regexp: invalid or unsupported Perl syntax: `(?=`)',
    ],
  );
});

test("loadResources() names what is wrong with a method", () => {
  assert.deepEqual(problemsOf([...base, rule(`matches: [{ method: GETS }]\n${backend}`)]), [
    'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[0].method: "GETS" — expected one of "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"',
  ]);
});

test("loadResources() names what is wrong with header matches", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `matches: [{ headers: [{ name: X, value: a }, { name: x, value: b }, { name: Host, value: c }, { name: "a b", value: c }] }]\n${backend}`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[0].headers[1].name: "x" — expected a name that is not in this list already',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[0].headers[2].name: "Host" — expected another header: hostnames match the host',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].matches[0].headers[3].name: "a b" — expected a header name of letters, digits and !#$%&\'*+-.^_`|~, at most 256 characters',
    ],
  );
});

test("loadResources() names what is wrong with ports and weights", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `backendRefs: [{ name: cart, port: http }, { name: cart, port: 80, weight: -1 }, { name: cart, port: 80, weight: 1.5 }]`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].backendRefs[0].port: "http" — expected an integer from 1 to 65535',
      "shop.yaml:22: HTTPRoute default/shop spec.rules[0].backendRefs[1].weight: -1 — expected an integer from 0 to 1000000",
      "shop.yaml:22: HTTPRoute default/shop spec.rules[0].backendRefs[2].weight: 1.5 — expected an integer from 0 to 1000000",
    ],
  );
});

test("loadResources() names what is wrong with filters and their fields", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `filters: [{ type: ExternalAuth }, { type: RequestMirror }, { type: URLRewrite, urlRewrite: {}, cors: {} }]\n${backend}`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].type: "ExternalAuth" — expected one of "RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite", "CORS", "ExtensionRef"',
      "shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[1].requestMirror: missing — expected a mapping of fields to values",
      "shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[2].cors: {} — expected no such field; known are type, urlRewrite",
    ],
  );
});

test("loadResources() names what is wrong with filters that exclude each other", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `filters: [{ type: URLRewrite, urlRewrite: {} }, { type: URLRewrite, urlRewrite: {} }, { type: RequestRedirect, requestRedirect: {} }]\n${backend}`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[1]: {"type":"URLRewrite","urlRewrite":{}} — expected one URLRewrite filter per list',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[2]: {"type":"RequestRedirect","requestRedirect":{}} — expected either RequestRedirect or URLRewrite, not both',
      'shop.yaml:23: HTTPRoute default/shop spec.rules[0].backendRefs: [{"name":"cart","port":80}] — expected no backends in a rule that redirects',
    ],
  );
});

test("loadResources() names what is wrong with a prefix that nothing matches", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /x } } }]\n${backend}`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].urlRewrite.path.type: "ReplacePrefixMatch" — expected ReplaceFullPath, or exactly one match of type PathPrefix in the rule',
    ],
  );
});

test("loadResources() names what is wrong with a redirect", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `filters: [{ type: RequestRedirect, requestRedirect: { statusCode: 304, scheme: ftp, port: 70000 } }]\n${backend}`,
      ),
    ]),
    [
      "shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].requestRedirect.statusCode: 304 — expected one of 301, 302, 303, 307, 308",
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].requestRedirect.scheme: "ftp" — expected one of "http", "https"',
      "shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].requestRedirect.port: 70000 — expected an integer from 1 to 65535",
    ],
  );
});

test("loadResources() names what is wrong with a redirect with backends", () => {
  assert.deepEqual(
    problemsOf([...base, rule(`filters: [{ type: RequestRedirect, requestRedirect: {} }]\n${backend}`)]),
    [
      'shop.yaml:23: HTTPRoute default/shop spec.rules[0].backendRefs: [{"name":"cart","port":80}] — expected no backends in a rule that redirects',
    ],
  );
});

test("loadResources() names what is wrong with header changes", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: Host, value: a }, { name: Content-Length, value: "1" }, { name: a, value: "x\\ny" }], add: [{ name: b, value: 1 }, { name: B, value: c }], remove: ["x y"] } }]\n${backend}`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].requestHeaderModifier.set[2].value: "x\\ny" — expected a header value of printable characters without white space around it, at most 2048 characters',
      "shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].requestHeaderModifier.add[0].value: 1 — expected a header value of printable characters without white space around it, at most 2048 characters",
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].requestHeaderModifier.remove[0]: "x y" — expected a header name of letters, digits and !#$%&\'*+-.^_`|~, at most 256 characters',
    ],
  );
});

test("loadResources() names what is wrong with a filter that a backend cannot have", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(`backendRefs: [{ name: cart, port: 80, filters: [{ type: URLRewrite, urlRewrite: {} }] }]`),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].backendRefs[0].filters[0].type: "URLRewrite" — expected one of "RequestHeaderModifier", "ResponseHeaderModifier"',
    ],
  );
});

test("loadResources() names what is wrong with timeouts", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(`timeouts: { request: 1s, backendRequest: 2s }\n${backend}`),
      rule(`timeouts: { request: 1.5s }\n${backend}`).replace("name: shop", "name: b"),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].timeouts.backendRequest: "2s" — expected at most the request timeout, 1s',
      'shop.yaml:31: HTTPRoute default/b spec.rules[0].timeouts.request: "1.5s" — expected a duration such as "1m30s" (numbers with h, m, s or ms), at most 24h',
    ],
  );
});

test("loadResources() names what is wrong with retries", () => {
  assert.deepEqual(problemsOf([...base, rule(`retry: { codes: [200], attempts: 0, backoff: x }\n${backend}`)]), [
    "shop.yaml:22: HTTPRoute default/shop spec.rules[0].retry.codes[0]: 200 — expected an integer from 400 to 599",
    "shop.yaml:22: HTTPRoute default/shop spec.rules[0].retry.attempts: 0 — expected an integer from 1 to 16",
    'shop.yaml:22: HTTPRoute default/shop spec.rules[0].retry.backoff: "x" — expected a duration such as "1m30s" (numbers with h, m, s or ms), at most 24h',
  ]);
});

test("loadResources() names what is wrong with session persistence", () => {
  assert.deepEqual(problemsOf([...base, rule(`sessionPersistence: { sessionName: a }\n${backend}`)]), [
    'shop.yaml:22: HTTPRoute default/shop spec.rules[0].sessionPersistence: {"sessionName":"a"} — expected no such field: session persistence is not supported; TrafficPolicy balancing.hashOn with ring-hash or maglev keeps clients on hosts',
  ]);
});

test("loadResources() names what is wrong with CORS", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `filters: [{ type: CORS, cors: { allowOrigins: ["*", "https://a.example"], allowMethods: [get], maxAge: 0 } }]\n${backend}`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].cors.allowMethods[0]: "get" — expected one of "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"',
      "shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].cors.maxAge: 0 — expected an integer from 1 to 86400",
    ],
  );
});

test("loadResources() names what is wrong with a mirror's share", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: crat, port: 80 }, percent: 10, fraction: { numerator: 5, denominator: 4 } } }]\n${backend}`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].requestMirror.fraction: {"numerator":5,"denominator":4} — expected either percent or fraction, not both',
      "shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].requestMirror.fraction.numerator: 5 — expected at most the denominator, 4",
    ],
  );
});

test("loadResources() names what is wrong with a mirror's Service", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(`filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: crat, port: 80 } } }]\n${backend}`),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].requestMirror.backendRef.name: "crat" — expected an existing Service of namespace default; did you mean "cart"?',
    ],
  );
});

test("loadResources() names what is wrong with two rules of one name", () => {
  assert.deepEqual(
    problemsOf([...base, route("shop", `  rules: [{ name: a, ${backend} }, { name: a, ${backend} }]`)]),
    [
      'shop.yaml:21: HTTPRoute default/shop spec.rules[1].name: "a" — expected a name that no other rule of the route has',
    ],
  );
});

test("loadResources() names what is wrong with parents", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      route("shop", `  rules: [{ ${backend} }]`).replace("name: web", "name: webb"),
      route("b", "").replace("name: web", "name: web, sectionName: https"),
      route("c", "").replace("name: web", "name: web, port: 81"),
      route("d", "").replace("name: web", "name: cart, kind: Service"),
      route("e", "").replace("name: web", "name: web, kind: Listener"),
      route("f", "").replace("name: web", "name: web, kind: Service, group: ''"),
    ]),
    [
      'shop.yaml:20: HTTPRoute default/shop spec.parentRefs[0].name: "webb" — expected an existing Gateway of namespace default; did you mean "web"?',
      'shop.yaml:27: HTTPRoute default/b spec.parentRefs[0].sectionName: "https" — expected a listener of Gateway default/web: http (port 80)',
      "shop.yaml:33: HTTPRoute default/c spec.parentRefs[0].port: 81 — expected a listener of Gateway default/web: http (port 80)",
      'shop.yaml:39: HTTPRoute default/d spec.parentRefs[0].group: missing — expected "" or "weft.dev" for kind Service',
      'shop.yaml:45: HTTPRoute default/e spec.parentRefs[0].kind: "Listener" — expected "Gateway" or "Service"',
      'shop.yaml:51: HTTPRoute default/f spec.parentRefs[0].name: "web" — expected an existing Service of namespace default',
    ],
  );
});

test("loadResources() names what is wrong with hosts that no listener has", () => {
  assert.deepEqual(
    problemsOf([
      gateway(["name: a, port: 80, protocol: HTTP, hostname: '*.example'"]),
      route("shop", "  hostnames: [shop.test]"),
    ]),
    [
      'shop.yaml:14: HTTPRoute default/shop spec.hostnames: ["shop.test"] — expected a host name in common with the listeners (*.example)',
    ],
  );
});

test("loadResources() names what is wrong with a route that a listener does not allow", () => {
  assert.deepEqual(
    problemsOf([
      gateway(),
      route("shop", "", ", namespace: shop").replace("name: web", "name: web, namespace: default"),
    ]),
    [
      'shop.yaml:13: HTTPRoute shop/shop spec.parentRefs[0].name: "web" — expected a listener of Gateway default/web that allows HTTPRoute of namespace shop',
    ],
  );
});

test("loadResources() names what is wrong with a reference that is not granted", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(`backendRefs: [{ name: cart, namespace: pay, port: 80 }]`),
      service("cart").replace("name: cart", "name: cart, namespace: pay"),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].backendRefs[0].namespace: "pay" — expected a ReferenceGrant in namespace pay for HTTPRoute of namespace default to Service cart',
    ],
  );
});

test("loadResources() names what is wrong with backends", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `backendRefs: [{ name: cart, port: 81 }, { name: kart, port: 80 }, { name: cart, kind: Gateway }, { name: cart, group: x }]`,
      ),
    ]),
    [
      "shop.yaml:22: HTTPRoute default/shop spec.rules[0].backendRefs[0].port: 81 — expected a port of Service default/cart: 80",
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].backendRefs[1].name: "kart" — expected an existing Service of namespace default; did you mean "cart"?',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].backendRefs[2].kind: "Gateway" — expected "Service"',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].backendRefs[3].group: "x" — expected "" or "weft.dev"',
    ],
  );
});

test("loadResources() names what is wrong with a backend that speaks no HTTP", () => {
  assert.deepEqual(problemsOf([gateway(), service("cart", "  protocol: tcp"), rule(backend)]), [
    "shop.yaml:23: HTTPRoute default/shop spec.rules[0].backendRefs[0].port: 80 — expected a port with protocol http, http2 or grpc",
  ]);
});

test("loadResources() names what is wrong with filters by reference", () => {
  assert.deepEqual(
    problemsOf([
      ...base,
      rule(
        `filters: [{ type: ExtensionRef, extensionRef: { group: weft.dev, kind: Fault, name: f } }, { type: ExtensionRef, extensionRef: { group: weft.dev, kind: Lua, name: f } }, { type: ExtensionRef, extensionRef: { group: x, kind: Fault, name: f } }]\n${backend}`,
      ),
    ]),
    [
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[0].extensionRef.name: "f" — expected an existing Fault of namespace default',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[1].extensionRef.kind: "Lua" — expected one of "Fault", "Colour", "DirectResponse"',
      'shop.yaml:22: HTTPRoute default/shop spec.rules[0].filters[2].extensionRef.group: "x" — expected "weft.dev"',
    ],
  );
});

test("loadResources() names what is wrong with two resources of one name", () => {
  assert.deepEqual(problemsOf([service("cart"), service("cart")]), [
    'shop.yaml:10: Service default/cart metadata.name: "cart" — expected a name that no other Service of the namespace has (it is taken in shop.yaml)',
  ]);
});

test("loadResources() names what is wrong with a Service without or with too many sources", () => {
  assert.deepEqual(problemsOf([service("cart", "  dns: { name: x }"), service("b").replace("hosts:", "# ")]), [
    'shop.yaml:5: Service default/cart spec: {"ports":[{"port":80}],"hosts":[{"address":"10.0.0.1"}],"dns":{"name":"x"}} — expected exactly one of hosts and dns',
    'shop.yaml:13: Service default/b spec: {"ports":[{"port":80}]} — expected exactly one of hosts and dns',
  ]);
});

test("loadResources() names what is wrong with ports and hosts of a Service", () => {
  assert.deepEqual(
    problemsOf([
      service("cart")
        .replace("[{ port: 80 }]", "[{ port: 80 }, { name: a, port: 80 }]")
        .replace("10.0.0.1 }", "10.0.0.1, port: 9 }, { address: 'a b', weight: 0 }"),
    ]),
    [
      'shop.yaml:5: Service default/cart spec.ports[0]: {"port":80} — expected a name, because the Service has several ports',
      "shop.yaml:5: Service default/cart spec.ports[1].port: 80 — expected a port that is not in this list already",
      "shop.yaml:6: Service default/cart spec.hosts[0].port: 9 — expected no port here, because the Service has several: use ports[].targetPort",
      'shop.yaml:6: Service default/cart spec.hosts[1].address: "a b" — expected an IP address (IPv6 without brackets) or a host name',
      "shop.yaml:6: Service default/cart spec.hosts[1].weight: 0 — expected an integer from 1 to 1000000",
    ],
  );
});

test("loadResources() names what is wrong with a host that is there twice", () => {
  assert.deepEqual(problemsOf([service("cart").replace("10.0.0.1 }", "10.0.0.1, port: 80 }, { address: 10.0.0.1 }")]), [
    'shop.yaml:6: Service default/cart spec.hosts[1]: {"address":"10.0.0.1"} — expected an address and port that is not in this list already',
  ]);
});
