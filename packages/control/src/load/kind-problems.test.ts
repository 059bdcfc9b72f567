import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway, problemsOf, route, service } from "./resources.fixture.ts";

const kind = (name: string, spec: string, version = "weft.dev/v1"): string =>
  `apiVersion: ${version}\nkind: ${name}\nmetadata: { name: x }\nspec:\n${spec}`;

test("loadResources() names what is wrong with a ProxyConfig", () => {
  assert.deepEqual(
    problemsOf([
      kind(
        "ProxyConfig",
        "  inbound: { port: 8080, targetPort: 8080, tls: { certificateRef: { group: '', kind: Secret, name: a }, clientCertificate: required } }\n  outbound: { port: 15001, address: localhost, settings: { address: 1.1.1.1 } }\n  listeners: [{ port: 80 }, { port: 80 }]\n  hopsMax: 0",
      ),
      kind(
        "ProxyConfig",
        "  inbound: { port: 8080, targetPort: 8080, tls: { certificateRef: { group: '', kind: Secret, name: a }, clientCertificate: required } }\n  listeners: [{ port: 80 }, { port: 80 }]",
      ).replace("name: x", "name: y"),
    ]),
    [
      "shop.yaml:5: ProxyConfig default/x spec.inbound.targetPort: 8080 — expected another port than inbound.port: the proxy would forward to itself",
      'shop.yaml:5: ProxyConfig default/x spec.inbound.tls.clientCertificate: "required" — expected caCertificateRef beside it, to check client certificates with',
      'shop.yaml:6: ProxyConfig default/x spec.outbound.address: "localhost" — expected an IP address to listen on',
      'shop.yaml:6: ProxyConfig default/x spec.outbound.settings.address: "1.1.1.1" — expected no such field: the address stands beside the port',
      "shop.yaml:7: ProxyConfig default/x spec.listeners[1].port: 80 — expected a port that is not in this list already",
      "shop.yaml:8: ProxyConfig default/x spec.hopsMax: 0 — expected an integer from 1 to 255",
      "shop.yaml:14: ProxyConfig default/y spec.inbound.targetPort: 8080 — expected another port than inbound.port: the proxy would forward to itself",
      'shop.yaml:14: ProxyConfig default/y spec.inbound.tls.clientCertificate: "required" — expected caCertificateRef beside it, to check client certificates with',
      "shop.yaml:15: ProxyConfig default/y spec.listeners[1].port: 80 — expected a port that is not in this list already",
    ],
  );
});

test("loadResources() names what is wrong with a second ProxyConfig and a port without listener", () => {
  assert.deepEqual(
    problemsOf([
      kind("ProxyConfig", "  listeners: [{ port: 80 }]"),
      kind("ProxyConfig", "  zone: a").replace("name: x", "name: y"),
    ]),
    [
      "shop.yaml:5: ProxyConfig default/x spec.listeners[0].port: 80 — expected the port of a listener of a Gateway",
      'shop.yaml:9: ProxyConfig default/y metadata.name: "y" — expected one ProxyConfig per proxy (default/x is there)',
    ],
  );
});

test("loadResources() names what is wrong with logging, tracing and admin", () => {
  assert.deepEqual(
    problemsOf([
      kind(
        "ProxyConfig",
        "  accessLog: { target: '', rules: [{ statusMin: 600, sample: 101, routes: [cart] }] }\n  tracing: { otlpEndpoint: ftp://x }\n  admin: { port: -1 }\n  drain: { deadline: 25h }",
      ),
    ]),
    [
      'shop.yaml:5: ProxyConfig default/x spec.accessLog.target: "" — expected "stdout" or the path of a file',
      "shop.yaml:5: ProxyConfig default/x spec.accessLog.rules[0].statusMin: 600 — expected an integer from 0 to 599",
      "shop.yaml:5: ProxyConfig default/x spec.accessLog.rules[0].sample: 101 — expected a number from 0 to 100",
      'shop.yaml:5: ProxyConfig default/x spec.accessLog.rules[0].routes[0]: "cart" — expected a route as namespace/name',
      'shop.yaml:6: ProxyConfig default/x spec.tracing.otlpEndpoint: "ftp://x" — expected an http or https URL such as "http://127.0.0.1:4318/v1/traces"',
      "shop.yaml:7: ProxyConfig default/x spec.admin.port: -1 — expected an integer from 0 to 65535",
      'shop.yaml:8: ProxyConfig default/x spec.drain.deadline: "25h" — expected a duration such as "1m30s" (numbers with h, m, s or ms), at most 24h',
    ],
  );
});

test("loadResources() names what is wrong with a Fault", () => {
  assert.deepEqual(
    problemsOf([
      kind("Fault", "  abort: { percentage: 10 }\n  delay: { percentage: 10, duration: 0s }"),
      kind("Fault", "  {}").replace("name: x", "name: y"),
    ]),
    [
      "shop.yaml:5: Fault default/x spec.abort.httpStatus: missing — expected an integer from 200 to 599",
      'shop.yaml:6: Fault default/x spec.delay.duration: "0s" — expected a duration above zero such as "1m30s" (numbers with h, m, s or ms), at most 24h',
      "shop.yaml:12: Fault default/y spec: {} — expected delay, abort or both",
    ],
  );
});

test("loadResources() names what is wrong with a Colour", () => {
  assert.deepEqual(
    problemsOf([
      kind("Colour", "  { header: Host, value: a }"),
      kind("Colour", "  { value: ' a' }").replace("name: x", "name: y"),
    ]),
    [
      'shop.yaml:5: Colour default/x spec.header: "Host" — expected a header that does not frame the message',
      'shop.yaml:11: Colour default/y spec.value: " a" — expected a header value of printable characters without white space around it, at most 2048 characters',
    ],
  );
});

test("loadResources() names what is wrong with a DirectResponse", () => {
  assert.deepEqual(
    problemsOf([
      kind("DirectResponse", "  { status: 100 }"),
      kind("DirectResponse", "  { status: 204, body: a }").replace("name: x", "name: y"),
    ]),
    [
      "shop.yaml:5: DirectResponse default/x spec.status: 100 — expected an integer from 200 to 599",
      'shop.yaml:11: DirectResponse default/y spec.body: "a" — expected no body with status 204',
    ],
  );
});

test("loadResources() names what is wrong with a GRPCRoute", () => {
  assert.deepEqual(
    problemsOf([
      gateway(),
      kind(
        "GRPCRoute",
        "  parentRefs: [{ name: web }]\n  rules: [{ matches: [{ method: {} }, { method: { service: a/b } }, { method: { method: 'a.b' } }, { method: { type: RegularExpression, service: '(' } }], timeouts: {}, filters: [{ type: URLRewrite }] }]",
        "gateway.networking.k8s.io/v1",
      ),
      kind(
        "GRPCRoute",
        "  parentRefs: [{ name: web }]\n  rules: [{ matches: [{ method: {} }, { method: { service: a/b } }, { method: { method: 'a.b' } }, { method: { type: RegularExpression, service: '(' } }] }]",
        "gateway.networking.k8s.io/v1",
      ).replace("name: x", "name: y"),
    ]),
    [
      "shop.yaml:14: GRPCRoute default/x spec.rules[0].matches[0].method: {} — expected a service, a method or both",
      'shop.yaml:14: GRPCRoute default/x spec.rules[0].matches[1].method.service: "a/b" — expected a service name such as "shop.v1.Cart"',
      'shop.yaml:14: GRPCRoute default/x spec.rules[0].matches[2].method.method: "a.b" — expected a method name such as "AddItem"',
      'shop.yaml:14: GRPCRoute default/x spec.rules[0].matches[3].method.service: "(" — expected a regular expression in RE2 syntax (error parsing regexp: missing closing ): `(`)',
      "shop.yaml:14: GRPCRoute default/x spec.rules[0].timeouts: {} — expected no such field: a TrafficPolicy sets timeouts of a GRPCRoute",
      'shop.yaml:14: GRPCRoute default/x spec.rules[0].filters[0].type: "URLRewrite" — expected one of "RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef"',
      "shop.yaml:21: GRPCRoute default/y spec.rules[0].matches[0].method: {} — expected a service, a method or both",
      'shop.yaml:21: GRPCRoute default/y spec.rules[0].matches[1].method.service: "a/b" — expected a service name such as "shop.v1.Cart"',
      'shop.yaml:21: GRPCRoute default/y spec.rules[0].matches[2].method.method: "a.b" — expected a method name such as "AddItem"',
      'shop.yaml:21: GRPCRoute default/y spec.rules[0].matches[3].method.service: "(" — expected a regular expression in RE2 syntax (error parsing regexp: missing closing ): `(`)',
    ],
  );
});

test("loadResources() names what is wrong with a TLSRoute", () => {
  assert.deepEqual(
    problemsOf([
      gateway(["name: a, port: 443, protocol: TLS, tls: { mode: Passthrough }"]),
      service("cart"),
      kind("TLSRoute", "  parentRefs: [{ name: web }]\n  rules: []", "gateway.networking.k8s.io/v1alpha2"),
      kind(
        "TLSRoute",
        "  parentRefs: [{ name: web }]\n  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]",
        "gateway.networking.k8s.io/v1beta1",
      ).replace("name: x", "name: y"),
    ]),
    [
      "shop.yaml:21: TLSRoute default/x spec.rules: [] — expected a list of exactly one entry",
      'shop.yaml:23: TLSRoute default/y apiVersion: "gateway.networking.k8s.io/v1beta1" — expected "gateway.networking.k8s.io/v1" or "gateway.networking.k8s.io/v1alpha3" or "gateway.networking.k8s.io/v1alpha2"',
    ],
  );
});

test("loadResources() names what is wrong with a TLSRoute's backend", () => {
  assert.deepEqual(
    problemsOf([
      gateway(["name: a, port: 443, protocol: TLS, tls: { mode: Passthrough }"]),
      service("cart"),
      kind(
        "TLSRoute",
        "  parentRefs: [{ name: web }]\n  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]",
        "gateway.networking.k8s.io/v1alpha2",
      ),
    ]),
    ["shop.yaml:21: TLSRoute default/x spec.rules[0].backendRefs[0].port: 80 — expected a port with protocol tcp"],
  );
});

test("loadResources() names what is wrong with two TCPRoutes on one listener", () => {
  assert.deepEqual(
    problemsOf([
      gateway(["name: a, port: 443, protocol: TCP"]),
      service("cart", "  protocol: tcp"),
      kind(
        "TCPRoute",
        "  parentRefs: [{ name: web }]\n  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]",
        "gateway.networking.k8s.io/v1",
      ),
      kind(
        "TCPRoute",
        "  parentRefs: [{ name: web }]\n  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]",
        "gateway.networking.k8s.io/v1",
      ).replace("name: x", "name: y"),
    ]),
    [
      'shop.yaml:28: TCPRoute default/y spec.parentRefs: [{"name":"web"}] — expected a listener that no other route has (TCPRoute default/x is older or first by name)',
    ],
  );
});

test("loadResources() names what is wrong with a TCPRoute on a Service", () => {
  assert.deepEqual(
    problemsOf([
      service("cart", "  protocol: tcp"),
      kind(
        "TCPRoute",
        "  parentRefs: [{ group: '', kind: Service, name: cart }]\n  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]",
        "gateway.networking.k8s.io/v1",
      ),
    ]),
    ['shop.yaml:13: TCPRoute default/x spec.parentRefs[0].kind: "Service" — expected "Gateway" for a TCPRoute'],
  );
});

test("loadResources() names what is wrong with ports of a Service as parent", () => {
  assert.deepEqual(
    problemsOf([
      service("cart"),
      route("shop", "").replace("name: web", "name: cart, group: '', kind: Service, port: 81"),
      route("shop2", "").replace("name: web", "name: cart, group: '', kind: Service, sectionName: grpc"),
    ]),
    [
      "shop.yaml:12: HTTPRoute default/shop spec.parentRefs[0].port: 81 — expected a port of Service default/cart: 80",
      'shop.yaml:18: HTTPRoute default/shop2 spec.parentRefs[0].sectionName: "grpc" — expected a port of Service default/cart: 80',
    ],
  );
});

test("loadResources() names what is wrong with a Certificate", () => {
  assert.deepEqual(
    problemsOf([
      kind("Certificate", "  certificateFile: a.pem"),
      kind("Certificate", "  {}").replace("name: x", "name: y"),
    ]),
    [
      "shop.yaml:5: Certificate default/x spec.keyFile: missing — expected a file with the key of certificateFile",
      "shop.yaml:11: Certificate default/y spec: {} — expected certificateFile with keyFile, or caFile",
    ],
  );
});

test("loadResources() names what is wrong with a Secret, without showing it", () => {
  assert.deepEqual(
    problemsOf([
      "apiVersion: v1\nkind: Secret\nmetadata: { name: a }\ntype: Opaque\ndata: { tls.key: geheim }\n",
      "apiVersion: v1\nkind: Secret\nmetadata: { name: b }\ntype: kubernetes.io/tls\ndata: { tls.key: 'ge heim!' }\nstringDta: { tls.key: geheim }",
    ]),
    [
      'shop.yaml:4: Secret default/a type: "Opaque" — expected "kubernetes.io/tls"',
      'shop.yaml:5: Secret default/a data["tls.key"]: (hidden) — expected a value in base64',
      'shop.yaml:11: Secret default/b data["tls.key"]: (hidden) — expected a value in base64',
      'shop.yaml:12: Secret default/b stringDta: (hidden) — expected no such field; did you mean "stringData"?',
    ],
  );
});

test("loadResources() names what is wrong with metadata", () => {
  assert.deepEqual(
    problemsOf([
      "apiVersion: weft.dev/v1\nkind: Colour\nmetadata: { name: A_b, lables: {}, creationTimestamp: yesterday, labels: { a: 1 } }\nspec: { value: a }",
      "apiVersion: weft.dev/v1\nkind: Colour\nspec:\n",
    ]),
    [
      'shop.yaml:3: Colour default/A_b metadata.name: "A_b" — expected a name of lower-case letters, digits, - and ., at most 253 characters',
      'shop.yaml:3: Colour default/A_b metadata.lables: {} — expected no such field; did you mean "labels"?',
      'shop.yaml:3: Colour default/A_b metadata.creationTimestamp: "yesterday" — expected a time such as "2026-01-31T12:00:00Z"',
      "shop.yaml:3: Colour default/A_b metadata.labels.a: 1 — expected a label: a text of at most 253 characters (quote numbers and true or false)",
      "shop.yaml:6: Colour metadata: missing — expected a mapping of fields to values",
      "shop.yaml:8: Colour spec: null — expected a mapping of fields to values",
    ],
  );
});

test("loadResources() names what is wrong with kinds and versions", () => {
  assert.deepEqual(
    problemsOf([
      "apiVersion: weft.dev/v1\nkind: Fualt\n",
      "apiVersion: v1\nkind: Pod\n",
      "apiVersion: weft.dev/v1\nmetadata: {}\n",
      "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: HTTPRoute\n",
    ]),
    [
      'shop.yaml:2: Fualt kind: "Fualt" — expected a known kind; did you mean "Fault"?',
      'shop.yaml:5: Pod kind: "Pod" — expected one of Gateway, HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, RpcRoute, BackendTLSPolicy, ReferenceGrant, Service, TrafficPolicy, ProxyConfig, Certificate, Fault, Colour, DirectResponse, Secret, ConfigMap, Namespace',
      "shop.yaml:7: kind: missing — expected one of Gateway, HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, RpcRoute, BackendTLSPolicy, ReferenceGrant, Service, TrafficPolicy, ProxyConfig, Certificate, Fault, Colour, DirectResponse, Secret, ConfigMap, Namespace",
      'shop.yaml:10: HTTPRoute apiVersion: "gateway.networking.k8s.io/v1beta1" — expected "gateway.networking.k8s.io/v1"',
    ],
  );
});
