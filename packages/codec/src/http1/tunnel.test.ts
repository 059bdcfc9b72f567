import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_FIELDS, RequestHead, ResponseHead } from "@weft/contract";
import { isWeftError } from "@weft/kernel";
import { EARLY_TUNNEL_BYTES_MAX, HELD_BYTES_MIN } from "./limits.ts";
import { RecordedClient, RecordedServer, type RecordedStream } from "./recorded-session.fixture.ts";

// The example of RFC 6455 section 1.3.
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const HANDSHAKE =
  "GET /chat HTTP/1.1\r\nHost: shop\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
const CONNECT = "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n";
const NEXT = "GET /next HTTP/1.1\r\nHost: shop\r\n\r\n";

const websocketHead = (): RequestHead =>
  new RequestHead("GET", "", "shop", "/chat", ["sec-websocket-version", "13"], -1, "websocket");
const connectHead = (): RequestHead => new RequestHead("CONNECT", "", "db:5432", "", NO_FIELDS, -1);

function send(request: RecordedStream, text: string, isEnd: boolean = false): void {
  request.stream?.sendData(Buffer.from(text, "latin1"), 0, text.length, isEnd);
}

/** A server session whose CONNECT was accepted. */
function openTunnel(): RecordedServer {
  const server = new RecordedServer();
  server.feed(CONNECT);
  server.last.stream?.sendHead(new ResponseHead(200, NO_FIELDS, -1), false);
  return server;
}

test("sendHead() 101 proves to a WebSocket client that its key was read, and opens the tunnel", () => {
  const server = new RecordedServer();
  server.feed(HANDSHAKE);
  assert.ok(!server.last.isComplete);
  server.last.stream?.sendHead(new ResponseHead(101, ["sec-websocket-protocol", "chat"], -1), false);
  assert.equal(
    server.text(),
    "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-protocol: chat\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
      `sec-websocket-accept: ${ACCEPT}\r\n\r\n`,
  );
  server.feed("\x81\x85raw");
  assert.equal(server.last.body, "\x81\x85raw");
  send(server.last, "\x81\x02hi");
  assert.equal(server.text(), "\x81\x02hi");
  send(server.last, "", true);
  server.session.receiveEnd();
  assert.equal(server.ended, null);
});

test("sendHead() of a tunnel that is over as it begins ends the session", () => {
  const server = new RecordedServer();
  server.feed(`${CONNECT}early`);
  server.last.stream?.sendHead(new ResponseHead(200, NO_FIELDS, -1), true);
  assert.equal(server.ended, null);
});

test("sendHead() 101 keeps a Sec-WebSocket-Accept that is there", () => {
  const server = new RecordedServer();
  server.feed(HANDSHAKE);
  server.last.stream?.sendHead(new ResponseHead(101, ["sec-websocket-accept", "own"], -1), false);
  assert.equal(
    server
      .text()
      .match(/sec-websocket-accept: [^\r]*/g)
      ?.join(),
    "sec-websocket-accept: own",
  );
});

test("receive() remembers no WebSocket handshake: each has its own key", () => {
  const server = new RecordedServer();
  const accepts: string[] = [];
  for (const key of [KEY, KEY, "AAAAAAAAAAAAAAAAAAAAAA=="]) {
    server.feed(HANDSHAKE.replace(KEY, key));
    accepts.push(server.last.requestHead?.upgrade ?? "");
    server.answer(403);
  }
  assert.deepEqual(accepts, ["websocket", "websocket", "websocket"]);
  assert.equal(new Set(server.requests.map((request) => request.requestHead)).size, 3);
});

test("receive() holds back what comes before an upgrade is accepted", () => {
  for (const request of [HANDSHAKE, CONNECT]) {
    const server = new RecordedServer();
    server.feed(`${request}early`);
    server.feed("more");
    assert.equal(server.last.body, "");
    assert.deepEqual(server.pauses, [true]);
    server.last.stream?.sendHead(new ResponseHead(request === CONNECT ? 200 : 101, NO_FIELDS, -1), false);
    assert.equal(server.last.body, "earlymore");
    assert.deepEqual(server.pauses, [true, false]);
  }
});

test("sendHead() 101 from inside onRequest tunnels the rest of the same read", () => {
  const server = new RecordedServer();
  server.onAccepted = (request) => request.stream?.sendHead(new ResponseHead(101, NO_FIELDS, -1), false);
  server.feed(`${HANDSHAKE}early`);
  assert.equal(server.last.body, "early");
});

test("a refused upgrade goes on with the next request", () => {
  const server = new RecordedServer();
  server.feed(HANDSHAKE + NEXT);
  server.answer(403, "no");
  assert.equal(server.last.requestHead?.path, "/next");
  server.answer(200);
  assert.equal(server.ended, undefined);
  assert.match(server.text(), /^HTTP\/1\.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nnoHTTP\/1\.1 200 OK\r\n/);
});

test("a refused CONNECT closes, and what came after it is never a request", () => {
  const server = new RecordedServer();
  server.feed(CONNECT + NEXT);
  server.answer(403, "no");
  assert.equal(server.requests.length, 1);
  assert.match(server.text(), /\r\nconnection: close\r\n\r\nno$/);
  assert.equal(server.ended, null);
});

test("an accepted CONNECT says neither length nor chunks", () => {
  const server = new RecordedServer();
  server.feed(CONNECT);
  assert.equal(server.last.requestHead?.authority, "db:5432");
  server.last.stream?.sendHead(new ResponseHead(200, NO_FIELDS, 0), false);
  assert.equal(server.text(), "HTTP/1.1 200 OK\r\n\r\n");
  send(server.last, "raw");
  assert.equal(server.text(), "raw");
});

test("receiveEnd() in a tunnel ends the request's side, also when it came before the acceptance", () => {
  const open = new RecordedServer();
  open.feed(HANDSHAKE);
  open.last.stream?.sendHead(new ResponseHead(101, NO_FIELDS, -1), false);
  open.session.receiveEnd();
  assert.ok(open.last.isComplete);
  send(open.last, "bye", true);
  assert.ok(open.text().endsWith("bye"));

  const early = new RecordedServer();
  early.feed(`${CONNECT}all`);
  early.session.receiveEnd();
  assert.equal(early.last.body, "");
  early.last.stream?.sendHead(new ResponseHead(200, NO_FIELDS, -1), false);
  assert.equal(early.last.body, "all");
  assert.ok(early.last.isComplete);
});

test("open() of a WebSocket sends a key of its own and takes only the answer that proves it", () => {
  const randomBytes = (): Buffer => Buffer.from(KEY, "base64");
  const client = new RecordedClient({ randomBytes });
  const { answer, stream } = client.open(websocketHead(), false);
  assert.equal(
    client.text(),
    "GET /chat HTTP/1.1\r\nhost: shop\r\nsec-websocket-version: 13\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
      `sec-websocket-key: ${KEY}\r\n\r\n`,
  );
  client.feed(
    `HTTP/1.1 101 Switching\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\nX-A: 1\r\n\r\nraw`,
  );
  assert.equal(answer.responseHead?.status, 101);
  assert.deepEqual(answer.responseHead?.fields, ["x-a", "1"]);
  assert.equal(answer.body, "raw");
  stream.sendData(Buffer.from("up"), 0, 2, false);
  assert.equal(client.text(), "up");
  assert.equal(client.session.availableStreams, 0);
  assert.equal(client.drainingCount, 1);
  client.session.receiveEnd();
  assert.ok(answer.isComplete);
  stream.sendData(Buffer.alloc(0), 0, 0, true);
  assert.equal(client.ended, null);
});

test("open() of a WebSocket that came as extended CONNECT sends GET", () => {
  const client = new RecordedClient();
  client.open(new RequestHead("CONNECT", "https", "shop", "/chat", NO_FIELDS, -1, "websocket"), false);
  assert.match(client.text(), /^GET \/chat HTTP\/1\.1\r\n/);
});

test("receive() refuses a 101 that was not asked for, of another protocol, or with a wrong proof", () => {
  const lines = (upgrade: string, accept: string): string =>
    `HTTP/1.1 101 x\r\nUpgrade: ${upgrade}\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\nraw`;
  const wrong: [RequestHead, string][] = [
    [websocketHead(), lines("websocket", "AAAA")],
    [websocketHead(), lines("foo", ACCEPT)],
    [websocketHead(), `HTTP/1.1 101 x\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`],
    [new RequestHead("GET", "", "a", "/", NO_FIELDS, 0), lines("websocket", ACCEPT)],
    [connectHead(), lines("websocket", ACCEPT)],
  ];
  for (const [head, text] of wrong) {
    const client = new RecordedClient({ randomBytes: () => Buffer.from(KEY, "base64") });
    const { answer } = client.open(head, false);
    client.feed(text);
    assert.match(answer.reset ?? "", /^protocol: .*HTTP1_UPGRADE_MISMATCH/);
    assert.equal(answer.body, "");
    assert.ok(isWeftError(client.ended, "HTTP1_UPGRADE_MISMATCH"));
  }
});

test("sendData() before the acceptance is held back, then sent first", () => {
  for (const [head, accepted] of [
    [connectHead(), "HTTP/1.1 200 OK\r\n\r\n"],
    [
      new RequestHead("GET", "", "a", "/", NO_FIELDS, -1, "foo"),
      "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
    ],
  ] as const) {
    const client = new RecordedClient();
    const { answer, stream } = client.open(head, false);
    client.text();
    assert.equal(stream.sendData(Buffer.from("early"), 0, 5, false), false);
    client.session.outputDrained();
    assert.equal(client.text(), "");
    assert.deepEqual(answer.events, []);
    client.feed(accepted);
    assert.equal(client.text(), "early");
    assert.deepEqual(answer.events.slice(1), ["writable"]);
  }
});

test("sendData() before the acceptance is bounded by EARLY_TUNNEL_BYTES_MAX", () => {
  const client = new RecordedClient();
  const { answer, stream } = client.open(connectHead(), false);
  const piece = Buffer.alloc(EARLY_TUNNEL_BYTES_MAX);
  stream.sendData(piece, 0, piece.length, false);
  assert.equal(answer.reset, null);
  stream.sendData(piece, 0, 1, false);
  assert.match(answer.reset ?? "", /^overloaded: /);
  assert.equal(client.ended, null);
});

test("a refused upgrade sends nothing of what was held back, and keeps the connection", () => {
  const client = new RecordedClient();
  const { answer, stream } = client.open(websocketHead(), false);
  client.text();
  stream.sendData(Buffer.from("early"), 0, 5, false);
  client.feed("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  assert.equal(answer.responseHead?.status, 403);
  assert.ok(answer.isComplete);
  assert.equal(client.text(), "");
  assert.equal(client.session.availableStreams, 1);
});

test("a tunnel of a client session ends when both sides have, whichever is first", () => {
  const upgradeAnswer = "HTTP/1.1 200 OK\r\n\r\n";
  const ours = new RecordedClient();
  const first = ours.open(connectHead(), false);
  ours.feed(upgradeAnswer);
  first.stream.sendData(Buffer.from("bye"), 0, 3, true);
  assert.ok(ours.text().endsWith("bye"));
  assert.equal(ours.outputEndCount, 1);
  assert.equal(ours.ended, undefined);
  ours.feed("late");
  assert.equal(first.answer.body, "late");
  ours.session.receiveEnd();
  assert.ok(first.answer.isComplete);
  assert.equal(ours.ended, null);

  const theirs = new RecordedClient();
  const second = theirs.open(connectHead(), false);
  theirs.feed(`${upgradeAnswer}bye`);
  theirs.session.receiveEnd();
  theirs.session.receiveEnd();
  assert.deepEqual(second.answer.events, ["head 200", "data", "end"]);
  assert.equal(theirs.ended, undefined);
  theirs.text();
  second.stream.sendData(Buffer.from("late"), 0, 4, false);
  second.stream.sendData(Buffer.alloc(0), 0, 0, true);
  assert.equal(theirs.text(), "late");
  assert.equal(theirs.outputEndCount, 0, "the session's end says it");
  assert.equal(theirs.ended, null);
});

test("a request that had ended before its CONNECT was accepted ends the output then", () => {
  const client = new RecordedClient();
  const { stream } = client.open(connectHead(), false);
  stream.sendData(Buffer.from("all"), 0, 3, true);
  assert.equal(client.outputEndCount, 0);
  client.feed("HTTP/1.1 200 OK\r\n\r\n");
  assert.ok(client.text().endsWith("all"));
  assert.equal(client.outputEndCount, 1);
  assert.equal(client.ended, undefined);
});

test("a half-closed tunnel that is lost resets who still speaks", () => {
  const client = new RecordedClient();
  const { answer } = client.open(connectHead(), false);
  client.feed("HTTP/1.1 200 OK\r\n\r\n");
  client.session.receiveEnd();
  client.session.connectionLost("gone");
  assert.deepEqual(answer.events, ["head 200", "end", "reset connection"]);

  const server = openTunnel();
  send(server.last, "bye", true);
  server.session.connectionLost("gone");
  assert.equal(server.last.reset, "connection");
});

test("a tunnel of a server session ends when both sides have, whichever is first", () => {
  const ours = openTunnel();
  send(ours.last, "bye", true);
  send(ours.last, "never", true);
  assert.ok(ours.text().endsWith("bye"));
  assert.equal(ours.outputEndCount, 1);
  assert.equal(ours.ended, undefined);
  ours.feed("late");
  assert.equal(ours.last.body, "late");
  ours.session.receiveEnd();
  assert.ok(ours.last.isComplete);
  assert.equal(ours.ended, null);
  assert.equal(ours.endCount, 1);

  const theirs = openTunnel();
  theirs.session.receiveEnd();
  assert.ok(theirs.last.isComplete);
  assert.equal(theirs.ended, undefined);
  send(theirs.last, "bye", true);
  assert.ok(theirs.text().endsWith("bye"));
  assert.equal(theirs.outputEndCount, 0, "the session's end says it");
  assert.equal(theirs.ended, null);
});

test("reset() of a tunnel whose answer has ended is no cut of the answer", () => {
  const server = openTunnel();
  send(server.last, "bye", true);
  server.last.stream?.reset("cancelled");
  assert.equal(server.ended, null);
  const open = openTunnel();
  open.last.stream?.reset("cancelled");
  assert.equal(open.ended?.details["isCut"], true);
});

test("held bytes grow past the first buffer without loss", () => {
  const server = new RecordedServer();
  server.feed(CONNECT);
  const early = "0123456789".repeat(HELD_BYTES_MIN);
  server.feed(early, 100);
  server.last.stream?.sendHead(new ResponseHead(200, NO_FIELDS, -1), false);
  assert.equal(server.last.body, early);
});
