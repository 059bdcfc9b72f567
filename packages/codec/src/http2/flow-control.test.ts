import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHead, ResponseHead } from "@weft/contract";
import { ByteQueue } from "./byte-queue.ts";
import { ReceiveWindow } from "./flow-control.ts";
import fc from "fast-check";
import {
  ClientUnderTest,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  headers,
  POST,
  ServerUnderTest,
  setting,
  uint32,
} from "./peer.test.ts";

const OK = new ResponseHead(200, [], -1);
const BODY = Buffer.alloc(300_000, "x");

test("ReceiveWindow announces what was consumed at half its size", () => {
  const window = new ReceiveWindow(100);
  assert.ok(window.take(100));
  assert.equal(window.give(49), 0);
  assert.equal(window.give(1), 50);
  assert.ok(window.take(50));
  assert.ok(!window.take(1));
});

test("ByteQueue gives back what was put in, however it is cut", () => {
  const step = fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: -10_000, max: -1 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const queue = new ByteQueue();
      let written = 0;
      let read = 0;
      for (const count of steps) {
        if (count > 0) {
          const bytes = Buffer.from(Array.from({ length: count }, (_, index) => (written + index) % 251));
          queue.push(bytes, 0, count);
          written += count;
        } else if (queue.byteLength > 0) {
          const chunk = queue.chunk;
          assert.ok(chunk !== undefined && queue.available > 0);
          const byteCount = Math.min(-count, queue.available);
          for (let index = 0; index < byteCount; index++) {
            assert.equal(chunk[queue.at + index], (read + index) % 251);
          }
          queue.skip(byteCount);
          read += byteCount;
        }
        assert.equal(queue.byteLength, written - read);
      }
    }),
  );
});

test("Http2ServerSession sends as far as the windows allow, in frames of the client's size", () => {
  const server = new ServerUnderTest();
  server.send(headers(1, GET));
  const stream = server.stream(0);
  stream.sendHead(OK, false);
  assert.equal(stream.sendData(BODY, 0, 70_000, true), false);
  assert.deepEqual(server.written(), ["HEADERS 1", "DATA 1 16384", "DATA 1 16384", "DATA 1 16384", "DATA 1 16383"]);
  server.send(frame("WINDOW_UPDATE", 0, 1, uint32(10_000)));
  assert.deepEqual(server.written(), [], "the connection's window is used up");
  server.send(frame("WINDOW_UPDATE", 0, 0, uint32(1000)));
  assert.deepEqual(server.written(), ["DATA 1 1000"]);
  server.send(frame("WINDOW_UPDATE", 0, 0, uint32(10_000)));
  assert.deepEqual(server.written(), ["DATA 1 3465 end"]);
  assert.equal(server.session.activeStreams, 0);
});

test("Http2ServerSession sends trailers behind what waits and tells when more may be sent", () => {
  const server = new ServerUnderTest();
  server.send(headers(1, GET), headers(3, GET), frame("SETTINGS", 0, 0, setting(4, 10)));
  server.written();
  const [first, second] = [server.stream(0), server.stream(1)];
  server.heard();
  for (const stream of [first, second]) {
    stream.sendHead(OK, false);
    assert.equal(stream.sendData(BODY, 0, 15, false), false);
  }
  second.sendTrailers(["x-a", "1"]);
  assert.deepEqual(server.written(), ["HEADERS 1", "DATA 1 10", "HEADERS 3", "DATA 3 10"]);
  server.send(frame("WINDOW_UPDATE", 0, 1, uint32(5)), frame("WINDOW_UPDATE", 0, 3, uint32(5)));
  assert.deepEqual(server.written(), ["DATA 1 5", "DATA 3 5", "HEADERS 3 end"]);
  assert.deepEqual(server.heard(), ["writable 1"]);
  first.sendData(BODY, 0, 0, true);
  assert.deepEqual(server.written(), ["DATA 1 0 end"]);
});

test("Http2ServerSession shares a short connection window fairly", () => {
  const server = new ServerUnderTest();
  const large = setting(4, 1_000_000);
  server.send(frame("SETTINGS", 0, 0, large), headers(1, GET), headers(3, GET), headers(5, GET));
  server.written();
  for (const stream of server.streams) {
    stream.sendHead(OK, false);
    stream.sendData(BODY, 0, 100_000, true);
  }
  assert.deepEqual(server.written().filter((each) => each.startsWith("DATA")).length, 4, "the first used it up");
  server.send(frame("WINDOW_UPDATE", 0, 0, uint32(16_384 * 6)));
  assert.deepEqual(
    server.written(),
    [1, 3, 5, 1, 3, 5].map((id) => `DATA ${id} 16384`),
  );
});

test("Http2ServerSession lives with windows that shrink below nothing", () => {
  const server = new ServerUnderTest();
  server.send(headers(1, GET));
  const stream = server.stream(0);
  stream.sendHead(OK, false);
  stream.sendData(BODY, 0, 1000, false);
  server.send(frame("SETTINGS", 0, 0, setting(4, 400)));
  assert.equal(stream.sendData(BODY, 0, 100, true), false);
  server.written();
  server.send(frame("WINDOW_UPDATE", 0, 1, uint32(600)));
  assert.deepEqual(server.written(), [], "the window is exactly 0");
  server.send(frame("SETTINGS", 0, 0, setting(4, 450)));
  assert.deepEqual(server.written(), ["SETTINGS ack", "DATA 1 50"]);
  server.send(frame("SETTINGS", 0, 0, setting(4, 65_535)));
  assert.deepEqual(server.written(), ["SETTINGS ack", "DATA 1 50 end"]);
  const grown = new ServerUnderTest();
  grown.send(headers(1, GET), frame("WINDOW_UPDATE", 0, 1, uint32(2 ** 31 - 70_000)));
  grown.send(frame("SETTINGS", 0, 0, setting(4, 80_000)));
  assert.equal(grown.heard().at(-1), "session end HTTP2_FLOW_CONTROL_ERROR");
});

test("Http2ServerSession resets a stream whose window grows beyond 2^31-1", () => {
  const server = new ServerUnderTest();
  server.send(headers(1, GET), frame("WINDOW_UPDATE", 0, 1, uint32(2 ** 31 - 1)));
  assert.deepEqual(server.heard(), ["request 1 GET / end", "reset 1 protocol"]);
  assert.deepEqual(server.written(), ["RST_STREAM 1 code 3"]);
});

test("Http2ServerSession stops writing bodies into a congested output and goes on when it drained", () => {
  const server = new ServerUnderTest();
  server.send(headers(1, GET), headers(3, GET));
  server.heard();
  server.output.isCongested = true;
  const [first, second] = [server.stream(0), server.stream(1)];
  first.sendHead(OK, false);
  assert.equal(first.sendData(BODY, 0, 100, false), false);
  second.sendHead(OK, false);
  assert.equal(second.sendData(BODY, 0, 100, true), false);
  assert.deepEqual(server.written(), ["HEADERS 1", "HEADERS 3"]);
  server.output.isCongested = false;
  server.session.outputDrained();
  assert.deepEqual(server.written(), ["DATA 1 100", "DATA 3 100 end"]);
  assert.deepEqual(server.heard(), ["writable 1"]);
});

test("Http2ServerSession reports a body that filled the output, and continues it after draining", () => {
  const server = new ServerUnderTest();
  server.send(frame("SETTINGS", 0, 0, setting(4, 2 ** 30)), frame("WINDOW_UPDATE", 0, 0, uint32(2 ** 30)));
  server.send(headers(1, GET));
  server.written();
  const stream = server.stream(0);
  stream.sendHead(OK, false);
  let total = 0;
  while (stream.sendData(BODY, 0, 50_000, false)) total += 50_000;
  assert.ok(total >= 200_000 && total < 400_000);
  server.heard();
  server.written();
  server.output.isCongested = false;
  server.session.outputDrained();
  assert.deepEqual(server.heard(), ["writable 1"]);
});

test("Http2ServerSession ends the connection when the client ignores its window", () => {
  const server = new ServerUnderTest({ streamWindowBytes: 2 ** 20, connectionWindowBytes: 70_000 });
  server.send(headers(1, POST, END_HEADERS));
  const piece = frame("DATA", 0, 1, Buffer.alloc(10_000));
  for (let index = 0; index < 7; index++) server.send(piece);
  assert.equal(server.session.activeStreams, 1);
  server.send(frame("DATA", 0, 1, "x"));
  assert.equal(server.heard().at(-1), "session end HTTP2_FLOW_CONTROL_ERROR");
  assert.deepEqual(server.written(), ["GOAWAY last 1 code 3"]);
});

test("Http2ServerSession resets a stream that ignores its own window", () => {
  const server = new ServerUnderTest({ streamWindowBytes: 100 });
  server.send(headers(1, POST, END_HEADERS), frame("DATA", 0, 1, Buffer.alloc(100)));
  server.send(frame("DATA", 0, 1, "x"));
  assert.equal(server.heard().at(-1), "reset 1 protocol");
  assert.deepEqual(server.written(), ["RST_STREAM 1 code 3"]);
  const early = new ServerUnderTest({ streamWindowBytes: 100 }, false);
  early.send(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame("SETTINGS", 0, 0));
  early.send(headers(1, POST, END_HEADERS), frame("DATA", 0, 1, Buffer.alloc(1000)));
  assert.equal(early.heard().at(-1), "data 1 1000", "a client that does not know our SETTINGS yet may do so");
});

test("consume() lets the client send more, once for half a window", () => {
  const server = new ServerUnderTest({ streamWindowBytes: 40_000, connectionWindowBytes: 100_000 });
  server.send(headers(1, POST, END_HEADERS));
  const stream = server.stream(0);
  for (let index = 0; index < 3; index++) server.send(frame("DATA", 0, 1, Buffer.alloc(10_000)));
  stream.consume(10_000);
  assert.deepEqual(server.written(), []);
  stream.consume(10_000);
  assert.deepEqual(server.written(), ["WINDOW_UPDATE 1 +20000"]);
  stream.consume(99_999);
  assert.deepEqual(server.written(), [], "more than was received is not consumed");
  for (let index = 0; index < 2; index++) {
    server.send(frame("DATA", 0, 1, Buffer.alloc(10_000)));
    stream.consume(10_000);
  }
  assert.deepEqual(server.written(), ["WINDOW_UPDATE 1 +20000", "WINDOW_UPDATE 0 +50000"]);
});

test("what a stream did not consume is given back to the connection when it closes", () => {
  const server = new ServerUnderTest({ streamWindowBytes: 65_535, connectionWindowBytes: 65_535 });
  server.send(headers(1, POST, END_HEADERS));
  for (let index = 0; index < 4; index++) server.send(frame("DATA", 0, 1, Buffer.alloc(10_000)));
  assert.deepEqual(server.written(), []);
  server.stream(0).reset("cancelled");
  assert.deepEqual(server.written().sort(), ["RST_STREAM 1 code 8", "WINDOW_UPDATE 0 +40000"]);
  server.stream(0).consume(40_000);
  assert.deepEqual(server.written(), [], "only once");
});

test("late DATA on a stream that was reset is dropped and given back, whole or in pieces", () => {
  const server = new ServerUnderTest({ streamWindowBytes: 65_535, connectionWindowBytes: 65_535 });
  server.send(headers(1, POST, END_HEADERS));
  server.onData = (stream) => stream.reset("cancelled");
  const bytes = frame("DATA", END_STREAM, 1, Buffer.alloc(16_000));
  server.session.receive(bytes, 0, 8000);
  server.session.receive(bytes, 8000, bytes.length);
  for (let index = 0; index < 2; index++) server.send(frame("DATA", 0, 1, Buffer.alloc(16_000)));
  assert.deepEqual(server.heard(), ["request 1 POST /up", "data 1 7991"]);
  assert.equal(server.written().at(-1), `WINDOW_UPDATE 0 +${7991 + 8009 + 32_000}`);
});

test("padding is consumed as it comes", () => {
  const server = new ServerUnderTest({ streamWindowBytes: 400, connectionWindowBytes: 65_535 });
  server.send(headers(1, POST, END_HEADERS));
  server.send(frame("DATA", 0x08, 1, Buffer.concat([Buffer.from([255]), Buffer.alloc(256)])));
  assert.deepEqual(server.heard().at(-1), "data 1 1");
  assert.deepEqual(server.written(), ["WINDOW_UPDATE 1 +256"]);
});

test("a sender that goes on against a closed window is given up at streamPendingBytesMax", () => {
  const client = new ClientUnderTest({ streamPendingBytesMax: 100_000 });
  const stream = client.open(new RequestHead("POST", "", "a", "/", [], -1), false);
  assert.equal(stream.sendData(BODY, 0, 300_000, false), false, "one piece is taken however large");
  assert.equal(stream.sendData(BODY, 0, 1, false), true);
  assert.deepEqual(client.heard(), ["reset 1 overloaded"]);
  assert.equal(client.written().at(-1), "RST_STREAM 1 code 11");
});
