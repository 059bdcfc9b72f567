import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_FIELDS, ResponseHead, type ResetReason } from "@weft/contract";
import { isWeftError } from "@weft/kernel";
import { RECEIVE_WINDOW_BYTES } from "./limits.ts";
import { RecordedServer } from "./recorded-session.fixture.ts";

const get = (path: string, ...lines: string[]): string =>
  [`GET ${path} HTTP/1.1`, "Host: shop", ...lines, "", ""].join("\r\n");
const post = (length: number, ...lines: string[]): string =>
  ["POST /p HTTP/1.1", "Host: shop", `Content-Length: ${length}`, ...lines, "", ""].join("\r\n");
const get10 = (...lines: string[]): string => ["GET /old HTTP/1.0", ...lines, "", ""].join("\r\n");

/** A server that answers every request at once. */
function answering(body: string = "ok"): RecordedServer {
  const server = new RecordedServer();
  server.onAccepted = () => server.answer(200, body);
  return server;
}

test("receive() hands on pipelined requests one at a time and pauses while any wait", () => {
  const server = new RecordedServer();
  server.feed(get("/1") + get("/2") + get("/3"));
  assert.equal(server.requests.length, 1);
  assert.deepEqual(server.pauses, [true]);
  server.answer(200, "one");
  assert.equal(server.requests.length, 2);
  server.answer(200, "two");
  assert.equal(server.last.requestHead?.path, "/3");
  assert.deepEqual(server.pauses, [true, false]);
  server.answer(200, "three");
  assert.deepEqual(server.text().match(/one|two|three/g), ["one", "two", "three"]);
  assert.equal(server.session.activeStreams, 0);
});

test("receive() keeps what still arrives while it is paused", () => {
  const server = new RecordedServer();
  server.feed(get("/1") + get("/2").slice(0, 9));
  server.feed(get("/2").slice(9) + get("/3"));
  server.answer(200);
  server.answer(200);
  assert.deepEqual(
    server.requests.map((request) => request.requestHead?.path),
    ["/1", "/2", "/3"],
  );
  assert.deepEqual(server.pauses, [true, false]);
});

test("receive() answers many pipelined requests in one read, as fast as the client reads the answers", () => {
  const server = answering();
  server.feed(get("/x").repeat(20_000));
  assert.ok(server.output.isCongested);
  assert.ok(server.requests.length < 20_000, "the rest waits for the output");
  assert.deepEqual(server.pauses, [true]);
  assert.ok(!server.session.isReceivingHead, "the client is not late");
  let answers = 0;
  while (server.output.pendingBytes > 0) {
    assert.ok(server.output.pendingBytes < 400_000, "the output is bounded");
    answers += server.text().split("HTTP/1.1 200 OK").length - 1;
    server.output.isCongested = false;
    server.session.outputDrained();
  }
  assert.equal(answers, 20_000);
  assert.deepEqual(server.pauses, [true, false]);
});

test("receiveEnd() while the output is congested still lets what waits be answered", () => {
  const server = answering();
  server.output.isCongested = true;
  server.feed(get("/1") + get("/2"));
  server.session.receiveEnd();
  assert.equal(server.requests.length, 0);
  assert.equal(server.ended, undefined);
  server.output.isCongested = false;
  server.session.outputDrained();
  assert.equal(server.requests.length, 2);
  assert.equal(server.ended, null);
});

test("receive() skips a few empty lines before a request", () => {
  const server = answering();
  server.feed(`\r\n\r\n${get("/1")}\r\n${get("/2")}`);
  server.feed(`\r\n\r\n${get("/3")}`, 1);
  assert.equal(server.requests.length, 3);
});

test("isReceivingHead is true from a head's first byte to its last", () => {
  const server = new RecordedServer();
  assert.ok(!server.session.isReceivingHead);
  server.feed("G");
  assert.ok(server.session.isReceivingHead);
  server.feed(get("/").slice(1));
  assert.ok(!server.session.isReceivingHead);
});

test("headTimeout() answers 408 to a head that is not complete, and closes silently without one", () => {
  const slow = new RecordedServer();
  slow.feed("GET / HT");
  slow.session.headTimeout();
  assert.match(slow.text(), /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assert.ok(isWeftError(slow.ended, "HTTP1_HEAD_TIMEOUT"));
  const silent = new RecordedServer();
  silent.session.headTimeout();
  assert.equal(silent.text(), "");
  assert.equal(silent.ended, null);
});

test("sendHead() says close to a client that asked for it, and ends after the answer", () => {
  const server = answering();
  server.feed(get("/", "Connection: close") + get("/2"));
  assert.equal(server.requests.length, 1);
  assert.equal(server.text(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
  assert.equal(server.ended, null);
  assert.equal(server.endCount, 1);
});

test("sendHead() never sends chunks to HTTP/1.0: an answer of unknown length ends with the connection", () => {
  const server = new RecordedServer();
  server.feed(get10("Connection: keep-alive"));
  const { stream } = server.last;
  stream?.sendInformational(new ResponseHead(103, ["link", "</a>"], 0));
  stream?.sendHead(new ResponseHead(200, NO_FIELDS, -1), false);
  stream?.sendData(Buffer.from("abc"), 0, 3, false);
  stream?.sendTrailers(["x-sum", "1"]);
  assert.equal(server.text(), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc");
  assert.equal(server.ended, null);
});

test("sendHead() keeps an HTTP/1.0 connection only if the client asked", () => {
  const kept = answering();
  kept.feed(get10("Connection: Keep-Alive"));
  assert.equal(kept.text(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok");
  assert.equal(kept.ended, undefined);
  const closed = answering();
  closed.feed(get10());
  assert.equal(closed.text(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
  assert.equal(closed.ended, null);
});

test("sendHead() sends no body for HEAD, 204 and 304, whoever sends one", () => {
  const cases: [request: string, head: ResponseHead, expected: string][] = [
    [
      get("/").replace("GET", "HEAD"),
      new ResponseHead(200, NO_FIELDS, 5),
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
    ],
    [get("/").replace("GET", "HEAD"), new ResponseHead(200, NO_FIELDS, -1), "HTTP/1.1 200 OK\r\n\r\n"],
    [get("/"), new ResponseHead(204, NO_FIELDS, 5), "HTTP/1.1 204 No Content\r\n\r\n"],
    [get("/"), new ResponseHead(304, NO_FIELDS, 5), "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"],
    [get("/"), new ResponseHead(304, NO_FIELDS, -1), "HTTP/1.1 304 Not Modified\r\n\r\n"],
  ];
  for (const [request, head, expected] of cases) {
    for (const isEnd of [false, true]) {
      const server = new RecordedServer();
      // Three times: as new, as repeated, and from the bytes that are kept by then.
      for (let round = 0; round < 3; round++) {
        server.feed(request);
        server.last.stream?.sendHead(head, isEnd);
        if (!isEnd) server.last.stream?.sendData(Buffer.from("hello"), 0, 5, true);
        assert.equal(server.text(), expected);
        assert.equal(server.session.activeStreams, 0);
      }
    }
  }
});

test("sendHead() of an answer without length that ends at once says that it is empty", () => {
  const server = new RecordedServer();
  server.feed(get("/"));
  server.last.stream?.sendHead(new ResponseHead(200, NO_FIELDS, -1), true);
  assert.equal(server.text(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
});

test("sendHead() of one shared head fits every connection it is sent on", () => {
  const head = new ResponseHead(200, ["x-a", "1"], -1);
  const body = Buffer.from("x");
  const answers = [
    get("/"),
    get("/"),
    get10(),
    get("/", "Connection: close"),
    get("/").replace("GET", "HEAD"),
    get("/"),
  ].map((request) => {
    const server = new RecordedServer();
    server.feed(request);
    server.last.stream?.sendHead(head, false);
    server.last.stream?.sendData(body, 0, 1, true);
    return server.text();
  });
  const line = "HTTP/1.1 200 OK\r\nx-a: 1\r\n";
  const chunk = "1\r\nx\r\n0\r\n\r\n";
  assert.deepEqual(answers, [
    `${line}transfer-encoding: chunked\r\n\r\n${chunk}`,
    `${line}transfer-encoding: chunked\r\n\r\n${chunk}`,
    `${line}connection: close\r\n\r\nx`,
    `${line}transfer-encoding: chunked\r\nconnection: close\r\n\r\n${chunk}`,
    `${line}\r\n`,
    `${line}transfer-encoding: chunked\r\n\r\n${chunk}`,
  ]);
});

test("sendHead() refuses to split an answer: 502, and nothing of the head is sent", () => {
  const bad: [name: string, value: string][] = [
    ["x-a", "b\r\nset-cookie: evil"],
    ["x-a", "b\nc"],
    ["x-a", "b\0"],
    ["x-a", "\u0100"],
    ["x-a\r\nx-b", "c"],
    ["x a", "c"],
    ["", "c"],
  ];
  for (const [name, value] of bad) {
    const server = new RecordedServer();
    server.feed(get("/"));
    server.last.stream?.sendHead(new ResponseHead(200, [name, value], 0), true);
    const text = server.text();
    assert.match(text, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
    assert.ok(!text.includes("evil"));
    assert.ok(isWeftError(server.ended, "HTTP1_UNENCODABLE_HEAD"));
    assert.equal(server.last.reset, "internal");
  }
});

test("sendHead() refuses a 101 that nobody asked for and a length without a body", () => {
  for (const [head, isEnd] of [
    [new ResponseHead(101, NO_FIELDS, -1), false],
    [new ResponseHead(200, NO_FIELDS, 5), true],
  ] as const) {
    const server = new RecordedServer();
    server.feed(get("/"));
    server.last.stream?.sendHead(head, isEnd);
    assert.match(server.text(), /^HTTP\/1\.1 502 /);
  }
});

test("sendData() of more or less than was announced cuts the answer", () => {
  for (const body of ["hello!", "hell"]) {
    const server = new RecordedServer();
    server.feed(get("/"));
    server.last.stream?.sendHead(new ResponseHead(200, NO_FIELDS, 5), false);
    server.last.stream?.sendData(Buffer.from(body), 0, body.length, true);
    assert.ok(isWeftError(server.ended, "HTTP1_LENGTH_MISMATCH"));
    assert.ok(!server.text().includes("hello!"));
  }
});

test("sendInformational() passes 100 and 103 on, never 101, and nothing after the final head", () => {
  const server = new RecordedServer();
  server.feed(post(2, "Expect: 100-continue"));
  const { stream } = server.last;
  assert.equal(server.text(), "", "the session itself sends no 100");
  stream?.sendInformational(new ResponseHead(100, NO_FIELDS, 0));
  stream?.sendInformational(new ResponseHead(103, ["link", "</a>"], 0));
  stream?.sendInformational(new ResponseHead(101, NO_FIELDS, 0));
  assert.equal(server.text(), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
  server.feed("hi");
  stream?.sendHead(new ResponseHead(200, NO_FIELDS, 1), false);
  server.text();
  stream?.sendInformational(new ResponseHead(103, NO_FIELDS, 0));
  assert.equal(server.text(), "");
});

test("an answer without 100 to a client that waits for it closes the connection", () => {
  const server = new RecordedServer();
  server.feed(post(5, "Expect: 100-continue"));
  server.answer(401);
  assert.match(server.text(), /^HTTP\/1\.1 401 Unauthorized\r\n.*connection: close\r\n\r\n$/s);
  assert.equal(server.ended, null);
});

test("receive() pauses above RECEIVE_WINDOW_BYTES and resumes as bytes are consumed", () => {
  const server = new RecordedServer();
  server.feed(post(RECEIVE_WINDOW_BYTES * 2));
  server.feed("x".repeat(RECEIVE_WINDOW_BYTES));
  assert.deepEqual(server.pauses, []);
  server.feed("x");
  assert.deepEqual(server.pauses, [true]);
  server.feed("y".repeat(10));
  assert.equal(server.last.body.length, RECEIVE_WINDOW_BYTES + 11, "what arrives all the same is handed on");
  server.last.stream?.consume(20);
  assert.deepEqual(server.pauses, [true]);
  server.last.stream?.consume(RECEIVE_WINDOW_BYTES);
  assert.deepEqual(server.pauses, [true, false]);
});

test("sendData() returns false while the output is congested, and outputDrained() tells once", () => {
  const server = new RecordedServer();
  server.feed(get("/"));
  const { stream } = server.last;
  stream?.sendHead(new ResponseHead(200, NO_FIELDS, -1), false);
  assert.equal(stream?.sendData(Buffer.alloc(10), 0, 10, false), true);
  server.session.outputDrained();
  server.output.isCongested = true;
  assert.equal(stream?.sendData(Buffer.alloc(10), 0, 10, false), false);
  server.output.isCongested = false;
  server.session.outputDrained();
  server.session.outputDrained();
  assert.deepEqual(server.last.events, ["end", "writable"]);
});

test("drain() answers a request that was on its way to an idle connection, called again it waits no more", () => {
  const server = new RecordedServer();
  server.session.drain();
  assert.equal(server.ended, undefined);
  server.feed(get("/"));
  server.answer(200);
  assert.match(server.text(), /connection: close\r\n\r\n$/);
  assert.equal(server.ended, null);
  const idle = new RecordedServer();
  idle.session.drain();
  idle.session.drain();
  assert.equal(idle.ended, null);
  idle.session.drain();
  assert.equal(idle.endCount, 1);
});

test("drain() answers the open request and those behind it, and says close with the last", () => {
  const server = new RecordedServer();
  server.feed(get("/1") + get("/2"));
  server.session.drain();
  server.answer(200);
  assert.doesNotMatch(server.text(), /connection: close/);
  assert.equal(server.ended, undefined);
  server.answer(200);
  assert.match(server.text(), /connection: close\r\n\r\n$/);
  assert.equal(server.ended, null);
  assert.equal(server.requests.length, 2);
});

test("drain() waits for another request after an answer that could not say close, until it is called again", () => {
  for (const isLast of [false, true]) {
    const server = new RecordedServer();
    server.feed(get("/1"));
    server.last.stream?.sendHead(new ResponseHead(200, NO_FIELDS, 1), false);
    server.session.drain();
    if (isLast) server.session.drain();
    server.last.stream?.sendData(Buffer.from("a"), 0, 1, true);
    assert.equal(server.ended, isLast ? null : undefined);
    if (isLast) continue;
    server.feed(get("/2"));
    server.answer(200);
    assert.match(server.text(), /connection: close\r\n\r\n$/);
    assert.equal(server.ended, null);
  }
});

test("drain() lets a head that has begun to arrive be answered", () => {
  const server = new RecordedServer();
  server.feed("GET / HTTP/1.1\r\n");
  server.session.drain();
  server.feed("Host: a\r\n\r\n");
  server.answer(200);
  assert.match(server.text(), /connection: close\r\n\r\n$/);
  assert.equal(server.ended, null);
});

test("receiveEnd() on an idle connection ends it, in the middle of a head answers 400", () => {
  const idle = new RecordedServer();
  idle.session.receiveEnd();
  assert.equal(idle.ended, null);
  const partial = new RecordedServer();
  partial.feed("GET / HT");
  partial.session.receiveEnd();
  assert.match(partial.text(), /^HTTP\/1\.1 400 .*HTTP1_TRUNCATED/s);
});

test("receiveEnd() after a request still lets it and those behind it be answered", () => {
  const server = new RecordedServer();
  server.feed(get("/1") + get("/2"));
  server.session.receiveEnd();
  server.answer(200, "one");
  assert.equal(server.ended, undefined);
  server.answer(200, "two");
  assert.equal(server.ended, null);
  assert.match(server.text(), /one.*two$/s);
});

test("receiveEnd() in the middle of a body resets the request and answers 400", () => {
  const server = new RecordedServer();
  server.feed(`${post(10)}0123`);
  server.session.receiveEnd();
  assert.equal(server.last.reset, "connection");
  assert.ok(!server.last.isComplete);
  assert.match(server.text(), /^HTTP\/1\.1 400 .*HTTP1_TRUNCATED/s);
  assert.equal(server.endCount, 1);
});

test("connectionLost() resets the open request and calls nothing else", () => {
  const server = new RecordedServer();
  server.feed(get("/"));
  const { stream } = server.last;
  server.session.connectionLost("ECONNRESET");
  assert.equal(server.last.reset, "connection");
  assert.equal(server.endCount, 0);
  stream?.sendHead(new ResponseHead(200, NO_FIELDS, 0), true);
  assert.equal(server.text(), "");
});

test("reset() before the head answers with the status of its reason and closes", () => {
  const statuses: [ResetReason, number][] = [
    ["refused", 503],
    ["protocol", 502],
    ["too-large", 413],
    ["connection", 502],
    ["connect", 503],
    ["timeout", 504],
    ["overloaded", 503],
    ["internal", 500],
  ];
  for (const [reason, status] of statuses) {
    const server = new RecordedServer();
    server.feed(get("/"));
    server.last.stream?.reset(reason);
    assert.match(server.text(), new RegExp(`^HTTP/1.1 ${status} .*HTTP1_STREAM_RESET`, "s"));
    assert.equal(server.ended, null);
    assert.equal(server.last.reset, null, "whoever resets is not told");
  }
  const cancelled = new RecordedServer();
  cancelled.feed(get("/"));
  cancelled.last.stream?.reset("cancelled");
  assert.equal(cancelled.text(), "");
  assert.equal(cancelled.endCount, 1);
});

test("reset() after the head cuts the answer: the owner is told to break the connection where nothing else shows it", () => {
  for (const version of ["1.0", "1.1"]) {
    const server = new RecordedServer();
    server.feed(`GET / HTTP/${version}\r\nhost: a\r\n\r\n`);
    server.last.stream?.sendHead(new ResponseHead(200, NO_FIELDS, -1), false);
    server.last.stream?.sendData(Buffer.from("abc"), 0, 3, false);
    server.last.stream?.reset("connection");
    assert.ok(isWeftError(server.ended, "HTTP1_STREAM_RESET"));
    assert.equal(server.ended.details["isCut"], version === "1.0");
    assert.ok(server.text().endsWith(version === "1.0" ? "abc" : "3\r\nabc\r\n"), "no last chunk");
  }
});

test("a stream that is over changes nothing for the next request", () => {
  const server = new RecordedServer();
  server.feed(get("/1"));
  const first = server.last;
  server.answer(200);
  server.feed(post(5));
  server.text();
  first.stream?.reset("cancelled");
  first.stream?.consume(1_000_000);
  first.stream?.sendTrailers([]);
  assert.equal(first.stream?.sendData(Buffer.from("evil"), 0, 4, true), true);
  assert.equal(server.text(), "");
  server.feed("hello");
  assert.equal(server.last.body, "hello");
  assert.deepEqual(first.events, ["end"]);
});

test("takeUnread() gives the connection up between two requests, with the part of the next that is here", () => {
  const next = get("/2");
  for (let length = 0; length < next.length; length++) {
    const first = answering();
    first.feed(get("/1") + next.slice(0, length));
    const unread = first.session.takeUnread();
    assert.equal(unread?.toString("latin1"), next.slice(0, length));
    const other = answering();
    other.feed(unread.toString("latin1") + next.slice(length));
    assert.equal(other.last.requestHead?.path, "/2");
    // Nobody is told, and nothing is taken any more.
    first.feed(get("/3"));
    assert.equal(first.endCount, 0);
    assert.equal(first.requests.length, 1);
  }
});

test("takeUnread() refuses while a request or its body is open, in a tunnel, and once it drains or ends", () => {
  const open = new RecordedServer();
  open.feed(get("/1"));
  assert.equal(open.session.takeUnread(), null);
  const body = new RecordedServer();
  body.feed(`${post(10)}01234`);
  body.answer(413, "no");
  assert.equal(body.session.takeUnread(), null, "the rest of the body is still to come");
  const draining = answering();
  draining.feed(get("/1"));
  draining.session.drain();
  assert.equal(draining.session.takeUnread(), null);
  const ended = answering();
  ended.session.receiveEnd();
  assert.equal(ended.session.takeUnread(), null);
});
