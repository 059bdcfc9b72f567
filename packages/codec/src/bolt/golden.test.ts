// Frames that a real peer wrote: understood, and written again to the byte.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordedBoltClient, RecordedBoltServer } from "./bolt.fixture.ts";
import * as golden from "./peers.golden.ts";
import { fieldsOf } from "../rpc/recorded-rpc.fixture.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

const VERSIONS = [
  ["v1", golden.V1_REQUEST, golden.V1_RESPONSE, golden.V1_HEARTBEAT, golden.V1_HEARTBEAT_ACK, golden.V1_ONE_WAY],
  ["v2", golden.V2_REQUEST, golden.V2_RESPONSE, golden.V2_HEARTBEAT, golden.V2_HEARTBEAT_ACK, golden.V2_ONE_WAY],
  [
    "v2 with checksum",
    golden.V2_CRC_REQUEST,
    golden.V2_CRC_RESPONSE,
    golden.V2_CRC_HEARTBEAT,
    golden.V2_CRC_HEARTBEAT_ACK,
    golden.V2_CRC_ONE_WAY,
  ],
] as const;

for (const [name, request, response, heartbeat, heartbeatAck, oneWay] of VERSIONS) {
  test(`receive() of a real ${name} request gives a head in HTTP's words`, () => {
    for (const pieceBytes of [1, 7, 1000]) {
      const server = new RecordedBoltServer();
      server.feed(hex(request), pieceBytes);
      const head = server.request().requestHead;
      assert.equal(head?.method, "POST");
      assert.equal(head.scheme, "bolt");
      assert.equal(head.authority, "com.alipay.test.HelloService");
      assert.equal(head.path, "/com.alipay.test.HelloService");
      assert.deepEqual(fieldsOf(head.fields), {
        service: "com.alipay.test.HelloService:1.0",
        "rpc-version": "1.0",
      });
      assert.equal(head.contentLength, 218);
      assert.equal(head.frame?.protocol, "bolt");
      assert.equal(head.frame.timeoutMs, 3000);
      assert.equal(head.frame.isOneWay, false);
      assert.equal(server.request().body.slice(-6), "\x05peter");
    }
  });

  test(`open() sends a real ${name} request on to the byte`, () => {
    const server = new RecordedBoltServer();
    // Under another id, so that checksum and id are our own.
    server.feed(hex(request));
    const client = new RecordedBoltClient();
    const { requestHead, body } = server.request();
    assert.ok(requestHead !== null);
    const { answer } = client.call(requestHead, Buffer.from(body, "latin1"));
    assert.equal(client.bytes().toString("hex"), request);

    client.feed(hex(response), 3);
    assert.equal(answer.responseHead?.status, 200);
    assert.equal(answer.body.slice(-4), "\x02hiN");
    assert.ok(answer.isComplete);
    server.answer(answer.responseHead, Buffer.from(answer.body, "latin1"));
    assert.equal(server.bytes().toString("hex"), response);
  });

  test(`receive() answers a real ${name} heartbeat in its own words`, () => {
    const server = new RecordedBoltServer();
    server.feed(hex(heartbeat));
    assert.equal(server.bytes().toString("hex"), heartbeatAck);
    assert.equal(server.requests.length, 0);
  });

  test(`open() sends a real ${name} one-way request on and answers 202`, () => {
    const server = new RecordedBoltServer();
    server.feed(hex(oneWay));
    const { requestHead, body } = server.request();
    assert.equal(requestHead?.frame?.isOneWay, true);
    const client = new RecordedBoltClient({}, 2);
    const { answer } = client.call(requestHead, Buffer.from(body, "latin1"));
    assert.equal(client.bytes().toString("hex"), oneWay);
    assert.equal(answer.responseHead?.status, 202);
    assert.ok(answer.isComplete);
    assert.equal(client.session.activeStreams, 0);
    server.answer(answer.responseHead);
    assert.equal(server.bytes().length, 0);
    assert.equal(server.session.activeStreams, 0);
  });
}

test("ping() of a session that heard nothing is the heartbeat of a real v1 peer", () => {
  const client = new RecordedBoltClient({}, 1);
  assert.ok(client.session.ping());
  assert.equal(client.bytes().toString("hex"), golden.V1_HEARTBEAT);
  client.feed(hex(golden.V1_HEARTBEAT_ACK));
  assert.equal(client.pongCount, 1);
});
