import assert from "node:assert/strict";
import { test } from "node:test";
import { PREFACE } from "./frame.ts";
import { ACK, END_HEADERS, END_STREAM, frame, GET, headers, POST, ServerUnderTest, setting } from "./peer.test.ts";

function without(fields: readonly string[], name: string): string[] {
  const at = fields.indexOf(name);
  return [...fields.slice(0, at), ...fields.slice(at + 2)];
}

test("Http2ServerSession answers a path above targetBytesMax with 414", () => {
  const server = new ServerUnderTest({ targetBytesMax: 10 });
  const request = (path: string): readonly string[] => [...without(GET, ":path"), ":path", path];
  server.send(headers(1, request("/123456789")), headers(3, request("/1234567890")));
  assert.deepEqual(server.heard(), ["request 1 GET /123456789 end"]);
  const bytes = server.takeBytes();
  assert.ok(bytes.includes(Buffer.from("414")) || bytes.includes(Buffer.from([0x08, 3])));
  server.send(headers(5, request("/1234567890"), END_HEADERS));
  assert.deepEqual(server.written(), ["HEADERS 5", "DATA 5 7 end", "RST_STREAM 5 code 0"]);
  const [{ code, status, method, authority, path } = assert.fail()] = server.refusals;
  assert.deepEqual(
    [code, status, method, authority, path],
    ["HTTP2_TARGET_TOO_LONG", 414, "GET", "a.test", "/1234567890"],
  );
  assert.deepEqual(server.protocolErrors, ["HTTP2_TARGET_TOO_LONG", "HTTP2_TARGET_TOO_LONG"]);
});

test("Http2ServerSession tells of a refused request what is sound", () => {
  const server = new ServerUnderTest({ headerBytesMax: 1000, streamsMax: 1, underscores: "reject" });
  server.send(headers(1, [...GET, "x-a", "v".repeat(1000)]));
  server.send(headers(3, [...GET, "x_a", "v"]));
  server.send(headers(5, [...GET, "connection", "close"]));
  server.send(headers(7, [...without(GET, ":authority"), ":authority", "a b", "connection", "close"]));
  server.send(headers(9, [":method", "HEAD", ...without(GET, ":method"), "x-a", "v".repeat(1000)]));
  server.send(headers(11, POST, END_HEADERS), headers(13, GET));
  assert.deepEqual(
    server.refusals.map(({ code, method, authority, path }) => [code, method, authority, path]),
    [
      ["HTTP2_HEAD_TOO_LARGE", "GET", "a.test", "/"],
      ["HTTP2_UNDERSCORE_IN_FIELD_NAME", "GET", "a.test", "/"],
      ["HTTP2_MALFORMED_REQUEST", "GET", "a.test", "/"],
      ["HTTP2_MALFORMED_REQUEST", "GET", "", "/"],
      ["HTTP2_HEAD_TOO_LARGE", "HEAD", "a.test", "/"],
      ["HTTP2_TOO_MANY_STREAMS", "GET", "a.test", "/"],
    ],
  );
});

test("Http2ServerSession sends no body with the answer to a HEAD request that it refuses", () => {
  const server = new ServerUnderTest({ headerBytesMax: 1000 });
  server.send(headers(1, [":method", "HEAD", ...without(GET, ":method"), "x-a", "v".repeat(1000)]));
  assert.deepEqual(server.written(), ["HEADERS 1 end"]);
});

test("Http2ServerSession resets a request that it refuses when the client takes no answer", () => {
  const server = new ServerUnderTest({ targetBytesMax: 10 }, false);
  server.send(PREFACE, frame("SETTINGS", 0, 0, setting(4, 0)), frame("SETTINGS", ACK, 0));
  server.takeBytes();
  const path = "/1234567890";
  server.send(headers(1, [...without(GET, ":path"), ":path", path]));
  assert.deepEqual(server.written(), ["RST_STREAM 1 code 1"]);
  assert.equal(server.session.activeStreams, 0);
});

test("Http2ServerSession tells each thing that a client does wrong on a stream, once", () => {
  const server = new ServerUnderTest({ headerBytesMax: 1000, streamsMax: 2 });
  server.send(headers(1, [...GET, "connection", "close"]));
  server.send(headers(3, [...GET, "x-a", "v".repeat(1000)]));
  server.send(headers(5, [...POST, "content-length", "1"], END_HEADERS), frame("DATA", END_STREAM, 5, "abc"));
  server.send(headers(7, POST, END_HEADERS), headers(7, ["x-a", "v".repeat(1000)]));
  server.send(headers(9, POST, END_HEADERS), headers(11, POST, END_HEADERS), headers(13, GET));
  server.send(frame("DATA", 0, 99, "abc"));
  assert.deepEqual(server.protocolErrors, [
    "HTTP2_MALFORMED_REQUEST",
    "HTTP2_HEAD_TOO_LARGE",
    "HTTP2_STREAM_ERROR",
    "HTTP2_TRAILERS_TOO_LARGE",
    "HTTP2_TOO_MANY_STREAMS",
    "HTTP2_PROTOCOL_ERROR",
  ]);
  assert.deepEqual(
    server.refusals.map(({ code, status }) => `${code} ${status}`),
    ["HTTP2_MALFORMED_REQUEST 0", "HTTP2_HEAD_TOO_LARGE 431", "HTTP2_TOO_MANY_STREAMS 0"],
  );
});

test("Http2ServerSession leaves out fields with underscores where it is told to", () => {
  const server = new ServerUnderTest({ underscores: "drop" });
  const fields = ["x_a", "1", "x-b", "2", "y_", "3"];
  for (const id of [1, 3, 5]) server.send(headers(id, [...GET, ...fields]));
  server.send(headers(7, POST, END_HEADERS), headers(7, ["y_b", "2", "y-c", "3"]));
  assert.deepEqual(
    server.heads.slice(0, 3).map((head) => head.fields),
    [
      ["x-b", "2"],
      ["x-b", "2"],
      ["x-b", "2"],
    ],
  );
  assert.equal(server.heard().at(-1), "trailers 4 y-c=3");
});

test("Http2ServerSession refuses underscores in names where it is told to", () => {
  const fields = [...GET, "x_a", "1"];
  const inside = new ServerUnderTest();
  inside.send(headers(1, fields), headers(3, POST, END_HEADERS), headers(3, ["y_b", "2"]));
  assert.deepEqual(inside.heard(), ["request 1 GET / end", "request 2 POST /up", "trailers 2 y_b=2"]);
  assert.deepEqual(inside.heads[0]?.fields, ["x_a", "1"]);
  const edge = new ServerUnderTest({ underscores: "reject" });
  edge.send(headers(1, fields), headers(3, POST, END_HEADERS), headers(3, ["y_b", "2"]));
  assert.deepEqual(edge.written(), ["HEADERS 1", "DATA 1 7 end", "RST_STREAM 3 code 1"]);
  assert.equal(edge.refusals[0]?.status, 400);
  assert.deepEqual(edge.heard(), ["request 1 POST /up", "reset 1 protocol"]);
});
