import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway, problemsOf } from "./resources.fixture.ts";

test("loadResources() names what is wrong with a Gateway of another class", () => {
  assert.deepEqual(problemsOf([gateway().replace("weft\n", "envoy\n")]), [
    'shop.yaml:5: Gateway default/web spec.gatewayClassName: "envoy" — expected "weft"',
  ]);
});

test("loadResources() names what is wrong with a listener's protocol", () => {
  assert.deepEqual(problemsOf([gateway(["name: a, port: 80, protocol: UDP"])]), [
    'shop.yaml:7: Gateway default/web spec.listeners[0].protocol: "UDP" — expected one of "HTTP", "HTTPS", "TLS", "TCP"',
  ]);
});

test("loadResources() names what is wrong with a listener's port", () => {
  assert.deepEqual(problemsOf([gateway(["name: a, port: 0, protocol: HTTP"])]), [
    "shop.yaml:7: Gateway default/web spec.listeners[0].port: 0 — expected an integer from 1 to 65535",
  ]);
});

test("loadResources() names what is wrong with TLS on a plain listener", () => {
  assert.deepEqual(problemsOf([gateway(["name: a, port: 80, protocol: HTTP, tls: {}"])]), [
    "shop.yaml:7: Gateway default/web spec.listeners[0].tls: {} — expected no tls for protocol HTTP",
  ]);
});

test("loadResources() names what is wrong with an HTTPS listener without TLS", () => {
  assert.deepEqual(problemsOf([gateway(["name: a, port: 443, protocol: HTTPS"])]), [
    "shop.yaml:7: Gateway default/web spec.listeners[0].tls: missing — expected tls for protocol HTTPS",
  ]);
});

test("loadResources() names what is wrong with a TLS listener without mode", () => {
  assert.deepEqual(
    problemsOf([gateway(["name: a, port: 443, protocol: TLS, tls: { certificateRefs: [{ name: x }] }"])]),
    [
      'shop.yaml:7: Gateway default/web spec.listeners[0].tls.mode: missing — expected "Terminate" or "Passthrough" for protocol TLS',
    ],
  );
});

test("loadResources() names what is wrong with passthrough with certificates", () => {
  assert.deepEqual(
    problemsOf([
      gateway(["name: a, port: 443, protocol: TLS, tls: { mode: Passthrough, certificateRefs: [{ name: x }] }"]),
    ]),
    [
      'shop.yaml:7: Gateway default/web spec.listeners[0].tls.certificateRefs: [{"name":"x"}] — expected no certificates with mode Passthrough: TLS is not ended here',
    ],
  );
});

test("loadResources() names what is wrong with TLS options", () => {
  assert.deepEqual(
    problemsOf([
      gateway([
        "name: a, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: x }], options: { foo: bar, weft.dev/min-tls-version: TLSv1.1 } }",
      ]),
    ]),
    [
      'shop.yaml:7: Gateway default/web spec.listeners[0].tls.options.foo: "bar" — expected no such option; the only one is "weft.dev/min-tls-version"',
      'shop.yaml:7: Gateway default/web spec.listeners[0].tls.options["weft.dev/min-tls-version"]: "TLSv1.1" — expected "TLSv1.2" or "TLSv1.3"',
    ],
  );
});

test("loadResources() names what is wrong with two listeners alike", () => {
  assert.deepEqual(problemsOf([gateway(["name: a, port: 80, protocol: HTTP", "name: a, port: 80, protocol: HTTP"])]), [
    'shop.yaml:8: Gateway default/web spec.listeners[1]: {"name":"a","port":80,"protocol":"HTTP"} — expected another port, protocol or hostname than the listeners before it',
    'shop.yaml:8: Gateway default/web spec.listeners[1].name: "a" — expected a name that no other listener of the Gateway has',
  ]);
});

test("loadResources() names what is wrong with Gateway fields that Weft does not have", () => {
  assert.deepEqual(problemsOf([gateway(undefined, "  infrastructure: {}\n  adresses: []")]), [
    "shop.yaml:8: Gateway default/web spec.infrastructure: {} — expected no such field: Weft creates no infrastructure for a Gateway; listener settings are in ProxyConfig",
    'shop.yaml:9: Gateway default/web spec.adresses: [] — expected no such field; did you mean "addresses"?',
  ]);
});

test("loadResources() names what is wrong with a Gateway's addresses", () => {
  assert.deepEqual(
    problemsOf([gateway(undefined, "  addresses: [{ value: localhost }, { type: Hostname, value: 1.2.3.4 }]")]),
    [
      'shop.yaml:8: Gateway default/web spec.addresses[0].value: "localhost" — expected an IP address',
      'shop.yaml:8: Gateway default/web spec.addresses[1].type: "Hostname" — expected "IPAddress"',
    ],
  );
});

test("loadResources() names what is wrong with a selector that is missing", () => {
  assert.deepEqual(
    problemsOf([gateway(["name: a, port: 80, protocol: HTTP, allowedRoutes: { namespaces: { from: Selector } }"])]),
    [
      "shop.yaml:7: Gateway default/web spec.listeners[0].allowedRoutes.namespaces.selector: missing — expected a selector with from Selector",
    ],
  );
});

test("loadResources() names what is wrong with a listener's host name", () => {
  assert.deepEqual(
    problemsOf([
      gateway(["name: a, port: 80, protocol: HTTP, hostname: 10.0.0.1"]),
      gateway(["name: a, port: 80, protocol: HTTP, hostname: A.example"]),
    ]),
    [
      'shop.yaml:7: Gateway default/web spec.listeners[0].hostname: "10.0.0.1" — expected a lower-case host name such as "shop.example.com" or "*.example.com", not an IP address',
      'shop.yaml:15: Gateway default/web spec.listeners[0].hostname: "A.example" — expected a lower-case host name such as "shop.example.com" or "*.example.com", not an IP address',
    ],
  );
});

test("loadResources() names what is wrong with a certificate that does not exist", () => {
  assert.deepEqual(
    problemsOf([gateway(["name: a, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: shop }] }"])]),
    [
      'shop.yaml:7: Gateway default/web spec.listeners[0].tls.certificateRefs[0].name: "shop" — expected an existing Secret of namespace default',
    ],
  );
});

test("loadResources() names what is wrong with route kinds that a listener cannot serve", () => {
  assert.deepEqual(
    problemsOf([gateway(["name: a, port: 80, protocol: HTTP, allowedRoutes: { kinds: [{ kind: TCPRoute }] }"])]),
    [
      'shop.yaml:7: Gateway default/web spec.listeners[0].allowedRoutes.kinds[0].kind: "TCPRoute" — expected a kind that protocol HTTP serves: HTTPRoute, GRPCRoute, RpcRoute',
    ],
  );
});

test("loadResources() names what is wrong with protocols that conflict on a port", () => {
  assert.deepEqual(problemsOf([gateway(["name: a, port: 80, protocol: HTTP", "name: b, port: 80, protocol: TCP"])]), [
    'shop.yaml:8: Gateway default/web spec.listeners[1].protocol: "TCP" — expected protocol HTTP as listener a of Gateway web on the same port, or another port',
  ]);
});

test("loadResources() names what is wrong with two Gateways with the same port and host", () => {
  assert.deepEqual(problemsOf([gateway(), gateway().replace("name: web", "name: web2")]), [
    "shop.yaml:15: Gateway default/web2 spec.listeners[0].port: 80 — expected a port that listener http of Gateway web does not have",
  ]);
});

test("loadResources() names what is wrong with Gateways whose addresses overlap", () => {
  assert.deepEqual(
    problemsOf([
      gateway(),
      gateway(undefined, "  addresses: [{ value: 127.0.0.1 }]").replace("name: web", "name: web2"),
    ]),
    [
      "shop.yaml:15: Gateway default/web2 spec.listeners[0].port: 80 — expected another port, because all addresses (0.0.0.0) of this one are taken by another Gateway",
    ],
  );
});
