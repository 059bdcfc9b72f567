import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { createCluster, createListener, createRule } from "@weft/testkit";
import { WebSocket, WebSocketServer } from "ws";
import { block, END_HEADERS, FRAME, frame } from "./http2-frames.fixture.ts";
import { startLoggedProxy } from "./logged-proxy.fixture.ts";
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

  test("that is quiet for too long ends with FIN on both sides, and is logged as idle", async (t) => {
    const server = createServer();
    const sockets = new WebSocketServer({ server });
    const upgraded = once(server, "upgrade") as Promise<[unknown, Socket]>;
    onEnd(() => sockets.close());
    const clusters = [createCluster([await listen(server)])];
    const { proxy, port, lines } = await startLoggedProxy(t, { streamIdleTimeoutMs: 60 }, clusters);
    const client = connectRaw(port);
    const fields = Object.entries(WEBSOCKET_FIELDS).map(([name, value]) => `${name}: ${value}\r\n`);
    client.socket.write(
      `GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n${fields.join("")}\r\n`,
    );
    // Rejects where the connection is reset.
    await once(client.socket, "end");
    assert.match(client.text(), /^HTTP\/1\.1 101 /);
    const [, hostSide] = await upgraded;
    await until(() => hostSide.readableEnded, "FIN at the host");
    client.socket.destroy();
    await assertBalanced(proxy);
    const [line] = await lines();
    assert.equal(line?.["error"], "PROXY_STREAM_IDLE");
    assert.equal(line["status"], 101);
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

describe("a tunnel whose sides end one by one", () => {
  const CONNECT = "CONNECT db.example:5432 HTTP/1.1\r\nhost: db.example:5432\r\n\r\n";
  const TAIL_BYTES = 1_000_000;

  /** An HTTP/1 host that accepts after `delayMs`, and does `onOpen` with the tunnel. */
  async function startTunnelHost(onOpen: (socket: Socket) => void, delayMs: number = 0): Promise<number> {
    const { port } = await startTcpServer((socket) => {
      socket.once("data", () => {
        // waits: what the client says meanwhile is held back
        setTimeout(() => {
          socket.write("HTTP/1.1 200 OK\r\n\r\n");
          onOpen(socket);
        }, delayMs);
      });
    });
    return port;
  }

  /** Says all that it heard, and a long tail, once the other side has ended. */
  function answerAtEnd(stream: Duplex): void {
    let heard = "";
    stream.on("data", (bytes: Buffer) => (heard += bytes.toString("latin1")));
    stream.on("end", () => stream.end(`${heard} heard${"x".repeat(TAIL_BYTES)}`));
  }

  for (const delayMs of [0, 50]) {
    test(`the client's first, HTTP/1 to HTTP/1, ${delayMs} ms before the host accepts`, async () => {
      const { proxy, port } = await startProxy([createCluster([await startTunnelHost(answerAtEnd, delayMs)])]);
      const client = connectRaw(port);
      client.socket.write(`${CONNECT}question`);
      if (delayMs === 0) await client.read(/^HTTP\/1\.1 200 /);
      client.socket.end();
      const text = await client.end();
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n(?:[^\r]*\r\n)*\r\nquestion heardx/);
      assert.equal(text.length - text.indexOf("heard") - 5, TAIL_BYTES);
      await assertBalanced(proxy);
    });
  }

  test("the client's first, HTTP/1 to HTTP/2", async () => {
    const host = await startHttp2EchoServer((stream) => {
      stream.respond({ ":status": 200 });
      answerAtEnd(stream);
    });
    const { proxy, port } = await startProxy([createCluster([host], { protocol: "http2" })]);
    const client = connectRaw(port);
    client.socket.end(`${CONNECT}question`);
    const text = await client.end();
    assert.equal(text.length - text.indexOf("question heard") - 14, TAIL_BYTES);
    await assertBalanced(proxy);
  });

  test("the client's first, HTTP/2 to HTTP/1", async () => {
    const { proxy, port } = await startProxy([createCluster([await startTunnelHost(answerAtEnd)])]);
    const client = startHttp2Client(port);
    const stream = client.request({ ":method": "CONNECT", ":authority": "db.example:5432" });
    stream.end("question");
    let text = "";
    stream.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
    await once(stream, "end");
    assert.equal(text.length - text.indexOf("question heard") - 14, TAIL_BYTES);
    client.close();
    await assertBalanced(proxy);
  });

  for (const protocol of ["http1", "http2"] as const) {
    test(`the host's first, to ${protocol}`, async () => {
      let heard = "";
      const speak = (stream: Duplex): void => {
        stream.on("data", (bytes: Buffer) => (heard += bytes.toString("latin1")));
        stream.end(`bye${"x".repeat(TAIL_BYTES)}`);
      };
      const onHttp2 = (stream: ServerHttp2Stream): void => {
        stream.respond({ ":status": 200 });
        speak(stream);
      };
      const host = protocol === "http1" ? await startTunnelHost(speak) : await startHttp2EchoServer(onHttp2);
      const { proxy, port } = await startProxy([createCluster([host], { protocol })]);
      const client = connectRaw(port);
      client.socket.write(CONNECT);
      const text = await client.end();
      assert.equal(text.length - text.indexOf("bye") - 3, TAIL_BYTES);
      client.socket.write("still ");
      await until(() => heard === "still ", "what the client says after the host's end");
      client.socket.end("here");
      await until(() => heard === "still here", "the rest of it");
      await assertBalanced(proxy);
    });
  }

  test("a host that is gone ends the client's side too, and what it said last arrives", async () => {
    const host = await startTunnelHost((socket) => socket.end("x".repeat(TAIL_BYTES), () => socket.destroy()));
    const { proxy, port } = await startProxy([createCluster([host])]);
    const client = connectRaw(port);
    client.socket.write(CONNECT);
    const text = await client.end();
    assert.equal(text.length - text.indexOf("\r\n\r\n") - 4, TAIL_BYTES);
    // The host's system answers with a reset.
    const isOver = (): boolean =>
      !client.socket.write("too late") || metric(proxy, "weft_downstream_requests_active") === 0;
    await until(isOver, "the end of the client's side");
    client.socket.destroy();
    await assertBalanced(proxy);
  });

  test("one that stays half-open and quiet ends at the stream's idle time", async () => {
    const listener = createListener({ streamIdleTimeoutMs: 80 });
    const host = await startTunnelHost((socket) => socket.resume());
    const { proxy, port } = await startProxy([createCluster([host])], undefined, listener);
    const client = connectRaw(port);
    client.socket.end(CONNECT);
    await client.end();
    await assertBalanced(proxy);
  });
});
