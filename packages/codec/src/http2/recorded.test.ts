import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHead, ResponseHead } from "@weft/contract";
import { ClientUnderTest, ServerUnderTest } from "./peer.test.ts";
import { CADDY_BYTES, CURL_BYTES, H2LOAD_BYTES, NGHTTP_BYTES, NGHTTPX_BYTES } from "./recorded.golden.ts";

/** Reads the bytes in one piece and in pieces of 100; both must be heard alike. */
function replayToServer(bytes: Buffer): ServerUnderTest {
  const server = new ServerUnderTest({}, false);
  server.onRequest = (stream) => stream.receiver !== null && stream.sendHead(new ResponseHead(200, [], -1), false);
  server.session.receive(bytes, 0, bytes.length);
  const split = new ServerUnderTest({}, false);
  split.onRequest = server.onRequest;
  for (let at = 0; at < bytes.length; at += 100) split.session.receive(bytes, at, Math.min(bytes.length, at + 100));
  assert.deepEqual(
    split.heads.map((head) => [head.path, head.fields]),
    server.heads.map((head) => [head.path, head.fields]),
  );
  return server;
}

test("a recorded nghttp is understood", () => {
  const server = replayToServer(NGHTTP_BYTES);
  const heads = server.heads.map((head) => [head.method, head.path, head.contentLength]);
  assert.deepEqual(heads, [
    ["POST", "/upload", 3000],
    ["POST", "/second", 3000],
  ]);
  const fields = server.heads[0]?.fields ?? [];
  assert.equal(fields[fields.indexOf("x-tenant") + 1], "north");
  const events = server.heard();
  assert.ok(events.includes("trailers 1 x-sum=7"), events.join());
});

test("a recorded h2load is understood, and its repeated heads are one object", () => {
  const server = replayToServer(H2LOAD_BYTES);
  assert.equal(server.heads.length, 6);
  for (const head of server.heads) assert.deepEqual([head.method, head.path, head.contentLength], ["GET", "/load", 0]);
  assert.equal(server.heads[4], server.heads[5]);
});

test("a recorded curl is understood", () => {
  const server = replayToServer(CURL_BYTES);
  const form = server.heads[0];
  assert.deepEqual([form?.method, form?.path, form?.contentLength], ["POST", "/form", 3000]);
  const fields = form?.fields ?? [];
  assert.equal(fields[fields.indexOf("cookie") + 1], "a=1; b=2");
});

for (const [name, bytes] of [
  ["nghttpx", NGHTTPX_BYTES],
  ["Caddy", CADDY_BYTES],
] as const) {
  test(`recorded answers of ${name} are understood`, () => {
    const client = new ClientUnderTest({}, false);
    const accept = ["accept", "*/*"];
    client.open(new RequestHead("GET", "http", "a.test", "/one", accept, 0));
    client
      .open(new RequestHead("POST", "http", "a.test", "/two", ["content-length", "5"], 5), false)
      .sendData(Buffer.from("12345"), 0, 5, true);
    client.open(new RequestHead("HEAD", "http", "a.test", "/one", accept, 0));
    client.open(new RequestHead("GET", "http", "a.test", "/trailers", ["te", "trailers"], 0));
    client.session.ping();
    for (let at = 0; at < bytes.length; at += 1000)
      client.session.receive(bytes, at, Math.min(bytes.length, at + 1000));
    const events = client.heard();
    const received = (id: number): number =>
      events
        .filter((event) => event.startsWith(`data ${id} `))
        .reduce((sum, event) => sum + Number(event.split(" ")[2]), 0);
    assert.equal(received(1), "hello from /one".length + 20_000);
    assert.equal(received(3), "hello from /two".length + 20_000);
    assert.equal(received(5), 0);
    assert.equal(received(7), "part".length);
    assert.ok(events.includes("head 5 200 end"));
    assert.ok(events.includes("trailers 7 x-sum=7"));
    assert.ok(events.includes("pong"));
    assert.equal(client.heads.length, 4);
    assert.equal(client.session.activeStreams, 0);
    assert.ok(!events.some((event) => event.startsWith("session end")));
  });
}
