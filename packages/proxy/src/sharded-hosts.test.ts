import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { ClusterConfig, RouteRule, ShardingConfig } from "@weft/contract";
import { createBackend, createCluster, createHost, createRule } from "@weft/testkit";
import { listen, metric, onEnd, send, startProxy, until } from "./proxy.fixture.ts";
import type { Proxy } from "./proxy.ts";

const SHARDING: ShardingConfig = {
  algorithm: "balanced",
  size: { type: "fixed", hosts: 4 },
  clientId: "",
  clientIndex: null,
  clientCount: null,
};

/** A backend that counts its connections and answers with its port, or "slow" requests when `release` is called. */
interface Backend {
  readonly port: number;
  connections: number;
  release(): void;
  kill(): void;
}

async function startBackend(): Promise<Backend> {
  const held: (() => void)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const answer = (): void => void response.end(String(backend.port));
    if (request.url === "/slow") held.push(answer);
    else answer();
  });
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    backend.connections++;
    socket.on("close", () => {
      sockets.delete(socket);
      backend.connections--;
    });
  });
  const backend: Backend = {
    port: await listen(server),
    connections: 0,
    release: () => {
      for (const answer of held.splice(0)) answer();
    },
    kill: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return backend;
}

async function startBackends(count: number): Promise<readonly Backend[]> {
  return await Promise.all(Array.from({ length: count }, startBackend));
}

function clusterOf(backends: readonly Backend[], changes: Partial<ClusterConfig> = {}): ClusterConfig {
  return createCluster(
    backends.map(({ port }) => port),
    { sharding: SHARDING, ...changes },
  );
}

/** Sends `count` requests, one after the other; returns the ports that answered, each once. */
async function answering(port: number, count: number, headers: Record<string, string> = {}): Promise<string[]> {
  const answered = new Set<string>();
  for (let index = 0; index < count; index++) {
    const { status, body } = await send(port, { headers });
    assert.equal(status, 200, body);
    answered.add(body);
  }
  return [...answered].toSorted();
}

/** One request on a connection of the agent's. */
async function get(port: number, agent: Agent): Promise<{ readonly status: number; readonly body: string }> {
  const request = httpRequest({ host: "127.0.0.1", port, agent });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, body };
}

/** Resolves when no request holds anything any more; timers of shards and ejections go on. */
async function assertIdle(proxy: Proxy): Promise<void> {
  const gauges = ["weft_router_requests_active", "weft_cluster_requests_active", "weft_upstream_requests_active"];
  await until(() => gauges.every((name) => metric(proxy, name) === 0), "no request in flight");
}

describe("a proxy that shards", () => {
  test("opens connections to its shard alone, and lets what is open finish when a host leaves it", async () => {
    const backends = await startBackends(12);
    const cluster = clusterOf(backends);
    const { proxy, port, world } = await startProxy([cluster]);
    const before = await answering(port, 40);
    assert.equal(before.length, 4);
    assert.equal(backends.filter(({ connections }) => connections > 0).length, 4);
    assert.equal(metric(proxy, "weft_cluster_shard_size"), 4);
    assert.equal(metric(proxy, "weft_pool_hosts_connected"), 4);
    const slow = Array.from({ length: 4 }, () => send(port, { path: "/slow" }));
    await until(() => metric(proxy, "weft_upstream_requests_active") === 4, "four requests in flight");
    let after = before;
    // Shards follow from the ports, which are others each time: two clients may have the same one.
    for (let client = 0; isDeepStrictEqual(after, before); client++) {
      world.clusters.set([clusterOf(backends, { sharding: { ...SHARDING, clientId: `another-${client}` } })]);
      after = await answering(port, 40);
    }
    assert.equal(after.length, 4);
    for (const backend of backends) backend.release();
    for (const { status } of await Promise.all(slow)) assert.equal(status, 200);
    assert.ok(metric(proxy, "weft_cluster_shard_moves_total", "policy") > 0);
    const [shown] = await proxy.admin.clusters();
    const members = shown?.hosts.filter(({ shardRole }) => shardRole === "member").map(({ key }) => key.split(":")[1]);
    assert.deepEqual(members?.toSorted(), after);
    await assertIdle(proxy);
  });

  test("fails no request while hosts come, go and die", async () => {
    const backends = await startBackends(16);
    const retry = {
      retriesMax: 3,
      on: ["connect-failure", "reset"],
      statuses: [],
      grpcStatuses: [],
      backoffBaseMs: 1,
      backoffMaxMs: 5,
      perTryTimeoutMs: 0,
      retriesNonIdempotent: false,
    } as const;
    const outlier = {
      consecutiveErrors: 1,
      intervalMs: 1000,
      successRateStdevFactor: 0,
      latencyFactor: 0,
      requestsMin: 1,
      baseEjectionMs: 60_000,
      maxEjectionMs: 60_000,
      maxEjectedShare: 0.5,
    };
    const breaker = { ...createCluster([]).breaker, retriesMax: 100, retryBudget: 1 };
    const configOf = (some: readonly Backend[]): ClusterConfig => clusterOf(some, { outlier, breaker });
    const { proxy, port, world } = await startProxy([configOf(backends)], [createRule({ retry })]);
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    onEnd(() => agent.destroy());
    const run = { isOver: false };
    let answered = 0;
    const clients = Array.from({ length: 8 }, async () => {
      while (!run.isOver) {
        const { status, body } = await get(port, agent);
        assert.equal(status, 200, body);
        answered++;
      }
    });
    const load = Promise.all(clients);
    const step = async (): Promise<void> => {
      const wanted = answered + 60;
      await Promise.race([until(() => answered >= wanted, "requests go on"), load]);
    };
    await step();
    // Each once, so that those of the shard are among them.
    for (let gone = 0; gone < backends.length; gone++) {
      world.clusters.set([configOf(backends.filter((_backend, index) => index !== gone))]);
      await step();
      world.clusters.set([configOf(backends)]);
      await step();
    }
    for (const backend of backends.slice(0, 3)) backend.kill();
    await step();
    await step();
    run.isOver = true;
    await load;
    assert.equal(metric(proxy, "weft_cluster_requests_total", "success"), metric(proxy, "weft_router_requests_total"));
    assert.ok(metric(proxy, "weft_cluster_shard_moves_total", "hosts") > 0);
    await assertIdle(proxy);
  });

  test("gives the hosts of a fleet's proxies balanced connections, and each proxy few", async () => {
    const backends = await startBackends(20);
    const fleet = 64;
    for (let index = 0; index < fleet; index++) {
      const sharding: ShardingConfig = { ...SHARDING, clientId: `proxy ${index}`, clientIndex: index };
      const { proxy, port } = await startProxy([clusterOf(backends, { sharding })]);
      await answering(port, 8);
      assert.equal(metric(proxy, "weft_pool_connections_active"), 4);
    }
    const counts = backends.map(({ connections }) => connections);
    const mean = (fleet * 4) / backends.length;
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      fleet * 4,
    );
    assert.ok(Math.max(...counts) <= Math.ceil(1.1 * mean), `${Math.max(...counts)} connections, ${mean} on average`);
  });
});

describe("a route that chooses hosts by label", () => {
  const subsets = {
    selectors: [
      { keys: ["version"], fallback: { type: "none" } },
      { keys: ["stage", "version"], fallback: { type: "any" } },
    ],
    fallback: { type: "any" },
    subsetsMax: 16,
  } as const;

  async function startDivided(
    rules: readonly RouteRule[],
  ): Promise<{ port: number; ports: string[] } & Awaited<ReturnType<typeof startProxy>>> {
    const backends = await startBackends(4);
    const hosts = backends.map(({ port }, index) =>
      createHost(port, { labels: { version: index < 2 ? "v1" : "v2", stage: index % 2 === 0 ? "live" : "test" } }),
    );
    const fixture = await startProxy([createCluster([], { hosts, subsets })], rules);
    return { ...fixture, ports: backends.map(({ port }) => String(port)) };
  }

  test("reaches these alone, by the route or by what the request says", async () => {
    const labelled = createBackend("backend", { subset: { labels: { version: "v2" }, headers: [] } });
    const asked = createBackend("backend", {
      subset: { labels: { version: "v1" }, headers: [{ label: "stage", header: "x-stage" }] },
    });
    const onHeader = {
      path: null,
      method: "",
      headers: [{ name: "x-canary", type: "present", value: "" }],
      queryParams: [],
    } as const;
    const { port, proxy, ports } = await startDivided([
      createRule({ backends: [asked] }),
      createRule({ route: "test/canary", match: onHeader, backends: [labelled] }),
    ]);
    assert.deepEqual(await answering(port, 12, { "x-canary": "1" }), ports.slice(2).toSorted());
    assert.deepEqual(await answering(port, 12), ports.slice(0, 2).toSorted());
    assert.deepEqual(await answering(port, 12, { "x-stage": "test" }), [ports[1]]);
    assert.deepEqual(await answering(port, 24, { "x-stage": "made up" }), ports.toSorted());
    assert.equal(metric(proxy, "weft_balancer_subset_picks_total", "subset"), 36);
    assert.equal(metric(proxy, "weft_balancer_subset_picks_total", "any"), 24);
    assert.equal(metric(proxy, "weft_balancer_subsets"), 3);
    const [explained] = await proxy.admin.explain({
      method: "GET",
      authority: "shop",
      path: "/",
      fields: ["x-stage", "test"],
      table: "",
    });
    assert.deepEqual(explained?.winner?.action, {
      type: "forward",
      backends: [{ cluster: "backend", share: 1, subset: { version: "v1", stage: "test" } }],
    });
  });

  test("answers that no host has the labels, and counts it", async () => {
    const nobody = createBackend("backend", { subset: { labels: { version: "v3" }, headers: [] } });
    const { port, proxy } = await startDivided([createRule({ backends: [nobody] })]);
    const { status, headers } = await send(port, { path: "/" });
    assert.equal(status, 503);
    assert.equal(headers["x-weft-error"], "SUBSET_NO_HOST");
    assert.equal(metric(proxy, "weft_balancer_no_host_total"), 1);
    assert.equal(metric(proxy, "weft_balancer_subset_picks_total", "none"), 1);
  });
});
