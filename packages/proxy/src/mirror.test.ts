import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HeadMemo } from "@weft/codec/http1";
import { RequestHead } from "@weft/contract";
import { createRandom, FakeClock, OutputScheduler, TimerWheel } from "@weft/kernel";
import { createCluster, createRule } from "@weft/testkit";
import { ClusterStation } from "./cluster-station.ts";
import { MIRROR_BYTES_MAX, MIRROR_DEADLINE_MS } from "./limits.ts";
import { MetricsRegistry } from "./metrics/index.ts";
import { MirrorCopies } from "./mirror.ts";
import { silentLog } from "./log.ts";
import {
  assertBalanced,
  echo,
  metric,
  onEnd,
  send,
  startHttpServer,
  startProxy,
  startTcpServer,
  until,
} from "./proxy.fixture.ts";
import type { RequestPathDeps } from "./request-path-deps.ts";
import { ClientSessions } from "./sessions.ts";

describe("MirrorCopies", () => {
  test("a mirror that takes nothing loses its copy, and the original goes on", async () => {
    const { port: stuck } = await startTcpServer((socket) => socket.pause());
    let received = 0;
    const { port: host } = await startHttpServer((request, response) => {
      request.on("data", (bytes: Buffer) => (received += bytes.length));
      request.on("end", () => response.end("ok"));
    });
    const rule = createRule({ mirrors: [{ cluster: "mirror", share: 1 }] });
    const clusters = [createCluster([host]), createCluster([stuck], { name: "mirror" })];
    const { proxy, port } = await startProxy(clusters, [rule]);
    const size = 40_000_000;
    const reply = await send(port, { method: "POST", body: Buffer.alloc(size) });
    assert.equal(reply.body, "ok");
    assert.equal(received, size);
    // The copy was given up when more than MIRROR_BYTES_MAX waited for it.
    assert.ok(size > MIRROR_BYTES_MAX);
    await assertBalanced(proxy);
    assert.equal(metric(proxy, "weft_router_mirrors_total"), 1);
  });

  test("a mirror that gets all and answers ends its copy, and its answer goes nowhere", async () => {
    let copies = 0;
    const { port: mirror } = await startHttpServer((request, response) => {
      let body = "";
      request.on("data", (bytes) => (body += String(bytes)));
      request.on("end", () => {
        if (body === "original") copies++;
        response.statusCode = 500;
        response.end("x".repeat(100_000));
      });
    });
    const { port: host } = await startHttpServer(echo);
    const rule = createRule({ mirrors: [{ cluster: "mirror", share: 1 }] });
    const clusters = [createCluster([host]), createCluster([mirror], { name: "mirror" })];
    const { proxy, port } = await startProxy(clusters, [rule]);
    for (let count = 0; count < 3; count++) {
      const reply = await send(port, { method: "POST", body: "original" });
      assert.equal(reply.status, 200);
      assert.equal(reply.body, "original");
    }
    await until(() => copies === 3, "three copies");
    await assertBalanced(proxy);
  });

  test("a mute mirror gives its place back at the deadline", async () => {
    let connections = 0;
    const { port } = await startTcpServer(() => connections++);
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    const random = createRandom(1);
    const clusters = new ClusterStation({
      clock,
      wheel,
      random,
      scheduler: new OutputScheduler(),
      metrics: new MetricsRegistry(clock),
      sessions: new ClientSessions(clock, new HeadMemo()),
      log: silentLog,
      identity: () => ({ id: "test", workers: 1 }),
      checksHealth: false,
      onVerdict: () => {},
    });
    onEnd(() => clusters.close());
    clusters.apply([createCluster([port], { name: "mirror" })]);
    const breaker = clusters.get("mirror")?.breaker ?? assert.fail("the mirror's cluster");
    const deps = { clock, wheel, random, clusters, pick: { hash: 0, tried: [] } } as unknown as RequestPathDeps;
    const head = new RequestHead("GET", "http", "a", "/", [], 0);
    const copies = MirrorCopies.start(deps, head, [{ cluster: "mirror", share: 1 }], true);
    assert.equal(copies?.count, 1);
    await until(() => connections === 1, "the copy at the mirror");
    // waits: bytes travel through the system, not through the clock
    await new Promise((resolve) => setTimeout(resolve, 10));
    clock.advance(MIRROR_DEADLINE_MS - 100);
    assert.equal(breaker.use().requests, 1);
    clock.advance(200);
    assert.equal(breaker.use().requests, 0);
  });

  test("upgrades are not copied, nor is anything to a cluster that nobody knows", () => {
    const deps = { clusters: new Map() } as unknown as RequestPathDeps;
    const mirrors = [{ cluster: "mirror", share: 1 }];
    const upgrade = new RequestHead("GET", "http", "a", "/", [], 0, "websocket");
    assert.equal(MirrorCopies.start(deps, upgrade, mirrors, true), null);
    assert.equal(MirrorCopies.start(deps, new RequestHead("GET", "http", "a", "/", [], 0), mirrors, true), null);
  });
});
