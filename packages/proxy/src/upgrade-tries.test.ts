import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { createCluster } from "@weft/testkit";
import { WebSocket } from "ws";
import {
  assertBalanced,
  connectRaw,
  findDeadPort,
  listen,
  metric,
  send,
  startHttp2Client,
  startProxy,
  startTcpServer,
} from "./proxy.fixture.ts";

describe("an upgrade that meets a host in vain", () => {
  /** Asks for a WebSocket over HTTP/1, says "early" at once; resolves with the answer's status and what was echoed. */
  async function upgrade(port: number): Promise<string> {
    const client = connectRaw(port);
    client.socket.write(
      "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n" +
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nearly",
    );
    const text = await client.read(/\r\n\r\nearly$|^HTTP\/1\.1 [^1]/);
    client.socket.destroy();
    return text.slice(9, 12);
  }

  /** Accepts the WebSocket that `head` asks for (RFC 6455 section 4.2.2), and sends back what it hears. */
  function acceptAndEcho(socket: Socket, head: Buffer): void {
    const key = /sec-websocket-key: (\S+)/i.exec(head.toString("latin1"))?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    socket.pipe(socket);
  }

  test("is tried again where no connection was made, over HTTP/1 and HTTP/2", async () => {
    const { port: live } = await startTcpServer((socket) =>
      socket.once("data", (head: Buffer) => acceptAndEcho(socket, head)),
    );
    const { proxy, port } = await startProxy([createCluster([await findDeadPort(), live])]);
    for (let index = 0; index < 4; index++) assert.equal(await upgrade(port), "101");
    const client = startHttp2Client(port);
    await once(client, "remoteSettings");
    for (let index = 0; index < 4; index++) {
      const stream = client.request({
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":path": "/",
        ":authority": "a",
      });
      stream.on("error", () => {});
      stream.write("early");
      const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
      assert.equal(headers[":status"], 200);
      const [reply] = (await once(stream, "data")) as [Buffer];
      assert.equal(String(reply), "early");
      stream.close();
    }
    client.destroy();
    await assertBalanced(proxy);
    assert.ok(metric(proxy, "weft_cluster_retries_total") >= 1);
  });

  test("says that HTTP/2 hosts take no upgrades, and finds the one that does", async () => {
    const plain = createHttp2Server();
    plain.on("sessionError", () => {});
    const refusing = await listen(plain);
    const alone = await startProxy([createCluster([refusing], { protocol: "http2" })]);
    const socket = new WebSocket(`ws://127.0.0.1:${alone.port}/`);
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 502);
    assert.equal(response.headers["x-weft-error"], "UPSTREAM_NO_UPGRADE");
    socket.on("error", () => {});
    socket.terminate();
    await assertBalanced(alone.proxy);

    const accepting = createHttp2Server({ settings: { enableConnectProtocol: true } });
    accepting.on("sessionError", () => {});
    accepting.on("stream", (stream: ServerHttp2Stream) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 200 });
      stream.pipe(stream);
    });
    const hosts = [refusing, await listen(accepting)];
    const { proxy, port } = await startProxy([createCluster(hosts, { protocol: "http2" })]);
    for (let index = 0; index < 4; index++) assert.equal(await upgrade(port), "101");
    await assertBalanced(proxy);
  });

  test("is tried again on a new connection where the pooled one is stale", async () => {
    let staleCount = 0;
    const { port: host } = await startTcpServer((socket) => {
      socket.once("data", (head: Buffer) => {
        if (head.includes("upgrade: websocket")) return acceptAndEcho(socket, head);
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        socket.once("data", () => {
          staleCount++;
          socket.destroy();
        });
      });
    });
    const { proxy, port } = await startProxy([createCluster([host])]);
    assert.equal((await send(port)).status, 200);
    assert.equal(await upgrade(port), "101");
    assert.equal(staleCount, 1);
    await assertBalanced(proxy);
  });
});
