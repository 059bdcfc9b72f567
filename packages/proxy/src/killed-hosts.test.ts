import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import type { Retry, RouteRule } from "@weft/contract";
import { createCluster, createRule } from "@weft/testkit";
import {
  assertBalanced,
  connectRaw,
  listen,
  metric,
  send,
  sendHttp2,
  startHttp2Client,
  startHttpServer,
  startProxy,
  startTcpServer,
  until,
} from "./proxy.fixture.ts";

const TRIPS = "weft_cluster_breaker_trips_total";

const RETRY: Retry = {
  retriesMax: 3,
  on: ["connect-failure", "reset", "gateway-error", "grpc-status"],
  statuses: [],
  grpcStatuses: [14],
  backoffBaseMs: 1,
  backoffMaxMs: 10,
  perTryTimeoutMs: 0,
  retriesNonIdempotent: true,
};

function retrying(changes: Partial<Retry> = {}): RouteRule[] {
  return [createRule({ retry: { ...RETRY, ...changes } })];
}

/** Answers requests that come while `isHolding` never; `kill` ends it as the death of its process would. */
async function startMortalServer(): Promise<{ port: number; held: () => number; hold: () => void; kill: () => void }> {
  let isHolding = false;
  let held = 0;
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => {
    if (isHolding) held++;
    else response.end("mortal");
  });
  server.on("connection", (socket: Socket) => sockets.add(socket));
  const port = await listen(server);
  return {
    port,
    held: () => held,
    hold: () => (isHolding = true),
    kill: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A gRPC server that says UNAVAILABLE or OK to everything, in a lone head or after a message. */
async function startGrpcServer(status: number, hasMessage: boolean): Promise<{ port: number; calls: () => number }> {
  let calls = 0;
  const server = createHttp2Server();
  server.on("sessionError", () => {});
  server.on("stream", (stream: ServerHttp2Stream) => {
    calls++;
    stream.on("error", () => {});
    stream.resume();
    const fields = { ":status": 200, "content-type": "application/grpc" };
    if (!hasMessage) return stream.respond({ ...fields, "grpc-status": `${status}` }, { endStream: true });
    stream.respond(fields, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": `${status}` }));
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
  });
  return { port: await listen(server), calls: () => calls };
}

describe("a host that dies under load", () => {
  test("takes no request with it, though all that are in flight are open on it", async () => {
    const mortal = await startMortalServer();
    const { port: other } = await startHttpServer((_request, response) => response.end("other"));
    const breaker = { connectionsMax: 1000, pendingMax: 1000, requestsMax: 1000, retriesMax: 100, retryBudget: 0.2 };
    const { proxy, port, world } = await startProxy([createCluster([mortal.port], { breaker })], retrying());
    for (let count = 0; count < 100; count++) assert.equal((await send(port)).body, "mortal");
    mortal.hold();
    const replies = Array.from({ length: 20 }, () => send(port, { method: "POST", body: "precious" }));
    await until(() => mortal.held() === 20, "all are open on the one host");
    world.clusters.set([createCluster([mortal.port, other], { breaker })]);
    mortal.kill();
    for (const reply of await Promise.all(replies)) assert.deepEqual([reply.status, reply.body], [200, "other"]);
    assert.equal(metric(proxy, TRIPS), 0);
    await assertBalanced(proxy);
  });

  test("a request that is sent to a connection that is dead already is sent again, even POST", async () => {
    let last: Socket | null = null;
    let seen = 0;
    const server = createServer((request, response) => {
      last = request.socket;
      seen++;
      request.resume();
      request.on("end", () => response.end("ok"));
    });
    const { proxy, port } = await startProxy([createCluster([await listen(server)])]);
    const reset = (socket: Socket | null): void => void socket?.resetAndDestroy();
    const client = connectRaw(port);
    const post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\nprecious";
    for (let turn = 0; turn < 20; turn++) {
      // In one turn, so that the proxy learns of both at once: the request, and the end of the connection for it.
      client.socket.write(post);
      reset(last);
      await until(() => client.text().split("HTTP/1.1 ").length === turn + 2, `answer ${turn}`);
    }
    assert.deepEqual(client.text().match(/HTTP\/1\.1 \d+/g), new Array(20).fill("HTTP/1.1 200"));
    assert.equal(seen, 20);
    client.socket.destroy();
    await assertBalanced(proxy);
  });
});

describe("a gRPC host that fails behind status 200", () => {
  for (const hasMessage of [false, true]) {
    test(`is ejected as one that answers 503, its status ${hasMessage ? "in trailers" : "in a lone head"}`, async () => {
      const bad = await startGrpcServer(14, hasMessage);
      const good = await startGrpcServer(0, hasMessage);
      const outlier = {
        consecutiveErrors: 3,
        intervalMs: 10_000,
        successRateStdevFactor: 0,
        latencyFactor: 0,
        requestsMin: 100,
        baseEjectionMs: 60_000,
        maxEjectionMs: 60_000,
        maxEjectedShare: 0.5,
      };
      const cluster = createCluster([bad.port, good.port], { protocol: "http2", outlier });
      const { proxy, port } = await startProxy([cluster]);
      const client = startHttp2Client(port);
      const headers = { "content-type": "application/grpc", te: "trailers" };
      for (let count = 0; count < 20; count++) {
        await sendHttp2(client, { method: "POST", path: "/a.B/C", headers, body: Buffer.alloc(5) });
      }
      assert.equal(bad.calls(), 3);
      assert.equal(good.calls(), 17);
      assert.equal(metric(proxy, "weft_cluster_ejections_total", "consecutive-errors"), 1);
      assert.equal(metric(proxy, "weft_upstream_requests_total", "failure"), 3);
      assert.equal(metric(proxy, "weft_cluster_requests_total", "failure"), 3);
      assert.equal(metric(proxy, "weft_cluster_requests_total", "success"), 17);
      client.close();
    });
  }
});

describe("a retry's place in the circuit breaker", () => {
  test("is free again when the answer begins, however long its body takes", async () => {
    const { port: bad } = await startTcpServer((socket) => socket.on("data", () => socket.destroy()));
    const { port: slow } = await startHttpServer((_request, response) => void response.write("begun"));
    const breaker = { connectionsMax: 1000, pendingMax: 1000, requestsMax: 1000, retriesMax: 1, retryBudget: 0 };
    const cluster = createCluster([bad, slow], { breaker });
    const { proxy, port } = await startProxy([cluster], retrying());
    const requests = [];
    for (let count = 0; count < 6; count++) {
      const request = httpRequest({ host: "127.0.0.1", port, agent: false });
      request.end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      assert.equal(response.statusCode, 200, `request ${count}`);
      response.on("error", () => {});
      requests.push(request);
    }
    assert.ok(metric(proxy, "weft_cluster_retries_total") >= 3);
    assert.equal(metric(proxy, TRIPS), 0);
    for (const request of requests) request.destroy();
    await assertBalanced(proxy);
  });
});
