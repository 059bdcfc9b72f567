import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttp1, type Server as Http1Server } from "node:http";
import { createSecureServer, createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import type { HealthCheckConfig } from "@weft/contract";
import { FakeClock, systemClock } from "@weft/kernel";
import { createTestCertificate } from "@weft/testkit";
import { Probe, type ProbeTarget } from "./probe.ts";
import { tcpCheck } from "./test-cluster.ts";

const servers: (Server | Http1Server | Http2Server)[] = [];
const sockets = new Set<Socket>();

/** Port of a server on loopback, which is closed after the tests. */
async function listen(server: Server | Http1Server | Http2Server): Promise<number> {
  servers.push(server);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  });
  // Probes leave as soon as they know.
  server.on("stream", (stream: ServerHttp2Stream) => stream.on("error", () => stream.destroy()));
  server.on("sessionError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

after(async () => {
  const closed = servers.filter((server) => server.listening).map((server) => once(server, "close"));
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
});

function target(port: number, check: Partial<HealthCheckConfig>, overrides: Partial<ProbeTarget> = {}): ProbeTarget {
  return {
    address: "127.0.0.1",
    port,
    check: tcpCheck({ timeoutMs: 5000, ...check }),
    protocol: "http1",
    sendProxyProtocol: 0,
    tls: null,
    ...overrides,
  };
}

/** What a probe finds; and it leaves no socket behind. */
function probe(of: ProbeTarget): Promise<string | null> {
  return new Promise((resolve) => {
    void new Probe(of, systemClock, resolve);
  });
}

const CERTIFIED = createTestCertificate("shop.test");
const TLS = { ca: CERTIFIED.certificate, servername: "shop.test" };

describe("tcp", () => {
  test("passes when the host accepts, and closes the connection", async () => {
    const server = createServer();
    const port = await listen(server);
    const connected = once(server, "connection");
    assert.equal(await probe(target(port, {})), null);
    const [socket] = (await connected) as [Socket];
    socket.resume();
    if (!socket.closed) await once(socket, "close");
  });

  test("fails when nobody listens", async () => {
    const server = createServer();
    const port = await listen(server);
    server.close();
    await once(server, "close");
    assert.match((await probe(target(port, {}))) ?? "", /ECONNREFUSED/);
  });

  test("needs the handshake where the cluster has TLS", async () => {
    const port = await listen(createServer((socket) => socket.end("no TLS here\r\n")));
    assert.notEqual(await probe(target(port, {}, { tls: TLS })), null);
  });
});

describe("http", () => {
  test("judges the status, and sends path and authority", async () => {
    const heads: string[] = [];
    const server = createHttp1((request, response) => {
      heads.push(`${request.method} ${request.url} ${request.headers.host}`);
      response.writeHead(request.url === "/teapot" ? 418 : 200).end("x".repeat(100_000));
    });
    const port = await listen(server);
    assert.equal(await probe(target(port, { type: "http", target: "/live?full=1" })), null);
    assert.equal(await probe(target(port, { type: "http", target: "/teapot", authority: "shop.test" })), "status 418");
    const expectedStatuses = [
      { from: 200, to: 200 },
      { from: 400, to: 499 },
    ];
    assert.equal(await probe(target(port, { type: "http", target: "/teapot", expectedStatuses })), null);
    assert.deepEqual(heads, [
      `GET /live?full=1 127.0.0.1:${port}`,
      "GET /teapot shop.test",
      `GET /teapot 127.0.0.1:${port}`,
    ]);
  });

  test("fails on garbage, on a connection that is closed, and on a target that cannot be sent", async () => {
    const garbage = await listen(createServer((socket) => socket.end("SSH-2.0-nonsense\r\n\r\n")));
    assert.match((await probe(target(garbage, { type: "http", target: "/" }))) ?? "", /Parse Error|HPE_/);
    const closing = await listen(createServer((socket) => socket.destroy()));
    assert.notEqual(await probe(target(closing, { type: "http", target: "/" })), null);
    const server = await listen(createHttp1());
    assert.match((await probe(target(server, { type: "http", target: "/a b\r\n" }))) ?? "", /unescaped/);
  });

  test("fails on a host that says nothing when the timeout has passed", async () => {
    const port = await listen(createServer());
    const clock = new FakeClock();
    const result = new Promise<string | null>((resolve) => {
      void new Probe(target(port, { type: "http", target: "/", timeoutMs: 250 }), clock, resolve);
    });
    clock.advance(250);
    assert.equal(await result, "no answer within 250 ms");
    assert.equal(clock.pendingTimers, 0);
  });

  test("speaks HTTP/2 to clusters that do", async () => {
    const server = createHttp2();
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      stream.respond({ ":status": headers[":path"] === "/live" ? 204 : 500 }, { endStream: true });
    });
    const port = await listen(server);
    assert.equal(await probe(target(port, { type: "http", target: "/live" }, { protocol: "http2" })), null);
    assert.equal(await probe(target(port, { type: "http", target: "/" }, { protocol: "http2" })), "status 500");
  });

  test("follows ALPN over TLS, and refuses a certificate that is not trusted", async () => {
    const server = createSecureServer(
      { cert: CERTIFIED.certificate, key: CERTIFIED.key, allowHTTP1: true },
      (request, response) => {
        response.writeHead(request.httpVersionMajor === 2 ? 202 : 201).end();
      },
    );
    const port = await listen(server);
    for (const [protocol, status] of [
      ["h2", 202],
      ["http/1.1", 201],
    ] as const) {
      const check = { type: "http", target: "/", expectedStatuses: [{ from: status, to: status }] } as const;
      const tls = { ...TLS, ALPNProtocols: [protocol] };
      assert.equal(await probe(target(port, check, { protocol: "http", tls })), null);
    }
    const untrusted = target(port, { type: "http", target: "/" }, { tls: { servername: "shop.test" } });
    assert.match((await probe(untrusted)) ?? "", /self-signed/i);
    const misnamed = target(port, { type: "http", target: "/" }, { tls: { ...TLS, servername: "other.test" } });
    assert.match((await probe(misnamed)) ?? "", /altnames/);
  });

  test("announces itself where the cluster wants the PROXY protocol", async () => {
    const heads: string[] = [];
    const server = createServer((socket) => {
      socket.once("data", (bytes: Buffer) => {
        heads.push(bytes.toString("latin1"));
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      });
    });
    const port = await listen(server);
    for (const sendProxyProtocol of [1, 2] as const) {
      await probe(target(port, { type: "http", target: "/" }, { sendProxyProtocol }));
    }
    assert.ok(heads[0]?.startsWith("PROXY UNKNOWN\r\n"), heads.join());
    assert.ok(heads[1]?.startsWith("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), heads.join());
  });
});

describe("grpc", () => {
  test("passes when the service is SERVING", async () => {
    const asked: string[] = [];
    const server = createHttp2();
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      stream.on("data", (chunk: Buffer) => {
        asked.push(`${headers[":method"]} ${headers[":path"]} ${headers["content-type"]} ${chunk.toString("hex")}`);
        const isShop = chunk.includes("shop");
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end(Buffer.from(isShop ? "00000000020801" : "00000000020802", "hex"));
      });
    });
    const port = await listen(server);
    assert.equal(await probe(target(port, { type: "grpc", target: "shop" }, { protocol: "http2" })), null);
    assert.equal(await probe(target(port, { type: "grpc", target: "" }, { protocol: "http2" })), "NOT_SERVING");
    assert.equal(asked[0], "POST /grpc.health.v1.Health/Check application/grpc 00000000060a0473686f70");
  });

  test("fails on a service that is unknown, an endless answer, and a server of HTTP/1", async () => {
    const server = createHttp2();
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      if (headers[":authority"] === "endless.test") {
        stream.respond({ ":status": 200 });
        stream.end(Buffer.alloc(100_000));
      } else {
        stream.respond({ ":status": 200, "grpc-status": "5", "grpc-message": "unknown service" }, { endStream: true });
      }
    });
    const port = await listen(server);
    assert.equal(await probe(target(port, { type: "grpc", target: "x" })), "grpc-status 5: unknown service");
    const endless = target(port, { type: "grpc", target: "x", authority: "endless.test" });
    assert.match((await probe(endless)) ?? "", /more than 1024 bytes/);
    const http1 = await listen(createHttp1((_request, response) => response.end()));
    assert.notEqual(await probe(target(http1, { type: "grpc", target: "" })), null);
  });
});

describe("cancel()", () => {
  test("closes the connection and says nothing", async () => {
    const server = createServer((socket) => socket.resume());
    const port = await listen(server);
    const connected = once(server, "connection");
    const clock = new FakeClock();
    const running = new Probe(target(port, { type: "http", target: "/" }), clock, () =>
      assert.fail("it was cancelled"),
    );
    const [socket] = (await connected) as [Socket];
    running.cancel();
    if (!socket.closed) await once(socket, "close");
    assert.equal(clock.pendingTimers, 0);
  });
});
