import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { FakeClock } from "./fake-clock.ts";
import { createAuthority, createSelfSigned, issueCertificate } from "./certificate.ts";

test("issueCertificate() makes a certificate that its authority vouches for", () => {
  const authority = createAuthority("Test CA");
  const { certificatePem } = issueCertificate(authority, {
    commonName: "cart",
    dnsNames: ["cart.example", "*.shop.example"],
    ipAddresses: ["127.0.0.1"],
    uris: ["spiffe://test.local/ns/default/sa/cart"],
  });
  const root = new X509Certificate(authority.certificatePem);
  const certificate = new X509Certificate(certificatePem);
  assert.ok(root.ca);
  assert.ok(!certificate.ca);
  assert.ok(root.verify(root.publicKey));
  assert.ok(certificate.verify(root.publicKey));
  assert.ok(certificate.checkIssued(root));
  assert.equal(
    certificate.subjectAltName,
    "DNS:cart.example, DNS:*.shop.example, URI:spiffe://test.local/ns/default/sa/cart, IP Address:127.0.0.1",
  );
  assert.ok(new Date(certificate.validTo).getTime() > Date.now());
  assert.ok(new Date(certificate.validFrom).getTime() < Date.now());
});

test("issueCertificate() makes certificates with which both sides of TLS 1.3 know each other", async () => {
  const authority = createAuthority("Test CA");
  const issue = (commonName: string): { key: string; cert: string; ca: string } => {
    const issued = issueCertificate(authority, { commonName, dnsNames: [commonName] });
    return { key: issued.privateKeyPem, cert: issued.certificatePem, ca: authority.certificatePem };
  };
  const server = createServer({ ...issue("server.example"), requestCert: true, rejectUnauthorized: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>;
    const { port } = server.address() as AddressInfo;
    const client = connect({ host: "127.0.0.1", port, servername: "server.example", ...issue("client.example") });
    await once(client, "secureConnect");
    const [socket] = await accepted;
    assert.ok(client.authorized);
    assert.equal(socket.getPeerCertificate().subject.CN, "client.example");
    assert.equal(client.getProtocol(), "TLSv1.3");
    client.destroy();
    socket.destroy();
  } finally {
    server.close();
  }
});

test("issueCertificate() refuses an address that is not IPv4", () => {
  const authority = createAuthority("Test CA");
  assert.throws(
    () => issueCertificate(authority, { commonName: "x", ipAddresses: ["::1"] }),
    /Cannot certify the address ::1/,
  );
});

test("createSelfSigned() makes a certificate that is trusted by itself alone", async () => {
  const { certificatePem: cert, privateKeyPem: key } = createSelfSigned({ commonName: "a", dnsNames: ["a.example"] });
  const other = createSelfSigned({ commonName: "a", dnsNames: ["a.example"] });
  const server = createServer({ cert, key });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const where = { host: "127.0.0.1", port, servername: "a.example" };
    const client = connect({ ...where, ca: cert });
    await once(client, "secureConnect");
    client.destroy();
    const stranger = connect({ ...where, ca: other.certificatePem });
    await assert.rejects(once(stranger, "secureConnect"), /self-signed certificate/);
  } finally {
    server.close();
  }
});

test("issueCertificate() writes times before and after 2050 as RFC 5280 wants", () => {
  for (const year of [2030, 2060]) {
    const clock = new FakeClock(0, Date.UTC(year, 0, 2));
    const { validFrom, validTo } = new X509Certificate(createAuthority("Test CA", clock).certificatePem);
    assert.equal(new Date(validFrom).getTime(), Date.UTC(year, 0, 1));
    assert.equal(new Date(validTo).getTime(), Date.UTC(year, 0, 9));
  }
});
