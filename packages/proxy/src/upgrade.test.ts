import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { describe, test } from "node:test";
import { createCluster, createListener, createRule } from "@weft/testkit";
import { WebSocket, WebSocketServer } from "ws";
import { block, END_HEADERS, FRAME, frame } from "./http2-frames.fixture.ts";
import {
  assertBalanced,
  connectRaw,
  listen,
  metric,
  onEnd,
  send,
  startHttp2Client,
  startHttpServer,
  startProxy,
  startTcpServer,
  until,
} from "./proxy.fixture.ts";

const WEBSOCKET_FIELDS = {
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** A server of `ws` that sends back what it gets. */
async function startEchoSocketServer(): Promise<number> {
  const server = createServer((_request, response) => response.end("plain"));
  const sockets = new WebSocketServer({ server, path: "/socket", maxPayload: 10_000_000 });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("error", () => {});
  });
  onEnd(() => sockets.close());
  return listen(server);
}

/** An HTTP/2 server that takes extended CONNECT and sends back what it gets. */
async function startHttp2EchoServer(onStream?: (stream: ServerHttp2Stream) => void): Promise<number> {
  const server = createHttp2Server({ settings: { enableConnectProtocol: true } });
  server.on("sessionError", () => {});
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => {});
    if (onStream !== undefined) return onStream(stream);
    if (headers[":protocol"] !== "websocket") return stream.respond({ ":status": 400 }, { endStream: true });
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  });
  return listen(server);
}

describe("WebSocket with unmodified peers", () => {
  test("carries messages of all sizes over HTTP/1 and closes in order", async () => {
    const { proxy, port } = await startProxy([createCluster([await startEchoSocketServer()])]);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`);
    await once(socket, "open");
    for (const size of [0, 1, 125, 126, 65_536, 3_000_000]) {
      const data = Buffer.alloc(size, size & 255);
      socket.send(data);
      const [reply] = (await once(socket, "message")) as [Buffer];
      assert.ok(reply.equals(data), `${size} bytes`);
    }
    socket.close(4001, "done");
    const [code, reason] = (await once(socket, "close")) as [number, Buffer];
    assert.equal(code, 4001);
    assert.equal(String(reason), "done");
    assert.equal(metric(proxy, "weft_downstream_upgrades_total"), 1);
    await assertBalanced(proxy);
  });

  test("outlives the route's timeout and the host's response timeout", async () => {
    const cluster = createCluster([await startEchoSocketServer()], { responseTimeoutMs: 40 });
    const { proxy, port } = await startProxy([cluster], [createRule({ timeoutMs: 60 })]);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`);
    await once(socket, "open");
    // waits: both timeouts must have passed
    await new Promise((resolve) => setTimeout(resolve, 120));
    socket.send("still here");
    const [reply] = (await once(socket, "message")) as [Buffer];
    assert.equal(String(reply), "still here");
    socket.terminate();
    await assertBalanced(proxy);
  });

  test("that is quiet for too long is ended", async () => {
    const listener = createListener({ streamIdleTimeoutMs: 60 });
    const { proxy, port } = await startProxy([createCluster([await startEchoSocketServer()])], undefined, listener);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`);
    socket.on("error", () => {});
    await once(socket, "open");
    const [code] = (await once(socket, "close")) as [number];
    assert.equal(code, 1006);
    await assertBalanced(proxy);
  });

  test("that a host refuses is an ordinary answer", async () => {
    const { port: host } = await startHttpServer((_request, response) => response.end());
    const { proxy, port } = await startProxy([createCluster([host])]);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/other`);
    const [error] = (await once(socket, "error")) as [Error];
    assert.match(error.message, /Unexpected server response: 200/);
    await assertBalanced(proxy);
    assert.equal(metric(proxy, "weft_downstream_upgrades_total"), 0);
  });

  test("breaks on both sides when the host breaks off", async () => {
    const server = createServer();
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket) => socket.on("message", () => socket.terminate()));
    onEnd(() => sockets.close());
    const { proxy, port } = await startProxy([createCluster([await listen(server)])]);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    socket.on("error", () => {});
    await once(socket, "open");
    socket.send("die");
    const [code] = (await once(socket, "close")) as [number];
    assert.equal(code, 1006);
    await assertBalanced(proxy);
  });

  test("an unmasked frame is passed through to the host, which ends the connection with 1002 (row 49)", async () => {
    const { proxy, port } = await startProxy([createCluster([await startEchoSocketServer()])]);
    const client = connectRaw(port);
    const fields = Object.entries(WEBSOCKET_FIELDS).map(([name, value]) => `${name}: ${value}\r\n`);
    client.socket.write(
      `GET /socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n${fields.join("")}\r\n`,
    );
    await client.read(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
    client.socket.write(Buffer.from([0x81, 2, 0x68, 0x69]));
    const text = await client.end();
    // A close frame with code 1002.
    assert.ok(text.includes("\x88\x02\x03\xea"), JSON.stringify(text));
    client.socket.destroy();
    await assertBalanced(proxy);
  });
});

describe("upgrades between protocols", () => {
  test("HTTP/1 to an HTTP/2 host", async () => {
    const host = await startHttp2EchoServer();
    const { proxy, port } = await startProxy([createCluster([host], { protocol: "http2" })]);
    // SETTINGS tell that the host takes upgrades; they come with the first answer at the latest.
    await send(port);
    const client = connectRaw(port);
    const fields = Object.entries(WEBSOCKET_FIELDS).map(([name, value]) => `${name}: ${value}\r\n`);
    client.socket.write(
      `GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n${fields.join("")}\r\nearly`,
    );
    const text = await client.read(/^HTTP\/1\.1 101 [^]*\r\n\r\nearly$/);
    assert.match(text, /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
    client.socket.write(" and late");
    await client.read(/early and late$/);
    client.socket.destroy();
    await assertBalanced(proxy);
  });

  test("HTTP/1 to an HTTP/2 host that has not said yet that it takes upgrades", async () => {
    const host = await startHttp2EchoServer();
    const { proxy, port } = await startProxy([createCluster([host], { protocol: "http2" })]);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(socket, "open");
    socket.terminate();
    await assertBalanced(proxy);
  });

  test("HTTP/1 to an HTTP/2 host whose SETTINGS come in pieces, or never whole", async () => {
    // ENABLE_CONNECT_PROTOCOL.
    const settings = frame(FRAME.settings, 0, 0, Buffer.of(0, 8, 0, 0, 0, 1));
    const extendedConnect = Buffer.of(FRAME.headers, END_HEADERS, 0, 0, 0, 1);
    for (const pieces of [
      [0, 3, 9, settings.length],
      [0, settings.length - 1],
    ]) {
      const { port: host } = await startTcpServer((socket) => {
        socket.on("data", (bytes: Buffer) => {
          if (!bytes.includes(extendedConnect)) return;
          socket.write(frame(FRAME.headers, END_HEADERS, 1, block([[":status", "200"]])));
        });
        const sendPiece = (index: number): void => {
          socket.write(settings.subarray(pieces[index], pieces[index + 1]));
          // waits: each piece is to be read by itself
          if (index + 2 < pieces.length) setTimeout(() => sendPiece(index + 1), 20);
        };
        sendPiece(0);
      });
      const cluster = createCluster([host], { protocol: "http2" });
      const { proxy, port } = await startProxy([{ ...cluster, pool: { ...cluster.pool, queueTimeoutMs: 200 } }]);
      const client = connectRaw(port);
      const fields = Object.entries(WEBSOCKET_FIELDS).map(([name, value]) => `${name}: ${value}\r\n`);
      client.socket.write(
        `GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n${fields.join("")}\r\n`,
      );
      await client.read(pieces.at(-1) === settings.length ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 503 [^]*OVERLOADED/);
      client.socket.resetAndDestroy();
      await assertBalanced(proxy);
    }
  });

  test("extended CONNECT of HTTP/2 to an HTTP/1 host", async () => {
    const { proxy, port } = await startProxy([createCluster([await startEchoSocketServer()])]);
    const client = startHttp2Client(port);
    await once(client, "remoteSettings");
    const stream = client.request({
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":path": "/socket",
      ":scheme": "http",
      ":authority": "a",
      "sec-websocket-version": "13",
    });
    // A masked text frame "hi" (mask 0).
    stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    assert.equal(headers[":status"], 200);
    const [reply] = (await once(stream, "data")) as [Buffer];
    assert.deepEqual([...reply], [0x81, 2, 0x68, 0x69]);
    stream.close();
    client.close();
    await assertBalanced(proxy);
  });

  test("what is said before an HTTP/2 host accepts is held back, and dropped when it refuses (row 22)", async () => {
    let body = "";
    let answer = (): void => {};
    const host = await startHttp2EchoServer((stream) => {
      stream.on("data", (bytes) => (body += String(bytes)));
      answer = () => stream.respond({ ":status": 403 }, { endStream: true });
    });
    const { proxy, port } = await startProxy([createCluster([host], { protocol: "http2" })]);
    const client = startHttp2Client(port);
    await once(client, "remoteSettings");
    const stream = client.request({ ":method": "CONNECT", ":authority": "169.254.169.254:80" });
    stream.on("error", () => {});
    stream.write("GET /smuggled HTTP/1.1\r\n\r\n");
    await until(() => metric(proxy, "weft_upstream_requests_active") === 1, "the request at the host");
    // waits: that nothing comes can only be seen by waiting
    await new Promise((resolve) => setTimeout(resolve, 20));
    answer();
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    assert.equal(headers[":status"], 403);
    assert.equal(body, "");
    client.destroy();
    await assertBalanced(proxy);
  });
});

describe("CONNECT", () => {
  test("without a route is answered 404, not tunnelled", async () => {
    const { proxy, port } = await startProxy([], [createRule({ hostnames: ["only.example"] })]);
    const client = connectRaw(port);
    client.socket.write("CONNECT db.example:5432 HTTP/1.1\r\nhost: db.example:5432\r\n\r\n");
    assert.match(await client.read(/^HTTP\/1\.1 \d+ [^]*\r\n\r\n/), /^HTTP\/1\.1 404 /);
    client.socket.destroy();
    await assertBalanced(proxy);
  });

  test("with a route tunnels bytes both ways, early ones too, and has no deadline", async () => {
    const { port: host } = await startTcpServer((socket) => {
      socket.once("data", (head: Buffer) => {
        assert.match(head.toString("latin1"), /^CONNECT db\.example:5432 HTTP\/1\.1\r\n/);
        assert.ok(!head.includes("early"), "nothing before the answer");
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(socket);
      });
    });
    const { proxy, port } = await startProxy([createCluster([host])], [createRule({ timeoutMs: 60 })]);
    const client = connectRaw(port);
    client.socket.write("CONNECT db.example:5432 HTTP/1.1\r\nhost: db.example:5432\r\n\r\nearly");
    await client.read(/^HTTP\/1\.1 200 [^]*\r\n\r\nearly$/);
    // waits: the route's timeout must have passed
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.socket.write(" late");
    await client.read(/early late$/);
    client.socket.destroy();
    await assertBalanced(proxy);
  });
});
