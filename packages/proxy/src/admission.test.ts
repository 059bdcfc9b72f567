import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ListenerConfig, RouteRule } from "@weft/contract";
import { createCluster, createListener, createRule } from "@weft/testkit";
import {
  assertBalanced,
  connectRaw,
  echo,
  metric,
  type ProxyFixture,
  send,
  sendHttp2,
  startHttp2Client,
  startHttpServer,
  startProxy,
} from "./proxy.fixture.ts";

const METHODS = "CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

async function startEcho(listener: Partial<ListenerConfig> = {}, rule: Partial<RouteRule> = {}): Promise<ProxyFixture> {
  const { port } = await startHttpServer(echo);
  return startProxy([createCluster([port])], [createRule(rule)], createListener(listener));
}

const pathOf = (value: string, method: string = ""): RouteRule["match"] => ({
  path: { type: "prefix", value },
  method,
  headers: [],
  queryParams: [],
});

/** Method, target and fields of a request, and the first line and head of its answer. */
async function exchange(port: number, line: string, fields: string = ""): Promise<string> {
  const client = connectRaw(port);
  client.socket.write(`${line} HTTP/1.1\r\nhost: a.example\r\n${fields}connection: close\r\n\r\n`);
  return client.end();
}

describe("OPTIONS *", () => {
  test("is answered by the proxy where no route wants it", async () => {
    const { port, proxy } = await startEcho({}, { match: pathOf("/only") });
    for (const line of ["OPTIONS *", "OPTIONS http://a.example"]) {
      const answer = await exchange(port, line);
      assert.match(answer, /^HTTP\/1\.1 200 /, line);
      assert.ok(answer.includes(`\r\nallow: ${METHODS}\r\n`), answer);
      assert.match(answer, /\r\ncontent-length: 0\r\n/);
      assert.match(answer, /\r\ndate: /);
    }
    const reply = await sendHttp2(startHttp2Client(port), { method: "OPTIONS", path: "*" });
    assert.deepEqual([reply.status, reply.headers["allow"]], [200, METHODS]);
    assert.match(await exchange(port, "OPTIONS /other"), /^HTTP\/1\.1 404 /);
    assert.equal(metric(proxy, "weft_router_no_match_total"), 1, "it is no request without a route");
    await assertBalanced(proxy);
  });

  test("goes where a route for everything says", async () => {
    const { port } = await startEcho();
    assert.match(await exchange(port, "OPTIONS *"), /^HTTP\/1\.1 200 [^]*\r\nx-url: \*\r\n/i);
  });
});

describe("Max-Forwards", () => {
  test("of 0 ends here, and else is one less at the host, for OPTIONS and TRACE alone", async () => {
    const { port } = await startEcho({ isEdge: false, underscores: "allow" });
    assert.ok((await exchange(port, "OPTIONS /a", "max-forwards: 0\r\n")).includes(`allow: ${METHODS}`));
    assert.match(await exchange(port, "TRACE /a", "max-forwards: 0\r\n"), /^HTTP\/1\.1 405 /);
    for (const [line, sent, seen] of [
      ["OPTIONS /a", "3", "2"],
      ["TRACE /a", "1", "0"],
      ["OPTIONS /a", "many", "many"],
      ["GET /a", "0", "0"],
      ["GET /a", "3", "3"],
    ] as const) {
      const answer = await exchange(port, line, `max-forwards: ${sent}\r\n`);
      assert.ok(answer.includes(`"max-forwards":"${seen}"`), `${line} ${answer}`);
    }
  });
});

describe("TRACE", () => {
  test("goes no further than the edge, with the methods that do", async () => {
    const { port, proxy } = await startEcho();
    const answer = await exchange(port, "TRACE /a", "cookie: s3cret\r\n");
    assert.match(answer, /^HTTP\/1\.1 405 [^]*x-weft-error: PROXY_METHOD_REFUSED\r\n/);
    assert.ok(answer.includes(`\r\nallow: ${METHODS}\r\n`), answer);
    assert.ok(!answer.includes("s3cret"));
    assert.equal((await sendHttp2(startHttp2Client(port), { method: "TRACE" })).status, 405);
    assert.equal(metric(proxy, "weft_downstream_protocol_errors_total", "PROXY_METHOD_REFUSED"), 2);
    assert.equal(metric(proxy, "weft_upstream_requests_total"), 0);
    await assertBalanced(proxy);
  });

  test("is forwarded by a route that names it, and inside the mesh", async () => {
    const named = await startEcho({}, { match: pathOf("/", "TRACE") });
    assert.match(await exchange(named.port, "TRACE /a"), /^HTTP\/1\.1 200 /);
    const inside = await startEcho({ isEdge: false });
    assert.match(await exchange(inside.port, "TRACE /a"), /^HTTP\/1\.1 200 /);
  });
});

describe("underscores in field names", () => {
  test("are refused, left out or passed on as the listener says, wherever it is", async () => {
    for (const isEdge of [true, false]) {
      for (const underscores of ["reject", "drop", "allow"] as const) {
        const { port } = await startEcho({ isEdge, underscores });
        const headers = { x_user: "admin", "x-user": "guest" };
        for (const reply of [await send(port, { headers }), await sendHttp2(startHttp2Client(port), { headers })]) {
          assert.equal(reply.status, underscores === "reject" ? 400 : 200, underscores);
          if (underscores === "reject") {
            assert.match(String(reply.headers["x-weft-error"]), /^HTTP[12]_UNDERSCORE_IN_FIELD_NAME$/);
            continue;
          }
          const saw = JSON.parse(String(reply.headers["x-saw"])) as Record<string, string>;
          assert.equal(saw["x-user"], "guest");
          assert.equal(saw["x_user"], underscores === "allow" ? "admin" : undefined);
        }
      }
    }
  });
});
