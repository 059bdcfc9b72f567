import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseHead } from "@weft/contract";
import { RecordedServer } from "./recorded-session.fixture.ts";

const GET = "GET /a?b=c HTTP/1.1\r\nHost: shop.example:8080\r\nAccept: */*\r\n\r\n";
const post = (body: string): string =>
  `POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

test("receive() hands on a request without a body and sends its answer", () => {
  const server = new RecordedServer();
  server.feed(GET);
  const { requestHead } = server.last;
  assert.equal(requestHead?.method, "GET");
  assert.equal(requestHead?.authority, "shop.example:8080");
  assert.equal(requestHead?.path, "/a?b=c");
  assert.equal(requestHead?.contentLength, 0);
  assert.deepEqual(requestHead?.fields, ["accept", "*/*"]);
  assert.ok(server.last.isComplete);
  assert.equal(server.session.activeStreams, 1);
  server.answer(200, "hello", ["content-type", "text/plain"]);
  assert.equal(server.text(), "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello");
  assert.equal(server.session.activeStreams, 0);
  assert.equal(server.ended, undefined);
});

test("receive() keeps the connection for further requests with bodies of both framings", () => {
  const server = new RecordedServer();
  server.feed(post("first"));
  assert.equal(server.last.body, "first");
  server.answer(201);
  server.feed(
    "PUT /x HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n",
  );
  assert.equal(server.last.body, "hello!");
  assert.ok(server.last.isComplete);
  assert.equal(server.last.requestHead?.contentLength, -1);
  server.answer(204);
  assert.equal(server.text(), "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
});

test("sendData() sends an answer of unknown length in chunks, with trailers", () => {
  const server = new RecordedServer();
  server.feed(GET);
  const { stream } = server.last;
  stream?.sendHead(new ResponseHead(200, [], -1), false);
  const bytes = Buffer.from("0123456789abcdefXYZ");
  stream?.sendData(bytes, 0, 17, false);
  stream?.sendData(bytes, 17, 19, false);
  stream?.sendTrailers(["grpc-status", "0", "content-length", "5", "bad name", "x"]);
  assert.equal(
    server.text(),
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" +
      "11\r\n0123456789abcdefX\r\n2\r\nYZ\r\n0\r\ngrpc-status: 0\r\n\r\n",
  );
  assert.equal(server.session.activeStreams, 0);
});
