import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import type { RouteRule } from "@weft/contract";
import { createBackend, createCluster, createListener, createRule } from "@weft/testkit";
import { echo, findDeadPort, send, startHttpServer, startProxy, startTcpServer } from "./proxy.fixture.ts";

describe("Exchange", () => {
  test("forwards a request and its answer, and sets X-Forwarded-* anew at the edge", async () => {
    const { port: backend } = await startHttpServer(echo);
    const { port } = await startProxy([createCluster([backend])]);
    const reply = await send(port, { path: "/a?b=c", headers: { "x-forwarded-for": "6.6.6.6", "x-own": "1" } });
    const saw = JSON.parse(String(reply.headers["x-saw"])) as Record<string, string>;
    assert.equal(reply.status, 200);
    assert.equal(reply.body, "hello");
    assert.equal(reply.headers["x-url"], "/a?b=c");
    assert.equal(saw["x-forwarded-for"], "127.0.0.1");
    assert.equal(saw["x-forwarded-proto"], "http");
    assert.equal(saw["x-own"], "1");
    assert.equal(saw["host"], `127.0.0.1:${port}`);
  });

  test("believes no colour of a client, unless the listener keeps it, and sets that of its route", async () => {
    const { port: backend } = await startHttpServer(echo);
    const match = { path: null, method: "", headers: [], queryParams: [] };
    const [red, plain, matched] = [
      createRule({
        match: { ...match, path: { type: "exact", value: "/red" } },
        colour: { header: "x-weft-colour", value: "red" },
      }),
      createRule({ match }),
      createRule({
        match: { ...match, headers: [{ name: "x-weft-colour", type: "exact", value: "evil" }] },
        backends: [createBackend("missing")],
      }),
    ] as const;
    for (const [keepsColour, wanted] of [
      [false, { status: 200, colour: undefined }],
      [true, { status: 503, colour: "evil" }],
    ] as const) {
      const listener = createListener({ keepsColour });
      const headers = { "x-weft-colour": "evil" };
      const colourOf = (reply: Awaited<ReturnType<typeof send>>): unknown =>
        (JSON.parse(String(reply.headers["x-saw"])) as Record<string, string>)["x-weft-colour"];
      const routed = await startProxy([createCluster([backend])], [red, matched, plain], listener);
      assert.equal((await send(routed.port, { headers })).status, wanted.status);
      assert.equal(colourOf(await send(routed.port, { headers, path: "/red" })), "red");
      const unrouted = await startProxy([createCluster([backend])], [plain], listener);
      assert.equal(colourOf(await send(unrouted.port, { headers })), wanted.colour);
    }
  });

  test("streams a large body both ways unchanged", async () => {
    const { port: backend } = await startHttpServer((request, response) => request.pipe(response));
    const { port } = await startProxy([createCluster([backend])]);
    const body = Buffer.alloc(3_000_000, "0123456789");
    const reply = await send(port, { method: "POST", body });
    assert.equal(reply.body.length, body.length);
    assert.ok(Buffer.from(reply.body, "latin1").equals(body));
  });

  test("answers 404 with a code and without an echo where no route matches", async () => {
    const { port } = await startProxy([], [createRule({ hostnames: ["only.example"] })]);
    const reply = await send(port, { headers: { "x-secret": "s3cret" } });
    assert.equal(reply.status, 404);
    assert.equal(reply.headers["x-weft-error"], "ROUTER_NO_MATCH");
    assert.ok(!JSON.stringify(reply).includes("s3cret"));
  });

  test("tries the next host when one refuses connections, even for POST", async () => {
    const { port: backend } = await startHttpServer(echo);
    const dead = await findDeadPort();
    const { port } = await startProxy([createCluster([dead, backend])]);
    for (let index = 0; index < 4; index++) {
      const reply = await send(port, { method: "POST", body: "precious" });
      assert.equal(reply.status, 200);
      assert.equal(reply.body, "precious");
    }
  });

  test("answers 503 when no host can be reached, 503 for an unknown cluster, 500 without backend", async () => {
    const dead = await findDeadPort();
    const rule = (path: string, changes: Partial<RouteRule>): RouteRule =>
      createRule({
        match: { path: { type: "prefix", value: path }, method: "", headers: [], queryParams: [] },
        ...changes,
      });
    const { port } = await startProxy(
      [createCluster([dead])],
      [rule("/dead", {}), rule("/none", { backends: [createBackend("missing")] }), rule("/empty", { backends: [] })],
    );
    assert.equal((await send(port, { path: "/dead" })).headers["x-weft-error"], "UPSTREAM_CONNECT_FAILED");
    assert.equal((await send(port, { path: "/none" })).headers["x-weft-error"], "PROXY_CLUSTER_UNKNOWN");
    assert.equal((await send(port, { path: "/empty" })).status, 500);
  });

  test("answers 502 to a reset, to garbage and to an early end; 504 to silence", async () => {
    const answers = ["", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-le"];
    for (const answer of answers) {
      const { port: backend } = await startTcpServer((socket) => socket.once("data", () => socket.end(answer)));
      const { port } = await startProxy([createCluster([backend])]);
      const reply = await send(port);
      assert.equal(reply.status, 502, JSON.stringify(answer));
    }
    const { port: mute } = await startTcpServer(() => {});
    const { port } = await startProxy([createCluster([mute], { responseTimeoutMs: 50 })]);
    const reply = await send(port);
    assert.equal(reply.status, 504);
    assert.equal(reply.headers["x-weft-error"], "UPSTREAM_TIMEOUT");
  });

  test("cuts an answer visibly when the host breaks off in the body", async () => {
    const { port: backend } = await startTcpServer((socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")),
    );
    const { port } = await startProxy([createCluster([backend])]);
    const request = httpRequest({ host: "127.0.0.1", port, agent: false });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    await assert.rejects(once(response, "end"), /aborted/);
  });

  test("speaks HTTP/2 to a client and HTTP/1.1 to the host", async () => {
    const { port: backend } = await startHttpServer(echo);
    const { port } = await startProxy([createCluster([backend])]);
    const client = connectHttp2(`http://127.0.0.1:${port}`);
    const bodies = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const stream = client.request({ ":method": "POST", ":path": `/${index}` });
        stream.end(`body ${index}`);
        let body = "";
        stream.setEncoding("utf8");
        for await (const chunk of stream) body += chunk as string;
        return body;
      }),
    );
    client.close();
    assert.deepEqual(
      bodies,
      Array.from({ length: 20 }, (_, index) => `body ${index}`),
    );
  });

  test("tunnels a WebSocket upgrade", async () => {
    const { server, port: backend } = await startHttpServer(echo);
    server.on("upgrade", (_request: IncomingMessage, socket: Socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n");
      socket.pipe(socket);
    });
    const { port } = await startProxy([createCluster([backend])]);
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /up HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
    const [head] = (await once(socket, "data")) as [Buffer];
    assert.match(head.toString("latin1"), /^HTTP\/1\.1 101 /);
    socket.write("ping");
    const [reply] = (await once(socket, "data")) as [Buffer];
    assert.equal(reply.toString("latin1"), "ping");
    socket.destroy();
  });

  test("retries on the statuses that the route names, on another host", async () => {
    const { port: bad } = await startHttpServer((_request, response) => {
      response.statusCode = 503;
      response.end("no");
    });
    const { port: good } = await startHttpServer(echo);
    const retry: RouteRule["retry"] = {
      retriesMax: 2,
      on: ["5xx"],
      statuses: [],
      grpcStatuses: [],
      backoffBaseMs: 1,
      backoffMaxMs: 2,
      perTryTimeoutMs: 0,
      retriesNonIdempotent: false,
    };
    const { port, proxy } = await startProxy([createCluster([bad, good])], [createRule({ retry })]);
    for (let index = 0; index < 4; index++) assert.equal((await send(port)).status, 200);
    assert.ok(JSON.stringify(proxy.metrics()).includes("weft_cluster_retries_total"));
  });

  test("refuses with a code what the circuit breaker has no place for", async () => {
    const { port: mute } = await startTcpServer(() => {});
    const breaker = { connectionsMax: 10, pendingMax: 10, requestsMax: 1, retriesMax: 1, retryBudget: 0 };
    const { port } = await startProxy([createCluster([mute], { breaker, responseTimeoutMs: 300 })]);
    const [first, second] = await Promise.all([send(port), send(port)]);
    const codes = [first.headers["x-weft-error"], second.headers["x-weft-error"]]
      .map(String)
      .sort((a, b) => a.localeCompare(b));
    assert.deepEqual(codes, ["CLUSTER_REQUESTS_FULL", "UPSTREAM_TIMEOUT"]);
    assert.equal((await send(port)).headers["x-weft-error"], "UPSTREAM_TIMEOUT");
  });

  test("stops a request that runs in a circle", async () => {
    const { port, world } = await startProxy([createCluster([1])], undefined, createListener({ isEdge: false }));
    world.clusters.set([createCluster([port])]);
    const reply = await send(port);
    assert.equal(reply.status, 508);
  });

  test("answers 413 to a body beyond the listener's limit, announced or not", async () => {
    const { port: backend } = await startHttpServer(echo);
    const { port } = await startProxy([createCluster([backend])], undefined, createListener({ bodyBytesMax: 1000 }));
    assert.equal((await send(port, { method: "POST", body: Buffer.alloc(1001) })).status, 413);
    assert.equal((await send(port, { method: "POST", body: Buffer.alloc(1000) })).status, 200);
    const client = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = client.request({ ":method": "POST", ":path": "/" });
    stream.write(Buffer.alloc(2000));
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    assert.equal(headers[":status"], 413);
    client.destroy();
  });

  test("answers a drain with Connection: close and resolves when nothing is open", async () => {
    const { port: backend } = await startHttpServer(echo);
    const { port, proxy } = await startProxy([createCluster([backend])]);
    assert.equal((await send(port)).status, 200);
    assert.equal(await proxy.drain(), "drained");
    await assert.rejects(send(port), /ECONNREFUSED/);
  });
});
