import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { describe, test } from "node:test";
import type { ClusterConfig, ListenerConfig, Retry } from "@weft/contract";
import { FakeClock } from "@weft/kernel";
import { createCluster, createListener, createRule } from "@weft/testkit";
import { WebSocket, WebSocketServer } from "ws";
import { POOL_DRAIN_MS_MAX } from "./pool/limits.ts";
import {
  assertBalanced,
  connectRaw,
  listen,
  metric,
  onEnd,
  type ProxyFixture,
  send,
  startHttp2Client,
  startHttpServer,
  startProxy,
  startTcpServer,
  until,
} from "./proxy.fixture.ts";

const CLOSES = "weft_pool_connection_closes_total";

/** Nothing but the drain deadline ends a stream. */
const PATIENT: Partial<ListenerConfig> = { streamIdleTimeoutMs: 10 * POOL_DRAIN_MS_MAX };

interface Scene extends ProxyFixture {
  readonly clock: FakeClock;
}

async function start(cluster: ClusterConfig, changes: Partial<ListenerConfig> = {}): Promise<Scene> {
  const clock = new FakeClock();
  const listener = createListener({ ...PATIENT, ...changes });
  return { ...(await startProxy([cluster], undefined, listener, { clock })), clock };
}

/** Time passes in many turns of the event loop: the proxy reads its clock once in each. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let step = 0; step < 400; step++) {
    clock.advance(ms / 400);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Takes every host out, lets almost all of the time pass, runs `check`, then lets the rest pass. */
async function retire({ world, clock, proxy }: Scene, check: () => Promise<void>): Promise<void> {
  const [cluster] = world.clusters.value;
  assert.ok(cluster !== undefined);
  world.clusters.set([{ ...cluster, hosts: [] }]);
  await pass(clock, POOL_DRAIN_MS_MAX - 60_000);
  await check();
  assert.equal(metric(proxy, CLOSES, "drain-deadline"), 0);
  await pass(clock, 120_000);
}

/** Starts an answer and sends a piece whenever it is asked for one. */
async function startSlowServer(): Promise<{ port: number; sendPiece: () => void }> {
  let sendPiece = (): void => {};
  const { port } = await startHttpServer((_request, response) => {
    sendPiece = () => void response.write("piece");
    sendPiece();
  });
  return { port, sendPiece: () => sendPiece() };
}

describe("what is open at a host that was removed", () => {
  test("an HTTP/1 download goes on until POOL_DRAIN_MS_MAX, then it is visibly cut short", async () => {
    const { port: host, sendPiece } = await startSlowServer();
    const scene = await start(createCluster([host], { responseTimeoutMs: 0 }));
    const request = httpRequest({ host: "127.0.0.1", port: scene.port, agent: false });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    let text = "";
    response.on("data", (piece: Buffer) => (text += String(piece)));
    const failed = once(response, "error");
    await until(() => text === "piece", "the first piece");
    await retire(scene, async () => {
      sendPiece();
      await until(() => text === "piecepiece", "a piece after the host was removed");
    });
    const [error] = (await failed) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
    assert.equal(metric(scene.proxy, CLOSES, "drain-deadline"), 1);
    await assertBalanced(scene.proxy);
  });

  test("an HTTP/2 stream is reset, another host's go on", async () => {
    const streams: ServerHttp2Stream[] = [];
    const startHost = (): Promise<number> => {
      const server = createHttp2Server();
      server.on("sessionError", () => {});
      server.on("stream", (stream: ServerHttp2Stream) => {
        stream.on("error", () => {});
        stream.respond({ ":status": 200 });
        stream.write("piece");
        streams.push(stream);
      });
      return listen(server);
    };
    const ports = [await startHost(), await startHost()];
    // Time passes faster here than the answer to a PING could come.
    const defaults = createCluster([]).pool;
    const pool = { ...defaults, heartbeat: { ...defaults.heartbeat, mode: "off" as const } };
    const scene = await start(createCluster(ports, { protocol: "http2", pool }));
    const client = startHttp2Client(scene.port);
    const requests = [client.request({ ":path": "/0" }), client.request({ ":path": "/1" })];
    const texts = ["", ""];
    const closed = [false, false];
    for (const [index, stream] of requests.entries()) {
      stream.on("error", () => {});
      stream.on("close", () => (closed[index] = true));
      stream.on("data", (piece: Buffer) => (texts[index] += String(piece)));
      await until(() => texts[index] === "piece", "the first piece");
    }
    const [cluster] = scene.world.clusters.value;
    assert.ok(cluster !== undefined);
    scene.world.clusters.set([{ ...cluster, hosts: cluster.hosts.slice(1) }]);
    await pass(scene.clock, POOL_DRAIN_MS_MAX + 60_000);
    await until(() => closed.includes(true), "one stream is reset");
    const [cut, kept] = closed[0] === true ? [0, 1] : [1, 0];
    assert.notEqual(requests[cut]?.rstCode, 0);
    for (const stream of streams) if (!stream.destroyed) stream.end("end");
    await until(() => closed[kept] === true, "the other ends");
    assert.equal(texts[kept], "pieceend");
    assert.equal(metric(scene.proxy, CLOSES, "drain-deadline"), 1);
    client.close();
    await assertBalanced(scene.proxy);
  });

  test("a request that has no answer yet is answered with the code, and not sent again", async () => {
    let seen = 0;
    const { port: host } = await startHttpServer((request, response) => {
      if (request.url === "/first") response.end("first");
      else seen++;
    });
    const { port: other } = await startHttpServer((_request, response) => response.end("other"));
    const scene = await start(createCluster([host]));
    const agent = { path: "/first" };
    assert.equal((await send(scene.port, agent)).body, "first");
    const answer = send(scene.port);
    await until(() => seen === 1, "the request has arrived");
    scene.world.clusters.set([createCluster([other])]);
    await pass(scene.clock, POOL_DRAIN_MS_MAX + 60_000);
    const { status, headers } = await answer;
    assert.equal(status, 504);
    assert.equal(headers["x-weft-error"], "UPSTREAM_DRAIN_DEADLINE");
    await assertBalanced(scene.proxy);
  });

  test("a WebSocket goes on until then, and is closed", async () => {
    const server = createServer();
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket) => {
      socket.on("message", (data) => socket.send(data));
      socket.on("error", () => {});
    });
    onEnd(() => sockets.close());
    const scene = await start(createCluster([await listen(server)]));
    const client = new WebSocket(`ws://127.0.0.1:${scene.port}/`);
    await once(client, "open");
    const closed = once(client, "close");
    await retire(scene, async () => {
      client.send("still here");
      const [reply] = (await once(client, "message")) as [Buffer];
      assert.equal(String(reply), "still here");
    });
    const [code] = (await closed) as [number];
    assert.equal(code, 1006);
    await assertBalanced(scene.proxy);
  });

  test("a TCP tunnel goes on until then, and both sides are reset", async () => {
    let isHostReset = false;
    const { port: host } = await startTcpServer((socket) => {
      socket.on("error", (error: NodeJS.ErrnoException) => (isHostReset = error.code === "ECONNRESET"));
      socket.pipe(socket);
    });
    const tcpRoutes = [{ name: "all", serverNames: [], backends: [{ cluster: "backend", weight: 1 }] }];
    const scene = await start(createCluster([host]), { protocol: "tcp", tcpRoutes });
    const client = connectRaw(scene.port);
    client.socket.write("one");
    await client.read(/one/);
    await retire(scene, async () => {
      client.socket.write("two");
      await client.read(/two/);
    });
    await client.end();
    await until(() => isHostReset, "the host's side is reset");
    assert.equal(metric(scene.proxy, "weft_downstream_connections_active"), 0);
    assert.equal(metric(scene.proxy, "weft_pool_connections_active"), 0);
    await assertBalanced(scene.proxy);
  });

  test("nothing is left behind by hosts that were idle", async () => {
    const { port: host } = await startHttpServer((_request, response) => response.end("hello"));
    const { proxy, port, world } = await start(createCluster([host]));
    assert.equal((await send(port)).status, 200);
    world.clusters.set([createCluster([])]);
    await until(() => metric(proxy, "weft_pool_connections_active") === 0, "the idle connection is closed");
    await assertBalanced(proxy);
    assert.equal(metric(proxy, CLOSES, "drain"), 1);
  });
});

describe("a request that is tried again after its cluster's configuration changed", () => {
  test("reaches hosts as the new configuration says, and so does whoever comes after it", async () => {
    const openings: string[] = [];
    const { port: host } = await startTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (bytes: Buffer) => {
        openings.push(String(bytes.subarray(0, 5)));
        if (openings.length === 1) socket.destroy();
        else socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
      });
    });
    const retry: Retry = {
      retriesMax: 1,
      on: ["reset"],
      statuses: [],
      grpcStatuses: [],
      backoffBaseMs: 1000,
      backoffMaxMs: 1000,
      perTryTimeoutMs: 0,
      retriesNonIdempotent: false,
    };
    const clock = new FakeClock();
    const rules = [createRule({ retry })];
    const { proxy, port, world } = await startProxy([createCluster([host])], rules, createListener(), { clock });
    const answer = send(port);
    await until(() => metric(proxy, "weft_cluster_retries_total") === 1, "the request waits for its second try");
    world.clusters.set([createCluster([host], { sendProxyProtocol: 1 })]);
    await pass(clock, 2000);
    assert.equal((await answer).status, 200);
    assert.equal((await send(port)).status, 200);
    assert.deepEqual(openings, ["GET /", "PROXY", "PROXY"]);
    await assertBalanced(proxy);
  });
});
