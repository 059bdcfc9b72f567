import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { describe, test } from "node:test";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { ListenerConfig, ListenerTls, TlsHost } from "@weft/contract";
import { createCluster, createListener, createRule, createTestCertificate, requireProgram } from "@weft/testkit";
import { assertBalanced, connectRaw, metric, onEnd, type ProxyFixture, startProxy, until } from "../proxy.fixture.ts";

const NAMES = ["shop.example", "bank.example", "*.wild.example", "any.example"] as const;
const CERTIFICATES: ListenerTls["certificates"] = NAMES.map((name) => {
  const { certificate, key } = createTestCertificate(name);
  return { name, certificateChain: certificate, privateKey: key };
});

const HOSTS: readonly TlsHost[] = [
  { hostname: "shop.example", certificates: ["shop.example"] },
  { hostname: "bank.example", certificates: ["bank.example"] },
  { hostname: "*.wild.example", certificates: ["*.wild.example"] },
];
const WITH_ANY: readonly TlsHost[] = [{ hostname: "*", certificates: ["any.example"] }, ...HOSTS];

const RULES = ["shop.example", "bank.example", "*.wild.example"].map((hostname) =>
  createRule({
    hostnames: [hostname],
    backends: [],
    directResponse: { status: 200, body: `${hostname}.`, contentType: "text/plain" },
  }),
);

function startHosts(hosts: readonly TlsHost[], changes: Partial<ListenerConfig> = {}): Promise<ProxyFixture> {
  const tls: ListenerTls = {
    certificates: CERTIFICATES,
    hosts,
    clientCa: "",
    clientCertificate: "ignore",
    minVersion: "TLSv1.2",
    alpn: ["h2", "http/1.1"],
  };
  return startProxy([createCluster([1])], RULES, createListener({ tls, ...changes }));
}

async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
  onEnd(() => {
    socket.destroy();
  });
  await once(socket, "secureConnect");
  return socket;
}

/** Status and body of an HTTP/1 request for `authority` on a connection to `servername`. */
async function askHttp1(socket: TLSSocket, authority: string): Promise<string> {
  let text = "";
  const more = (bytes: Buffer): void => void (text += bytes.toString("latin1"));
  socket.on("data", more);
  socket.write(`GET / HTTP/1.1\r\nhost: ${authority}\r\n\r\n`);
  await until(() => {
    const [head = "", body = ""] = text.split("\r\n\r\n");
    return text.includes("\r\n\r\n") && body.length === Number(/content-length: (\d+)/.exec(head)?.[1]);
  }, "an answer");
  socket.off("data", more);
  return `${text.slice(9, 12)} ${/x-weft-error: (\S+)/.exec(text)?.[1] ?? text.split("\r\n\r\n")[1]}`;
}

async function askHttp2(client: ClientHttp2Session, authority: string): Promise<string> {
  const stream = client.request({ ":path": "/", ":authority": authority });
  const [head] = (await once(stream, "response")) as [Record<string, string>];
  let body = "";
  for await (const chunk of stream) body += String(chunk);
  return `${head[":status"]} ${head["x-weft-error"] ?? body}`;
}

/** Authorities and what they get on a connection to shop.example where other hosts are named and where any is served. */
const ASKED: readonly (readonly [authority: string, named: string, withAny: string])[] = [
  ["shop.example", "200 shop.example.", "200 shop.example."],
  ["SHOP.Example:8443", "200 shop.example.", "200 shop.example."],
  ["shop.example.", "200 shop.example.", "200 shop.example."],
  ["bank.example", "421 PROXY_MISDIRECTED", "421 PROXY_MISDIRECTED"],
  ["BANK.example.:443", "421 PROXY_MISDIRECTED", "421 PROXY_MISDIRECTED"],
  ["a.wild.example", "421 PROXY_MISDIRECTED", "421 PROXY_MISDIRECTED"],
  ["nobody.example", "404 ROUTER_NO_MATCH", "421 PROXY_MISDIRECTED"],
  ["shop.example", "200 shop.example.", "200 shop.example."],
];

describe("a request for another host than the connection's (row 38)", () => {
  for (const [what, hosts, column] of [
    ["that others serve", HOSTS, 1],
    ["where any is served", WITH_ANY, 2],
  ] as const) {
    test(`${what} is told to use a connection of its own, in both protocols`, async () => {
      const { port, proxy } = await startHosts(hosts);
      const socket = await handshake(port, { servername: "shop.example" });
      const client = connectHttp2(`https://127.0.0.1:${port}`, {
        servername: "shop.example",
        rejectUnauthorized: false,
      });
      onEnd(() => client.destroy());
      for (const row of ASKED) {
        assert.equal(await askHttp1(socket, row[0]), row[column], `${row[0]} in HTTP/1`);
        assert.equal(await askHttp2(client, row[0]), row[column], `${row[0]} in HTTP/2`);
      }
      const misdirected = ASKED.filter((row) => row[column].startsWith("421")).length * 2;
      assert.equal(metric(proxy, "weft_downstream_protocol_errors_total", "PROXY_MISDIRECTED"), misdirected);
      socket.destroy();
      client.destroy();
      await assertBalanced(proxy);
    });
  }

  test("wildcard hosts share a connection among their names, and with nobody else", async () => {
    const { port } = await startHosts(HOSTS);
    const socket = await handshake(port, { servername: "a.wild.example" });
    assert.equal(await askHttp1(socket, "b.wild.example"), "200 *.wild.example.");
    assert.equal(await askHttp1(socket, "shop.example"), "421 PROXY_MISDIRECTED");
  });

  test("clients that named no host are clients of the host that serves any", async () => {
    const { port } = await startHosts(WITH_ANY);
    const socket = await handshake(port);
    assert.equal(await askHttp1(socket, "127.0.0.1"), "404 ROUTER_NO_MATCH");
    assert.equal(await askHttp1(socket, "shop.example"), "421 PROXY_MISDIRECTED");
  });

  test("a connection whose host is gone, or has got neighbours, is judged anew", async () => {
    const { port, world } = await startHosts(HOSTS.slice(0, 1));
    const socket = await handshake(port, { servername: "shop.example" });
    assert.equal(await askHttp1(socket, "bank.example"), "200 bank.example.");
    const [listener] = world.listeners.value;
    assert.ok(listener?.tls);
    world.listeners.set([{ ...listener, tls: { ...listener.tls, hosts: HOSTS } }]);
    await new Promise(setImmediate);
    assert.equal(await askHttp1(socket, "bank.example"), "421 PROXY_MISDIRECTED");
    assert.equal(await askHttp1(socket, "shop.example"), "200 shop.example.");
    world.listeners.set([{ ...listener, tls: { ...listener.tls, hosts: WITH_ANY.slice(0, 1) } }]);
    await new Promise(setImmediate);
    assert.equal(await askHttp1(socket, "shop.example"), "200 shop.example.");
  });
});

describe("a server name", () => {
  test("gets the certificate of its host", async () => {
    const { port } = await startHosts(WITH_ANY);
    for (const [servername, subject] of [
      ["shop.example", "CN=shop.example"],
      ["BANK.example", "CN=bank.example"],
      ["x.wild.example", "CN=*.wild.example"],
      ["other.example", "CN=any.example"],
    ] as const) {
      const socket = await handshake(port, { servername });
      assert.equal(socket.getPeerX509Certificate()?.subject, subject, servername);
      socket.destroy();
    }
    assert.equal((await handshake(port)).getPeerX509Certificate()?.subject, "CN=any.example");
  });

  test("that nobody serves is refused before the handshake, with the alert for it", async () => {
    const { port, proxy } = await startHosts(HOSTS);
    for (const options of [{ servername: "nobody.example" }, { servername: "wild.example" }, {}]) {
      await assert.rejects(handshake(port, options), { code: "ERR_SSL_TLSV1_UNRECOGNIZED_NAME" });
    }
    await assertBalanced(proxy);
    assert.equal(metric(proxy, "weft_listener_connections_refused_total", "server-name"), 3);
    assert.equal(metric(proxy, "weft_listener_tls_handshakes_total", "failed"), 0);
    assert.deepEqual(await proxy.admin.connections(), []);
  });

  test(
    "that nobody serves is refused so that openssl understands it",
    { skip: requireProgram("openssl") },
    async () => {
      const { port } = await startHosts(HOSTS);
      for (const version of ["-tls1_2", "-tls1_3"]) {
        assert.match(await openssl(port, "nobody.example", version), /unrecognized name/);
        assert.match(await openssl(port, "bank.example", version), /subject=CN ?= ?bank\.example/);
      }
    },
  );

  test("is read from a ClientHello in pieces, and a broken one is left to TLS", async () => {
    const { port, proxy } = await startHosts(HOSTS);
    const hello = await recordHello("nobody.example");
    const client = connectRaw(port);
    client.socket.setNoDelay(true);
    for (let at = 0; at < hello.length; at += 100) {
      client.socket.write(hello.subarray(at, at + 100));
      await new Promise(setImmediate);
    }
    await until(() => client.bytes().equals(Buffer.from("15030300020270", "hex")), "the alert");
    const broken = connectRaw(port);
    hello.fill(0xff, 43, 46);
    broken.socket.write(hello);
    await broken.end();
    assert.notEqual(broken.bytes().toString("hex"), "15030300020270");
    client.socket.destroy();
    await assertBalanced(proxy);
  });

  test("that our reading and the TLS library's might differ on is refused by the one or the other", async () => {
    const { port, proxy } = await startHosts(HOSTS);
    for (const servername of ["nobody!.example", "shop.example:443", "*.wild.example\u0001"]) {
      await assert.rejects(handshake(port, { servername }), servername);
    }
    await assertBalanced(proxy);
    assert.deepEqual(await proxy.admin.connections(), []);
  });

  test("that is refused does not hold the connection when the client does not close it", async () => {
    const { port, proxy } = await startHosts(HOSTS);
    const client = connectRaw(port);
    client.socket.write(await recordHello("nobody.example"));
    await client.end();
    await until(
      () => metric(proxy, "weft_listener_connections_refused_total", "server-name") === 1,
      "REFUSAL_LINGER_MS",
    );
    await assertBalanced(proxy);
  });
});

/** What openssl's client says. */
function openssl(port: number, serverName: string, version: string): Promise<string> {
  const args = ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", serverName, version];
  return new Promise((resolve) => {
    const child = execFile("openssl", args, { timeout: 5000 }, (_error, stdout, stderr) => resolve(stdout + stderr));
    child.stdin?.end();
  });
}

/** The ClientHello of node:tls. */
async function recordHello(servername: string): Promise<Buffer> {
  const { createServer } = await import("node:net");
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connectTls({ host: "127.0.0.1", port, servername });
  client.on("error", () => {});
  const [socket] = (await once(server, "connection")) as [TLSSocket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}
