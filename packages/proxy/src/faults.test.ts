import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import type { ClusterConfig, Retry } from "@weft/contract";
import { createCluster, createRule } from "@weft/testkit";
import {
  assertBalanced,
  connectRaw,
  findDeadPort,
  listen,
  metric,
  send,
  sendHttp2,
  startHttp2Client,
  startHttpServer,
  startProxy,
  startTcpServer,
} from "./proxy.fixture.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** The books must balance after every scenario, whichever protocol the client spoke. */
async function expectError(cluster: ClusterConfig, status: number, code: string, method = "GET"): Promise<void> {
  const { proxy, port } = await startProxy([cluster]);
  const body = method === "POST" ? "precious" : "";
  const client = startHttp2Client(port);
  for (const reply of [await send(port, { method, body }), await sendHttp2(client, { method, body })]) {
    assert.equal(reply.status, status, reply.body);
    assert.equal(reply.headers["x-weft-error"], code);
  }
  client.close();
  await assertBalanced(proxy);
  assert.equal(metric(proxy, "weft_cluster_requests_active"), 0);
}

async function startHttp2Server(onServer: (server: Http2Server) => void): Promise<number> {
  const server = createHttp2Server();
  server.on("sessionError", () => {});
  onServer(server);
  return listen(server);
}

const RETRY: Retry = {
  retriesMax: 2,
  on: ["reset", "connect-failure", "timeout"],
  statuses: [],
  grpcStatuses: [],
  backoffBaseMs: 1,
  backoffMaxMs: 2,
  perTryTimeoutMs: 0,
  retriesNonIdempotent: false,
};

describe("a host that fails before it answers", () => {
  test("refused connections are 503", async () => {
    await expectError(createCluster([await findDeadPort()]), 503, "UPSTREAM_CONNECT_FAILED");
    await expectError(createCluster([await findDeadPort()], { protocol: "http2" }), 503, "UPSTREAM_CONNECT_FAILED");
  });

  test("a reset after the request is 502", async () => {
    const { port } = await startTcpServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    await expectError(createCluster([port]), 502, "UPSTREAM_RESET", "POST");
    await expectError(createCluster([port], { protocol: "http2" }), 502, "UPSTREAM_RESET", "POST");
  });

  test("a half-close without an answer is 502", async () => {
    const { port } = await startTcpServer((socket) => socket.once("data", () => socket.end()));
    await expectError(createCluster([port]), 502, "UPSTREAM_RESET", "POST");
  });

  test("garbage is 502 and none of it reaches the client", async () => {
    const { port } = await startTcpServer((socket) => socket.once("data", () => socket.end("SSH-2.0-secret\r\n\r\n")));
    await expectError(createCluster([port]), 502, "UPSTREAM_PROTOCOL_ERROR");
    await expectError(createCluster([port], { protocol: "http2" }), 502, "UPSTREAM_PROTOCOL_ERROR");
  });

  test("silence is 504 after the response timeout", async () => {
    const { port } = await startTcpServer((socket) => socket.resume());
    await expectError(createCluster([port], { responseTimeoutMs: 30 }), 504, "UPSTREAM_TIMEOUT");
    await expectError(createCluster([port], { responseTimeoutMs: 30, protocol: "http2" }), 504, "UPSTREAM_TIMEOUT");
  });

  test("a connection that does not come up in time is 503", async () => {
    // An address that routers drop: nothing answers, nothing refuses.
    const cluster = createCluster([1]);
    const hosts = cluster.hosts.map((host) => ({ ...host, address: "192.0.2.1" }));
    const pool = { ...cluster.pool, connectTimeoutMs: 40 };
    const { proxy, port } = await startProxy([{ ...cluster, hosts, pool }]);
    const reply = await send(port);
    assert.equal(reply.status, 503);
    await assertBalanced(proxy);
  });
});

describe("a host that fails while it answers", () => {
  for (const [name, head] of [
    ["announced", "content-length: 10\r\n"],
    ["chunked", "transfer-encoding: chunked\r\n"],
  ] as const) {
    test(`an answer with a body of ${name} length is cut visibly in both protocols`, async () => {
      const body = name === "chunked" ? "5\r\n12345\r\n" : "12345";
      const { port: host } = await startTcpServer((socket) =>
        socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n${body}`)),
      );
      const { proxy, port } = await startProxy([createCluster([host])]);
      await assert.rejects(send(port), /aborted|ECONNRESET/);
      await assert.rejects(sendHttp2(startHttp2Client(port)), /NGHTTP2|aborted|closed/);
      await assertBalanced(proxy);
    });
  }

  test("a cut answer is a reset for an HTTP/1.0 client, which knows no other sign", async () => {
    const { port: host } = await startTcpServer((socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n")),
    );
    const { proxy, port } = await startProxy([createCluster([host])]);
    const client = connectRaw(port);
    client.socket.write("GET / HTTP/1.0\r\nhost: x\r\n\r\n");
    const [error] = (await once(client.socket, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
    await assertBalanced(proxy);
  });

  test("pieces that keep coming outlast the response timeout; a pause longer than it does not", async () => {
    const held: Socket[] = [];
    const { port: host } = await startTcpServer((socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n");
        let sent = 0;
        const timer = setInterval(() => {
          if (sent < 5) socket.write(String(sent++));
          else {
            clearInterval(timer);
            held.push(socket);
          }
        }, 30);
      });
    });
    const { proxy, port } = await startProxy([createCluster([host], { responseTimeoutMs: 90 })]);
    const client = connectRaw(port);
    client.socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert.match(await client.end(), /\r\n\r\n01234$/);
    assert.equal(held.length, 1, "the host had not given up");
    await assertBalanced(proxy);
  });

  test("one byte at a time arrives whole", async () => {
    const { port: host } = await startTcpServer((socket) => {
      socket.setNoDelay(true);
      socket.once("data", () => {
        let at = 0;
        const next = (): void => {
          socket.write(OK.charAt(at++));
          if (at < OK.length) setImmediate(next);
        };
        next();
      });
    });
    const { proxy, port } = await startProxy([createCluster([host])]);
    assert.equal((await send(port)).body, "ok");
    await assertBalanced(proxy);
  });

  test("perTryTimeoutMs covers the whole answer", async () => {
    const { port: host } = await startTcpServer((socket) =>
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")),
    );
    const rule = createRule({ retry: { ...RETRY, retriesMax: 0, perTryTimeoutMs: 40 } });
    const { proxy, port } = await startProxy([createCluster([host])], [rule]);
    await assert.rejects(send(port), /aborted|ECONNRESET/);
    await assertBalanced(proxy);
  });

  test("an answer before the request's end reaches the client, and the rest goes nowhere", async () => {
    const { port: host } = await startTcpServer((socket) =>
      socket.once("data", () =>
        socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"),
      ),
    );
    const { proxy, port } = await startProxy([createCluster([host])]);
    const request = httpRequest({ host: "127.0.0.1", port, method: "POST", agent: false });
    request.on("error", () => {});
    request.write("a beginning");
    const [response] = (await once(request, "response")) as [IncomingMessage];
    assert.equal(response.statusCode, 403);
    response.resume();
    await once(response, "end");
    request.destroy();
    await assertBalanced(proxy);
  });
});

describe("a connection that is lost at the moment of reuse", () => {
  /** Answers the first request of a connection and closes it when the second comes, unanswered. */
  async function startForgetfulServer(seen: string[]): Promise<number> {
    const { port } = await startTcpServer((socket) => {
      socket.once("data", (first: Buffer) => {
        seen.push(first.toString("latin1").slice(0, 4).trim());
        socket.write(OK);
        socket.once("data", (second: Buffer) => {
          seen.push(second.toString("latin1").slice(0, 4).trim());
          socket.destroy();
        });
      });
    });
    return port;
  }

  test("GET is sent again", async () => {
    const seen: string[] = [];
    const { proxy, port } = await startProxy([createCluster([await startForgetfulServer(seen)])]);
    assert.equal((await send(port)).body, "ok");
    const reply = await send(port);
    assert.equal(reply.status, 200);
    assert.deepEqual(seen, ["GET", "GET", "GET"]);
    await assertBalanced(proxy);
  });

  test("POST is not sent twice", async () => {
    const seen: string[] = [];
    const { proxy, port } = await startProxy([createCluster([await startForgetfulServer(seen)])]);
    assert.equal((await send(port)).body, "ok");
    const reply = await send(port, { method: "POST", body: "precious" });
    assert.equal(reply.status, 502);
    assert.deepEqual(seen, ["GET", "POST"]);
    await assertBalanced(proxy);
  });

  test("a request counts as one success when its second try is answered", async () => {
    const seen: string[] = [];
    const { proxy, port } = await startProxy([createCluster([await startForgetfulServer(seen)])]);
    await send(port);
    await send(port);
    assert.equal(metric(proxy, "weft_cluster_requests_total", "success"), 2);
    assert.equal(metric(proxy, "weft_cluster_requests_total", "reset"), 1);
  });
});

describe("retries", () => {
  test("stay within the budget of the cluster when all hosts fail", async () => {
    let tries = 0;
    const { port: host } = await startTcpServer((socket) =>
      socket.on("data", () => {
        tries++;
        socket.resetAndDestroy();
      }),
    );
    const breaker = { connectionsMax: 1000, pendingMax: 1000, requestsMax: 1000, retriesMax: 2, retryBudget: 0 };
    const rule = createRule({ retry: { ...RETRY, retriesMax: 10 } });
    const { proxy, port } = await startProxy([createCluster([host], { breaker })], [rule]);
    const replies = await Promise.all(Array.from({ length: 20 }, () => send(port)));
    assert.ok(replies.every((reply) => reply.status === 502));
    assert.ok(tries <= 20 + 2 * 10, `${tries} tries of 20 requests`);
    assert.ok(metric(proxy, "weft_cluster_breaker_trips_total", "retries") > 0);
    await assertBalanced(proxy);
  });

  test("a body that was kept is sent whole again, chunk for chunk and with its end", async () => {
    const bodies: string[] = [];
    const { port: bad } = await startTcpServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const { port: good } = await startHttpServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        bodies.push(body);
        response.end("ok");
      });
    });
    const rule = createRule({ retry: { ...RETRY, retriesNonIdempotent: true } });
    const { proxy, port } = await startProxy([createCluster([bad, good])], [rule]);
    for (let index = 0; index < 4; index++) {
      const reply = await send(port, {
        method: "POST",
        headers: { "transfer-encoding": "chunked" },
        body: "a".repeat(9000),
      });
      assert.equal(reply.status, 200);
    }
    assert.deepEqual(new Set(bodies.map((body) => body.length)), new Set([9000]));
    await assertBalanced(proxy);
  });

  test("a body larger than what is kept is tried once", async () => {
    let tries = 0;
    const { port: host } = await startTcpServer((socket) => {
      let received = 0;
      socket.on("data", (chunk: Buffer) => {
        received += chunk.length;
        if (received < 150_000) return;
        tries++;
        socket.resetAndDestroy();
      });
    });
    const rule = createRule({ retry: { ...RETRY, retriesNonIdempotent: true } });
    const { proxy, port } = await startProxy([createCluster([host])], [rule]);
    assert.equal((await send(port, { method: "PUT", body: Buffer.alloc(160_000) })).status, 502);
    assert.equal(tries, 1);
    await assertBalanced(proxy);
  });

  test("the queue's patience ends with 503", async () => {
    const { port: mute } = await startTcpServer((socket) => socket.resume());
    const cluster = createCluster([mute]);
    const breaker = { ...cluster.breaker, connectionsMax: 1 };
    const pool = { ...cluster.pool, queueTimeoutMs: 30 };
    const { proxy, port } = await startProxy([{ ...cluster, breaker, pool, responseTimeoutMs: 200 }]);
    const [first, second] = await Promise.all([send(port), send(port)]);
    assert.equal(first.status + second.status, 503 + 504);
    assert.equal(metric(proxy, "weft_pool_queue_timeouts_total"), 1);
    await assertBalanced(proxy);
  });
});

describe("an HTTP/2 host", () => {
  test("requests that GOAWAY names as unprocessed go elsewhere, even POST", async () => {
    // SETTINGS, then GOAWAY with last stream 0 as soon as a request comes.
    const { port: leaving } = await startTcpServer((socket) => {
      socket.write(Buffer.from("000000040000000000", "hex"));
      socket.on("data", (bytes: Buffer) => {
        if (bytes.includes("precious")) socket.end(Buffer.from("0000080700000000000000000000000000", "hex"));
      });
    });
    const staying = await startHttp2Server((server) => {
      server.on("stream", (stream: ServerHttp2Stream) => {
        stream.respond({ ":status": 200 });
        stream.pipe(stream);
      });
    });
    const { proxy, port } = await startProxy([createCluster([leaving, staying], { protocol: "http2" })]);
    for (let index = 0; index < 4; index++) {
      const reply = await send(port, { method: "POST", body: "precious" });
      assert.equal(reply.status, 200, JSON.stringify(reply));
      assert.equal(reply.body, "precious");
    }
    await assertBalanced(proxy);
  });

  test("streams that GOAWAY leaves alone finish, and new requests do not wait for them", async () => {
    let release = (): void => {};
    let isFirst = true;
    const host = await startHttp2Server((server) => {
      server.on("stream", (stream: ServerHttp2Stream) => {
        stream.respond({ ":status": 200 });
        if (!isFirst) return stream.end("second");
        isFirst = false;
        stream.write("begun ");
        (stream.session as ServerHttp2Session).goaway(0, 2 ** 31 - 1);
        release = () => stream.end("finished");
      });
    });
    const cluster = createCluster([host], { protocol: "http2" });
    const { proxy, port } = await startProxy([{ ...cluster, pool: { ...cluster.pool, http2ConnectionsMax: 1 } }]);
    const request = httpRequest({ host: "127.0.0.1", port, agent: false });
    request.end();
    const [first] = (await once(request, "response")) as [IncomingMessage];
    assert.equal((await send(port)).body, "second");
    release();
    let body = "";
    for await (const chunk of first) body += String(chunk);
    assert.equal(body, "begun finished");
    await assertBalanced(proxy);
  });

  test("REFUSED_STREAM is tried again without any policy", async () => {
    let refusals = 0;
    const host = await startHttp2Server((server) => {
      server.on("stream", (stream: ServerHttp2Stream) => {
        stream.on("error", () => {});
        if (refusals++ < 2) return stream.close(7);
        stream.respond({ ":status": 200 });
        stream.end("ok");
      });
    });
    const { proxy, port } = await startProxy([createCluster([host], { protocol: "http2" })]);
    assert.equal((await send(port, { method: "POST", body: "x" })).status, 200);
    refusals = -10;
    const reply = await send(port, { method: "POST", body: "x" });
    assert.equal(reply.headers["x-weft-error"], "UPSTREAM_OVERLOADED");
    await assertBalanced(proxy);
  });

  test("a stream that is reset with another code is 502", async () => {
    const host = await startHttp2Server((server) => {
      server.on("stream", (stream: ServerHttp2Stream) => {
        stream.on("error", () => {});
        stream.close(2);
      });
    });
    await expectError(createCluster([host], { protocol: "http2" }), 502, "UPSTREAM_RESET", "POST");
  });

  test("no more streams than http2StreamsMax are open on one connection, and nobody waits for ever", async () => {
    const open = new Map<object, number>();
    let most = 0;
    const host = await startHttp2Server((server) => {
      server.on("stream", (stream: ServerHttp2Stream) => {
        const session = stream.session as ServerHttp2Session;
        open.set(session, (open.get(session) ?? 0) + 1);
        most = Math.max(most, ...open.values());
        setImmediate(() => {
          open.set(session, (open.get(session) ?? 0) - 1);
          stream.respond({ ":status": 200 });
          stream.end("ok");
        });
      });
    });
    const cluster = createCluster([host], { protocol: "http2" });
    const pool = { ...cluster.pool, http2StreamsMax: 3, http2ConnectionsMax: 2 };
    const { proxy, port } = await startProxy([{ ...cluster, pool }]);
    const client = startHttp2Client(port);
    const replies = await Promise.all(Array.from({ length: 60 }, () => sendHttp2(client)));
    assert.ok(replies.every((reply) => reply.body === "ok"));
    assert.ok(most <= 3, `${most} streams at once`);
    assert.ok(open.size <= 2, `${open.size} connections`);
    await assertBalanced(proxy);
  });
});
