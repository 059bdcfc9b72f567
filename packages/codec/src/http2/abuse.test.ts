import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHead, ResponseHead } from "@weft/contract";
import { HPACK_SIZE_UPDATES_PER_BLOCK_MAX, SETTINGS_PER_FRAME_MAX } from "./limits.ts";
import {
  ACK,
  block,
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

const NO_CONTENT = new ResponseHead(204, [], 0);

/** Sends `frames(1)`, `frames(2)`, ... until the session ends; how many were let through. */
function floodUntilEnd(server: ServerUnderTest, frames: (round: number) => readonly Buffer[]): number {
  for (let round = 1; round <= 20_000; round++) {
    server.send(...frames(round));
    if (server.events.at(-1)?.startsWith("session end")) return round - 1;
    server.takeBytes();
  }
  return 20_000;
}

/** The session ended with this code, told the client with this wire code, and holds nothing. */
function assertEnded(server: ServerUnderTest, code: string, wireCode: number): void {
  assert.equal(server.heard().at(-1), `session end ${code}`);
  assert.match(server.written().at(-1) ?? "", new RegExp(`^GOAWAY last \\d+ code ${wireCode}$`));
  assert.equal(server.session.activeStreams, 0);
}

test("rapid reset ends at resetsMax", () => {
  const server = new ServerUnderTest({ resetsMax: 20 });
  const rounds = floodUntilEnd(server, (round) => [
    headers(round * 2 - 1, GET),
    frame("RST_STREAM", 0, round * 2 - 1, uint32(8)),
  ]);
  assert.equal(rounds, 20);
  assertEnded(server, "HTTP2_RESET_FLOOD", 11);
});

test("honest clients may reset for ever: completed requests and time give the budget back", () => {
  const server = new ServerUnderTest({ resetsMax: 20, budgetWindowMs: 1000 });
  server.onRequest = (stream, head) => head.method === "GET" && stream.sendHead(NO_CONTENT, true);
  let id = 1;
  for (let round = 0; round < 100; round++, id += 4) {
    server.send(headers(id, GET), headers(id + 2, POST, END_HEADERS), frame("RST_STREAM", 0, id + 2, uint32(8)));
  }
  assert.notEqual(server.heard().at(-1), "session end HTTP2_RESET_FLOOD");
  for (let round = 0; round < 100; round++, id += 2) {
    if (round % 10 === 0) server.nowMs += 1000;
    server.send(headers(id, POST, END_HEADERS), frame("RST_STREAM", 0, id, uint32(8)));
  }
  assert.equal(server.heard().at(-1), "reset 300 cancelled");
});

test("streams above streamsMax are refused, and a flood of them ends at resetsMax", () => {
  const server = new ServerUnderTest({ streamsMax: 2, resetsMax: 5 });
  server.send(headers(1, POST, END_HEADERS), headers(3, POST, END_HEADERS), headers(5, GET));
  assert.deepEqual(server.written(), ["RST_STREAM 5 code 7"]);
  assert.equal(server.heard().length, 2);
  const rounds = floodUntilEnd(server, (round) => [headers(round * 2 + 5, GET)]);
  assert.equal(rounds, 4);
  assertEnded(server, "HTTP2_RESET_FLOOD", 11);
});

test("resets that the client provokes end at provokedResetsMax, whatever provokes them", () => {
  const provocations: readonly [what: string, frames: (id: number) => readonly Buffer[]][] = [
    ["malformed request", (id) => [headers(id, [...GET, "connection", "x"])]],
    ["window update of 0", (id) => [headers(id, GET), frame("WINDOW_UPDATE", 0, id, uint32(0))]],
    ["window overflow", (id) => [headers(id, GET), frame("WINDOW_UPDATE", 0, id, uint32(2 ** 31 - 1))]],
    ["DATA after the end", (id) => [headers(id, GET), frame("DATA", 0, id, "x")]],
    ["wrong length", (id) => [headers(id, [...POST, "content-length", "9"], END_HEADERS), frame("DATA", 1, id, "x")]],
    ["trailers after the end", (id) => [headers(id, GET), headers(id, ["x-a", "1"])]],
    ["head too large", (id) => [headers(id, [...GET, "x-a", "v".repeat(900)])]],
  ];
  for (const [what, frames] of provocations) {
    const server = new ServerUnderTest({ provokedResetsMax: 10, headerBytesMax: 1000 });
    assert.equal(
      floodUntilEnd(server, (round) => frames(round * 2 - 1)),
      10,
      what,
    );
    assertEnded(server, "HTTP2_PROVOKED_RESET_FLOOD", 11);
  }
});

test("a header block ends at continuationsMax frames, empty ones counted", () => {
  const server = new ServerUnderTest({ continuationsMax: 4 });
  server.send(frame("HEADERS", END_STREAM, 1, block(GET)));
  for (let count = 0; count < 4; count++) server.send(frame("CONTINUATION", 0, 1));
  assert.deepEqual(server.heard(), []);
  server.send(frame("CONTINUATION", 0, 1));
  assertEnded(server, "HTTP2_CONTINUATION_FLOOD", 11);
});

test("a header block ends at headerBlockBytesMax", () => {
  const server = new ServerUnderTest({ headerBlockBytesMax: 20_000 });
  server.send(frame("HEADERS", END_STREAM, 1, Buffer.alloc(16_000)));
  server.send(frame("CONTINUATION", 0, 1, Buffer.alloc(4000)));
  assert.deepEqual(server.heard(), []);
  server.send(frame("CONTINUATION", 0, 1, "x"));
  assertEnded(server, "HTTP2_CONTINUATION_FLOOD", 11);
});

test("a head in as many CONTINUATION frames as are allowed is read", () => {
  const server = new ServerUnderTest();
  const bytes = block([...GET, "x-a", "v".repeat(500)]);
  server.send(frame("HEADERS", END_STREAM, 1, bytes.subarray(0, 100)));
  for (let at = 100; at < bytes.length; at += 50) {
    const isLast = at + 50 >= bytes.length;
    server.send(frame("CONTINUATION", isLast ? END_HEADERS : 0, 1, bytes.subarray(at, at + 50)));
  }
  assert.deepEqual(server.heard(), ["request 1 GET / end"]);
  assert.equal(server.heads[0]?.fields[1]?.length, 500);
});

test("floods of cheap frames end, each at its own limit", () => {
  const floods: readonly [code: string, limit: string, frames: (round: number) => readonly Buffer[]][] = [
    ["HTTP2_SETTINGS_FLOOD", "settingsFramesMax", () => [frame("SETTINGS", 0, 0)]],
    ["HTTP2_SETTINGS_FLOOD", "settingsFramesMax", () => [frame("SETTINGS", ACK, 0)]],
    ["HTTP2_SETTINGS_FLOOD", "settingsFramesMax", () => [frame("GOAWAY", 0, 0, Buffer.alloc(8))]],
    ["HTTP2_PING_FLOOD", "pingsMax", () => [frame("PING", 0, 0, "12345678")]],
    ["HTTP2_PING_FLOOD", "pingsMax", () => [frame("PING", ACK, 0, "12345678")]],
    ["HTTP2_EMPTY_FRAME_FLOOD", "emptyFramesMax", () => [frame("DATA", 0, 1)]],
    ["HTTP2_EMPTY_FRAME_FLOOD", "emptyFramesMax", () => [frame("DATA", 0x08, 1, "\u0002\0\0")]],
    ["HTTP2_EMPTY_FRAME_FLOOD", "emptyFramesMax", () => [frame(0x77, 0, 1)]],
    ["HTTP2_PRIORITY_FLOOD", "prioritiesMax", (round) => [frame("PRIORITY", 0, round, "abcde")]],
    ["HTTP2_PRIORITY_FLOOD", "prioritiesMax", () => [frame(16, 0, 0, "abcde")]],
    ["HTTP2_WINDOW_UPDATE_FLOOD", "windowUpdatesMax", () => [frame("WINDOW_UPDATE", 0, 1, uint32(1))]],
    ["HTTP2_WINDOW_UPDATE_FLOOD", "windowUpdatesMax", () => [frame("WINDOW_UPDATE", 0, 0, uint32(1))]],
    [
      "HTTP2_TABLE_SIZE_FLOOD",
      "tableSizeUpdatesMax",
      (round) => [
        frame("HEADERS", 5, round * 2 + 1, Buffer.concat([Buffer.from([round % 2 === 0 ? 0x20 : 0x21]), block(GET)])),
        frame("RST_STREAM", 0, round * 2 + 1, uint32(8)),
      ],
    ],
  ];
  for (const [code, limit, frames] of floods) {
    const server = new ServerUnderTest({ [limit]: 50 });
    server.send(headers(1, POST, END_HEADERS));
    const rounds = floodUntilEnd(server, frames);
    // The greeting took one or two of the budget of SETTINGS.
    assert.ok(rounds >= 48 && rounds <= 50, `${code} after ${rounds}`);
    assertEnded(server, code, 11);
  }
});

test("budgets fill again with time", () => {
  const server = new ServerUnderTest({ pingsMax: 10, budgetWindowMs: 1000 });
  for (let second = 0; second < 20; second++) {
    for (let count = 0; count < 10; count++) server.send(frame("PING", 0, 0, "12345678"));
    server.nowMs += 1000;
  }
  assert.deepEqual(server.heard(), []);
  for (let count = 0; count < 11; count++) server.send(frame("PING", 0, 0, "12345678"));
  for (let count = 0; count < 11; count++) server.send(frame("PING", 0, 0, "12345678"));
  assertEnded(server, "HTTP2_PING_FLOOD", 11);
});

test("DATA that we send gives WINDOW_UPDATE budget back", () => {
  const server = new ServerUnderTest({ windowUpdatesMax: 10 });
  server.send(headers(1, GET));
  server.stream(0).sendHead(new ResponseHead(200, [], -1), false);
  for (let count = 0; count < 200; count++) {
    server.stream(0).sendData(Buffer.alloc(100), 0, 100, false);
    const update = frame("WINDOW_UPDATE", 0, count % 2, uint32(100));
    server.send(update, update);
  }
  assert.deepEqual(server.heard(), ["request 1 GET / end"]);
});

test("frames on closed streams end at closedStreamFramesMax", () => {
  for (const late of [frame("DATA", 0, 1, "x"), frame("RST_STREAM", 0, 1, uint32(8)), headers(1, ["x-a", "1"])]) {
    const server = new ServerUnderTest({ closedStreamFramesMax: 30 });
    server.send(headers(1, POST, END_HEADERS));
    server.stream(0).reset("cancelled");
    const rounds = floodUntilEnd(server, () => [late]);
    assert.equal(rounds, 30);
    assertEnded(server, "HTTP2_CLOSED_STREAM_FLOOD", 11);
  }
});

test("an HPACK bomb is answered with 431, costs no memory and leaves the connection usable", () => {
  const server = new ServerUnderTest({ headerBytesMax: 10_000 });
  server.onRequest = (stream) => stream.sendHead(NO_CONTENT, true);
  const insert = Buffer.concat([Buffer.from([0x40]), block(["x-a", "v".repeat(3000)]).subarray(1)]);
  const bomb = Buffer.concat([block(GET), insert, Buffer.alloc(10_000, 0xbe)]);
  server.send(frame("HEADERS", END_HEADERS | END_STREAM, 1, bomb));
  assert.deepEqual(server.written(), ["HEADERS 1", "DATA 1 7 end"]);
  server.send(frame("HEADERS", END_HEADERS, 3, bomb), frame("DATA", END_STREAM, 3, "body"));
  assert.deepEqual(server.written(), ["HEADERS 3", "DATA 3 7 end", "RST_STREAM 3 code 0"]);
  server.send(frame("HEADERS", END_HEADERS | END_STREAM, 5, Buffer.concat([block(GET), Buffer.from([0xbe])])));
  assert.deepEqual(server.heard(), ["request 1 GET / end"]);
  assert.equal(server.heads[0]?.fields[1]?.length, 3000, "the tables are in step");
});

test("more fields than headersMax are answered with 431", () => {
  const server = new ServerUnderTest({ headersMax: 10 });
  const fields = Array.from({ length: 7 }, (_, index) => [`x-${index}`, "1"]).flat();
  server.send(headers(1, [...GET, ...fields]));
  assert.deepEqual(server.heard(), []);
  const bytes = server.takeBytes();
  assert.ok(bytes.includes(Buffer.from([0x08, 3])) || bytes.includes(Buffer.from("431")), "a literal :status");
  server.send(headers(3, [...GET, ...fields.slice(0, 12)]));
  assert.deepEqual(server.heard(), ["request 1 GET / end"]);
});

test("trailers over the limit reset the request", () => {
  const server = new ServerUnderTest({ headerBytesMax: 1000 });
  server.send(headers(1, POST, END_HEADERS), headers(1, ["x-a", "v".repeat(1000)]));
  assert.deepEqual(server.heard(), ["request 1 POST /up", "reset 1 too-large"]);
});

test("a client that does not read is read no further, and cut off at outputFloodBytesMax", () => {
  const server = new ServerUnderTest({ outputFloodBytesMax: 40_000, pingsMax: 1e6 });
  server.output.isCongested = true;
  const ping = frame("PING", 0, 0, "12345678");
  for (let count = 0; count < 1000; count++) server.send(ping);
  assert.deepEqual(server.heard(), ["paused true"]);
  server.output.isCongested = false;
  server.session.outputDrained();
  assert.deepEqual(server.heard(), ["paused false"]);
  server.output.isCongested = true;
  for (let count = 0; count < 3000; count++) server.send(ping);
  assertEnded(server, "HTTP2_OUTPUT_FLOOD", 11);
});

test("heads of answers count as output too, so that requests without bodies cannot fill it", () => {
  const server = new ServerUnderTest({ outputFloodBytesMax: 40_000 });
  server.onRequest = (stream) => stream.sendHead(NO_CONTENT, true);
  server.output.isCongested = true;
  for (let id = 1; id < 4000 && !server.events.at(-1)?.startsWith("session end"); id += 2)
    server.send(headers(id, GET));
  assert.ok(server.events.includes("paused true"));
  assertEnded(server, "HTTP2_OUTPUT_FLOOD", 11);
});

test("a server that misbehaves is cut off as well", () => {
  const client = new ClientUnderTest({ pingsMax: 10, settingsFramesMax: 10 });
  for (let count = 0; count < 11; count++) client.send(frame("PING", 0, 0, "12345678"));
  assert.deepEqual(client.heard(), ["session end HTTP2_PING_FLOOD"]);
  const settings = new ClientUnderTest({ settingsFramesMax: 10 });
  for (let count = 0; count < 11; count++) settings.send(frame("SETTINGS", 0, 0, setting(3, 7)));
  assert.deepEqual(settings.heard(), ["session end HTTP2_SETTINGS_FLOOD"]);
});

test("only late frames are forgiven on closed streams, also when many were reset", () => {
  const server = new ServerUnderTest({ streamsMax: 1000 });
  for (let id = 1; id <= 401; id += 2) server.send(headers(id, POST, END_HEADERS));
  for (const stream of server.streams) stream.reset("cancelled");
  for (const id of [1, 201, 401]) server.send(frame("DATA", 0, id, "late"));
  assert.equal(server.heard().at(-1), "request 201 POST /up");
  server.send(headers(403, GET));
  server.streams.at(-1)?.sendHead(NO_CONTENT, true);
  server.send(frame("DATA", 0, 403, "x"));
  assertEnded(server, "HTTP2_STREAM_CLOSED", 5);
});

test("windows that are opened byte by byte end at windowUpdatesMax", () => {
  const server = new ServerUnderTest({ windowUpdatesMax: 50 });
  server.send(frame("SETTINGS", 0, 0, setting(4, 0)), headers(1, GET));
  server.stream(0).sendHead(new ResponseHead(200, [], -1), false);
  server.stream(0).sendData(Buffer.alloc(10_000), 0, 10_000, true);
  const rounds = floodUntilEnd(server, () => [frame("WINDOW_UPDATE", 0, 1, uint32(1))]);
  assert.equal(rounds, 50);
  assertEnded(server, "HTTP2_WINDOW_UPDATE_FLOOD", 11);
});

test("a SETTINGS frame has at most SETTINGS_PER_FRAME_MAX settings", () => {
  const server = new ServerUnderTest();
  const settings = Array.from({ length: SETTINGS_PER_FRAME_MAX }, (_, index) => setting(4, index));
  server.send(frame("SETTINGS", 0, 0, Buffer.concat(settings)));
  assert.deepEqual(server.written(), ["SETTINGS ack"]);
  server.send(frame("SETTINGS", 0, 0, Buffer.concat([...settings, setting(4, 1)])));
  assertEnded(server, "HTTP2_SETTINGS_FLOOD", 11);
});

test("interim answers without end are cut off", () => {
  const client = new ClientUnderTest({ emptyFramesMax: 10 });
  client.open(new RequestHead("GET", "http", "a.test", "/", [], 0));
  for (let count = 0; count < 11; count++) client.send(headers(1, [":status", "103"], END_HEADERS));
  assert.deepEqual(client.heard().slice(-3), [
    "informational 1 103",
    "reset 1 protocol",
    "session end HTTP2_EMPTY_FRAME_FLOOD",
  ]);
});

test("three size updates before one block are refused", () => {
  const server = new ServerUnderTest();
  const updates = Buffer.alloc(HPACK_SIZE_UPDATES_PER_BLOCK_MAX + 1, 0x20);
  server.send(frame("HEADERS", END_HEADERS | END_STREAM, 1, Buffer.concat([updates, block(GET)])));
  assertEnded(server, "HTTP2_COMPRESSION_ERROR", 9);
});
