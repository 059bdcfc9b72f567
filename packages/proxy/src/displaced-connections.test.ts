import assert from "node:assert/strict";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { describe, test } from "node:test";
import type { CircuitBreakerConfig, ClusterConfig } from "@weft/contract";
import { createCluster } from "@weft/testkit";
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
  until,
} from "./proxy.fixture.ts";
import { boltRequest, boltResponse, startBoltServer } from "./rpc.fixture.ts";

const BREAKER: CircuitBreakerConfig = {
  connectionsMax: 2,
  pendingMax: 100,
  requestsMax: 100,
  retriesMax: 0,
  retryBudget: 0,
};

/** Starts `count` hosts that answer with their own name. */
const HOSTS: Record<"http1" | "http2", (name: string) => Promise<number>> = {
  http1: async (name) => (await startHttpServer((_request, response) => void response.end(name))).port,
  http2: async (name) => {
    const server = createHttp2Server();
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200 });
      stream.end(name);
    });
    return listen(server);
  },
};

async function startHosts(protocol: "http1" | "http2", count: number): Promise<ClusterConfig> {
  const ports = await Promise.all(Array.from({ length: count }, (_, index) => HOSTS[protocol](`host ${index}`)));
  return createCluster(ports, { protocol, breaker: BREAKER });
}

/** How often each host answered. */
function tally(answers: readonly { status: number; body: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    assert.equal(status, 200, body);
    counts[body] = (counts[body] ?? 0) + 1;
  }
  return counts;
}

describe("a cluster with more hosts than connections", () => {
  for (const protocol of ["http1", "http2"] as const) {
    test(`${protocol}: one request after another: every host serves its share, none is refused`, async () => {
      const { proxy, port } = await startProxy([await startHosts(protocol, 3)]);
      const answers = [];
      for (let index = 0; index < 12; index++) answers.push(await send(port));
      assert.deepEqual(tally(answers), { "host 0": 4, "host 1": 4, "host 2": 4 });
      assert.equal(metric(proxy, "weft_pool_connections_active"), 2);
      assert.equal(metric(proxy, "weft_cluster_breaker_trips_total"), 0);
      assert.equal(metric(proxy, "weft_pool_connection_closes_total", "displaced"), 10);
      await assertBalanced(proxy);
    });

    test(`${protocol}: many at once: every host serves its share, none is refused`, async () => {
      const { proxy, port } = await startProxy([await startHosts(protocol, 3)]);
      const client = startHttp2Client(port);
      const answers = [];
      for (let round = 0; round < 10; round++) {
        answers.push(...(await Promise.all(Array.from({ length: 12 }, () => sendHttp2(client)))));
      }
      assert.deepEqual(tally(answers), { "host 0": 40, "host 1": 40, "host 2": 40 });
      assert.ok(metric(proxy, "weft_pool_connections_active") <= 2);
      await assertBalanced(proxy);
    });
  }

  test("bolt: calls on shared connections reach every host", async () => {
    const served = [0, 0, 0];
    const ports = await Promise.all(
      served.map((_, host) =>
        startBoltServer((id) => {
          served[host] = (served[host] ?? 0) + 1;
          return boltResponse(id, 0, Buffer.from("done"));
        }),
      ),
    );
    const { proxy, port } = await startProxy([createCluster(ports, { protocol: "bolt", breaker: BREAKER })]);
    const client = connectRaw(port);
    for (let id = 1; id <= 9; id++) {
      client.socket.write(boltRequest({ id }));
      await until(() => client.text().split("done").length === id + 1, `answer ${id}`);
    }
    assert.deepEqual(served, [3, 3, 3]);
    assert.equal(metric(proxy, "weft_cluster_requests_total", "success"), 9);
    await assertBalanced(proxy);
  });

  test("a connection in use is never closed: who waits is served when it comes free, or told so in time", async () => {
    const held: (() => void)[] = [];
    const startHost = async (name: string): Promise<number> => {
      const { port } = await startHttpServer(({ url }, response) => {
        const answer = (): void => void response.end(name);
        if (url === "/held") held.push(answer);
        else answer();
      });
      return port;
    };
    const cluster = createCluster([await startHost("one"), await startHost("other")], {
      breaker: { ...BREAKER, connectionsMax: 1 },
    });
    const { proxy, port } = await startProxy([cluster]);
    const first = send(port, { path: "/held" });
    await until(() => held.length === 1, "the first is with its host");
    const second = send(port);
    await until(() => metric(proxy, "weft_pool_queue_length") === 1, "the second waits");
    held[0]?.();
    assert.deepEqual([(await first).body, (await second).body].toSorted(), ["one", "other"]);
    await assertBalanced(proxy);
    const impatient = await startProxy([{ ...cluster, pool: { ...cluster.pool, queueTimeoutMs: 30 } }]);
    const patient = send(impatient.port, { path: "/held" });
    await until(() => held.length === 2, "the first is with its host");
    assert.equal((await send(impatient.port)).status, 503);
    held[1]?.();
    assert.equal((await patient).status, 200);
    await assertBalanced(impatient.proxy);
  });
});
