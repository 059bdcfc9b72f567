import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHead, ResponseHead } from "@weft/contract";
import { ClientUnderTest, frame, GET, headers, ServerUnderTest, setting, uint32 } from "./peer.test.ts";

const OK = new ResponseHead(200, [], -1);
const BODY = Buffer.alloc(300_000, "x");
const BYTES_MIN = 100;

/** A server whose client opened streams 1, 3, ... with a window of `windowBytes` each; each has a body waiting. */
function startWaiting(streamCount: number, windowBytes: number, bodyBytes: number): ServerUnderTest {
  const server = new ServerUnderTest();
  server.send(frame("SETTINGS", 0, 0, setting(4, windowBytes)));
  for (let index = 0; index < streamCount; index++) {
    server.send(headers(2 * index + 1, GET));
    server.stream(index).sendHead(OK, false);
    server.stream(index).sendData(BODY, 0, bodyBytes, true);
  }
  server.heard();
  server.written();
  return server;
}

function grant(server: ServerUnderTest, streamId: number, byteCount: number): void {
  server.send(frame("WINDOW_UPDATE", 0, streamId, uint32(byteCount)));
}

test("endStalled() ends a stream whose client never opens its window, at the second look", () => {
  const server = startWaiting(1, 0, 100);
  assert.equal(server.session.endStalled(BYTES_MIN), 0);
  assert.equal(server.session.activeStreams, 1);
  assert.equal(server.session.endStalled(BYTES_MIN), 1);
  assert.deepEqual(server.written(), ["RST_STREAM 1 code 8"]);
  assert.deepEqual(server.heard(), ["reset 1 timeout"]);
  assert.equal(server.session.activeStreams, 0);
  assert.equal(server.session.endStalled(BYTES_MIN), 0);
});

test("endStalled() ends a stream whose client takes a few bytes at a time", () => {
  const server = startWaiting(1, 0, 60_000);
  server.session.endStalled(BYTES_MIN);
  for (let update = 0; update < BYTES_MIN - 1; update++) grant(server, 1, 1);
  assert.equal(server.session.endStalled(BYTES_MIN), 1);
});

test("endStalled() lets a stream go on whose client takes the minimum, or all that waited", () => {
  const server = startWaiting(2, 0, 60_000);
  const small = startWaiting(1, 0, 60);
  for (let look = 0; look < 5; look++) {
    assert.equal(server.session.endStalled(BYTES_MIN), 0);
    assert.equal(small.session.endStalled(BYTES_MIN), 0);
    for (const streamId of [1, 3]) grant(server, streamId, BYTES_MIN);
    if (look === 0) grant(small, 1, 60);
  }
  assert.equal(server.session.activeStreams, 2);
  assert.equal(small.session.activeStreams, 0);
});

test("endStalled() counts what waited earlier, not what was added since", () => {
  const server = new ServerUnderTest();
  server.send(frame("SETTINGS", 0, 0, setting(4, 0)), headers(1, GET));
  const stream = server.stream(0);
  stream.sendHead(OK, false);
  for (let event = 0; event < 5; event++) {
    stream.sendData(BODY, 0, 10, false);
    assert.equal(server.session.endStalled(BYTES_MIN), 0);
    grant(server, 1, 10);
  }
  assert.equal(server.session.activeStreams, 1);
});

test("endStalled() ends what waits for a connection window that does not open", () => {
  const server = startWaiting(2, 1_000_000, 100_000);
  server.session.endStalled(BYTES_MIN);
  grant(server, 0, 1);
  assert.equal(server.session.endStalled(BYTES_MIN), 2);
  assert.deepEqual(server.heard(), ["reset 1 timeout", "reset 2 timeout"]);
});

test("endStalled() does not blame a stream for the connection's window while others use it", () => {
  const server = startWaiting(1, 1_000_000, 65_000);
  server.send(headers(3, GET), headers(5, GET));
  server.session.endStalled(BYTES_MIN);
  for (const index of [1, 2]) {
    server.stream(index).sendHead(OK, false);
    server.stream(index).sendData(BODY, 0, 100_000, true);
  }
  server.session.endStalled(BYTES_MIN);
  // One full frame: stream 3's turn, none for stream 5.
  grant(server, 0, 16_384);
  assert.equal(server.session.endStalled(BYTES_MIN), 0);
  assert.equal(server.session.endStalled(BYTES_MIN), 2, "now nobody gets anything");
});

test("endStalled() is not fooled by a client that closes one window after the other", () => {
  const server = startWaiting(1, 0, 60_000);
  server.send(headers(3, GET));
  const other = server.stream(1);
  other.sendHead(OK, false);
  assert.equal(server.session.endStalled(BYTES_MIN), 0, "stream 1 waits for its own window");
  grant(server, 3, 65_535);
  other.sendData(BODY, 0, 65_535, true);
  grant(server, 1, 10);
  assert.equal(server.session.endStalled(BYTES_MIN), 0, "stream 3 has used the connection's window up");
  grant(server, 0, 10);
  assert.equal(server.session.endStalled(BYTES_MIN), 1, "10 bytes in all that time");
});

test("endStalled() of a client looks only at requests that were answered before they were taken", () => {
  const client = new ClientUnderTest();
  client.send(frame("SETTINGS", 0, 0, setting(4, 0)));
  const head = new RequestHead("POST", "http", "a.test", "/", [], -1);
  for (let index = 0; index < 2; index++) client.open(head, false).sendData(BODY, 0, 1000, true);
  client.send(headers(1, [":status", "200"]));
  client.heard();
  assert.equal(client.session.activeStreams, 2);
  for (let look = 0; look < 3; look++) client.session.endStalled(BYTES_MIN);
  assert.equal(client.session.activeStreams, 1);
  assert.match(client.written().join(), /RST_STREAM 1 code 8$/);
});
