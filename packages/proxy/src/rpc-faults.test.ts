// Bad frames and bad hosts through a whole proxy: each ends with a protocol-correct answer or a closed connection, in bounded
// memory, and without effect on the calls of others.
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { createCluster } from "@weft/testkit";
import {
  assertBalanced,
  connectRaw,
  metric,
  type ProxyFixture,
  type RawClient,
  startProxy,
  startTcpServer,
  until,
} from "./proxy.fixture.ts";
import { boltRequest, boltResponse, startBoltServer } from "./rpc.fixture.ts";

/** A proxy before a host that echoes, and a client of its own whose calls must go on whatever others do. */
interface Scene extends ProxyFixture {
  /** Calls on a connection of their own still work. */
  assertServes(): Promise<void>;
}

const OK = Buffer.from("fine");

async function startScene(
  answer: (id: number, socket: Socket) => Buffer | null = (id) => boltResponse(id, 0, OK),
): Promise<Scene> {
  const host = await startBoltServer(answer);
  const fixture = await startProxy([createCluster([host], { protocol: "bolt" })]);
  let bystander: RawClient | null = null;
  let calls = 0;
  return {
    ...fixture,
    assertServes: async () => {
      bystander ??= connectRaw(fixture.port);
      const { socket, text } = bystander;
      socket.write(boltRequest({ id: ++calls }));
      await until(() => (text().match(/fine/g) ?? []).length === calls, "the bystander's answer");
    },
  };
}

/** Frames of a length that is a multiple of this are answers of the proxy: head and the code of what went wrong. */
function statusesOf(client: RawClient): number[] {
  const statuses: number[] = [];
  const bytes = client.bytes();
  for (let at = 0; at + 20 <= bytes.length;) {
    statuses.push(bytes.readUInt16BE(at + 10));
    at += 20 + bytes.readUInt16BE(at + 12) + bytes.readUInt16BE(at + 14) + bytes.readUInt32BE(at + 16);
  }
  return statuses;
}

function changed(frame: Buffer, change: (frame: Buffer) => void): Buffer {
  const copy = Buffer.from(frame);
  change(copy);
  return copy;
}

const CLOSING: readonly (readonly [what: string, frame: Buffer])[] = [
  ["content of 4 GB", changed(boltRequest({ id: 1 }), (frame) => frame.writeUInt32BE(0xffff_ffff, 18))],
  ["content of 2 GB", changed(boltRequest({ id: 1 }), (frame) => frame.writeUInt32BE(0x7fff_ffff, 18))],
  ["an unknown command", changed(boltRequest({ id: 1 }), (frame) => frame.writeUInt16BE(9, 2))],
  ["an unknown type", changed(boltRequest({ id: 1 }), (frame) => frame.writeUInt8(7, 1))],
  ["another protocol in the middle", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
];

for (const [what, frame] of CLOSING) {
  test(`bolt: ${what} closes the client's connection, after its open calls were reset, and no other`, async () => {
    const { proxy, port, assertServes } = await startScene();
    const client = connectRaw(port);
    client.socket.write(boltRequest({ id: 1 }));
    await client.read(/fine/);
    client.socket.write(frame);
    await client.end();
    await assertServes();
    const errors = metric(proxy, "weft_downstream_protocol_errors_total");
    assert.equal(errors, 1);
    await assertBalanced(proxy);
  });
}

test("bolt: a header map that does not end is answered, and the connection goes on", async () => {
  const { proxy, port, assertServes } = await startScene();
  const client = connectRaw(port);
  // The key's length points beyond the map.
  client.socket.write(changed(boltRequest({ id: 1 }), (frame) => frame.writeInt32BE(30_000, 22 + 44)));
  await until(() => statusesOf(client).length === 1, "an answer");
  assert.deepEqual(statusesOf(client), [0x12], "SERVER_DESERIAL_EXCEPTION");
  client.socket.write(boltRequest({ id: 2 }));
  await client.read(/fine/);
  await assertServes();
  await assertBalanced(proxy);
});

test("bolt: a call that is cut at any byte ends with its connection, and holds nothing", async () => {
  const { proxy, port, assertServes } = await startScene();
  const frame = boltRequest({ id: 1, content: Buffer.alloc(40) });
  const clients = Array.from({ length: frame.length - 1 }, (_, index) => {
    const client = connectRaw(port);
    client.socket.write(frame.subarray(0, index + 1));
    client.socket.end();
    return client;
  });
  for (const client of clients) assert.equal(await client.end(), "");
  await assertServes();
  await until(() => metric(proxy, "weft_downstream_connections_active") === 1, "the bystander's connection alone");
  await assertBalanced(proxy);
});

test("bolt: a wrong checksum closes the connection", async () => {
  const { proxy, port, assertServes } = await startScene();
  const client = connectRaw(port);
  // v2 with checksum: a heartbeat whose last byte is wrong.
  client.socket.write(Buffer.from("02020100000100000002010100000bb80000000000000000b4e5214f", "hex"));
  await client.end();
  assert.equal(metric(proxy, "weft_downstream_protocol_errors_total", "BOLT_CRC_MISMATCH"), 1);
  await assertServes();
});

test("bolt: the same id twice at a time gets two answers", async () => {
  const { proxy, port } = await startScene();
  const client = connectRaw(port);
  client.socket.write(Buffer.concat([boltRequest({ id: 5 }), boltRequest({ id: 5 })]));
  await until(() => statusesOf(client).length === 2, "two answers");
  assert.deepEqual(statusesOf(client), [0, 0]);
  await assertBalanced(proxy);
});

test("bolt: a host that answers twice, or nobody, does no harm", async () => {
  const { proxy, port, assertServes } = await startScene((id) =>
    Buffer.concat([boltResponse(id, 0, OK), boltResponse(id, 0, Buffer.from("again")), boltResponse(77_777, 0, OK)]),
  );
  const client = connectRaw(port);
  for (let id = 1; id <= 20; id++) client.socket.write(boltRequest({ id }));
  await until(() => statusesOf(client).length === 20, "twenty answers");
  assert.doesNotMatch(client.text(), /again/);
  await assertServes();
  const unmatched = (): number => metric(proxy, "weft_upstream_rpc_faults_total", "unmatched");
  await until(() => unmatched() === 21 * 2, "two answers too many to each call");
  assert.equal(metric(proxy, "weft_pool_connections_total", "bolt"), 1);
  await assertBalanced(proxy);
});

test("bolt: late answers after timeouts meet no later call", async () => {
  const late: (() => void)[] = [];
  const { proxy, port } = await startScene((id, socket) => {
    if (late.length >= 10) return boltResponse(id, 0, OK);
    late.push(() => void socket.write(boltResponse(id, 0, Buffer.from("late"))));
    return null;
  });
  const client = connectRaw(port);
  for (let id = 1; id <= 10; id++) client.socket.write(boltRequest({ id, timeoutMs: 30 }));
  await until(() => statusesOf(client).length === 10, "ten answers");
  assert.deepEqual(new Set(statusesOf(client)), new Set([7]), "TIMEOUT");
  for (const answer of late) answer();
  client.socket.write(boltRequest({ id: 11 }));
  await client.read(/fine/);
  assert.doesNotMatch(client.text(), /late/);
  assert.equal(metric(proxy, "weft_upstream_rpc_faults_total", "late"), 10);
  await assertBalanced(proxy);
});

test("bolt: a host that breaks its protocol fails its open calls, and the next one has a new connection", async () => {
  let calls = 0;
  const { proxy, port } = await startScene((id) =>
    ++calls === 1 ? Buffer.from("not bolt at all, not at all") : boltResponse(id, 0, OK),
  );
  const client = connectRaw(port);
  client.socket.write(boltRequest({ id: 1 }));
  await until(() => statusesOf(client).length === 1, "an answer");
  assert.deepEqual(statusesOf(client), [0x10], "CONNECTION_CLOSED");
  client.socket.write(boltRequest({ id: 2 }));
  await client.read(/fine/);
  assert.equal(metric(proxy, "weft_pool_connections_total", "bolt"), 2);
  assert.equal(metric(proxy, "weft_upstream_protocol_errors_total", "BOLT_UNKNOWN_PROTOCOL"), 1);
  await assertBalanced(proxy);
});

test("bolt: a client that stops reading is not worked for without bound", async () => {
  const content = Buffer.alloc(64 * 1024, "x");
  let answered = 0;
  const { port, proxy, assertServes } = await startScene((id) => {
    answered++;
    return id > 0 ? boltResponse(id, 0, Buffer.concat([content, OK])) : null;
  });
  const client = connectRaw(port);
  client.socket.pause();
  const request = boltRequest({ id: 1, timeoutMs: 0 });
  for (let call = 0; call < 4000; call++) client.socket.write(request);
  let before = -1;
  await until(async () => {
    const isStill = answered === before && answered > 0;
    before = answered;
    // waits: only time shows that nothing more comes.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return isStill;
  }, "the host is asked no more");
  // 4,000 answers are 256 MB: what the system's buffers and ours hold is far less.
  assert.ok(answered < 2000, `${answered} calls were answered`);
  await until(() => metric(proxy, "weft_downstream_connection_closes_total", "stalled") === 1, "the client is cut off");
  await assertServes();
  client.socket.destroy();
  await assertBalanced(proxy);
});

test("bolt: a host that stops reading fails its calls in time, and holds up no other host's", async (t: TestContext) => {
  const deaf = await startTcpServer((socket) => socket.pause());
  const { port, proxy, world, assertServes } = await startScene();
  const [echo] = world.clusters.value;
  assert.ok(echo !== undefined);
  const [rule] = world.routes.value[0]?.rules ?? [];
  assert.ok(rule !== undefined);
  world.clusters.set([echo, { ...createCluster([deaf.port], { protocol: "bolt" }), name: "deaf" }]);
  const backends = rule.backends.map((backend) => ({ ...backend, cluster: "deaf" }));
  const match = { ...rule.match, path: { type: "prefix", value: "/com.shop.Deaf" } as const };
  world.routes.set([{ name: "routes", rules: [rule, { ...rule, route: "test/deaf", match, backends }] }]);
  const client = connectRaw(port);
  t.after(() => void client.socket.destroy());
  const content = Buffer.alloc(512 * 1024);
  for (let id = 1; id <= 12; id++) {
    client.socket.write(boltRequest({ id, timeoutMs: 100, service: "com.shop.Deaf:1.0", content }));
  }
  await assertServes();
  await until(() => statusesOf(client).length > 0, "an answer");
  assert.deepEqual(new Set(statusesOf(client)), new Set([7]), "TIMEOUT");
  await assertServes();
  await until(() => statusesOf(client).length === 12, "all are answered");
  await assertBalanced(proxy);
});
