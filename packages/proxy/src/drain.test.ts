import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request as httpRequest } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { describe, test } from "node:test";
import { createCluster, createListener } from "@weft/testkit";
import { WebSocket, WebSocketServer } from "ws";
import { connectFrames, FRAME, frame, get, request as http2Request } from "./http2-frames.fixture.ts";
import { DRAIN_GRACE_MS } from "./limits.ts";
import {
  connectRaw,
  findDeadPort,
  listen,
  metric,
  onEnd,
  type ProxyFixture,
  send,
  sendHttp2,
  startHttp2Client,
  startHttpServer,
  startProxy,
  until,
} from "./proxy.fixture.ts";

/** Answers after a moment; `seen` counts. */
async function startShop(): Promise<{ port: number; seen: () => number }> {
  let seen = 0;
  const { port } = await startHttpServer((_request, response) => {
    seen++;
    setImmediate(() => response.end("hello"));
  });
  return { port, seen: () => seen };
}

/** Requests on one keep-alive connection, one after the other, until an answer says that it was the last. */
async function keepAlive(port: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onEnd(() => agent.destroy());
  for (let count = 1; ; count++) {
    const request = httpRequest({ host: "127.0.0.1", port, agent, method: "POST" });
    request.end("order");
    const [response] = (await once(request, "response")) as [IncomingMessage];
    assert.equal(response.statusCode, 200);
    response.resume();
    await once(response, "end");
    if (response.headers.connection === "close") return count;
  }
}

/** Requests on one HTTP/2 connection, several at a time, until the client knows that there will be no more. */
async function multiplex(port: number): Promise<number> {
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  onEnd(() => client.destroy());
  await once(client, "remoteSettings");
  let count = 0;
  const loop = async (): Promise<void> => {
    while (!client.closed && !client.destroyed) {
      const { status } = await sendHttp2(client, { method: "POST", body: "order" });
      assert.equal(status, 200);
      count++;
    }
  };
  await Promise.all([loop(), loop(), loop()]);
  return count;
}

async function startOn(port: number, hosts: readonly number[]): Promise<ProxyFixture> {
  return startProxy([createCluster(hosts)], undefined, createListener({ port }));
}

describe("a drain under load", () => {
  test("fails no request of clients that keep their connections, and lets another process take the port", async () => {
    const shop = await startShop();
    const port = await findDeadPort();
    const { proxy } = await startOn(port, [shop.port]);
    const load = [keepAlive(port), keepAlive(port), keepAlive(port), multiplex(port), multiplex(port)];
    await until(() => shop.seen() > 200, "load");
    const drained = proxy.drain();
    assert.equal((await proxy.admin.readiness()).isReady, false);
    // The listening socket is closed first: its successor need not wait for what is open.
    await until(() => send(port).then(() => false, isRefused), "the port is free");
    const successor = await startOn(port, [shop.port]);
    assert.equal((await send(port)).status, 200);
    const counts = await Promise.all(load);
    assert.ok(
      counts.every((count) => count > 10),
      String(counts),
    );
    assert.equal(await drained, "drained");
    assert.equal(metric(successor.proxy, "weft_downstream_requests_total"), 1);
  });

  test("finishes a download and answers everything that was pipelined", async () => {
    const body = Buffer.alloc(10_000_000, "0123456789");
    let waiting: (() => void)[] = [];
    const { port: host } = await startHttpServer((request, response) => {
      if (request.url === "/download") response.end(body);
      else waiting.push(() => response.end(`answer ${request.url}`));
    });
    const { proxy, port } = await startProxy([createCluster([host])]);
    const request = httpRequest({ host: "127.0.0.1", port, path: "/download", agent: false });
    request.end();
    const [download] = (await once(request, "response")) as [IncomingMessage];
    const pipelining = connectRaw(port);
    pipelining.socket.write([1, 2, 3, 4, 5].map((n) => `GET /${n} HTTP/1.1\r\nhost: a\r\n\r\n`).join(""));
    await until(() => waiting.length === 1, "the first of them at the host");
    const drained = proxy.drain();
    for (let count = 0; count < 5; count++) {
      await until(() => waiting.length === 1, `request ${count} at the host`);
      const answers = waiting;
      waiting = [];
      for (const answer of answers) answer();
    }
    const text = await pipelining.end();
    assert.deepEqual(text.match(/answer \/\d/g), ["answer /1", "answer /2", "answer /3", "answer /4", "answer /5"]);
    assert.equal(text.split("connection: close").length, 2, "the last says close");
    assert.ok(text.lastIndexOf("connection: close") > text.indexOf("answer /4"));
    let length = 0;
    for await (const piece of download) length += (piece as Buffer).length;
    assert.equal(length, body.length);
    assert.equal(await drained, "drained");
  });

  test("gives a keep-alive client whose answer did not say close a moment for its next request", async () => {
    let finish = (): void => {};
    const { port: host } = await startHttpServer((request, response) => {
      if (request.url === "/next") return void response.end("next");
      response.write("begun");
      finish = () => response.end();
    });
    const { proxy, port } = await startProxy([createCluster([host])]);
    const client = connectRaw(port);
    client.socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await client.read(/begun/);
    const drained = proxy.drain();
    finish();
    await client.read(/\r\n0\r\n\r\n$/);
    client.socket.write("GET /next HTTP/1.1\r\nhost: a\r\n\r\n");
    await client.read(/connection: close\r\n[^]*next/);
    await client.end();
    assert.equal(await drained, "drained");
  });

  test("names the last HTTP/2 stream only when the client can have no further one on its way", async () => {
    const { port: host } = await startHttpServer((_request, response) => response.end("hello"));
    const { proxy, port } = await startProxy([createCluster([host])]);
    const client = connectFrames(port);
    const answered = (id: number): Promise<unknown> =>
      client.wait(({ type, streamId }) => type === FRAME.data && streamId === id, `the answer on stream ${id}`);
    client.socket.write(http2Request(1, get()));
    await answered(1);
    const drained = proxy.drain();
    const ping = await client.wait(({ type, flags }) => type === FRAME.ping && flags === 0, "PING");
    const goaways = (): number[] =>
      client.frames().flatMap(({ type, payload }) => (type === FRAME.goaway ? [payload.readUInt32BE(0)] : []));
    assert.deepEqual(goaways(), [2 ** 31 - 1]);
    // It crosses the first GOAWAY on its way.
    client.socket.write(http2Request(3, get()));
    await answered(3);
    client.socket.write(frame(FRAME.ping, 1, 0, ping.payload));
    await client.end();
    assert.deepEqual(goaways(), [2 ** 31 - 1, 3]);
    client.socket.destroy();
    assert.equal(await drained, "drained");
  });

  test("does not wait for clients that say nothing", async () => {
    const { port: host } = await startHttpServer((_request, response) => response.end("hello"));
    const { proxy, port } = await startProxy([createCluster([host])]);
    const silent = connectRaw(port);
    const http2 = connectFrames(port);
    const idle = connectRaw(port);
    idle.socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await idle.read(/hello/);
    await until(() => metric(proxy, "weft_downstream_connections_total") === 3, "all are accepted");
    const startedMs = performance.now();
    const drained = proxy.drain();
    for (const client of [silent, http2, idle]) void client.end().then(() => client.socket.destroy());
    assert.equal(await drained, "drained");
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs >= DRAIN_GRACE_MS && tookMs < 4000, `${tookMs} ms`);
  });

  test("cuts what is still open at the deadline, visibly", async () => {
    const { port: host } = await startHttpServer((request, response) => {
      if (request.url === "/until-close") response.writeHead(200, { connection: "close" });
      response.write("begun");
    });
    const server = createServer();
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
    onEnd(() => sockets.close());
    const echo = await listen(server);
    const { proxy, port, world } = await startProxy([createCluster([host])]);
    const other = await startProxy([createCluster([echo])]);
    const http2 = startHttp2Client(port);
    const stream = http2.request({ ":path": "/" });
    let isCut = false;
    stream.on("error", () => (isCut = true));
    await once(stream, "data");
    const raw = connectRaw(port);
    let code = "";
    raw.socket.on("error", (error: NodeJS.ErrnoException) => (code = error.code ?? ""));
    raw.socket.write("GET /until-close HTTP/1.0\r\nhost: a\r\n\r\n");
    await raw.read(/begun/);
    const socket = new WebSocket(`ws://127.0.0.1:${other.port}/`);
    await once(socket, "open");
    const closed = once(socket, "close");
    for (const { settings } of [world, other.world]) settings.set({ ...settings.value, drainDeadlineMs: 300 });
    const drained = [proxy.drain(), other.proxy.drain()];
    socket.send("still open");
    const [reply] = (await once(socket, "message")) as [Buffer];
    assert.equal(String(reply), "still open");
    assert.deepEqual(await Promise.all(drained), ["deadline", "deadline"]);
    assert.deepEqual(((await closed) as [number])[0], 1006);
    await raw.end();
    assert.equal(code, "ECONNRESET", "without a length a plain end would look complete");
    await until(() => isCut, "the stream is broken off");
  });
});

function isRefused(error: NodeJS.ErrnoException): boolean {
  return error.code === "ECONNREFUSED";
}
