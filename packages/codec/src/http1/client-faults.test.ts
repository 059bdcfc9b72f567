import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_FIELDS, RequestHead } from "@weft/contract";
import { isWeftError } from "@weft/kernel";
import type { Http1ErrorCode } from "./errors.ts";
import { INFORMATIONAL_MAX, RECEIVE_WINDOW_BYTES } from "./limits.ts";
import type { Http1ClientChoices } from "./options.ts";
import { RecordedClient } from "./recorded-session.fixture.ts";

const get = (method: string = "GET"): RequestHead => new RequestHead(method, "", "shop", "/", NO_FIELDS, 0);
const post = (length: number): RequestHead => new RequestHead("POST", "", "shop", "/", NO_FIELDS, length);
const ok = (...lines: string[]): string => ["HTTP/1.1 200 OK", ...lines, "", ""].join("\r\n");
const chunked = (body: string): string => `${ok("Transfer-Encoding: chunked")}${body}`;

const faults: [why: string, code: Http1ErrorCode, answer: string, choices?: Http1ClientChoices][] = [
  ["garbage", "HTTP1_INVALID_STATUS_LINE", "garbage\r\n\r\n"],
  ["binary garbage", "HTTP1_INVALID_STATUS_LINE", "\0\x01\x02"],
  ["an HTTP/2 preface", "HTTP1_INVALID_STATUS_LINE", "\0\0\x12\x04\0\0\0\0\0"],
  ["another version", "HTTP1_UNSUPPORTED_VERSION", "HTTP/2.0 200 OK\r\n\r\n"],
  ["CL and TE", "HTTP1_CONFLICTING_LENGTH", ok("Content-Length: 5", "Transfer-Encoding: chunked")],
  ["two CL", "HTTP1_INVALID_CONTENT_LENGTH", ok("Content-Length: 5", "Content-Length: 6")],
  ["a signed CL", "HTTP1_INVALID_CONTENT_LENGTH", ok("Content-Length: +5")],
  ["TE gzip", "HTTP1_UNSUPPORTED_TRANSFER_ENCODING", ok("Transfer-Encoding: gzip, chunked")],
  ["TE chunked twice", "HTTP1_INVALID_TRANSFER_ENCODING", ok("Transfer-Encoding: chunked, chunked")],
  ["TE in HTTP/1.0", "HTTP1_INVALID_TRANSFER_ENCODING", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["a bare LF", "HTTP1_INVALID_LINE_END", "HTTP/1.1 200 OK\nX: y\r\n\r\n"],
  ["a bare CR in the status line", "HTTP1_INVALID_LINE_END", "HTTP/1.1 200 OK\rX: y\r\n\r\n"],
  ["a bare CR", "HTTP1_INVALID_LINE_END", ok("X: y\rZ: 1")],
  ["NUL", "HTTP1_INVALID_FIELD_VALUE", ok("X: \0")],
  ["obs-fold", "HTTP1_FOLDED_FIELD", ok("X: y", " z")],
  ["a space before the colon", "HTTP1_INVALID_FIELD_NAME", ok("X : y")],
  ["a bad chunk", "HTTP1_INVALID_CHUNK", chunked("0x5\r\nhello")],
  ["a chunk that is too long", "HTTP1_INVALID_CHUNK", chunked("5\r\nhello!\r\n")],
  ["a long head", "HTTP1_HEAD_TOO_LARGE", ok(`X: ${"y".repeat(300)}`), { headerBytesMax: 200 }],
  ["a head without end", "HTTP1_HEAD_TOO_LARGE", `HTTP/1.1 200 ${"y".repeat(300)}`, { headerBytesMax: 200 }],
  ["many fields", "HTTP1_TOO_MANY_FIELDS", ok(..."abcdef".split("").map((name) => `${name}: 1`)), { headersMax: 5 }],
  ["long trailers", "HTTP1_TRAILERS_TOO_LARGE", chunked(`0\r\nx: ${"y".repeat(99)}\r\n\r\n`), { trailerBytesMax: 99 }],
  ["a long body by its length", "HTTP1_BODY_TOO_LARGE", `${ok("Content-Length: 6")}123456`, { bodyBytesMax: 5 }],
  ["a long body until close", "HTTP1_BODY_TOO_LARGE", `${ok()}123456`, { bodyBytesMax: 5 }],
  ["1xx without end", "HTTP1_TOO_MANY_INFORMATIONAL", "HTTP/1.1 103 x\r\n\r\n".repeat(INFORMATIONAL_MAX + 1)],
];

for (const [why, code, answer, choices] of faults) {
  test(`receive() resets the request and ends the session with [${code}] on ${why}`, () => {
    for (const pieceBytes of [answer.length, 1, 7]) {
      const client = new RecordedClient(choices);
      const request = client.open(get());
      client.feed(answer, pieceBytes);
      const reason = /TOO_LARGE|TOO_MANY_FIELDS/.test(code) ? "too-large" : "protocol";
      assert.ok(request.answer.reset?.startsWith(`${reason}: [${code}] `), String(request.answer.reset));
      assert.ok(!request.answer.isComplete);
      assert.ok(isWeftError(client.ended, code));
      assert.equal(client.endCount, 1);
      assert.equal(client.session.availableStreams, 0);
    }
  });
}

test("receive() ends an idle connection that says something", () => {
  const client = new RecordedClient();
  client.feed("HTTP/1.1 408 Request Timeout\r\n\r\n");
  assert.ok(isWeftError(client.ended, "HTTP1_UNEXPECTED_BYTES"));
  assert.equal(client.session.availableStreams, 0);
});

test("receive() delivers an answer with bytes behind it, but never uses the connection again", () => {
  const answers = [`${ok("Content-Length: 2")}ok`, chunked("2\r\nok\r\n0\r\n\r\n"), ok("Content-Length: 0")];
  answers.push("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n");
  for (const answer of answers) {
    const client = new RecordedClient();
    const request = client.open(get());
    client.feed(`${answer}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
    assert.ok(request.answer.isComplete);
    assert.ok(!request.answer.body.includes("evil"));
    assert.ok(isWeftError(client.ended, "HTTP1_UNEXPECTED_BYTES"));
    assert.equal(client.availableCount, 0);
  }
});

test("receive() takes HEAD, 204 and 304 as answers without a body", () => {
  const cases: [RequestHead, string, number][] = [
    [get("HEAD"), ok("Content-Length: 5"), 5],
    [get("HEAD"), ok("Transfer-Encoding: chunked"), -1],
    [get(), "HTTP/1.1 204 No Content\r\n\r\n", -1],
    [get(), "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 5],
  ];
  const client = new RecordedClient();
  for (const [head, answer, length] of cases) {
    const request = client.open(head);
    client.feed(answer);
    assert.ok(request.answer.isComplete);
    assert.equal(request.answer.responseHead?.contentLength, length);
  }
  assert.equal(client.availableCount, 4);
});

test("receive() passes 1xx answers on before the final one", () => {
  const client = new RecordedClient();
  const request = client.open(post(2), false);
  client.feed(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n`);
  request.stream.sendData(Buffer.from("hi"), 0, 2, true);
  client.feed(ok("Content-Length: 0"));
  assert.deepEqual(request.answer.events, ["informational 100", "informational 103", "head 200", "end"]);
  assert.deepEqual(request.answer.informational[1]?.fields, ["link", "</a>"]);
});

test("receiveEnd() completes an answer that ends with the connection", () => {
  const client = new RecordedClient();
  const request = client.open(get());
  client.feed(`${ok()}hello`);
  assert.equal(client.drainingCount, 1);
  assert.ok(!request.answer.isComplete);
  client.session.receiveEnd();
  assert.ok(request.answer.isComplete);
  assert.equal(request.answer.body, "hello");
  assert.equal(client.ended, null);
});

test("connectionLost() never completes an answer that ends with the connection", () => {
  const client = new RecordedClient();
  const request = client.open(get());
  client.feed(`${ok()}hello`);
  client.session.connectionLost("ECONNRESET");
  assert.equal(request.answer.reset, "connection: ECONNRESET");
  assert.equal(client.endCount, 0);
});

test("receiveEnd() in the middle of an answer resets it", () => {
  for (const part of ["", "HTTP/1.1 2", `${ok("Content-Length: 5")}hell`, chunked("5\r\nhel"), chunked("0\r\n")]) {
    const client = new RecordedClient();
    const request = client.open(get());
    client.feed(part);
    client.session.receiveEnd();
    assert.match(request.answer.reset ?? "", /^connection: \[HTTP1_TRUNCATED\] /);
    assert.ok(!request.answer.isComplete);
    assert.equal(client.endCount, 1);
  }
});

test("receiveEnd() ends an idle connection quietly", () => {
  const client = new RecordedClient();
  client.session.receiveEnd();
  assert.equal(client.ended, null);
});

test("an answer that says close, or is HTTP/1.0, is the last of its connection", () => {
  for (const answer of [ok("Connection: close", "Content-Length: 0"), "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"]) {
    const client = new RecordedClient();
    const request = client.open(get());
    client.feed(answer);
    assert.ok(request.answer.isComplete);
    assert.equal(client.drainingCount, 1);
    assert.equal(client.availableCount, 0);
    assert.equal(client.ended, null);
    assert.equal(client.endCount, 1);
  }
});

test("an HTTP/1.0 answer that asks for it keeps the connection", () => {
  const client = new RecordedClient();
  client.open(get());
  client.feed("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
  assert.equal(client.session.availableStreams, 1);
});

test("an answer before the end of the request ends the connection after it", () => {
  const client = new RecordedClient();
  const request = client.open(post(10), false);
  request.stream.sendData(Buffer.from("01234"), 0, 5, false);
  client.feed("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  assert.ok(request.answer.isComplete);
  assert.equal(client.ended, null);
  client.text();
  request.stream.sendData(Buffer.from("56789"), 0, 5, true);
  assert.equal(client.text(), "");
});

test("open() of a head that cannot be written resets it and keeps the connection", () => {
  const heads = [
    new RequestHead("GET", "", "a", "/ HTTP/1.1\r\nx: y", NO_FIELDS, 0),
    new RequestHead("GET", "", "a", "", NO_FIELDS, 0),
    new RequestHead("GE T", "", "a", "/", NO_FIELDS, 0),
    new RequestHead("", "", "a", "/", NO_FIELDS, 0),
    new RequestHead("GET", "", "a\r\nb: c", "/", NO_FIELDS, 0),
    new RequestHead("GET", "", "a", "/", ["x", "a\r\nb: c"], 0),
    new RequestHead("GET", "", "a", "/", ["x y", "a"], 0),
    new RequestHead("GET", "", "a", "/", NO_FIELDS, -1, "foo\r\nx: y"),
    new RequestHead("POST", "", "a", "/", NO_FIELDS, 5),
  ];
  for (const head of heads) {
    const client = new RecordedClient();
    const { answer } = client.open(head);
    assert.match(answer.reset ?? "", /^internal: \[HTTP1_UNENCODABLE_HEAD\] /);
    assert.equal(client.text(), "");
    assert.equal(client.session.availableStreams, 1);
  }
});

test("open() leaves out what is not for the next hop and says what is", () => {
  const client = new RecordedClient();
  const fields = [
    "te",
    "trailers",
    "connection",
    "close",
    "keep-alive",
    "5",
    "transfer-encoding",
    "x",
    "content-length",
    "9",
  ];
  client.open(new RequestHead("POST", "https", "a", "/", [...fields, "host", "b", "expect", "x", "upgrade", "h2c"], 0));
  assert.equal(
    client.text(),
    "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nte: trailers\r\nconnection: te\r\n\r\n",
  );
});

test("open() passes Expect on with a body", () => {
  const client = new RecordedClient();
  client.open(new RequestHead("POST", "", "a", "/", NO_FIELDS, 5, "", true), false);
  assert.equal(client.text(), "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n");
});

test("sendData() of more or less than was announced resets the request", () => {
  for (const body of ["hello!", "hell"]) {
    const client = new RecordedClient();
    const { answer, stream } = client.open(post(5), false);
    stream.sendData(Buffer.from(body), 0, body.length, true);
    assert.match(answer.reset ?? "", /^internal: \[HTTP1_LENGTH_MISMATCH\]/);
    assert.equal(client.endCount, 1);
  }
});

test("reset() ends the connection, for its answer would be taken for another's", () => {
  const client = new RecordedClient();
  const { answer, stream } = client.open(get());
  stream.reset("timeout");
  assert.equal(client.ended, null);
  assert.equal(client.session.availableStreams, 0);
  client.feed(ok("Content-Length: 0"));
  stream.reset("timeout");
  assert.deepEqual(answer.events, []);
  assert.equal(client.endCount, 1);
});

test("drain() ends at once when idle, and after the answer when not", () => {
  const idle = new RecordedClient();
  idle.session.drain();
  assert.equal(idle.ended, null);
  const busy = new RecordedClient();
  const { answer } = busy.open(get());
  busy.session.drain();
  assert.ok(busy.session.isDraining);
  assert.equal(busy.ended, undefined);
  busy.feed(ok("Content-Length: 0"));
  assert.ok(answer.isComplete);
  assert.equal(busy.ended, null);
  assert.equal(busy.availableCount, 0);
});

test("receive() pauses above RECEIVE_WINDOW_BYTES and resumes as bytes are consumed or the answer ends", () => {
  const client = new RecordedClient();
  const { stream } = client.open(get());
  client.feed(`${ok(`Content-Length: ${RECEIVE_WINDOW_BYTES * 2}`)}${"x".repeat(RECEIVE_WINDOW_BYTES + 1)}`);
  assert.deepEqual(client.pauses, [true]);
  stream.consume(RECEIVE_WINDOW_BYTES);
  assert.deepEqual(client.pauses, [true, false]);
  client.feed("x".repeat(RECEIVE_WINDOW_BYTES - 2));
  assert.deepEqual(client.pauses, [true, false]);
  client.feed("x");
  assert.equal(client.session.availableStreams, 1);
});

test("sendData() returns false while the output is congested, and outputDrained() tells once", () => {
  const client = new RecordedClient();
  const { answer, stream } = client.open(post(-1), false);
  client.output.isCongested = true;
  assert.equal(stream.sendData(Buffer.from("x"), 0, 1, false), false);
  client.output.isCongested = false;
  client.session.outputDrained();
  client.session.outputDrained();
  assert.deepEqual(answer.events, ["writable"]);
});

test("ping() has no answer in HTTP/1", () => {
  assert.equal(new RecordedClient().session.ping(), false);
});
