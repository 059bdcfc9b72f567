import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestCertificate } from "@weft/testkit";
import { gateway, problemsOf, route, service, worldOf } from "../load/resources.fixture.ts";
import type { Attachments } from "./certificate-files.ts";

const shop = createTestCertificate("shop.example");
const other = createTestCertificate("other.example");

function secret(name: string, certificate: string, key: string): string {
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  return `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name} }\ntype: kubernetes.io/tls\ndata:\n  tls.crt: ${encode(certificate)}\n  tls.key: ${encode(key)}`;
}

function https(ref: string, extra: string = ""): string {
  return gateway([`name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [${ref}]${extra} }`]);
}

const CERTIFICATE =
  "apiVersion: weft.dev/v1\nkind: Certificate\nmetadata: { name: shop }\nspec: { certificateFile: tls/shop.pem, keyFile: /keys/shop.pem, caFile: ca.pem }";
const files: Attachments = new Map([
  ["tls/shop.pem", { text: shop.certificate }],
  ["/keys/shop.pem", { text: shop.key }],
  ["ca.pem", { text: other.certificate }],
]);
const REF = "{ group: weft.dev, kind: Certificate, name: shop }";

test("resolveCertificate() reads Secrets and Certificates", () => {
  const tls = {
    certificates: [{ name: "default/shop", certificateChain: shop.certificate, privateKey: shop.key }],
    hosts: [{ hostname: "*", certificates: ["default/shop"] }],
    clientCa: "",
    clientCertificate: "ignore",
    minVersion: "TLSv1.2",
    alpn: ["h2", "http/1.1"],
  };
  assert.deepEqual(
    worldOf([https("{ name: shop }"), secret("shop", shop.certificate, shop.key)]).listeners[0]?.tls,
    tls,
  );
  assert.deepEqual(worldOf([https(REF), CERTIFICATE], files).listeners[0]?.tls, tls);
  const strict = https("{ name: shop }", ', options: { "weft.dev/min-tls-version": TLSv1.3 }');
  assert.equal(worldOf([strict, secret("shop", shop.certificate, shop.key)]).listeners[0]?.tls?.minVersion, "TLSv1.3");
});

test("compileWorld() merges the certificates of a port, the one without host name first", () => {
  const world = worldOf([
    gateway([
      "name: a, port: 443, protocol: HTTPS, hostname: other.example, tls: { certificateRefs: [{ name: other }, { name: shop }] }",
      "name: b, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: shop }] }",
    ]),
    secret("shop", shop.certificate, shop.key),
    secret("other", other.certificate, other.key),
  ]);
  assert.equal(world.listeners.length, 1);
  assert.deepEqual(
    world.listeners[0]?.tls?.certificates.map(({ name }) => name),
    ["default/shop", "default/other"],
  );
  assert.deepEqual(world.listeners[0]?.tls?.hosts, [
    { hostname: "*", certificates: ["default/shop"] },
    { hostname: "other.example", certificates: ["default/other", "default/shop"] },
  ]);
});

test("resolveCertificate() names keys that do not match and texts that are no certificates", () => {
  const line = "shop.yaml:7: Gateway";
  assert.deepEqual(problemsOf([https("{ name: shop }"), secret("shop", shop.certificate, other.key)]), [
    'shop.yaml:15: Secret default/shop data["tls.key"]: (hidden) — expected the private key of the first certificate of the chain',
  ]);
  assert.deepEqual(problemsOf([https("{ name: shop }"), secret("shop", "nonsense", shop.key)]), [
    'shop.yaml:14: Secret default/shop data["tls.crt"]: (hidden) — expected certificates in PEM form',
  ]);
  assert.deepEqual(problemsOf([https("{ name: shop }"), secret("shop", shop.certificate, "nonsense")]), [
    'shop.yaml:15: Secret default/shop data["tls.key"]: (hidden) — expected a private key in PEM form, without a passphrase',
  ]);
  assert.deepEqual(
    problemsOf([https("{ name: shop }"), secret("shop", shop.certificate.replace("MI", "AA"), shop.key)]),
    ['shop.yaml:14: Secret default/shop data["tls.crt"]: (hidden) — expected certificates in PEM form'],
  );
  assert.deepEqual(problemsOf([https("{ kind: ConfigMap, name: shop }")]), [
    `${line} default/web spec.listeners[0].tls.certificateRefs[0].kind: "ConfigMap" — expected "Secret" or "Certificate"`,
  ]);
  assert.deepEqual(problemsOf([https("{ name: shop, namespace: keys }")]), [
    `${line} default/web spec.listeners[0].tls.certificateRefs[0].namespace: "keys" — expected a ReferenceGrant in namespace keys for Gateway of namespace default to Secret shop`,
  ]);
});

test("resolveCertificate() names files that are missing, cannot be read or do not fit", () => {
  const at = (file: string, content: { text: string } | { fault: string }): Attachments =>
    new Map([...files, [file, content]]);
  assert.deepEqual(problemsOf([https(REF), CERTIFICATE], at("tls/shop.pem", { fault: "it does not exist" })), [
    'shop.yaml:12: Certificate default/shop spec.certificateFile: "tls/shop.pem" — expected a PEM file that can be read (it does not exist)',
  ]);
  assert.deepEqual(problemsOf([https(REF), CERTIFICATE], at("/keys/shop.pem", { text: other.key })), [
    'shop.yaml:12: Certificate default/shop spec.keyFile: "/keys/shop.pem" — expected the private key of the first certificate of the chain',
  ]);
  const bare = CERTIFICATE.replace("certificateFile: tls/shop.pem, keyFile: /keys/shop.pem, ", "");
  assert.deepEqual(problemsOf([https(REF), bare], files), [
    "shop.yaml:12: Certificate default/shop spec.certificateFile: missing — expected a PEM file, because a reference needs it",
    "shop.yaml:12: Certificate default/shop spec.keyFile: missing — expected a PEM file, because a reference needs it",
  ]);
});

test("compileWorld() checks client certificates as the Gateway asks", () => {
  const configMap = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ca }\ndata:\n  ca.crt: |\n    ${other.certificate.trim().replaceAll("\n", "\n    ")}\n`;
  const frontend = (mode: string): string =>
    `  tls:\n    frontend:\n      default: { validation: { caCertificateRefs: [{ group: "", kind: ConfigMap, name: ca }]${mode} } }\n`;
  const documents = [secret("shop", shop.certificate, shop.key), configMap];
  const found = worldOf([https("{ name: shop }").replace(/\n$/, `\n${frontend("")}`), ...documents]).listeners[0]?.tls;
  assert.equal(found?.clientCertificate, "required");
  assert.equal(found?.clientCa, other.certificate);
  const optional = https("{ name: shop }").replace(/\n$/, `\n${frontend(", mode: AllowInsecureFallback")}`);
  assert.equal(worldOf([optional, ...documents]).listeners[0]?.tls?.clientCertificate, "requested");
  const perPort = optional.replace(/\n$/, `\n      perPort: [{ port: 443, tls: {} }]\n`);
  assert.equal(worldOf([perPort, ...documents]).listeners[0]?.tls?.clientCertificate, "ignore");
});

test("upstreamTls() follows TrafficPolicy and BackendTLSPolicy", () => {
  const backend = route("shop", "  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]");
  const own = `apiVersion: weft.dev/v1
kind: TrafficPolicy
metadata: { name: p }
spec:
  targetRefs: [{ kind: Service, name: cart }]
  tls: { serverName: cart.example, caCertificateRef: ${REF}, clientCertificateRef: ${REF}, minVersion: TLSv1.3, subjectAltNames: ["spiffe://a/b"] }`;
  const world = worldOf([gateway(), backend, service("cart"), own, CERTIFICATE], files);
  assert.deepEqual(world.clusters[0]?.tls, {
    serverName: "cart.example",
    ca: other.certificate,
    certificateChain: shop.certificate,
    privateKey: shop.key,
    minVersion: "TLSv1.3",
    subjectAltNames: ["spiffe://a/b"],
  });
  const standard = `apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: p }
spec:
  targetRefs: [{ group: "", kind: Service, name: cart }]
  validation: { hostname: cart.example, wellKnownCACertificates: System, subjectAltNames: [{ type: URI, uri: "spiffe://a/b" }] }`;
  assert.deepEqual(worldOf([gateway(), backend, service("cart"), standard]).clusters[0]?.tls, {
    serverName: "cart.example",
    ca: "",
    certificateChain: "",
    privateKey: "",
    minVersion: "TLSv1.2",
    subjectAltNames: ["spiffe://a/b"],
  });
});

test("compileWorld() gives a sidecar mutual TLS", () => {
  const config = `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: me }
spec:
  inbound: { port: 15006, targetPort: 80, tls: { certificateRef: ${REF}, caCertificateRef: ${REF} } }`;
  assert.deepEqual(worldOf([config, CERTIFICATE], files).listeners[0]?.tls, {
    certificates: [{ name: "default/shop", certificateChain: shop.certificate, privateKey: shop.key }],
    hosts: [],
    clientCa: other.certificate,
    clientCertificate: "required",
    minVersion: "TLSv1.3",
    alpn: ["h2", "http/1.1"],
  });
});
