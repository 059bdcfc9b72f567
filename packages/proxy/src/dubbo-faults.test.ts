// Bad Dubbo frames and hosts through a whole proxy, as rpc-faults.test.ts has it for Bolt: each ends with a protocol-correct
// answer or a closed connection, in bounded memory, and without effect on the calls of others.
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { createCluster } from "@weft/testkit";
import {
  assertBalanced,
  connectRaw,
  metric,
  type ProxyFixture,
  type RawClient,
  startProxy,
  until,
} from "./proxy.fixture.ts";
import { dubboFrame, dubboHeartbeat, dubboRequest, dubboResponse, startDubboServer } from "./rpc.fixture.ts";

interface Scene extends ProxyFixture {
  /** Calls on a connection of their own still work. */
  assertServes(): Promise<void>;
}

async function startScene(
  answer: (id: number, socket: Socket) => Buffer | null = (id) => dubboResponse(id, "fine"),
): Promise<Scene> {
  const host = await startDubboServer(answer);
  const fixture = await startProxy([createCluster([host], { protocol: "dubbo" })]);
  let bystander: RawClient | null = null;
  let calls = 0;
  return {
    ...fixture,
    assertServes: async () => {
      bystander ??= connectRaw(fixture.port);
      const { socket, text } = bystander;
      socket.write(dubboRequest({ id: ++calls }));
      await until(() => (text().match(/fine/g) ?? []).length === calls, "the bystander's answer");
    },
  };
}

interface Response {
  readonly id: number;
  readonly flags: number;
  readonly status: number;
  readonly body: string;
}

/** The frames that a client got. */
function responsesOf(client: RawClient): Response[] {
  const responses: Response[] = [];
  const bytes = client.bytes();
  for (let at = 0; at + 16 <= bytes.length;) {
    const end = at + 16 + bytes.readUInt32BE(at + 12);
    if (end > bytes.length) break;
    assert.equal(bytes.readUInt16BE(at), 0xdabb, "every answer is a frame");
    responses.push({
      id: Number(bytes.readBigUInt64BE(at + 4)),
      flags: bytes.readUInt8(at + 2),
      status: bytes.readUInt8(at + 3),
      body: bytes.toString("latin1", at + 16, end),
    });
    at = end;
  }
  return responses;
}

function changed(frame: Buffer, change: (frame: Buffer) => void): Buffer {
  const copy = Buffer.from(frame);
  change(copy);
  return copy;
}

const CLOSING: readonly (readonly [what: string, frame: Buffer])[] = [
  ["a body of 4 GB", changed(dubboRequest({ id: 2 }), (frame) => frame.writeUInt32BE(0xffff_ffff, 12))],
  [
    "a body of -1 byte, one-way",
    changed(dubboRequest({ id: 2, isTwoWay: false }), (frame) => frame.writeInt32BE(-1, 12)),
  ],
  ["a body of 2 GB", changed(dubboRequest({ id: 2 }), (frame) => frame.writeUInt32BE(0x7fff_ffff, 12))],
  ["another magic number", changed(dubboRequest({ id: 2 }), (frame) => frame.writeUInt16BE(0xdabc, 0))],
  ["another protocol in the middle", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
];

for (const [what, frame] of CLOSING) {
  test(`dubbo: ${what} closes the client's connection, and no other`, async () => {
    const { proxy, port, assertServes } = await startScene();
    const client = connectRaw(port);
    client.socket.write(dubboRequest({ id: 1 }));
    await client.read(/fine/);
    client.socket.write(frame);
    await client.end();
    for (const { flags, status } of responsesOf(client)) {
      assert.equal(flags & 0x80, 0, "nothing but responses");
      assert.ok([20, 40].includes(status), `status ${status}`);
    }
    await assertServes();
    assert.equal(metric(proxy, "weft_downstream_protocol_errors_total"), 1);
    await assertBalanced(proxy);
  });
}

test("dubbo: a frame that is too large, but not for skipping, is answered BAD_REQUEST, and the connection goes on", async () => {
  const { proxy, port, assertServes } = await startScene();
  const client = connectRaw(port);
  const bytes = 17 * 1024 * 1024;
  client.socket.write(changed(dubboRequest({ id: 9 }), (frame) => frame.writeUInt32BE(bytes, 12)));
  const sent = dubboRequest({ id: 9 }).length - 16;
  client.socket.write(Buffer.alloc(bytes - sent));
  client.socket.write(dubboRequest({ id: 10 }));
  await until(() => responsesOf(client).length === 2, "two answers");
  assert.deepEqual(
    responsesOf(client).map(({ id, status }) => [id, status]),
    [
      [9, 40],
      [10, 20],
    ],
  );
  await assertServes();
  await assertBalanced(proxy);
});

test("dubbo: a call that is cut at any byte ends with its connection, and holds nothing", async () => {
  const { proxy, port, assertServes } = await startScene();
  const frame = dubboRequest({ id: 1 });
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

test("dubbo: an answer that is cut at any byte fails its call, and the next one has a new connection", async () => {
  const whole = dubboResponse(1, "fine").length;
  let cutAt = 1;
  const { proxy, port, assertServes } = await startScene((id, socket) => {
    const answer = dubboResponse(id, "fine");
    if (cutAt >= whole) return answer;
    socket.end(answer.subarray(0, cutAt++));
    return null;
  });
  const client = connectRaw(port);
  for (let call = 1; call < whole; call++) {
    client.socket.write(dubboRequest({ id: call }));
    await until(() => responsesOf(client).length === call, `an answer to call ${call}`);
  }
  assert.deepEqual(new Set(responsesOf(client).map(({ status }) => status)), new Set([50]), "BAD_RESPONSE");
  await assertServes();
  await assertBalanced(proxy);
});

test("dubbo: lengths within a body that lie are passed on, for the host to judge", async () => {
  const { proxy, port, assertServes } = await startScene();
  const client = connectRaw(port);
  const frame = dubboRequest({ id: 1 });
  // Each byte of the body in turn says another length or another type: the frame's own length is all that counts.
  for (let place = 16; place < frame.length; place++) {
    client.socket.write(
      changed(frame, (copy) => {
        copy.writeBigUInt64BE(BigInt(place), 4);
        copy.writeUInt8(0xff, place);
      }),
    );
  }
  await until(() => responsesOf(client).length === frame.length - 16, "every call is answered");
  for (const { id, status } of responsesOf(client)) {
    // Where no service can be read, there is none that a route would name: what no rule asks for is passed on.
    assert.ok(status === 20 || status === 60 || status === 40, `byte ${id}: status ${status}`);
  }
  await assertServes();
  await assertBalanced(proxy);
});

test("dubbo: unknown commands and serializations end nobody's connection", async () => {
  const { proxy, port, assertServes } = await startScene();
  const client = connectRaw(port);
  // A notice of an event that nobody knows, an answer that nobody asked for, an event's answer, an empty body.
  client.socket.write(dubboFrame(1, 0xa2, 0, Buffer.from("\x01X", "latin1")));
  client.socket.write(dubboFrame(2, 0x02, 20, Buffer.from("\x91\x01X", "latin1")));
  client.socket.write(dubboFrame(3, 0x22, 20, Buffer.from("N")));
  for (let serialization = 0; serialization < 32; serialization++) {
    client.socket.write(dubboFrame(100 + serialization, 0xc0 | serialization, 0, Buffer.from("opaque")));
  }
  client.socket.write(dubboRequest({ id: 200 }));
  await until(() => responsesOf(client).some(({ id }) => id === 200), "the last call's answer");
  await until(() => responsesOf(client).length === 33, "an answer to every call");
  assert.equal(metric(proxy, "weft_downstream_rpc_faults_total", "unmatched"), 2);
  client.socket.write(dubboHeartbeat(300));
  await until(() => responsesOf(client).some(({ id, flags }) => id === 300 && (flags & 0x20) !== 0), "a heartbeat");
  await assertServes();
  await assertBalanced(proxy);
});

test("dubbo: the same id twice at a time gets two answers", async () => {
  const { proxy, port } = await startScene();
  const client = connectRaw(port);
  client.socket.write(Buffer.concat([dubboRequest({ id: 5 }), dubboRequest({ id: 5 })]));
  await until(() => responsesOf(client).length === 2, "two answers");
  assert.deepEqual(
    responsesOf(client).map(({ id, status }) => [id, status]),
    [
      [5, 20],
      [5, 20],
    ],
  );
  await assertBalanced(proxy);
});

test("dubbo: a host that answers twice, or nobody, does no harm", async () => {
  const { proxy, port, assertServes } = await startScene((id) =>
    Buffer.concat([dubboResponse(id, "fine"), dubboResponse(id, "again"), dubboResponse(77_777, "fine")]),
  );
  const client = connectRaw(port);
  for (let id = 1; id <= 20; id++) client.socket.write(dubboRequest({ id }));
  await until(() => responsesOf(client).length === 20, "twenty answers");
  assert.doesNotMatch(client.text(), /again/);
  await assertServes();
  const unmatched = (): number => metric(proxy, "weft_upstream_rpc_faults_total", "unmatched");
  await until(() => unmatched() === 21 * 2, "two answers too many to each call");
  assert.equal(metric(proxy, "weft_pool_connections_total", "dubbo"), 1);
  await assertBalanced(proxy);
});

test("dubbo: a host that answers never is waited for as long as the caller waits; late answers meet no later call", async () => {
  const late: (() => void)[] = [];
  const { proxy, port } = await startScene((id, socket) => {
    if (late.length >= 10) return dubboResponse(id, "fine");
    late.push(() => void socket.write(dubboResponse(id, "late")));
    return null;
  });
  const client = connectRaw(port);
  for (let id = 1; id <= 10; id++) client.socket.write(dubboRequest({ id, timeoutMs: 30 }));
  await until(() => responsesOf(client).length === 10, "ten answers");
  assert.deepEqual(new Set(responsesOf(client).map(({ status }) => status)), new Set([31]), "SERVER_TIMEOUT");
  for (const answer of late) answer();
  client.socket.write(dubboRequest({ id: 11 }));
  await client.read(/fine/);
  assert.doesNotMatch(client.text(), /late/);
  assert.equal(metric(proxy, "weft_upstream_rpc_faults_total", "late"), 10);
  await assertBalanced(proxy);
});

test("dubbo: a host that breaks its protocol fails its open calls, and the next one has a new connection", async () => {
  const LIES = [
    Buffer.from("not dubbo at all, not at all"),
    changed(dubboResponse(1, "fine"), (frame) => frame.writeUInt32BE(0xffff_ffff, 12)),
  ];
  let calls = 0;
  const { proxy, port } = await startScene((id) => LIES[calls++] ?? dubboResponse(id, "fine"));
  const client = connectRaw(port);
  for (const [index] of LIES.entries()) {
    client.socket.write(dubboRequest({ id: index }));
    await until(() => responsesOf(client).length === index + 1, "an answer");
  }
  assert.deepEqual(new Set(responsesOf(client).map(({ status }) => status)), new Set([50]), "BAD_RESPONSE");
  client.socket.write(dubboRequest({ id: 2 }));
  await client.read(/fine/);
  assert.equal(metric(proxy, "weft_pool_connections_total", "dubbo"), 1 + LIES.length);
  assert.equal(metric(proxy, "weft_upstream_protocol_errors_total"), LIES.length);
  await assertBalanced(proxy);
});
