// Heartbeats of Bolt and Dubbo: unmodified npm peers answer ours, and a peer that falls silent is found.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HeartbeatConfig, RpcProtocol } from "@weft/contract";
import { createCluster, createListener } from "@weft/testkit";
import { PEER_PROTOCOLS, startPeerClient, startPeerServer } from "@weft/testkit/rpc-peers";
import { metric, startProxy, startTcpServer, until } from "./proxy.fixture.ts";

/** Quick, so that nobody waits. */
const HEARTBEAT: HeartbeatConfig = {
  mode: "adaptive",
  periodMs: 100,
  periodMsMax: 400,
  timeoutMs: 80,
  missesMax: 3,
  peerIdleTimeoutMs: 5000,
  jitter: 0,
};

const CALL = { serverSignature: "com.shop.Ledger:1.0", methodName: "book", args: ["a"], timeout: 3000 };

for (const protocol of ["bolt", "dubbo"] satisfies readonly RpcProtocol[]) {
  describe(`heartbeats of ${protocol}`, () => {
    const cluster = (port: number): ReturnType<typeof createCluster> => {
      const { pool, ...rest } = createCluster([port], { protocol });
      return { ...rest, pool: { ...pool, heartbeat: HEARTBEAT } };
    };

    test("a real host answers heartbeats, and is asked less and less", async (t) => {
      const port = await startPeerServer(t, PEER_PROTOCOLS[protocol], () => "done");
      const { proxy, port: proxyPort } = await startProxy([cluster(port)]);
      const client = await startPeerClient(t, PEER_PROTOCOLS[protocol], proxyPort);
      assert.equal((await client.writeRequest(CALL)).data.appResponse, "done");
      await until(async () => {
        const upstream = (await proxy.admin.connections()).find(({ side }) => side === "upstream");
        return upstream?.heartbeat?.periodMs === HEARTBEAT.periodMsMax;
      }, "the longest period");
      assert.ok(metric(proxy, "weft_pool_heartbeats_total", "answered") >= 2);
      assert.equal(metric(proxy, "weft_pool_heartbeats_total", "missed"), 0);
      assert.equal((await client.writeRequest(CALL)).data.appResponse, "done");
      assert.equal(metric(proxy, "weft_pool_connections_total"), 1);
    });

    test("a host that says nothing fails the call that waits for it, in the protocol's words", async (t) => {
      const { port } = await startTcpServer((socket) => socket.resume());
      const { proxy, port: proxyPort } = await startProxy([cluster(port)]);
      const client = await startPeerClient(t, PEER_PROTOCOLS[protocol], proxyPort);
      const startMs = performance.now();
      const answer = await client.writeRequest({ ...CALL, timeout: 20_000 }).catch((error: unknown) => error);
      assert.ok(performance.now() - startMs < 2000, "long before its deadline");
      assert.ok(answer !== undefined);
      assert.equal(metric(proxy, "weft_pool_connection_closes_total", "heartbeat"), 1);
      assert.equal(metric(proxy, "weft_cluster_requests_active"), 0);
    });
  });
}

test("a Dubbo client that answers heartbeats is kept, one that does not is gone", async (t) => {
  const listener = createListener({ heartbeat: HEARTBEAT });
  const port = await startPeerServer(t, PEER_PROTOCOLS.dubbo, () => "done");
  const { proxy, port: proxyPort } = await startProxy(
    [createCluster([port], { protocol: "dubbo" })],
    undefined,
    listener,
  );
  const kept = await startPeerClient(t, PEER_PROTOCOLS.dubbo, proxyPort);
  kept.on("heartbeat", (heartbeat) => void kept.writeHeartbeatAck(heartbeat));
  await kept.writeRequest(CALL);
  const mute = await startPeerClient(t, PEER_PROTOCOLS.dubbo, proxyPort);
  await mute.writeRequest(CALL);
  await until(() => metric(proxy, "weft_downstream_connection_closes_total", "heartbeat") === 1, "the end of one");
  assert.ok(metric(proxy, "weft_downstream_heartbeats_total", "answered") >= 1);
  assert.equal((await kept.writeRequest(CALL)).data.appResponse, "done");
});
