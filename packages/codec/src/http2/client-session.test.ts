import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHead } from "@weft/contract";
import { HeaderList, HpackDecoder } from "./hpack-decoder.ts";
import { ACK, block, ClientUnderTest, END_HEADERS, END_STREAM, frame, headers, setting, uint32 } from "./peer.test.ts";

const GET = new RequestHead("GET", "http", "a.test", "/", [], 0);
const HEAD = new RequestHead("HEAD", "http", "a.test", "/", [], 0);
const POST = new RequestHead("POST", "", "a.test", "/up", [], -1);
const OK: readonly string[] = [":status", "200"];

function goaway(lastStreamId: number, code: number): Buffer {
  return frame("GOAWAY", 0, 0, Buffer.concat([uint32(lastStreamId), uint32(code)]));
}

/** The fields of the single HEADERS frame that the client has written. */
function writtenFields(client: ClientUnderTest): string[] {
  const bytes = client.takeBytes();
  const list = new HeaderList();
  assert.ok(new HpackDecoder().decode(bytes, 9, bytes.length, list, { headerBytesMax: 1e6, headersMax: 1000 }));
  return list.entries.slice(0, list.length).map((entry) => `${entry.name}: ${entry.value}`);
}

test("Http2ClientSession greets at once, without push", () => {
  const client = new ClientUnderTest({}, false);
  const bytes = client.takeBytes();
  assert.equal(bytes.subarray(0, 24).toString("latin1"), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  assert.ok(bytes.includes(setting(2, 0)));
  assert.equal(client.session.availableStreams, 100, "streams may be opened before the server's SETTINGS");
  client.send(frame("SETTINGS", 0, 0));
  assert.equal(client.session.availableStreams, 1000, "a server that sets no limit leaves ours");
  assert.deepEqual(client.written(), ["SETTINGS ack"]);
});

test("Http2ClientSession sends requests and reads their answers in any order", () => {
  const client = new ClientUnderTest();
  client.open(GET);
  const upload = client.open(POST, false);
  assert.equal(upload.sendData(Buffer.from("abc"), 0, 3, false), true);
  upload.sendTrailers(["x-sum", "1"]);
  assert.deepEqual(client.written(), ["HEADERS 1 end", "HEADERS 3", "DATA 3 3", "HEADERS 3 end"]);
  client.send(
    headers(3, [":status", "103", "link", "</a>"], END_HEADERS),
    headers(3, [...OK, "content-length", "2"], END_HEADERS),
    headers(1, [":status", "204"]),
    frame("DATA", END_STREAM, 3, "ok"),
  );
  assert.deepEqual(client.heard(), ["informational 3 103", "head 3 200", "head 1 204 end", "data 3 2 end"]);
  assert.equal(client.heads[0]?.contentLength, 2);
  assert.equal(client.session.activeStreams, 0);
});

test("Http2ClientSession hands on trailers", () => {
  const client = new ClientUnderTest();
  client.open(GET);
  client.send(headers(1, OK, END_HEADERS), frame("DATA", 0, 1, "x"), headers(1, ["grpc-status", "0"]));
  assert.deepEqual(client.heard(), ["head 1 200", "data 1 1", "trailers 1 grpc-status=0"]);
});

test("Http2ClientSession drops trailers that belong into heads (RFC 9110 section 6.5.1)", () => {
  const client = new ClientUnderTest();
  client.open(GET);
  const forbidden = ["set-cookie", "content-type", "authorization", "location", "content-length", "cookie", "expect"];
  const trailers = forbidden.flatMap((name) => [name, "1"]);
  client.send(headers(1, OK, END_HEADERS), headers(1, [...trailers, "x-sum", "1"]));
  assert.deepEqual(client.heard(), ["head 1 200", "trailers 1 x-sum=1"]);
});

test("Http2ClientSession knows what content-length means where there is no content", () => {
  const client = new ClientUnderTest();
  client.open(HEAD);
  client.open(HEAD);
  client.open(GET);
  client.open(GET);
  client.send(
    headers(1, [...OK, "content-length", "5"]),
    headers(3, OK),
    headers(5, [":status", "304", "content-length", "9"]),
    headers(7, OK),
  );
  assert.deepEqual(
    client.heads.map((head) => head.contentLength),
    [5, -1, 9, 0],
  );
});

test("Http2ClientSession writes whatever head as HTTP/2 wants it", () => {
  const client = new ClientUnderTest({ scheme: "https" });
  const fields = ["host", "b", "connection", "x", "te", "gzip, Trailers", ":path", "/x", "cookie", "a=1; b=2"];
  client.open(new RequestHead("POST", "", "a.test", "/up", fields, 3), false);
  assert.deepEqual(writtenFields(client), [
    ":method: POST",
    ":scheme: https",
    ":path: /up",
    ":authority: a.test",
    "te: trailers",
    "cookie: a=1; b=2",
    "content-length: 3",
  ]);
  const tunnel = new ClientUnderTest();
  tunnel.open(new RequestHead("CONNECT", "", "db.test:5432", "", [], -1), false);
  assert.deepEqual(writtenFields(tunnel), [":method: CONNECT", ":authority: db.test:5432"]);
});

test("Http2ClientSession upgrades over extended CONNECT where the server takes it (RFC 8441)", () => {
  const upgrade = new RequestHead("GET", "https", "a.test", "/chat", [], -1, "websocket");
  const refusing = new ClientUnderTest();
  assert.equal(refusing.session.acceptsUpgrades, false);
  refusing.open(upgrade, false);
  assert.deepEqual(refusing.heard(), ["reset 1 internal"]);
  assert.deepEqual(refusing.written(), []);
  const client = new ClientUnderTest();
  client.send(frame("SETTINGS", 0, 0, setting(8, 1)));
  client.takeBytes();
  assert.equal(client.session.acceptsUpgrades, true);
  const stream = client.open(upgrade, false);
  assert.deepEqual(writtenFields(client).slice(0, 2), [":method: CONNECT", ":protocol: websocket"]);
  client.send(headers(1, OK, END_HEADERS), frame("DATA", 0, 1, "hi"));
  stream.sendData(Buffer.from("hello"), 0, 5, false);
  client.send(frame("DATA", END_STREAM, 1));
  assert.deepEqual(client.heard(), ["head 1 101", "data 1 2", "data 1 0 end"]);
  assert.equal(client.session.activeStreams, 1);
  stream.sendData(Buffer.alloc(0), 0, 0, true);
  assert.equal(client.session.activeStreams, 0);
  client.open(upgrade, false);
  client.send(headers(3, [":status", "403", "content-length", "0"]));
  assert.deepEqual(client.heard(), ["head 3 403 end"]);
});

test("Http2ClientSession resets malformed answers by stream", () => {
  const malformed: readonly [what: string, frames: readonly Buffer[]][] = [
    ["no :status", [headers(1, ["x-a", "1"])]],
    ["two :status", [headers(1, [...OK, ":status", "200"])]],
    ["late :status", [headers(1, ["x-a", "1", ...OK])]],
    [":status of two digits", [headers(1, [":status", "20"])]],
    [":status that is no number", [headers(1, [":status", "2x0"])]],
    [":status 600", [headers(1, [":status", "600"])]],
    [":status 101", [headers(1, [":status", "101"], END_HEADERS)]],
    ["interim answer that ends", [headers(1, [":status", "103"])]],
    ["pseudo field of a request", [headers(1, [...OK, ":path", "/"])]],
    ["connection", [headers(1, [...OK, "connection", "close"])]],
    ["upper-case name", [headers(1, [...OK, "X-A", "1"])]],
    ["line feed in a value", [headers(1, [...OK, "x-a", "1\n2"])]],
    ["content-length without content", [headers(1, [...OK, "content-length", "4"])]],
    ["two content-length", [headers(1, [...OK, "content-length", "0", "content-length", "0"])]],
    ["DATA before HEADERS", [frame("DATA", 0, 1, "a")]],
    ["DATA after an interim answer", [headers(1, [":status", "100"], END_HEADERS), frame("DATA", 0, 1, "a")]],
    ["too much content", [headers(1, [...OK, "content-length", "1"], END_HEADERS), frame("DATA", 0, 1, "ab")]],
    ["too little content", [headers(1, [...OK, "content-length", "3"], END_HEADERS), frame("DATA", 1, 1, "ab")]],
    ["content of a 204", [headers(1, [":status", "204"], END_HEADERS), frame("DATA", 0, 1, "a")]],
    ["a second head", [headers(1, OK, END_HEADERS), headers(1, OK)]],
  ];
  for (const [what, frames] of malformed) {
    const client = new ClientUnderTest();
    client.open(GET);
    client.written();
    client.send(...frames);
    assert.equal(client.heard().at(-1), "reset 1 protocol", what);
    assert.deepEqual(client.written(), ["RST_STREAM 1 code 1"], what);
    client.open(GET);
    client.send(headers(3, OK));
    assert.deepEqual(client.heard(), ["head 3 200 end"], what);
  }
});

test("Http2ClientSession ends the connection on what concerns all of it", () => {
  const cases: readonly [what: string, code: string, frames: readonly Buffer[]][] = [
    ["HEADERS on an idle stream", "PROTOCOL_ERROR", [headers(3, OK)]],
    ["HEADERS on a stream of the server's", "PROTOCOL_ERROR", [headers(2, OK)]],
    ["DATA on an idle stream", "PROTOCOL_ERROR", [frame("DATA", 0, 3, "a")]],
    ["ENABLE_PUSH of 1", "PROTOCOL_ERROR", [frame("SETTINGS", 0, 0, setting(2, 1))]],
    ["PUSH_PROMISE", "PROTOCOL_ERROR", [frame("PUSH_PROMISE", END_HEADERS, 1, uint32(2))]],
    ["HEADERS after the end", "STREAM_CLOSED", [headers(1, OK), headers(1, ["x-a", "1"])]],
    ["no SETTINGS first", "PREFACE_INVALID", []],
  ];
  for (const [what, code, frames] of cases) {
    const client = new ClientUnderTest({}, frames.length > 0);
    client.open(GET);
    client.send(...(frames.length > 0 ? frames : [headers(1, OK)]));
    assert.equal(client.heard().at(-1), `session end HTTP2_${code}`, what);
    assert.equal(client.session.availableStreams, 0);
    assert.match(client.written().at(-1) ?? "", /^GOAWAY last 0/);
  }
});

test("Http2ClientSession tells why the server reset a stream", () => {
  const reasons: readonly [code: number, reason: string][] = [
    [0, "internal"],
    [1, "protocol"],
    [2, "internal"],
    [5, "protocol"],
    [7, "refused"],
    [8, "cancelled"],
    [11, "overloaded"],
    [99, "internal"],
  ];
  for (const [code, reason] of reasons) {
    const client = new ClientUnderTest();
    client.open(GET);
    client.send(frame("RST_STREAM", 0, 1, uint32(code)), frame("RST_STREAM", 0, 1, uint32(code)));
    assert.deepEqual(client.heard(), [`reset 1 ${reason}`]);
  }
  const answered = new ClientUnderTest();
  const upload = answered.open(POST, false);
  answered.send(headers(1, OK), frame("RST_STREAM", 0, 1, uint32(0)));
  assert.deepEqual(answered.heard(), ["head 1 200 end"], "after the answer it is no news");
  assert.equal(upload.sendData(Buffer.from("x"), 0, 1, false), true);
  assert.deepEqual(answered.written(), ["HEADERS 1"]);
});

test("Http2ClientSession gives requests above a GOAWAY back untouched and finishes the others", () => {
  const client = new ClientUnderTest();
  client.open(GET);
  client.open(POST, false);
  client.open(GET);
  client.send(goaway(2 ** 31 - 1, 0));
  assert.deepEqual(client.heard(), ["draining"]);
  assert.equal(client.session.availableStreams, 0);
  client.send(goaway(1, 0));
  assert.deepEqual(client.heard(), ["reset 3 refused", "reset 5 refused"]);
  client.send(headers(1, OK));
  assert.deepEqual(client.heard(), ["head 1 200 end", "session end ok"]);
  assert.equal(client.written().at(-1), "GOAWAY last 0 code 0");
});

test("Http2ClientSession.drain() lets the open requests finish", () => {
  const client = new ClientUnderTest();
  client.open(GET);
  client.session.drain();
  assert.ok(client.session.isDraining);
  assert.deepEqual(client.heard(), []);
  client.send(headers(1, OK));
  assert.deepEqual(client.heard(), ["head 1 200 end", "session end ok"]);
  const idle = new ClientUnderTest();
  idle.session.drain();
  assert.deepEqual(idle.heard(), ["session end ok"]);
});

test("Http2ClientSession keeps to the server's number of streams and says when there is room", () => {
  const client = new ClientUnderTest();
  client.send(frame("SETTINGS", 0, 0, setting(3, 2)));
  client.open(GET);
  assert.equal(client.session.availableStreams, 1);
  client.open(GET);
  assert.equal(client.session.availableStreams, 0);
  assert.throws(() => client.open(GET), { code: "KERNEL_ASSERTION_FAILED" });
  client.send(headers(1, OK));
  assert.deepEqual(client.heard(), ["head 1 200 end", "available"]);
  client.open(GET);
  client.send(frame("SETTINGS", 0, 0, setting(3, 0)));
  assert.equal(client.session.availableStreams, 0);
  client.send(headers(3, OK));
  assert.deepEqual(client.heard(), ["head 3 200 end"]);
  client.send(frame("SETTINGS", 0, 0, setting(3, 5)));
  assert.deepEqual(client.heard(), ["available"]);
  assert.equal(client.session.availableStreams, 4);
});

test("Http2ClientSession says when the last open stream has ended, and not while it drains", () => {
  const client = new ClientUnderTest();
  client.open(GET);
  client.open(GET);
  client.send(headers(3, OK));
  assert.equal(client.idleCount, 0);
  client.send(headers(1, OK));
  assert.equal(client.idleCount, 1);
  client.open(GET).reset("cancelled");
  assert.equal(client.idleCount, 2);
  client.open(GET);
  client.session.drain();
  client.send(headers(7, OK));
  assert.equal(client.idleCount, 2);
});

test("Http2ClientSession.ping() hears its own answer, once", () => {
  const client = new ClientUnderTest();
  assert.equal(client.session.ping(), true);
  assert.equal(client.session.ping(), true);
  assert.deepEqual(client.written(), ["PING"], "one at a time");
  client.send(frame("PING", ACK, 0, "notours!"));
  assert.deepEqual(client.heard(), []);
  client.send(frame("PING", ACK, 0, "weftping"), frame("PING", ACK, 0, "weftping"));
  assert.deepEqual(client.heard(), ["pong"]);
  client.send(frame("PING", 0, 0, "question"));
  assert.deepEqual(client.written(), ["PING ack"]);
});

test("Http2ClientSession knows a host that ends connections because of PINGs", () => {
  for (const [said, expected] of [
    ["too_many_pings", true],
    ["too_many_pings!", false],
    ["", false],
  ] as const) {
    const client = new ClientUnderTest();
    client.send(frame("GOAWAY", 0, 0, Buffer.concat([uint32(0), uint32(11), Buffer.from(said)])));
    assert.equal(client.session.isDraining, true);
    assert.equal(client.session.refusesPings, expected, said);
  }
});

test("Http2ClientSession resets an answer whose head is too large and stays in step", () => {
  const client = new ClientUnderTest({ headerBytesMax: 200 });
  client.open(GET);
  client.open(GET);
  client.written();
  const large = Buffer.concat([
    block(OK),
    Buffer.from([0x40]),
    block(["x-a", "v".repeat(100)]).subarray(1),
    block(["x-b", "w".repeat(99)]),
  ]);
  client.send(frame("HEADERS", END_HEADERS | END_STREAM, 1, large));
  assert.deepEqual(client.heard(), ["reset 1 too-large"]);
  assert.deepEqual(client.written(), ["RST_STREAM 1 code 2"]);
  client.send(frame("HEADERS", END_HEADERS | END_STREAM, 3, Buffer.from([0x88, 0xbe])));
  assert.deepEqual(client.heard(), ["head 3 200 end"]);
  assert.deepEqual(client.heads[0]?.fields, ["x-a", "v".repeat(100)]);
});

test("Http2ClientSession resets open requests when the connection is lost or ended", () => {
  const client = new ClientUnderTest();
  client.open(GET);
  client.session.connectionLost("ECONNRESET");
  assert.deepEqual(client.heard(), ["reset 1 connection"]);
  assert.equal(client.session.availableStreams, 0);
  assert.equal(client.session.ping(), false);
  const ended = new ClientUnderTest();
  ended.open(GET);
  ended.session.receiveEnd();
  assert.deepEqual(ended.heard(), ["reset 1 connection", "session end ok"]);
});

test("Http2ClientSession continues a long head in CONTINUATION frames of the server's size", () => {
  const client = new ClientUnderTest();
  const fields: string[] = [];
  for (let index = 0; index < 40; index++) fields.push(`x-${index}`, "\u00ff".repeat(1000));
  client.open(new RequestHead("GET", "http", "a.test", "/", fields, 0));
  assert.deepEqual(client.written(), ["HEADERS 1 end", "CONTINUATION 1", "CONTINUATION 1 done"]);
  client.send(frame("SETTINGS", 0, 0, setting(5, 100_000)));
  client.written();
  client.open(new RequestHead("GET", "http", "a.test", "/", fields, 0));
  assert.deepEqual(client.written(), ["HEADERS 3 end"]);
});

test("Http2ClientSession tells of a reset after the answer's end where the request of a tunnel goes on", () => {
  const client = new ClientUnderTest();
  client.open(new RequestHead("CONNECT", "", "db.test:5432", "", [], -1), false);
  client.open(new RequestHead("POST", "http", "a.test", "/", [], -1), false);
  for (const streamId of [1, 3]) {
    client.send(headers(streamId, [":status", "200"], END_HEADERS), frame("DATA", END_STREAM, streamId, "bye"));
    client.send(frame("RST_STREAM", 0, streamId, uint32(0)));
  }
  assert.deepEqual(
    client.heard().filter((event) => event.startsWith("reset")),
    ["reset 1 internal"],
  );
  assert.equal(client.session.activeStreams, 0);
});
