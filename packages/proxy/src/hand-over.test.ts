import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListenerConfig } from "@weft/contract";
import { canPassHandles, connectChannel, openChannelDoor } from "@weft/kernel";
import { createCluster, createListener, createTestCertificate } from "@weft/testkit";
import type { HandOver, ListeningPlace, MovedConnection, Proxy } from "./index.ts";
import {
  assertBalanced,
  connectRaw,
  echo,
  metric,
  onEnd,
  sendHttp2,
  startHttp2Client,
  startHttpServer,
  startProxy,
  until,
} from "./proxy.fixture.ts";
import { boltRequest, boltResponse, startBoltServer } from "./rpc.fixture.ts";

const skip = !canPassHandles();
const GET = "GET / HTTP/1.1\r\nhost: shop\r\n\r\n";

/** What tells one connection from others on its way. */
interface Letter {
  readonly id: number;
  readonly place: ListeningPlace;
  readonly connection: Omit<MovedConnection, "unread">;
  readonly unread: string;
}

/** The way from one proxy to another: as between processes, each has a handle of its own to a connection. */
async function openWay(from: Proxy, to: Proxy): Promise<{ handOver: HandOver; send(): boolean }> {
  const handOver = from.handOver();
  const door = openChannelDoor(() => ({
    onMessage: (message, handle) => {
      const { id, place, connection, unread } = message as Letter;
      assert.ok(handle !== null);
      if (to.adopt(place, { ...connection, unread: Buffer.from(unread, "latin1") }, handle)) return handOver.taken(id);
      handle.close();
      handOver.refused(id);
    },
    onClosed: () => {},
  }));
  const channel = await connectChannel(door.address, { onMessage: () => {}, onClosed: () => {} });
  door.close();
  onEnd(() => channel.close());
  const send = (): boolean => {
    const moving = handOver.next();
    if (moving === null) return false;
    const { id, place, connection, handle } = moving;
    const { unread, protocol, address, port, ageMs } = connection;
    const facts = { protocol, address, port, ageMs };
    channel.send({ id, place, connection: facts, unread: unread.toString("latin1") } satisfies Letter, handle);
    return true;
  };
  return { handOver, send };
}

/** Two proxies before one host, and the way from the first to the second. */
async function startPair(
  listener: Partial<ListenerConfig> = {},
  second: Partial<ListenerConfig> = listener,
): Promise<{ first: Proxy; second: Proxy; port: number; handOver: HandOver; send(): boolean }> {
  const { port: host } = await startHttpServer(echo);
  const clusters = [createCluster([host])];
  const from = await startProxy(clusters, undefined, createListener(listener));
  const to = await startProxy(clusters, undefined, createListener(second));
  return { first: from.proxy, second: to.proxy, port: from.port, ...(await openWay(from.proxy, to.proxy)) };
}

function connections(proxy: Proxy): number {
  return metric(proxy, "weft_downstream_connections_active");
}

test("a connection moves between two requests, with the part of the next that was read", { skip }, async () => {
  const { first, second, port, handOver, send } = await startPair();
  const client = connectRaw(port);
  client.socket.write(GET);
  await client.read(/hello$/);
  const received = metric(first, "weft_downstream_received_bytes_total");
  client.socket.write(GET.slice(0, 20));
  await until(() => metric(first, "weft_downstream_received_bytes_total") === received + 20, "half a request is read");
  assert.equal(handOver.waitingCount, 1);
  assert.ok(send());
  await until(() => handOver.waitingCount === 0, "the connection has arrived");
  client.socket.write(GET.slice(20));
  await client.read(/hello[^]*hello$/);
  assert.deepEqual([connections(first), connections(second)], [0, 1]);
  assert.equal(metric(second, "weft_downstream_requests_total"), 1);
  await assertBalanced(first);
});

test("a connection that has not said what it speaks moves with its PROXY header", { skip }, async () => {
  const { first, second, port, handOver, send } = await startPair({ proxyProtocol: "required", isEdge: true });
  const client = connectRaw(port);
  client.socket.write("PROXY TCP4 203.0.113.7 127.0.0.1 4711 80\r\nGE");
  await until(() => first.handOver().waitingCount === 1, "the connection is accepted");
  await until(() => send(), "it can go");
  await until(() => handOver.waitingCount === 0, "the connection has arrived");
  client.socket.write(GET.slice(2));
  assert.match(await client.read(/hello$/), /203\.0\.113\.7/);
  assert.equal(metric(second, "weft_downstream_requests_total"), 1);
});

test("a request that is open keeps its connection until it is answered", { skip }, async () => {
  const answers: (() => void)[] = [];
  const { port: host } = await startHttpServer((_request, response) => answers.push(() => response.end("late")));
  const clusters = [createCluster([host])];
  const from = await startProxy(clusters);
  const to = await startProxy(clusters);
  const { handOver, send } = await openWay(from.proxy, to.proxy);
  const client = connectRaw(from.port);
  client.socket.write(GET);
  await until(() => answers.length === 1, "the request has arrived");
  assert.equal(send(), false);
  assert.equal(handOver.waitingCount, 1);
  answers[0]?.();
  await client.read(/late$/);
  await until(() => send(), "it can go");
  await until(() => handOver.waitingCount === 0, "the connection has arrived");
  client.socket.write(GET);
  await until(() => answers.length === 2, "the next request has arrived");
  answers[1]?.();
  await client.read(/late[^]*late$/);
  assert.equal(metric(to.proxy, "weft_downstream_requests_total"), 1);
});

test("HTTP/2 connections stay, and are told to go elsewhere when the proxy drains", { skip }, async () => {
  const { first, port, handOver, send } = await startPair();
  const client = startHttp2Client(port);
  assert.equal((await sendHttp2(client)).status, 200);
  assert.equal(handOver.waitingCount, 0);
  assert.equal(send(), false);
  const goaway = new Promise((resolve) => client.once("goaway", resolve));
  const drained = first.drain(true);
  await goaway;
  assert.equal(await drained, "drained");
});

test("what the other process does not serve is served here to its end", { skip }, async () => {
  const { certificate, key } = createTestCertificate("shop");
  const tls: ListenerConfig["tls"] = {
    certificates: [{ name: "shop", certificateChain: certificate, privateKey: key }],
    hosts: [],
    clientCa: "",
    clientCertificate: "ignore",
    minVersion: "TLSv1.3",
    alpn: [],
  };
  const { second, port, handOver, send } = await startPair({}, { tls, allowsPlainText: false });
  const client = connectRaw(port);
  client.socket.write(GET);
  await client.read(/hello$/);
  await until(() => send(), "it can go");
  client.socket.write(GET);
  assert.match(await client.read(/hello[^]*hello$/), /connection: close/);
  assert.equal(handOver.waitingCount, 0);
  assert.equal(connections(second), 0);
});

test("takeBack() goes on with what has not arrived", { skip }, async () => {
  const { first, port, handOver } = await startPair();
  const client = connectRaw(port);
  client.socket.write(GET + GET.slice(0, 5));
  await client.read(/hello$/);
  await until(() => handOver.next() !== null, "it can go");
  assert.equal(connections(first), 0);
  handOver.takeBack();
  client.socket.write(GET.slice(5));
  await client.read(/hello[^]*hello$/);
  assert.equal(connections(first), 1);
  assert.equal(metric(first, "weft_downstream_requests_total"), 2);
  await assertBalanced(first);
});

test(
  "an RPC connection that is never idle moves when its next calls are left unread for a moment",
  { skip },
  async () => {
    const host = await startBoltServer((id, socket) => {
      // waits: a host that takes its time
      setTimeout(() => socket.write(boltResponse(id, 0, Buffer.from("done"))), 20);
      return null;
    });
    const clusters = [createCluster([host], { protocol: "bolt" })];
    const from = await startProxy(clusters);
    const to = await startProxy(clusters);
    const { handOver, send } = await openWay(from.proxy, to.proxy);
    const client = connectRaw(from.port);
    let asked = 0;
    const ask = (): void => void client.socket.write(boltRequest({ id: ++asked }));
    const answers = (): number => client.bytes().length / boltResponse(0, 0, Buffer.from("done")).length;
    // Two are open at any time: with every answer comes the next call.
    ask();
    ask();
    client.socket.on("data", () => {
      while (asked < answers() + 2) ask();
    });
    await until(() => answers() > 5, "calls are answered");
    assert.equal(send(), false);
    await until(() => send(), "it has a moment");
    await until(() => handOver.waitingCount === 0, "the connection has arrived");
    const before = answers();
    await until(() => answers() > before + 5, "calls go on");
    assert.ok(metric(to.proxy, "weft_downstream_requests_total") > 0);
  },
);
