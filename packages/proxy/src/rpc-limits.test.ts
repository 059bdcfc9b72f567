import assert from "node:assert/strict";
import { test } from "node:test";
import { createCluster, createListener } from "@weft/testkit";
import { assertBalanced, connectRaw, metric, startProxy, until } from "./proxy.fixture.ts";
import {
  boltRequest,
  boltResponse,
  dubboRequest,
  dubboResponse,
  startBoltServer,
  startDubboServer,
} from "./rpc.fixture.ts";

const LISTENER = createListener({ rpcFrameBytesMax: 4096, rpcStreamsMax: 2 });

/** Hosts that answer all that waits when they are told to. */
const PROTOCOLS = {
  bolt: {
    start: startBoltServer,
    request: (id: number, byteCount = 0) => boltRequest({ id, content: Buffer.alloc(byteCount) }),
    response: (id: number) => boltResponse(id, 0, Buffer.from("fine")),
    /** Id and status of the first answer, which is one of the proxy's own. */
    read: (bytes: Buffer) => [bytes.readUInt32BE(5), bytes.readUInt16BE(10)],
    refused: { large: 9, busy: 4 },
  },
  dubbo: {
    start: startDubboServer,
    request: (id: number, byteCount = 0) => dubboRequest({ id, argument: "x".repeat(byteCount) }),
    response: (id: number) => dubboResponse(id, "fine"),
    read: (bytes: Buffer) => [Number(bytes.readBigUInt64BE(4)), bytes.readUInt8(3)],
    refused: { large: 40, busy: 100 },
  },
} as const;

for (const protocol of ["bolt", "dubbo"] as const) {
  const { start, request, response, read, refused } = PROTOCOLS[protocol];

  test(`${protocol}: a frame above the listener's rpcFrameBytesMax is refused, and no smaller one`, async () => {
    const host = await start(response);
    const { proxy, port } = await startProxy([createCluster([host], { protocol })], undefined, LISTENER);
    const client = connectRaw(port);
    client.socket.write(request(7, 4096));
    await until(() => client.bytes().length >= 16, "an answer");
    assert.deepEqual(read(client.bytes()), [7, refused.large]);
    client.socket.write(request(8, 500));
    await client.read(/fine/);
    assert.equal(metric(proxy, "weft_downstream_protocol_errors_total", "RPC_FRAME_TOO_LARGE"), 1);
    await assertBalanced(proxy);
  });

  test(`${protocol}: calls beyond the listener's rpcStreamsMax are refused while the others are in progress`, async () => {
    const held: (() => void)[] = [];
    const host = await start((id, socket) => {
      held.push(() => void socket.write(response(id)));
      return null;
    });
    const { proxy, port } = await startProxy([createCluster([host], { protocol })], undefined, LISTENER);
    const client = connectRaw(port);
    for (const id of [1, 2, 3]) client.socket.write(request(id));
    await until(() => client.bytes().length >= 16, "an answer");
    assert.deepEqual(read(client.bytes()), [3, refused.busy]);
    await until(() => held.length === 2, "the others are with the host");
    for (const answer of held.splice(0)) answer();
    await client.read(/fine.*fine/s);
    client.socket.write(request(4));
    await until(() => held.length === 1, "there is room again");
    held[0]?.();
    await client.read(/fine.*fine.*fine/s);
    await assertBalanced(proxy);
  });
}
