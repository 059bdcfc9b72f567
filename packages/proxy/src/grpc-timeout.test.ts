import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http2";
import { describe, test } from "node:test";
import { type Fields, fieldValue, RequestHead, type RouteRule } from "@weft/contract";
import { createCluster, createRule } from "@weft/testkit";
import { grpcTimeoutMs, withGrpcTimeout } from "./grpc-timeout.ts";
import { assertBalanced, listen, type Reply, sendHttp2, startHttp2Client, startProxy } from "./proxy.fixture.ts";

function timeoutOf(text: string): number {
  return grpcTimeoutMs(["grpc-timeout", text]);
}

describe("grpcTimeoutMs()", () => {
  test("reads every unit", () => {
    assert.deepEqual(
      ["2H", "3M", "4S", "5m", "6000u", "7000000n", "00000001S"].map(timeoutOf),
      [7_200_000, 180_000, 4000, 5, 6, 7, 1000],
    );
    assert.equal(grpcTimeoutMs([]), 0);
  });

  test("takes a deadline that has passed for one that is near, and a far one for a year", () => {
    assert.deepEqual(["0m", "1n", "999u"].map(timeoutOf), [1, 1, 1]);
    assert.equal(timeoutOf("99999999H"), 31_536_000_000);
  });

  test("takes what it cannot read for none", () => {
    for (const text of ["", "5", "m", "-5m", "5s", "5 m", "1e3m", "123456789m", "5mm", "0x5m"]) {
      assert.equal(timeoutOf(text), 0, text);
    }
  });
});

describe("withGrpcTimeout()", () => {
  const headOf = (fields: Fields): RequestHead => new RequestHead("POST", "http", "a", "/", fields, -1);

  test("says what is left, rounded down, in eight digits", () => {
    const head = headOf(["x-a", "1", "grpc-timeout", "99999999S", "x-b", "2"]);
    const left = (ms: number): string | undefined => fieldValue(withGrpcTimeout(head, ms).fields, "grpc-timeout");
    assert.deepEqual([150.9, 0.4, -7, 99_999_999, 100_000_000].map(left), ["150m", "1m", "1m", "99999999m", "100000S"]);
    assert.deepEqual(withGrpcTimeout(head, 5).fields, ["x-a", "1", "grpc-timeout", "5m", "x-b", "2"]);
  });

  test("keeps the head while all time is left, and one that a route took the field from", () => {
    const head = headOf(["grpc-timeout", "200m"]);
    assert.equal(withGrpcTimeout(head, 200), head);
    assert.equal(withGrpcTimeout(head, 199.5), head);
    assert.notEqual(withGrpcTimeout(head, 199), head);
    const bare = headOf(["x-a", "1"]);
    assert.equal(withGrpcTimeout(bare, 5), bare);
  });
});

describe("a call of gRPC with a deadline", () => {
  /** Calls a host that never answers; `seen` has what the host was told. */
  async function callMute(
    rule: Partial<RouteRule>,
    timeout: string,
    headers: Record<string, string> = { "content-type": "application/grpc" },
  ): Promise<{ reply: Reply; seen: readonly IncomingHttpHeaders[] }> {
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer();
    server.on("sessionError", () => {});
    server.on("stream", (stream, head) => {
      seen.push(head);
      stream.on("error", () => {});
    });
    const { proxy, port } = await startProxy(
      [createCluster([await listen(server)], { protocol: "http2" })],
      [createRule(rule)],
    );
    const client = startHttp2Client(port);
    const options = { method: "POST", headers: { ...headers, "grpc-timeout": timeout } };
    const reply = await sendHttp2(client, options);
    client.destroy();
    await assertBalanced(proxy);
    return { reply, seen };
  }

  const RETRY = {
    retriesMax: 12,
    on: ["timeout"],
    statuses: [],
    grpcStatuses: [],
    backoffBaseMs: 0,
    backoffMaxMs: 0,
    perTryTimeoutMs: 60,
    retriesNonIdempotent: true,
  } as const;

  test("ends with DEADLINE_EXCEEDED when it has passed", async () => {
    for (const timeoutMs of [0, 60_000]) {
      const { reply, seen } = await callMute({ timeoutMs }, "80m");
      assert.equal(reply.status, 200);
      assert.equal(reply.headers["grpc-status"], "4");
      assert.equal(reply.headers["x-weft-error"], "PROXY_TIMEOUT");
      assert.match(String(seen[0]?.["grpc-timeout"]), /^(?:80|[0-7]?[0-9])m$/);
    }
  });

  test("ends when the route's time is up where that is shorter, which the host is told", async () => {
    const { reply, seen } = await callMute({ timeoutMs: 50 }, "1H");
    assert.equal(reply.headers["grpc-status"], "4");
    assert.equal(reply.headers["x-weft-error"], "PROXY_TIMEOUT");
    assert.match(String(seen[0]?.["grpc-timeout"]), /^[1-4]?[0-9]m$|^50m$/);
  });

  test("is not outlived by its tries, and each host is told what is left", async () => {
    const { reply, seen } = await callMute({ retry: RETRY }, "600m");
    assert.equal(reply.headers["x-weft-error"], "PROXY_TIMEOUT");
    const told = seen.map((head) => Number.parseInt(String(head["grpc-timeout"]), 10));
    assert.ok((told[0] ?? 0) <= 600, told.join());
    assert.ok(told.length >= 2, told.join());
    told.reduce((before, left) => {
      assert.ok(left < before, told.join());
      return left;
    });
  });

  test("is one of gRPC: others may say what they like", async () => {
    const { reply } = await callMute({ timeoutMs: 60 }, "1m", { "content-type": "text/plain" });
    assert.equal(reply.status, 504);
  });
});
