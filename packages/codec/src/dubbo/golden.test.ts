// Frames that a real peer wrote: understood, and written again to the byte.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldsOf } from "../rpc/recorded-rpc.fixture.ts";
import { RecordedDubboClient, RecordedDubboServer } from "./dubbo.fixture.ts";
import * as golden from "./peers.golden.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

test("receive() of a real request gives a head in HTTP's words, whatever its arguments are", () => {
  for (const pieceBytes of [1, 5, 1000]) {
    const server = new RecordedDubboServer();
    server.feed(hex(golden.REQUEST), pieceBytes);
    const head = server.request().requestHead;
    assert.equal(head?.method, "POST");
    assert.equal(head.scheme, "dubbo");
    assert.equal(head.authority, "com.shop.Risk");
    assert.equal(head.path, "/com.shop.Risk/judge");
    assert.deepEqual(fieldsOf(head.fields), {
      dubbo: "5.3.0",
      path: "com.shop.Risk",
      group: "gold",
      timeout: "1500",
      interface: "com.shop.Risk",
      "remote.application": "shop",
      version: "2.0",
      "rpc-version": "2.0",
      "rpc-group": "gold",
      "rpc-caller": "shop",
    });
    assert.equal(head.frame?.protocol, "dubbo");
    assert.equal(head.frame.timeoutMs, 1500);
    assert.equal(head.frame.isOneWay, false);
    assert.equal(server.request().body.length, head.contentLength);
  }
});

test("receive() of a real request without arguments or version", () => {
  const server = new RecordedDubboServer();
  server.feed(hex(golden.REQUEST_PLAIN));
  const head = server.request().requestHead;
  assert.equal(head?.path, "/com.shop.Risk/ping");
  assert.equal(fieldsOf(head.fields)["rpc-version"], undefined);
  assert.equal(head.frame?.timeoutMs, 0);
});

test("open() sends a real request on to the byte, and its answer back", () => {
  const server = new RecordedDubboServer();
  server.feed(hex(golden.REQUEST));
  const { requestHead, body } = server.request();
  assert.ok(requestHead !== null);
  const client = new RecordedDubboClient({}, 6);
  const { answer } = client.call(requestHead, Buffer.from(body, "latin1"));
  assert.equal(client.bytes().toString("hex"), golden.REQUEST);
  client.feed(hex(golden.RESPONSE), 3);
  assert.equal(answer.responseHead?.status, 200);
  assert.ok(answer.isComplete);
  server.answer(answer.responseHead, Buffer.from(answer.body, "latin1"));
  assert.equal(server.bytes().toString("hex"), golden.RESPONSE);
});

test("receive() tells a real error by its status", () => {
  const server = new RecordedDubboServer();
  server.feed(hex(golden.REQUEST));
  const { requestHead, body } = server.request();
  assert.ok(requestHead !== null);
  const client = new RecordedDubboClient({}, 6);
  const { answer } = client.call(requestHead, Buffer.from(body, "latin1"));
  client.feed(hex(golden.RESPONSE_ERROR));
  assert.equal(answer.responseHead?.status, 500);
  assert.equal(answer.body, "\x04boom");
});

test("receive() and ping() speak as real heartbeats do", () => {
  const server = new RecordedDubboServer();
  server.feed(hex(golden.HEARTBEAT));
  assert.equal(server.bytes().toString("hex"), golden.HEARTBEAT_ACK);
  const client = new RecordedDubboClient({}, 6);
  assert.ok(client.session.ping());
  assert.equal(client.bytes().toString("hex"), golden.HEARTBEAT);
  client.feed(hex(golden.HEARTBEAT_ACK));
  assert.equal(client.pongCount, 1);
});
