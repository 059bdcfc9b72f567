// Answers that are complete before the request's body is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_FIELDS, ResponseHead } from "@weft/contract";
import { DISCARD_BYTES_MAX } from "./limits.ts";
import { RecordedServer } from "./recorded-session.fixture.ts";

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`;
const post = (length: number): string => `POST /p HTTP/1.1\r\nHost: shop\r\nContent-Length: ${length}\r\n\r\n`;

test("an answer before the end of the body discards the rest and keeps the connection", () => {
  for (const framing of ["length", "chunked"]) {
    const server = new RecordedServer();
    if (framing === "length") server.feed(`${post(10)}01234`);
    else server.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n");
    const early = server.last;
    server.answer(400, "no");
    assert.equal(server.session.activeStreams, 0);
    server.feed((framing === "length" ? "56789" : "5\r\n56789\r\n0\r\n\r\n") + get("/next"));
    assert.equal(early.body, "01234", "nobody hears of the rest");
    assert.ok(!early.isComplete);
    assert.equal(server.last.requestHead?.path, "/next");
    assert.equal(server.ended, undefined);
  }
});

test("408 and 413 before the end of the body say close, and end the session without waiting for the rest", () => {
  for (const status of [408, 413]) {
    for (const framing of ["length", "chunked"]) {
      const server = new RecordedServer();
      if (framing === "length") server.feed(`${post(10)}01234`);
      else server.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n");
      server.answer(status, "no");
      assert.match(server.text(), /\r\nconnection: close\r\n\r\nno$/);
      assert.equal(server.endCount, 1);
    }
    const whole = new RecordedServer();
    whole.feed(`${post(3)}abc`);
    whole.answer(status);
    assert.doesNotMatch(whole.text(), /connection: close/);
    assert.equal(whole.endCount, 0, "the next request can be told from this one");
  }
});

test("an error before a body that is too long to be thrown away says close and ends; other answers do not", () => {
  const server = new RecordedServer();
  server.feed(post(DISCARD_BYTES_MAX + 1));
  server.answer(401);
  assert.match(server.text(), /\r\nconnection: close\r\n/);
  assert.equal(server.ended, null);
  const kept = new RecordedServer();
  kept.feed(post(DISCARD_BYTES_MAX));
  kept.answer(401);
  assert.doesNotMatch(kept.text(), /connection: close/);
  const early = new RecordedServer();
  early.feed(post(DISCARD_BYTES_MAX + 1));
  early.last.stream?.sendHead(new ResponseHead(200, NO_FIELDS, -1), false);
  assert.doesNotMatch(early.text(), /connection: close/, "the body may well be read while this answer is sent");
});

test("a body that is thrown away has the time of a head", () => {
  const server = new RecordedServer();
  server.feed(`${post(10)}01234`);
  assert.ok(!server.session.isReceivingHead);
  server.answer(400, "no");
  assert.ok(server.session.isReceivingHead);
  server.feed("5678");
  assert.ok(server.session.isReceivingHead);
  server.text();
  server.session.headTimeout();
  assert.equal(server.text(), "", "what it asked for is answered");
  assert.equal(server.ended, null);
  assert.deepEqual(server.protocolErrors, []);
});

test("an answer before the end of a long body closes after DISCARD_BYTES_MAX", () => {
  const server = new RecordedServer();
  server.feed(post(DISCARD_BYTES_MAX * 2));
  server.answer(200);
  const piece = "x".repeat(DISCARD_BYTES_MAX / 4);
  for (let count = 0; count < 4; count++) server.feed(piece);
  assert.equal(server.ended, undefined);
  server.feed("x");
  assert.equal(server.ended, null);
  server.feed(get("/"));
  assert.equal(server.requests.length, 1);
});
