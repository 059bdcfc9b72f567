import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseHead } from "@weft/contract";
import { PREFACE } from "./frame.ts";
import {
  ACK,
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  headers,
  PADDED,
  POST,
  PRIORITY,
  ServerUnderTest,
  setting,
  uint32,
} from "./peer.test.ts";

const OK = new ResponseHead(200, ["content-type", "text/plain"], -1);
const NO_CONTENT = new ResponseHead(204, [], 0);

function without(fields: readonly string[], name: string): string[] {
  const at = fields.indexOf(name);
  return [...fields.slice(0, at), ...fields.slice(at + 2)];
}

test("Http2ServerSession greets at once and acknowledges the client's SETTINGS", () => {
  const server = new ServerUnderTest({}, false);
  assert.deepEqual(server.written(), ["SETTINGS", "WINDOW_UPDATE 0 +983041"]);
  server.send(PREFACE, frame("SETTINGS", 0, 0, setting(4, 100_000)));
  assert.deepEqual(server.written(), ["SETTINGS ack"]);
  assert.equal(server.session.isReceivingHead, false);
});

test("Http2ServerSession answers a unary request", () => {
  const server = new ServerUnderTest();
  server.onRequest = (stream) => {
    stream.sendHead(OK, false);
    assert.equal(stream.sendData(Buffer.from("hello"), 0, 5, true), true);
  };
  server.send(headers(1, GET));
  assert.deepEqual(server.heard(), ["request 1 GET / end"]);
  assert.deepEqual(server.written(), ["HEADERS 1", "DATA 1 5 end"]);
  assert.equal(server.session.activeStreams, 0);
  const head = server.heads[0];
  assert.deepEqual(
    [head?.scheme, head?.authority, head?.contentLength, head?.upgrade, head?.fields],
    ["http", "a.test", 0, "", []],
  );
});

test("Http2ServerSession reads bodies, trailers, interim answers and trailers back", () => {
  const server = new ServerUnderTest();
  server.send(
    headers(1, [...POST, "te", "trailers", "expect", "100-continue"], END_HEADERS),
    frame("DATA", 0, 1, "abc"),
    frame("DATA", PADDED, 1, "\u0002de\0\0"),
    headers(1, ["grpc-status", "0"]),
  );
  assert.deepEqual(server.heard(), ["request 1 POST /up", "data 1 3", "data 1 2", "trailers 1 grpc-status=0"]);
  assert.equal(server.heads[0]?.expectsContinue, true);
  assert.equal(server.heads[0]?.contentLength, -1);
  const stream = server.stream(0);
  stream.sendInformational(new ResponseHead(103, ["link", "</a>"], -1));
  stream.sendHead(OK, false);
  stream.sendTrailers(["grpc-status", "0"]);
  assert.deepEqual(server.written(), ["HEADERS 1", "HEADERS 1", "HEADERS 1 end"]);
  assert.equal(server.session.activeStreams, 0);
});

test("Http2ServerSession says that the rest of a request is not wanted once it is answered", () => {
  const server = new ServerUnderTest();
  server.onRequest = (stream) => stream.sendHead(NO_CONTENT, true);
  server.send(headers(1, POST, END_HEADERS), frame("DATA", 0, 1, "late"), frame("DATA", END_STREAM, 1, "later"));
  assert.deepEqual(server.heard(), ["request 1 POST /up"]);
  assert.deepEqual(server.written(), ["HEADERS 1 end", "RST_STREAM 1 code 0"]);
});

test("Http2ServerSession joins cookie crumbs and takes Host for a missing :authority", () => {
  const server = new ServerUnderTest();
  const fields = [...without(GET, ":authority"), "host", "b.test:81", "cookie", "a=1", "x-a", "1", "cookie", "b=2"];
  server.send(headers(1, fields));
  assert.equal(server.heads[0]?.authority, "b.test:81");
  assert.deepEqual(server.heads[0]?.fields, ["cookie", "a=1; b=2", "x-a", "1"]);
  server.send(headers(3, [...GET, "host", "A.test"]));
  assert.equal(server.heads[1]?.authority, "a.test");
});

test("Http2ServerSession gives the same head object for the same block", () => {
  const server = new ServerUnderTest();
  for (let id = 1; id < 9; id += 2) server.send(headers(id, GET));
  for (let id = 9; id < 13; id += 2) server.send(headers(id, GET, END_HEADERS));
  const [, second, third, fourth, fifth, sixth] = server.heads;
  assert.equal(second, third);
  assert.equal(third, fourth);
  assert.notEqual(fourth, fifth, "END_STREAM makes another head of the same bytes");
  assert.equal(fifth?.contentLength, -1);
  assert.equal(sixth?.path, "/");
});

test("Http2ServerSession refuses malformed requests by stream and goes on", () => {
  const malformed: readonly [what: string, fields: readonly string[]][] = [
    ["upper-case name", [...GET, "X-A", "1"]],
    ["empty name", [...GET, "", "1"]],
    ["space in a name", [...GET, "x a", "1"]],
    ["connection", [...GET, "connection", "close"]],
    ["keep-alive", [...GET, "keep-alive", "5"]],
    ["proxy-connection", [...GET, "proxy-connection", "close"]],
    ["transfer-encoding", [...GET, "transfer-encoding", "chunked"]],
    ["upgrade", [...GET, "upgrade", "h2c"]],
    ["te other than trailers", [...GET, "te", "gzip"]],
    ["line feed in a value", [...GET, "x-a", "1\n2"]],
    ["carriage return in a value", [...GET, "x-a", "1\r2"]],
    ["NUL in a value", [...GET, "x-a", "1\0"]],
    ["leading space", [...GET, "x-a", " 1"]],
    ["trailing tab", [...GET, "x-a", "1\t"]],
    ["no :method", without(GET, ":method")],
    ["no :scheme", without(GET, ":scheme")],
    ["no :path", without(GET, ":path")],
    ["no authority at all", without(GET, ":authority")],
    ["two :method", [...GET, ":method", "GET"]],
    ["two :path", [...GET, ":path", "/"]],
    ["unknown pseudo field", [...GET, ":version", "2"]],
    ["pseudo field of an answer", [...GET, ":status", "200"]],
    ["late pseudo field", ["x-a", "1", ...GET]],
    ["pseudo field after host", ["host", "a.test", ...GET]],
    ["empty :path", [...without(GET, ":path"), ":path", ""]],
    ["relative :path", [...without(GET, ":path"), ":path", "a"]],
    ["space in :path", [...without(GET, ":path"), ":path", "/a b"]],
    ["fragment in :path", [...without(GET, ":path"), ":path", "/a#b"]],
    ["* without OPTIONS", [...without(GET, ":path"), ":path", "*"]],
    ["empty :method", [...without(GET, ":method"), ":method", ""]],
    ["space in :method", [...without(GET, ":method"), ":method", "GET /"]],
    ["bad :scheme", [...without(GET, ":scheme"), ":scheme", "1http"]],
    ["user information", [...without(GET, ":authority"), ":authority", "me@a.test"]],
    ["empty :authority", [...without(GET, ":authority"), ":authority", ""]],
    ["slash in :authority", [...without(GET, ":authority"), ":authority", "a.test/b"]],
    ["host that disagrees", [...GET, "host", "b.test"]],
    ["two hosts", [...GET, "host", "a.test", "host", "a.test"]],
    ["content-length without content", [...GET, "content-length", "5"]],
    ["content-length that is no number", [...GET, "content-length", "+0"]],
    ["two content-length", [...GET, "content-length", "0", "content-length", "0"]],
    ["CONNECT with :path", [":method", "CONNECT", ":authority", "a.test:1", ":path", "/"]],
    ["CONNECT without :authority", [":method", "CONNECT", "host", "a.test:1"]],
    [":protocol without CONNECT", [...GET, ":protocol", "websocket"]],
  ];
  const server = new ServerUnderTest();
  let id = 1;
  for (const [what, fields] of malformed) {
    server.send(headers(id, fields));
    assert.deepEqual(server.written(), [`RST_STREAM ${id} code 1`], what);
    assert.deepEqual(server.heard(), [], what);
    id += 2;
  }
  server.send(headers(id, GET));
  assert.deepEqual(server.heard(), ["request 1 GET / end"]);
});

test("Http2ServerSession resets requests whose body or trailers are malformed", () => {
  const cases: readonly [what: string, frames: readonly Buffer[], heard: readonly string[]][] = [
    [
      "more content than content-length",
      [headers(1, [...POST, "content-length", "3"], END_HEADERS), frame("DATA", 0, 1, "abcd")],
      [],
    ],
    [
      "less content than content-length",
      [headers(1, [...POST, "content-length", "3"], END_HEADERS), frame("DATA", END_STREAM, 1, "ab")],
      [],
    ],
    [
      "trailers before all content",
      [headers(1, [...POST, "content-length", "3"], END_HEADERS), headers(1, ["x-a", "1"])],
      [],
    ],
    ["pseudo field in trailers", [headers(1, POST, END_HEADERS), headers(1, [":path", "/"])], []],
    ["upper-case name in trailers", [headers(1, POST, END_HEADERS), headers(1, ["X-A", "1"])], []],
    ["trailers that do not end", [headers(1, POST, END_HEADERS), headers(1, ["x-a", "1"], END_HEADERS)], []],
    ["window update of 0", [headers(1, POST, END_HEADERS), frame("WINDOW_UPDATE", 0, 1, uint32(0))], []],
  ];
  for (const [what, frames, heard] of cases) {
    const server = new ServerUnderTest();
    server.send(...frames);
    assert.deepEqual(server.heard(), ["request 1 POST /up", ...heard, "reset 1 protocol"], what);
    assert.deepEqual(server.written(), ["RST_STREAM 1 code 1"], what);
    assert.equal(server.session.activeStreams, 0);
  }
});

test("Http2ServerSession ends the connection on what concerns all of it", () => {
  const open = headers(1, POST, END_HEADERS);
  const half = frame("HEADERS", END_STREAM, 1, block(GET));
  const cases: readonly [what: string, code: string, wire: number, frames: readonly Buffer[]][] = [
    ["DATA on stream 0", "PROTOCOL_ERROR", 1, [frame("DATA", 0, 0, "a")]],
    ["DATA on an idle stream", "PROTOCOL_ERROR", 1, [frame("DATA", 0, 1, "a")]],
    ["too much padding of DATA", "PROTOCOL_ERROR", 1, [open, frame("DATA", PADDED, 1, "\u0005abcd")]],
    ["no room for the pad length of DATA", "FRAME_SIZE_ERROR", 6, [open, frame("DATA", PADDED, 1)]],
    ["HEADERS on stream 0", "PROTOCOL_ERROR", 1, [headers(0, GET)]],
    ["HEADERS on an even stream", "PROTOCOL_ERROR", 1, [headers(2, GET)]],
    ["too much padding of HEADERS", "PROTOCOL_ERROR", 1, [frame("HEADERS", PADDED | END_HEADERS, 1, "\u0005abcd")]],
    ["no room for the pad length of HEADERS", "FRAME_SIZE_ERROR", 6, [frame("HEADERS", PADDED | END_HEADERS, 1)]],
    ["no room for priority fields", "FRAME_SIZE_ERROR", 6, [frame("HEADERS", PRIORITY | END_HEADERS, 1, "abc")]],
    ["CONTINUATION alone", "PROTOCOL_ERROR", 1, [frame("CONTINUATION", END_HEADERS, 1)]],
    ["CONTINUATION of another stream", "PROTOCOL_ERROR", 1, [half, frame("CONTINUATION", END_HEADERS, 3)]],
    ["PING within a header block", "PROTOCOL_ERROR", 1, [half, frame("PING", 0, 0, "12345678")]],
    ["DATA within a header block", "PROTOCOL_ERROR", 1, [half, frame("DATA", 0, 1, "a")]],
    ["broken block", "COMPRESSION_ERROR", 9, [frame("HEADERS", END_HEADERS | END_STREAM, 1, Buffer.from([0x80]))]],
    ["PUSH_PROMISE", "PROTOCOL_ERROR", 1, [open, frame("PUSH_PROMISE", END_HEADERS, 1, uint32(2))]],
    ["RST_STREAM on an idle stream", "PROTOCOL_ERROR", 1, [frame("RST_STREAM", 0, 1, uint32(8))]],
    ["RST_STREAM on stream 0", "PROTOCOL_ERROR", 1, [frame("RST_STREAM", 0, 0, uint32(8))]],
    ["RST_STREAM of 3 bytes", "FRAME_SIZE_ERROR", 6, [open, frame("RST_STREAM", 0, 1, "abc")]],
    ["SETTINGS on a stream", "PROTOCOL_ERROR", 1, [frame("SETTINGS", 0, 1)]],
    ["SETTINGS of 5 bytes", "FRAME_SIZE_ERROR", 6, [frame("SETTINGS", 0, 0, "abcde")]],
    ["SETTINGS ack with content", "FRAME_SIZE_ERROR", 6, [frame("SETTINGS", ACK, 0, setting(4, 1))]],
    ["ENABLE_PUSH of 2", "PROTOCOL_ERROR", 1, [frame("SETTINGS", 0, 0, setting(2, 2))]],
    ["INITIAL_WINDOW_SIZE of 2^31", "FLOW_CONTROL_ERROR", 3, [frame("SETTINGS", 0, 0, setting(4, 2 ** 31))]],
    ["MAX_FRAME_SIZE of 16383", "PROTOCOL_ERROR", 1, [frame("SETTINGS", 0, 0, setting(5, 16_383))]],
    ["MAX_FRAME_SIZE of 2^24", "PROTOCOL_ERROR", 1, [frame("SETTINGS", 0, 0, setting(5, 2 ** 24))]],
    ["PING on a stream", "PROTOCOL_ERROR", 1, [frame("PING", 0, 1, "12345678")]],
    ["PING of 7 bytes", "FRAME_SIZE_ERROR", 6, [frame("PING", 0, 0, "1234567")]],
    ["GOAWAY on a stream", "PROTOCOL_ERROR", 1, [frame("GOAWAY", 0, 1, "12345678")]],
    ["GOAWAY of 7 bytes", "FRAME_SIZE_ERROR", 6, [frame("GOAWAY", 0, 0, "1234567")]],
    ["WINDOW_UPDATE of 3 bytes", "FRAME_SIZE_ERROR", 6, [frame("WINDOW_UPDATE", 0, 0, "abc")]],
    ["WINDOW_UPDATE by 0", "PROTOCOL_ERROR", 1, [frame("WINDOW_UPDATE", 0, 0, uint32(0))]],
    ["WINDOW_UPDATE on an idle stream", "PROTOCOL_ERROR", 1, [frame("WINDOW_UPDATE", 0, 1, uint32(1))]],
    ["window beyond 2^31-1", "FLOW_CONTROL_ERROR", 3, [frame("WINDOW_UPDATE", 0, 0, uint32(2 ** 31 - 1))]],
    ["PRIORITY on stream 0", "PROTOCOL_ERROR", 1, [frame("PRIORITY", 0, 0, "abcde")]],
    ["PRIORITY of 4 bytes", "FRAME_SIZE_ERROR", 6, [frame("PRIORITY", 0, 1, "abcd")]],
    ["a frame of 16385 bytes", "FRAME_SIZE_ERROR", 6, [frame("DATA", 0, 1, Buffer.alloc(16_385))]],
    ["HEADERS on an ended stream", "STREAM_CLOSED", 5, [headers(1, GET), headers(3, GET), headers(1, GET)]],
  ];
  for (const [what, code, wire, frames] of cases) {
    const server = new ServerUnderTest();
    server.onRequest = (stream, head) => head.method === "GET" && stream.sendHead(NO_CONTENT, true);
    server.send(...frames);
    const heard = server.heard();
    assert.equal(heard.at(-1), `session end HTTP2_${code}`, what);
    assert.match(server.written().at(-1) ?? "", new RegExp(`^GOAWAY last \\d+ code ${wire}$`), what);
    assert.equal(server.session.activeStreams, 0, what);
    assert.equal(heard.includes("reset 1 protocol"), heard.includes("request 1 POST /up"), what);
    server.send(headers(9, GET));
    server.session.connectionLost("gone");
    assert.deepEqual([...server.heard(), ...server.written()], [], `nothing after the end: ${what}`);
  }
});

test("Http2ServerSession tells other protocols by their first bytes", () => {
  for (const start of ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r"]) {
    const server = new ServerUnderTest({}, false);
    server.send(Buffer.from(start));
    assert.deepEqual(server.heard(), ["session end HTTP2_PREFACE_INVALID"]);
  }
  for (const first of [frame("PING", 0, 0, "12345678"), frame("SETTINGS", ACK, 0), headers(1, GET)]) {
    const server = new ServerUnderTest({}, false);
    server.send(PREFACE, first);
    assert.deepEqual(server.heard(), ["session end HTTP2_PREFACE_INVALID"]);
  }
});

test("Http2ServerSession resets DATA and HEADERS after END_STREAM by stream", () => {
  for (const late of [frame("DATA", 0, 1, "a"), headers(1, ["x-a", "1"])]) {
    const server = new ServerUnderTest();
    server.send(headers(1, GET), late);
    assert.deepEqual(server.heard(), ["request 1 GET / end", "reset 1 protocol"]);
    assert.deepEqual(server.written(), ["RST_STREAM 1 code 5"]);
  }
});

test("Http2ServerSession ignores what the RFC tells to ignore", () => {
  const server = new ServerUnderTest();
  server.send(
    frame(0xbe, 0xff, 7, "unknown type"),
    frame("PRIORITY", 0, 5, "abcde"),
    frame(16, 0, 0, "u=1"),
    frame("SETTINGS", 0, 0, setting(0xf000, 1)),
    frame(
      "HEADERS",
      END_HEADERS | END_STREAM | PRIORITY | PADDED | 0x40,
      1,
      Buffer.concat([Buffer.from([3, 0, 0, 0, 1, 16]), block(GET), Buffer.alloc(3)]),
    ),
    frame("GOAWAY", 0, 0, Buffer.alloc(8)),
  );
  assert.deepEqual(server.heard(), ["request 1 GET / end"]);
  assert.deepEqual(server.written(), ["SETTINGS ack"]);
});

test("Http2ServerSession tells a receiver that its client has lost interest", () => {
  const reasons: readonly [code: number, reason: string][] = [
    [0, "cancelled"],
    [1, "protocol"],
    [2, "internal"],
    [7, "refused"],
    [8, "cancelled"],
    [11, "overloaded"],
  ];
  for (const [code, reason] of reasons) {
    const server = new ServerUnderTest();
    server.send(headers(1, GET), frame("RST_STREAM", 0, 1, uint32(code)));
    assert.deepEqual(server.heard(), ["request 1 GET / end", `reset 1 ${reason}`]);
    server.stream(0).sendHead(OK, false);
    server.stream(0).reset("internal");
    assert.deepEqual(server.written(), [], "nothing is sent on a stream that was reset");
  }
});

test("Http2ServerSession.reset() cuts the answer short, and the receiver hears no more", () => {
  const codes: readonly [reason: Parameters<ServerUnderTest["streams"][0]["reset"]>[0], code: number][] = [
    ["refused", 7],
    ["cancelled", 8],
    ["protocol", 1],
    ["timeout", 8],
    ["overloaded", 11],
    ["internal", 2],
    ["connection", 2],
    ["connect", 2],
    ["too-large", 2],
  ];
  for (const [reason, code] of codes) {
    const server = new ServerUnderTest();
    server.send(headers(1, POST, END_HEADERS));
    const stream = server.stream(0);
    stream.sendHead(OK, false);
    stream.reset(reason);
    stream.reset(reason);
    server.send(frame("DATA", 0, 1, "late"), frame("WINDOW_UPDATE", 0, 1, uint32(9)), headers(1, ["x-a", "1"]));
    assert.deepEqual(server.heard(), ["request 1 POST /up"]);
    assert.deepEqual(server.written(), ["HEADERS 1", `RST_STREAM 1 code ${code}`]);
  }
});

test("Http2ServerSession opens tunnels for CONNECT and for upgrades (RFC 8441)", () => {
  const server = new ServerUnderTest();
  server.send(headers(1, [":method", "CONNECT", ":authority", "db.test:5432"], END_HEADERS));
  const upgrade = [":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/chat"];
  server.send(headers(3, [...upgrade, ":authority", "a.test"], END_HEADERS));
  const [plain, extended] = server.heads;
  assert.deepEqual([plain?.method, plain?.authority, plain?.path, plain?.upgrade], ["CONNECT", "db.test:5432", "", ""]);
  assert.deepEqual([extended?.path, extended?.upgrade, extended?.contentLength], ["/chat", "websocket", -1]);
  server.stream(0).sendHead(new ResponseHead(200, [], -1), false);
  server.stream(1).sendHead(new ResponseHead(101, [], -1), false);
  server.stream(1).sendData(Buffer.from("bye"), 0, 3, true);
  server.heard();
  server.send(frame("DATA", 0, 3, "still open"), frame("DATA", END_STREAM, 3));
  assert.deepEqual(server.heard(), ["data 2 10", "data 2 0 end"]);
  assert.deepEqual(server.written(), ["HEADERS 1", "HEADERS 3", "DATA 3 3 end"]);
  server.stream(0).sendData(Buffer.alloc(0), 0, 0, true);
  assert.equal(server.session.activeStreams, 1, "each side of a tunnel ends by itself");
});

test("Http2ServerSession.drain() names the last stream only when no request can be on its way", () => {
  const server = new ServerUnderTest();
  server.send(headers(1, GET));
  server.session.drain();
  assert.deepEqual(server.written(), ["GOAWAY last 2147483647 code 0", "PING"]);
  server.send(headers(3, GET));
  server.send(frame("PING", ACK, 0, "12345678"), frame("PING", ACK, 0, "weftdone"));
  assert.deepEqual(server.written(), ["GOAWAY last 3 code 0"]);
  server.send(headers(5, GET));
  assert.deepEqual(server.heard(), ["request 1 GET / end", "request 2 GET / end"], "the third came too late");
  server.stream(0).sendHead(NO_CONTENT, true);
  assert.deepEqual(server.heard(), []);
  server.stream(1).sendHead(NO_CONTENT, true);
  assert.deepEqual(server.heard(), ["session end ok"]);
  assert.deepEqual(server.written(), ["HEADERS 1 end", "HEADERS 3 end"]);
});

test("Http2ServerSession.drain() answers what crosses its GOAWAY when nothing is open, too", () => {
  const server = new ServerUnderTest();
  server.session.drain();
  assert.deepEqual(server.written(), ["GOAWAY last 2147483647 code 0", "PING"]);
  server.send(headers(1, GET));
  server.stream(0).sendHead(NO_CONTENT, true);
  assert.deepEqual(server.heard(), ["request 1 GET / end"]);
  server.send(frame("PING", ACK, 0, "weftdone"));
  assert.deepEqual(server.written(), ["HEADERS 1 end", "GOAWAY last 1 code 0"]);
  assert.deepEqual(server.heard(), ["session end ok"]);
});

test("Http2ServerSession.drain() waits for nobody when it is called again", () => {
  const idle = new ServerUnderTest();
  idle.session.drain();
  idle.session.drain();
  assert.deepEqual(idle.written(), ["GOAWAY last 2147483647 code 0", "PING", "GOAWAY last 0 code 0"]);
  assert.deepEqual(idle.heard(), ["session end ok"]);
  const busy = new ServerUnderTest();
  busy.send(headers(1, GET));
  busy.session.drain();
  busy.session.drain();
  busy.session.drain();
  busy.send(headers(3, GET), frame("PING", ACK, 0, "weftdone"));
  assert.deepEqual(busy.written(), ["GOAWAY last 2147483647 code 0", "PING", "GOAWAY last 1 code 0"]);
  assert.deepEqual(busy.heard(), ["request 1 GET / end"]);
  busy.stream(0).sendHead(NO_CONTENT, true);
  assert.deepEqual(busy.heard(), ["session end ok"]);
});

test("Http2ServerSession knows when a head is under way, and gives up on it", () => {
  const bytes = headers(1, GET);
  const server = new ServerUnderTest();
  server.session.receive(bytes, 0, 3);
  assert.ok(server.session.isReceivingHead);
  server.session.receive(bytes, 3, bytes.length - 1);
  assert.ok(server.session.isReceivingHead);
  server.session.receive(bytes, bytes.length - 1, bytes.length);
  assert.ok(!server.session.isReceivingHead);
  server.send(frame("HEADERS", 0, 3, block(GET)));
  assert.ok(server.session.isReceivingHead, "CONTINUATION is due");
  server.heard();
  server.session.headTimeout();
  assert.deepEqual(server.written(), ["GOAWAY last 1 code 11"]);
  assert.deepEqual(server.heard(), ["reset 1 timeout", "session end HTTP2_HEAD_TIMEOUT"]);
});

test("Http2ServerSession resets open requests when the connection is lost or ended", () => {
  const server = new ServerUnderTest();
  server.send(headers(1, POST, END_HEADERS), headers(3, GET));
  server.session.connectionLost("ECONNRESET");
  assert.deepEqual(server.heard().slice(2), ["reset 1 connection", "reset 2 connection"]);
  assert.deepEqual(server.written(), ["RST_STREAM 1 code 2", "RST_STREAM 3 code 2"], "a client may still hear it");
  const ended = new ServerUnderTest();
  ended.send(headers(1, POST, END_HEADERS));
  ended.session.receiveEnd();
  assert.deepEqual(ended.heard().slice(1), ["reset 1 connection", "session end ok"]);
});

test("Http2ServerSession writes heads as HTTP/2 wants them", () => {
  const server = new ServerUnderTest();
  server.send(headers(1, GET));
  const fields = ["connection", "close", "transfer-encoding", "chunked", "keep-alive", "5", "upgrade", "x", "x-a", "1"];
  server.stream(0).sendHead(new ResponseHead(200, fields, 7), false);
  const bytes = server.takeBytes();
  assert.equal(bytes[9], 0x88, ":status 200");
  assert.ok(!/close|chunked/.test(bytes.toString("latin1")));
  // x-a: 1 and content-length: 7, which the fields did not say.
  assert.equal(bytes.length, 9 + 1 + 7 + 4);
});

test("Http2ServerSession announces the lowest and the last size of its table, whenever they came", () => {
  const sizes = [setting(1, 100), setting(1, 2000)];
  const early = new ServerUnderTest();
  early.send(frame("SETTINGS", 0, 0, Buffer.concat(sizes)), headers(1, GET));
  early.takeBytes();
  early.stream(0).sendHead(NO_CONTENT, true);
  const announced = Buffer.from([0x3f, 100 - 31, 0x3f, 0x80 | ((2000 - 31) & 127), (2000 - 31) >> 7, 0x89]);
  assert.deepEqual(early.takeBytes().subarray(9), announced);
  const late = new ServerUnderTest();
  late.send(headers(1, GET), headers(3, GET), headers(5, GET));
  late.stream(0).sendHead(NO_CONTENT, true);
  late.send(...sizes.map((each) => frame("SETTINGS", 0, 0, each)));
  late.takeBytes();
  late.stream(1).sendHead(NO_CONTENT, true);
  assert.deepEqual(late.takeBytes().subarray(9), announced);
  late.stream(2).sendHead(NO_CONTENT, true);
  assert.deepEqual(late.takeBytes().subarray(9), Buffer.from([0x89]));
});

test("reset() of a tunnel whose answer has ended sends what waits of it, and gives up the request alone", () => {
  const fields = [":method", "CONNECT", ":authority", "db.test:5432"];
  for (const windowBytes of [1000, 0]) {
    const server = new ServerUnderTest();
    server.send(frame("SETTINGS", 0, 0, setting(4, windowBytes)), headers(1, fields, END_HEADERS));
    const stream = server.stream(0);
    stream.sendHead(new ResponseHead(200, [], -1), false);
    stream.sendData(Buffer.from("bye"), 0, 3, true);
    server.send(frame("DATA", 0, 1, "more"));
    assert.equal(server.heard().at(-1), "data 1 4", "the client's side is open");
    server.written();
    stream.reset("cancelled");
    if (windowBytes === 0) {
      assert.deepEqual(server.written(), []);
      server.send(frame("WINDOW_UPDATE", 0, 1, uint32(3)));
      assert.deepEqual(server.written(), ["DATA 1 3 end", "RST_STREAM 1 code 0"]);
    } else assert.deepEqual(server.written(), ["RST_STREAM 1 code 0"]);
    assert.equal(server.session.activeStreams, 0);
    stream.reset("cancelled");
    assert.deepEqual(server.written(), []);
  }
});
