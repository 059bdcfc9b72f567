import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { describe, test } from "node:test";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { ListenerConfig, ListenerTls } from "@weft/contract";
import { createAuthority, isWeftError, issueCertificate } from "@weft/kernel";
import { createCluster, createListener, createRule, createTestCertificate } from "@weft/testkit";
import {
  assertBalanced,
  connectRaw,
  metric,
  onEnd,
  type ProxyFixture,
  send,
  startProxy,
  until,
} from "../proxy.fixture.ts";
import { TlsTerminator } from "./tls-terminator.ts";

const exact = createTestCertificate("a.example.com");
const wildcard = createTestCertificate("*.example.com");
const fallback = createTestCertificate("default.example");
const clientA = createTestCertificate("client-a");
const clientB = createTestCertificate("client-b");

function certificate(
  from: ReturnType<typeof createTestCertificate>,
  name = "test",
): ListenerTls["certificates"][number] {
  return { name, certificateChain: from.certificate, privateKey: from.key };
}

function nameOf({ name }: { readonly name: string }): string {
  return name;
}

function createTls(changes: Partial<ListenerTls> = {}): ListenerTls {
  return {
    certificates: [certificate(fallback, "default"), certificate(wildcard, "wildcard"), certificate(exact, "exact")],
    hosts: [],
    clientCa: "",
    clientCertificate: "ignore",
    minVersion: "TLSv1.2",
    alpn: ["h2", "http/1.1"],
    ...changes,
  };
}

const ANSWER = createRule({
  backends: [],
  directResponse: { status: 200, body: "hello", contentType: "text/plain" },
});

function startTls(tls: Partial<ListenerTls> = {}, changes: Partial<ListenerConfig> = {}): Promise<ProxyFixture> {
  return startProxy([createCluster([1])], [ANSWER], createListener({ tls: createTls(tls), ...changes }));
}

/** Resolves when the handshake is done; rejects when it fails. */
async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
  onEnd(() => {
    socket.destroy();
  });
  await once(socket, "secureConnect");
  return socket;
}

/** The answer to a request on `socket`, or the error that came instead: in TLS 1.3 a refusal comes after the handshake. */
async function exchange(socket: TLSSocket): Promise<string> {
  let text = "";
  socket.on("data", (bytes) => (text += String(bytes)));
  const closed = once(socket, "close");
  socket.write("GET / HTTP/1.1\r\nhost: a.example.com\r\nconnection: close\r\n\r\n");
  await closed;
  return text;
}

function subject(socket: TLSSocket): string {
  return String(socket.getPeerX509Certificate()?.subject);
}

describe("certificates", () => {
  test("are chosen by exact name, then wildcard of one label, then the first", async () => {
    const { port } = await startTls();
    const names: readonly (readonly [string | undefined, string])[] = [
      ["a.example.com", "CN=a.example.com"],
      ["A.Example.COM", "CN=a.example.com"],
      ["b.example.com", "CN=*.example.com"],
      ["x.b.example.com", "CN=default.example"],
      ["example.com", "CN=default.example"],
      ["localhost", "CN=default.example"],
      [undefined, "CN=default.example"],
    ];
    for (const [servername, expected] of names) {
      const socket = await handshake(port, servername === undefined ? {} : { servername });
      assert.equal(subject(socket), expected, String(servername));
      socket.destroy();
    }
  });

  for (const [ecAt, rsaAt] of [
    [0, 1],
    [1, 0],
  ] as const) {
    test(`for one name with other types of key are chosen by what the client can check, EC at ${ecAt}`, async () => {
      const pair = { ec: createTestCertificate("both.example"), rsa: createTestCertificate("both.example", "rsa") };
      const certificates = [certificate(fallback, "default")];
      certificates[1 + ecAt] = certificate(pair.ec, "ec");
      certificates[1 + rsaAt] = certificate(pair.rsa, "rsa");
      for (const hosts of [[], [{ hostname: "both.example", certificates: certificates.slice(1).map(nameOf) }]]) {
        const { port } = await startTls({ certificates, hosts });
        const servername = "both.example";
        for (const options of [{ maxVersion: "TLSv1.2" }, { minVersion: "TLSv1.3" }] as const) {
          const keyOf = async (sigalgs: string): Promise<string | undefined> => {
            const socket = await handshake(port, { ...options, servername, sigalgs });
            return socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType;
          };
          assert.equal(await keyOf("RSA-PSS+SHA256"), "rsa");
          assert.equal(await keyOf("ECDSA+SHA256"), "ec");
          assert.ok(await keyOf("RSA-PSS+SHA256:ECDSA+SHA256"));
        }
      }
    });
  }

  test("for clients that name no host have every type of key, too", async () => {
    const rsa = certificate(createTestCertificate("default.example", "rsa"), "rsa");
    const { port } = await startTls({ certificates: [certificate(fallback, "ec"), rsa] });
    assert.equal(subject(await handshake(port, { sigalgs: "RSA-PSS+SHA256" })), "CN=default.example");
    assert.equal(subject(await handshake(port, { sigalgs: "ECDSA+SHA256" })), "CN=default.example");
  });

  test("of other names are not shown because of their type of key", async () => {
    const ec = createTestCertificate("ec.example");
    const rsa = createTestCertificate("rsa.example", "rsa");
    const { port } = await startTls({ certificates: [certificate(ec, "ec"), certificate(rsa, "rsa")] });
    assert.equal(subject(await handshake(port, { servername: "rsa.example" })), "CN=rsa.example");
    await assert.rejects(handshake(port, { servername: "rsa.example", sigalgs: "ECDSA+SHA256" }), /handshake failure/);
  });

  test("bring their own chains", async () => {
    const certificates = (["ec", "rsa"] as const).map((keyType) => {
      const authority = createAuthority(`authority of ${keyType}`);
      const leaf = issueCertificate(authority, { commonName: "c", dnsNames: ["c.example"], keyType });
      return {
        name: keyType,
        certificateChain: leaf.certificatePem + authority.certificatePem,
        privateKey: leaf.privateKeyPem,
      };
    });
    const { port } = await startTls({ certificates });
    for (const [sigalgs, issuer] of [
      ["ECDSA+SHA256", "authority of ec"],
      ["RSA-PSS+SHA256", "authority of rsa"],
    ] as const) {
      const socket = await handshake(port, { servername: "c.example", sigalgs, maxVersion: "TLSv1.2" });
      assert.equal(socket.getPeerCertificate(true).issuerCertificate.subject.CN, issuer);
    }
  });

  test("may be replaced while connections live", async () => {
    const { port, world } = await startTls();
    const old = await handshake(port, { servername: "a.example.com" });
    const renewed = createTestCertificate("a.example.com");
    const [listener] = world.listeners.value;
    assert.ok(listener !== undefined);
    world.listeners.set([{ ...listener, tls: createTls({ certificates: [certificate(renewed)] }) }]);
    await new Promise(setImmediate);
    const fresh = await handshake(port, { servername: "a.example.com" });
    assert.notEqual(fresh.getPeerX509Certificate()?.fingerprint256, old.getPeerX509Certificate()?.fingerprint256);
    assert.match(await exchange(old), /^HTTP\/1\.1 200 /);
    assert.match(await exchange(fresh), /^HTTP\/1\.1 200 /);
  });

  test("that do not fit their key, or are none, are refused with the code and the name", () => {
    const bad = [
      { name: "crossed", certificateChain: exact.certificate, privateKey: wildcard.key },
      { name: "empty", certificateChain: "", privateKey: "" },
    ];
    for (const each of bad) {
      assert.throws(
        () => new TlsTerminator(createTls({ certificates: [each] }), 1000),
        (error) => isWeftError(error, "LISTENER_CERTIFICATE_INVALID") && error.message.includes(each.name),
      );
    }
    assert.throws(
      () => new TlsTerminator(createTls({ certificates: [] }), 1000),
      (error) => isWeftError(error, "LISTENER_CERTIFICATE_INVALID"),
    );
    const terminator = new TlsTerminator(createTls(), 1000);
    assert.throws(() => terminator.reload(createTls({ certificates: bad })));
  });
});

describe("the handshake", () => {
  test("offers HTTP/2 and HTTP/1.1 by ALPN", async () => {
    const { port, proxy } = await startTls();
    const client = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    const stream = client.request({ ":path": "/" });
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    assert.equal(headers[":status"], 200);
    stream.resume();
    await once(stream, "end");
    client.close();
    assert.equal((await handshake(port, { ALPNProtocols: ["http/1.1"] })).alpnProtocol, "http/1.1");
    assert.match(await exchange(await handshake(port)), /hello$/);
    await assertBalanced(proxy);
  });

  test("fails where no protocol is shared, or the version is too old (row 38)", async () => {
    const { port, proxy } = await startTls({ minVersion: "TLSv1.3" });
    await assert.rejects(handshake(port, { ALPNProtocols: ["smtp"] }), /no application protocol/i);
    await assert.rejects(handshake(port, { maxVersion: "TLSv1.2" }), /protocol version|alert/i);
    await assertBalanced(proxy);
    assert.equal(metric(proxy, "weft_listener_tls_handshakes_total", "failed"), 2);
  });

  test("that does not come to its end is closed, and counts no more (row 20)", async () => {
    const { port, proxy } = await startTls({}, { headerTimeoutMs: 50 });
    const client = connectRaw(port);
    client.socket.write(Buffer.from("1603010200010001fc0303", "hex"));
    await client.end();
    const [status] = await proxy.admin.listeners();
    assert.equal(status?.connectionsActive, 0);
    await assertBalanced(proxy);
  });

  test("plain text is refused, or answered where it is allowed", async () => {
    const strict = await startTls();
    const refused = connectRaw(strict.port);
    refused.socket.write("GET / HTTP/1.1\r\nhost: s3cret\r\n\r\n");
    const answer = await refused.end();
    assert.match(
      answer,
      /^HTTP\/1\.1 400 Bad Request\r\n[^]*\r\nconnection: close\r\n\r\n\[LISTENER_TLS_REQUIRED\] .*TLS\n$/,
    );
    assert.match(answer, /\r\nx-weft-error: LISTENER_TLS_REQUIRED\r\ndate: /);
    assert.ok(!answer.includes("s3cret"));
    refused.socket.end();
    await until(() => metric(strict.proxy, "weft_listener_connections_refused_total", "protocol") === 1, "the refusal");
    const other = connectRaw(strict.port);
    other.socket.write("\0\x01\x02");
    assert.equal(await other.end(), "", "who does not speak HTTP is not answered in it");
    const reply = await send(strict.port, { method: "POST", body: "x".repeat(1000) });
    assert.equal(reply.status, 400);
    assert.match(reply.body, /this port speaks TLS/);
    const open = await startTls({}, { allowsPlainText: true });
    const client = connectRaw(open.port);
    client.socket.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert.match(await client.end(), /hello$/);
    assert.match(await exchange(await handshake(open.port)), /hello$/);
  });

  test("many at once all come up, and none is mistaken for another", async () => {
    const { port, proxy } = await startTls();
    const sockets = await Promise.all(Array.from({ length: 50 }, () => handshake(port)));
    const answers = await Promise.all(sockets.map((socket) => exchange(socket)));
    assert.ok(answers.every((answer) => answer.endsWith("hello")));
    await assertBalanced(proxy);
  });

  test("is given up when the proxy closes", async () => {
    const { port, proxy } = await startTls();
    const client = connectRaw(port);
    client.socket.write(Buffer.from("1603010200010001fc0303", "hex"));
    // waits: the handshake is under way when the proxy closes
    await new Promise((resolve) => setTimeout(resolve, 20));
    await proxy.close();
    await client.end();
  });
});

describe("client certificates", () => {
  const asA = { cert: clientA.certificate, key: clientA.key };
  const asB = { cert: clientB.certificate, key: clientB.key };

  async function answerTo(port: number, options: ConnectionOptions): Promise<string> {
    try {
      return await exchange(await handshake(port, options));
    } catch (error) {
      return String(error);
    }
  }

  for (const [mode, none, known, unknown] of [
    ["ignore", true, true, true],
    ["requested", true, true, true],
    ["optional", true, true, false],
    ["required", false, true, false],
  ] as const) {
    test(mode, async () => {
      const { port, proxy } = await startTls({ clientCa: clientA.certificate, clientCertificate: mode });
      for (const [options, isServed] of [
        [{}, none],
        [asA, known],
        [asB, unknown],
        // The authority holds for certificates that are chosen by name, too.
        [{ ...asB, servername: "b.example.com" }, unknown],
      ] as const) {
        assert.equal(
          (await answerTo(port, options)).startsWith("HTTP/1.1 200"),
          isServed,
          JSON.stringify(Object.keys(options)),
        );
      }
      await assertBalanced(proxy);
    });
  }

  test("are believed from nobody where the listener names no authority", async () => {
    const { port } = await startTls({ clientCa: "", clientCertificate: "required" });
    assert.ok(!(await answerTo(port, asA)).startsWith("HTTP/1.1 200"));
  });
});
