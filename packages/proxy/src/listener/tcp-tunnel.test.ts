import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { ClusterConfig, ListenerConfig, TcpRoute } from "@weft/contract";
import { createCluster, createListener, createTestCertificate } from "@weft/testkit";
import {
  assertBalanced,
  connectRaw,
  findDeadPort,
  listen,
  metric,
  onEnd,
  type ProxyFixture,
  startProxy,
  startTcpServer,
  until,
} from "../proxy.fixture.ts";

function route(cluster: string, serverNames: readonly string[] = []): TcpRoute {
  return { name: `to ${cluster}`, serverNames, backends: [{ cluster, weight: 1 }] };
}

function startTcp(clusters: readonly ClusterConfig[], changes: Partial<ListenerConfig> = {}): Promise<ProxyFixture> {
  const listener = createListener({ protocol: "tcp", tcpRoutes: [route("backend")], ...changes });
  return startProxy(clusters, [], listener);
}

describe("TcpTunnel", () => {
  test("passes on each side's end by itself, the client's first", async () => {
    const { port: host } = await startTcpServer((socket) => {
      let text = "";
      socket.on("data", (bytes) => (text += String(bytes)));
      socket.on("end", () => socket.end(`you said ${text}`));
    });
    const { proxy, port } = await startTcp([createCluster([host])]);
    const client = connectRaw(port);
    client.socket.end("all of it");
    assert.equal(await client.end(), "you said all of it");
    await assertBalanced(proxy);
    assert.equal(metric(proxy, "weft_downstream_connections_active"), 0);
    assert.equal(metric(proxy, "weft_pool_connections_active"), 0);
  });

  test("passes on each side's end by itself, the host's first, and what follows still arrives", async () => {
    let isOver = false;
    let total = 0;
    const { port: host } = await startTcpServer((socket) => {
      socket.end("greeting");
      socket.pause();
      // waits: the host reads late on purpose
      setTimeout(() => socket.resume(), 30);
      socket.on("data", (bytes: Buffer) => (total += bytes.length));
      socket.on("end", () => (isOver = true));
    });
    const { proxy, port } = await startTcp([createCluster([host])]);
    const client = connectRaw(port);
    assert.equal(await client.end(), "greeting");
    client.socket.end(Buffer.alloc(3_000_000));
    await until(() => isOver, "the client's end at the host");
    assert.equal(total, 3_000_000);
    await assertBalanced(proxy);
  });

  test("a server may speak first", async () => {
    const { port: host } = await startTcpServer((socket) => socket.write("220 ready\r\n"));
    const { port } = await startTcp([createCluster([host])]);
    assert.equal(await connectRaw(port).read(/\n$/), "220 ready\r\n");
  });

  test("the slower side sets the pace, and nothing is lost", async () => {
    const size = 30_000_000;
    let sent = 0;
    const { port: host } = await startTcpServer((socket) => {
      const more = (): void => {
        while (sent < size) {
          sent += 100_000;
          if (!socket.write(Buffer.alloc(100_000))) return void socket.once("drain", more);
        }
        socket.end();
      };
      more();
    });
    const { proxy, port } = await startTcp([createCluster([host])]);
    const client = connectRaw(port);
    client.socket.pause();
    let before = -1;
    await until(async () => {
      const now = sent;
      // waits: the host has stopped when its count stands still
      await new Promise((resolve) => setTimeout(resolve, 30));
      const isStill = now === before;
      before = now;
      return isStill;
    }, "the host to be stopped");
    assert.ok(sent < 20_000_000, `${sent} bytes left the host`);
    client.socket.resume();
    await client.end();
    assert.equal(client.bytes().length, size);
    client.socket.end();
    await assertBalanced(proxy);
  });

  test("goes to the next host when one cannot be reached, and gives up after a few", async () => {
    const { port: host } = await startTcpServer((socket) => socket.end("here"));
    const reachable = await startTcp([createCluster([await findDeadPort(), await findDeadPort(), host])]);
    for (let count = 0; count < 3; count++) {
      const client = connectRaw(reachable.port);
      assert.equal(await client.end(), "here");
      client.socket.end();
    }
    await assertBalanced(reachable.proxy);
    const lost = await startTcp([createCluster([await findDeadPort()])]);
    const client = connectRaw(lost.port);
    const [error] = (await once(client.socket, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
    await assertBalanced(lost.proxy);
  });

  test("a reset of either side is seen by the other", async () => {
    const sockets: Socket[] = [];
    const errors: string[] = [];
    const { port: host } = await startTcpServer((socket) => {
      sockets.push(socket);
      socket.on("error", (error: NodeJS.ErrnoException) => errors.push(String(error.code)));
      socket.write("hello");
    });
    const { proxy, port } = await startTcp([createCluster([host])]);
    const first = connectRaw(port);
    await first.read(/hello/);
    first.socket.resetAndDestroy();
    await until(() => errors.length === 1, "the reset at the host");
    assert.deepEqual(errors, ["ECONNRESET"]);
    const second = connectRaw(port);
    await second.read(/hello/);
    const broken = once(second.socket, "error");
    sockets[1]?.resetAndDestroy();
    const [error] = (await broken) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
    await assertBalanced(proxy);
  });

  test("is reset when nothing moves for the stream's idle time", async () => {
    const { port: host } = await startTcpServer(() => {});
    const { proxy, port } = await startTcp([createCluster([host])], { streamIdleTimeoutMs: 50 });
    const client = connectRaw(port);
    await once(client.socket, "error");
    await assertBalanced(proxy);
  });

  test("the cluster's limit on connections holds, and a listener without a route resets", async () => {
    const { port: host } = await startTcpServer((socket) => socket.write("hello"));
    const cluster = createCluster([host]);
    const { proxy, port } = await startTcp([{ ...cluster, breaker: { ...cluster.breaker, connectionsMax: 1 } }]);
    const first = connectRaw(port);
    await first.read(/hello/);
    await once(connectRaw(port).socket, "error");
    first.socket.resetAndDestroy();
    await assertBalanced(proxy);
    const { port: lost } = await startTcp([cluster], { tcpRoutes: [] });
    await once(connectRaw(lost).socket, "error");
  });

  test("tells the host who the client is by the PROXY protocol, in both versions", async () => {
    for (const version of [1, 2] as const) {
      const heard: Buffer[] = [];
      const { port: host } = await startTcpServer((socket) => socket.on("data", (bytes: Buffer) => heard.push(bytes)));
      const { port } = await startTcp([createCluster([host], { sendProxyProtocol: version })]);
      const client = connectRaw(port);
      client.socket.write("data");
      await until(() => Buffer.concat(heard).includes("data"), "the client's data");
      const { localPort } = client.socket;
      const bytes = Buffer.concat(heard);
      if (version === 1) assert.equal(String(bytes), `PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${port}\r\ndata`);
      else assert.equal(bytes.readUInt16BE(24), localPort);
    }
  });
});

describe("TLS and tunnels", () => {
  const certificate = createTestCertificate("db.example.com");

  async function startTlsServer(greeting: string): Promise<number> {
    const server = createTlsServer({ cert: certificate.certificate, key: certificate.key }, (socket) => {
      socket.on("error", () => {});
      socket.end(greeting);
    });
    return listen(server);
  }

  async function readTls(port: number, servername: string): Promise<string> {
    const socket = connectTls({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
    onEnd(() => {
      socket.destroy();
    });
    let text = "";
    socket.on("data", (bytes) => (text += String(bytes)));
    socket.on("error", (error: NodeJS.ErrnoException) => (text = String(error.code)));
    await once(socket, "close").catch(() => {});
    return text;
  }

  test("passthrough goes where the server name says: exact, longest wildcard, any", async () => {
    const clusters: ClusterConfig[] = [];
    for (const name of ["exact", "deep", "wide", "any"]) {
      clusters.push(createCluster([await startTlsServer(name)], { name }));
    }
    const tcpRoutes = [
      route("any"),
      route("wide", ["*.example.com"]),
      route("deep", ["*.b.example.com"]),
      route("exact", ["a.example.com"]),
    ];
    const { proxy, port } = await startTcp(clusters, { protocol: "tls-passthrough", tcpRoutes });
    assert.equal(await readTls(port, "a.example.com"), "exact");
    assert.equal(await readTls(port, "x.b.example.com"), "deep");
    assert.equal(await readTls(port, "y.example.com"), "wide");
    assert.equal(await readTls(port, "y.x.example.com"), "wide");
    assert.equal(await readTls(port, "other.example"), "any");
    await assertBalanced(proxy);
  });

  test("passthrough refuses names that no route has, and none, with the alert for it", async () => {
    const cluster = createCluster([await startTlsServer("one")], { name: "one" });
    const tcpRoutes = [route("one", ["one.example"])];
    const { proxy, port } = await startTcp([cluster], { protocol: "tls-passthrough", tcpRoutes });
    for (const servername of ["other.example", ""]) {
      const socket = connectTls({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
      await assert.rejects(once(socket, "secureConnect"), { code: "ERR_SSL_TLSV1_UNRECOGNIZED_NAME" }, servername);
    }
    assert.equal(await readTls(port, "one.example"), "one");
    await assertBalanced(proxy);
    assert.equal(metric(proxy, "weft_listener_connections_refused_total", "server-name"), 2);
  });

  test("passthrough refuses what is not TLS", async () => {
    const { proxy, port } = await startTcp([], { protocol: "tls-passthrough" });
    const client = connectRaw(port);
    client.socket.write("GET / HTTP/1.1\r\n\r\n");
    await client.end();
    assert.equal(metric(proxy, "weft_listener_connections_refused_total"), 1);
  });

  test("a TCP listener may end TLS, and a cluster begin it again", async () => {
    const tls = {
      certificates: [{ name: "db", certificateChain: certificate.certificate, privateKey: certificate.key }],
      hosts: [],
      clientCa: "",
      clientCertificate: "ignore",
      minVersion: "TLSv1.3",
      alpn: [],
    } as const;
    const plain = createServer((socket) => socket.end("plain"));
    const inside = await startTcp([createCluster([await listen(plain)])], { tls });
    assert.equal(await readTls(inside.port, "db.example.com"), "plain");
    const upstreamTls = {
      serverName: "db.example.com",
      ca: certificate.certificate,
      certificateChain: "",
      privateKey: "",
      minVersion: "TLSv1.3",
      subjectAltNames: [],
    } as const;
    const host = await startTlsServer("secret");
    const outside = await startTcp([createCluster([host], { tls: upstreamTls, sendProxyProtocol: 0 })]);
    const client = connectRaw(outside.port);
    assert.equal(await client.end(), "secret");
    client.socket.destroy();
    await assertBalanced(inside.proxy);
    await assertBalanced(outside.proxy);
  });
});
