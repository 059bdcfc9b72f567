import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHead } from "@weft/contract";
import { RecordedClient } from "./recorded-session.fixture.ts";

function get(path: string = "/"): RequestHead {
  return new RequestHead("GET", "http", "shop", path, ["accept", "*/*"], 0);
}

test("open() sends a request, and receive() hands on its answer and keeps the connection", () => {
  const client = new RecordedClient();
  const { answer } = client.open(get("/a"));
  assert.equal(client.text(), "GET /a HTTP/1.1\r\nhost: shop\r\naccept: */*\r\n\r\n");
  assert.equal(client.session.availableStreams, 0);
  client.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello");
  assert.equal(answer.responseHead?.status, 200);
  assert.equal(answer.responseHead?.contentLength, 5);
  assert.deepEqual(answer.responseHead?.fields, ["server", "x"]);
  assert.equal(answer.body, "hello");
  assert.ok(answer.isComplete);
  assert.equal(client.availableCount, 1);
  assert.equal(client.session.availableStreams, 1);

  const next = client.open(get("/b")).answer;
  client.feed("HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n");
  assert.equal(next.body, "abc");
  assert.deepEqual(next.trailers, ["x-sum", "1"]);
  assert.equal(client.availableCount, 2);
});

test("sendData() sends a request body in the framing of its head", () => {
  const client = new RecordedClient();
  const chunked = client.open(new RequestHead("POST", "", "shop", "/", [], -1), false);
  chunked.stream.sendData(Buffer.from("hello"), 0, 5, false);
  chunked.stream.sendTrailers(["x-sum", "1"]);
  assert.equal(
    client.text(),
    "POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n",
  );
  client.feed("HTTP/1.1 204 No Content\r\n\r\n");
  assert.ok(chunked.answer.isComplete);
  const sized = client.open(new RequestHead("POST", "", "shop", "/", [], 5), false);
  sized.stream.sendData(Buffer.from("hello"), 0, 5, true);
  assert.equal(client.text(), "POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 5\r\n\r\nhello");
});
