// Unmodified npm peers of Bolt and Dubbo call each other through two sidecars with mutual TLS between them.
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { RPC_FIELDS, type RpcProtocol } from "@weft/contract";
import { createBackend, createCluster, createRule } from "@weft/testkit";
import {
  PEER_PROTOCOLS,
  type PeerCall,
  type PeerConnection,
  type PeerRequest,
  startPeerClient,
  startPeerServer,
} from "@weft/testkit/rpc-peers";
import {
  assertBalanced,
  connectRaw,
  echo,
  findDeadPort,
  metric,
  send,
  startHttpServer,
  startProxy,
  startTcpServer,
  until,
} from "./proxy.fixture.ts";
import {
  boltRequest,
  boltResponse,
  type SidecarChanges,
  startBoltServer,
  type Sidecars,
  startSidecars,
} from "./rpc.fixture.ts";

const PROTOCOLS: readonly RpcProtocol[] = ["bolt", "dubbo"];

function callOf(methodName: string, args: readonly unknown[] = [], timeout: number = 3000): PeerCall {
  const methodArgSigs = args.map(() => "java.lang.String");
  return { serverSignature: "com.shop.Ledger:1.0", methodName, args, timeout, methodArgSigs, requestProps: {} };
}

interface Scene {
  readonly sidecars: Sidecars;
  readonly client: PeerConnection;
}

async function start(
  t: TestContext,
  protocol: RpcProtocol,
  answer: (request: PeerRequest) => unknown,
  changes: SidecarChanges = {},
): Promise<Scene> {
  const port = await startPeerServer(t, PEER_PROTOCOLS[protocol], answer);
  const sidecars = await startSidecars(protocol, port, changes);
  return { sidecars, client: await startPeerClient(t, PEER_PROTOCOLS[protocol], sidecars.port) };
}

/** The path that calls of `callOf` have. */
const PATH = { type: "prefix", value: "/com.shop.Ledger" } as const;

for (const protocol of PROTOCOLS) {
  test(`${protocol}: calls go through two sidecars over mutual TLS, found by their first bytes`, async (t) => {
    const { sidecars, client } = await start(t, protocol, ({ data }) => {
      if (data.methodName === "fail") throw new Error("no such account");
      return `${data.args.join("+")}!`;
    });
    const calls = Array.from({ length: 50 }, (_, index) => client.writeRequest(callOf("book", [`a${index}`, "b"])));
    const answers = (await Promise.all(calls)).map(({ data }) => data.appResponse);
    assert.deepEqual(
      answers,
      Array.from({ length: 50 }, (_, index) => `a${index}+b!`),
    );
    const large = "x".repeat(300_000);
    assert.equal((await client.writeRequest(callOf("book", [large]))).data.appResponse, `${large}!`);
    assert.match(String((await client.writeRequest(callOf("fail"))).data.error), /no such account/);
    for (const { proxy } of [sidecars.outbound, sidecars.inbound]) {
      assert.equal(metric(proxy, "weft_downstream_requests_total", protocol), 52);
      assert.equal(metric(proxy, "weft_pool_connections_total", protocol), 1);
      assert.equal(metric(proxy, "weft_cluster_requests_total", "success"), 51);
      assert.equal(metric(proxy, "weft_cluster_requests_total", "failure"), 1);
      assert.equal(metric(proxy, "weft_downstream_rpc_frames_total", "request"), 52);
      assert.equal(metric(proxy, "weft_upstream_rpc_frames_total", "answer"), 52);
      assert.equal(metric(proxy, "weft_downstream_rpc_faults_total"), 0);
      assert.equal(metric(proxy, "weft_upstream_rpc_faults_total"), 0);
      await assertBalanced(proxy);
    }
    assert.equal(metric(sidecars.inbound.proxy, "weft_listener_tls_handshakes_total", "ok"), 1);
  });

  test(`${protocol}: heartbeats are answered by the sidecar`, async (t) => {
    const { client, sidecars } = await start(t, protocol, () => "ok");
    assert.equal((await client.writeHeartbeat({ timeout: 3000 })).packetType, "heartbeat_ack");
    assert.equal(metric(sidecars.outbound.proxy, "weft_downstream_rpc_frames_total", "heartbeat"), 1);
    assert.equal((await client.writeRequest(callOf("book"))).data.appResponse, "ok");
  });

  test(`${protocol}: one-way calls arrive, answered by nobody`, async (t) => {
    const seen: string[] = [];
    const { sidecars, client } = await start(t, protocol, ({ data }) => seen.push(data.methodName));
    if (protocol === "bolt") {
      client.oneway(callOf("note"));
      await until(() => seen.length === 1, "the one-way call arrived");
      assert.equal(metric(sidecars.outbound.proxy, "weft_cluster_requests_total", "success"), 1);
      assert.equal(metric(sidecars.outbound.proxy, "weft_cluster_requests_total", "reset"), 0);
      await assertBalanced(sidecars.outbound.proxy);
    }
    await client.writeRequest(callOf("book"));
    await assertBalanced(sidecars.inbound.proxy);
  });

  test(`${protocol}: what the proxy says itself, peers understand`, async (t) => {
    const rules = [createRule({ match: { path: PATH, method: "", headers: [], queryParams: [] } })];
    const port = await findDeadPort();
    const sidecars = await startSidecars(protocol, port, { rules });
    const client = await startPeerClient(t, PEER_PROTOCOLS[protocol], sidecars.port);
    const refused = await client.writeRequest(callOf("book"));
    assert.ok(refused.data.error instanceof Error);
    const unrouted = await client.writeRequest({ ...callOf("book"), serverSignature: "com.shop.Nobody:1.0" });
    assert.ok(unrouted.data.error instanceof Error);
    assert.equal(metric(sidecars.outbound.proxy, "weft_router_no_match_total"), 1);
    await assertBalanced(sidecars.outbound.proxy);
    await assertBalanced(sidecars.inbound.proxy);
  });

  test(`${protocol}: routes read service, method, version and headers of a call`, async (t) => {
    const [one, two] = await Promise.all([
      startPeerServer(t, PEER_PROTOCOLS[protocol], () => "one"),
      startPeerServer(t, PEER_PROTOCOLS[protocol], () => "two"),
    ]);
    const clusters = [createCluster([one], { protocol, name: "one" }), createCluster([two], { protocol, name: "two" })];
    const versionTwo = { type: "exact", name: RPC_FIELDS.version, value: "2.0" } as const;
    const { proxy, port } = await startProxy(clusters, [
      createRule({ backends: [createBackend("one")] }),
      createRule({
        route: "test/exact",
        match: { path: { type: "exact", value: "/com.shop.Ledger/close" }, method: "", headers: [], queryParams: [] },
        backends: [createBackend("two")],
      }),
      createRule({
        route: "test/version",
        match: { path: PATH, method: "", headers: [versionTwo], queryParams: [] },
        backends: [createBackend("two")],
      }),
    ]);
    const client = await startPeerClient(t, PEER_PROTOCOLS[protocol], port);
    const asked = async (call: PeerCall): Promise<unknown> => (await client.writeRequest(call)).data.appResponse;
    assert.equal(await asked(callOf("book")), "one");
    // sofa-bolt-node writes the method into the body alone.
    if (protocol === "dubbo") assert.equal(await asked(callOf("close")), "two");
    assert.equal(await asked({ ...callOf("book"), serverSignature: "com.shop.Ledger:2.0" }), "two");
    assert.equal(metric(proxy, "weft_router_requests_total", "test/version"), 1);
  });

  test(`${protocol}: calls and HTTP requests do not reach a service of another protocol`, async (t) => {
    const http = await startHttpServer(echo);
    const other: RpcProtocol = protocol === "bolt" ? "dubbo" : "bolt";
    const peer = await startPeerServer(t, PEER_PROTOCOLS[other], () => "never");
    const clusters = [
      createCluster([http.port], { name: "http" }),
      createCluster([peer], { name: "other", protocol: other }),
    ];
    const { proxy, port } = await startProxy(clusters, [
      createRule({ backends: [createBackend("http")] }),
      createRule({
        match: { path: { type: "prefix", value: "/com.shop.Other" }, method: "", headers: [], queryParams: [] },
        backends: [createBackend("other")],
      }),
    ]);
    const client = await startPeerClient(t, PEER_PROTOCOLS[protocol], port);
    for (const serverSignature of ["com.shop.Ledger:1.0", "com.shop.Other:1.0"]) {
      const { data } = await client.writeRequest({ ...callOf("book"), serverSignature });
      assert.ok(data.error instanceof Error, serverSignature);
    }
    const reply = await send(port, { path: "/com.shop.Other/book", method: "POST", body: "x" });
    assert.equal(reply.status, 500);
    assert.equal(reply.headers["x-weft-error"], "PROXY_PROTOCOL_MISMATCH");
    assert.equal((await send(port)).body, "hello");
    await assertBalanced(proxy);
  });

  test(`${protocol}: the route's time ends a call that the host never answers, and no other`, async (t) => {
    const { sidecars, client } = await start(t, protocol, ({ data }) => (data.methodName === "never" ? null : "ok"), {
      rules: [
        createRule(),
        createRule({
          match: { path: { type: "prefix", value: "/com.shop.Silent" }, method: "", headers: [], queryParams: [] },
          backends: [createBackend("silent")],
          timeoutMs: 50,
        }),
      ],
    });
    const silent = await startTcpServer(() => {});
    const { world, proxy } = sidecars.outbound;
    world.clusters.set([...world.clusters.value, createCluster([silent.port], { protocol, name: "silent" })]);
    const given = client.writeRequest({ ...callOf("never"), serverSignature: "com.shop.Silent:1.0" });
    assert.equal((await client.writeRequest(callOf("book"))).data.appResponse, "ok");
    assert.ok((await given).data.error instanceof Error);
    assert.equal(metric(proxy, "weft_router_timeouts_total"), 1);
    await assertBalanced(proxy);
  });
}

test("bolt: routes read method, applications and headers of a header map", async (t) => {
  const [one, two] = await Promise.all([
    startPeerServer(t, PEER_PROTOCOLS.bolt, () => "one"),
    startBoltServer((id) => boltResponse(id, 0, Buffer.from("two"))),
  ]);
  const clusters = [
    createCluster([one], { protocol: "bolt", name: "one" }),
    createCluster([two], { protocol: "bolt", name: "two" }),
  ];
  const conditions = [
    { type: "exact", name: RPC_FIELDS.application, value: "ledger" },
    { type: "exact", name: RPC_FIELDS.caller, value: "storefront" },
    { type: "exact", name: RPC_FIELDS.group, value: "unit-7" },
    { type: "regex", name: "x-colour", value: "b.*" },
  ] as const;
  const { port, proxy } = await startProxy(clusters, [
    createRule({ backends: [createBackend("one")] }),
    createRule({
      route: "test/all",
      match: {
        path: { type: "exact", value: "/com.shop.Ledger/close" },
        method: "",
        headers: conditions,
        queryParams: [],
      },
      backends: [createBackend("two")],
    }),
  ]);
  const headers = {
    sofa_head_method_name: "close",
    sofa_head_target_app: "ledger",
    "rpc_trace_context.sofaCallerApp": "storefront",
    "x-colour": "blue",
  };
  const client = connectRaw(port);
  client.socket.write(boltRequest({ id: 5, service: "com.shop.Ledger:1.0:unit-7", headers }));
  await until(() => client.text().endsWith("two"), "the answer of two");
  assert.equal(client.bytes().readUInt32BE(5), 5);
  assert.equal(metric(proxy, "weft_router_requests_total", "test/all"), 1);
  await assertBalanced(proxy);
});

test("bolt: the time that the caller waits ends a call that the host never answers", async () => {
  const silent = await startTcpServer(() => {});
  const { proxy, port } = await startProxy([createCluster([silent.port], { protocol: "bolt" })]);
  const socket = connectRaw(port);
  socket.socket.write(boltRequest({ id: 7, timeoutMs: 60 }));
  await until(() => socket.bytes().length >= 20, "an answer");
  const answer = socket.bytes();
  assert.equal(answer.readUInt32BE(5), 7);
  assert.equal(answer.readUInt16BE(10), 7, "the status TIMEOUT");
  await assertBalanced(proxy);
});

test("bolt: a circle of proxies ends with the caller's time", async () => {
  const { proxy, port, world } = await startProxy([createCluster([1], { protocol: "bolt" })]);
  const breaker = { connectionsMax: 8, pendingMax: 8, requestsMax: 20, retriesMax: 1, retryBudget: 0 };
  world.clusters.set([createCluster([port], { protocol: "bolt", breaker })]);
  const socket = connectRaw(port);
  socket.socket.write(boltRequest({ id: 9, timeoutMs: 500 }));
  await until(() => socket.bytes().length >= 20, "an answer");
  assert.equal(socket.bytes().readUInt16BE(10), 4, "the status SERVER_THREADPOOL_BUSY");
  assert.equal(metric(proxy, "weft_downstream_requests_total", "bolt"), 21);
  await assertBalanced(proxy);
});

test("bolt: every connection of a client has its own to one host, and both end together", async (t) => {
  const sockets = new Map<number, Set<Socket>>();
  const startHost = async (): Promise<number> => {
    const own = new Set<Socket>();
    const port = await startBoltServer((id, socket) => {
      own.add(socket);
      return boltResponse(id, 0, Buffer.from(`on ${socket.remotePort}`));
    });
    sockets.set(port, own);
    return port;
  };
  const ports = [await startHost(), await startHost(), await startHost()];
  const cluster = createCluster(ports, { protocol: "bolt" });
  const pool = { ...cluster.pool, rpcSharing: "bound" } as const;
  const { proxy, port } = await startProxy([{ ...cluster, pool }]);
  const clients = [connectRaw(port), connectRaw(port)];
  t.after(() => clients.map(({ socket }) => socket.destroy()));
  for (const { socket } of clients) {
    for (let id = 1; id <= 10; id++) socket.write(boltRequest({ id }));
  }
  const answers = (text: string): string[] => text.match(/on \d+/g) ?? [];
  for (const client of clients) {
    await until(() => answers(client.text()).length === 10, "ten answers");
    assert.equal(new Set(answers(client.text())).size, 1, "all on one connection");
  }
  const open = (): number =>
    [...sockets.values()].flatMap((own) => [...own]).filter(({ destroyed }) => !destroyed).length;
  assert.equal(open(), 2);
  clients[0]?.socket.end();
  await until(() => open() === 1, "the host's connection ended with the client's");
  for (const own of sockets.values()) for (const socket of own) socket.end();
  await clients[1]?.end();
  assert.equal(metric(proxy, "weft_pool_connections_active", "bolt"), 0);
  await assertBalanced(proxy);
});

test("bolt: a bound client is drained when its host leaves, and tries another where none could be reached", async () => {
  const first = await startBoltServer((id) => boltResponse(id, 0, Buffer.from("first")));
  const second = await startBoltServer((id) => boltResponse(id, 0, Buffer.from("second")));
  const cluster = createCluster([first], { protocol: "bolt" });
  const pool = { ...cluster.pool, rpcSharing: "bound" } as const;
  const { proxy, port, world } = await startProxy([{ ...cluster, pool }]);
  const client = connectRaw(port);
  client.socket.write(boltRequest({ id: 1 }));
  await client.read(/first/);
  const next = createCluster([await findDeadPort(), second], { protocol: "bolt" });
  world.clusters.set([{ ...next, pool }]);
  await client.end();
  for (let turn = 0; turn < 4; turn++) {
    const again = connectRaw(port);
    again.socket.write(boltRequest({ id: 2 }));
    await again.read(/second/);
  }
  await assertBalanced(proxy);
});

test("bolt: in ping-pong each connection carries one call at a time", async () => {
  const waiting: (() => void)[] = [];
  const seen = new Set<Socket>();
  const host = await startBoltServer((id, socket) => {
    seen.add(socket);
    waiting.push(() => void socket.write(boltResponse(id, 0, Buffer.from("an answer"))));
    return null;
  });
  const cluster = createCluster([host], { protocol: "bolt" });
  const { proxy, port } = await startProxy([{ ...cluster, pool: { ...cluster.pool, rpcSharing: "ping-pong" } }]);
  const client = connectRaw(port);
  for (let id = 1; id <= 3; id++) client.socket.write(boltRequest({ id }));
  await until(() => waiting.length === 3, "three calls");
  assert.equal(seen.size, 3);
  for (const answer of waiting.splice(0)) answer();
  await client.read(/(an answer.*){3}/s);
  client.socket.write(boltRequest({ id: 4 }));
  await until(() => waiting.length === 1, "a fourth call");
  assert.equal(seen.size, 3, "idle connections are used again");
  waiting.pop()?.();
  await client.read(/(an answer.*){4}/s);
  await assertBalanced(proxy);
});

for (const protocol of PROTOCOLS) {
  test(`${protocol}: no call fails while the sidecar of one of two hosts drains`, async (t) => {
    const port = await startPeerServer(t, PEER_PROTOCOLS[protocol], () => "ok");
    const cluster = createCluster([port], { protocol });
    const [leaving, staying] = await Promise.all([startProxy([cluster]), startProxy([cluster])]);
    const outbound = await startProxy([createCluster([leaving.port, staying.port], { protocol })]);
    const client = await startPeerClient(t, PEER_PROTOCOLS[protocol], outbound.port);
    const answers: unknown[] = [];
    const end = new AbortController();
    const loop = async (): Promise<void> => {
      do answers.push((await client.writeRequest(callOf("book"))).data.appResponse);
      while (!end.signal.aborted);
    };
    const loops = Array.from({ length: 8 }, loop);
    await until(() => metric(leaving.proxy, "weft_downstream_requests_total", protocol) > 20, "traffic on both");
    await leaving.proxy.drain();
    end.abort();
    await Promise.all(loops);
    assert.deepEqual([...new Set(answers)], ["ok"]);
    assert.ok(metric(staying.proxy, "weft_downstream_requests_total", protocol) > 20);
    await assertBalanced(outbound.proxy);
  });
}
