import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { NO_FIELDS, RequestHead } from "@weft/contract";
import * as golden from "./peers.golden.ts";
import { RecordedClient, RecordedServer, type RecordedStream } from "./recorded-session.fixture.ts";

function request(text: string): RecordedStream {
  const server = new RecordedServer({ underscores: "reject" });
  server.feed(text);
  assert.equal(server.ended, undefined, String(server.ended));
  return server.last;
}

function answer(text: string, method: string = "GET"): { client: RecordedClient; answer: RecordedStream } {
  const client = new RecordedClient();
  const { answer } = client.open(new RequestHead(method, "", "a", "/", NO_FIELDS, 0));
  client.feed(text);
  return { client, answer };
}

const CURL_FIELDS = ["user-agent", "curl/7.88.1", "accept", "*/*"];

test("receive() understands what curl sends", () => {
  const get = request(golden.CURL_GET).requestHead;
  assert.deepEqual([get?.method, get?.authority, get?.path], ["GET", "127.0.0.1:8080", "/a?b=c"]);
  assert.deepEqual(get?.fields, CURL_FIELDS);
  const post = request(golden.CURL_POST);
  assert.equal(post.body, "name=value");
  assert.ok(post.isComplete);
  const chunked = request(golden.CURL_CHUNKED).requestHead;
  assert.ok(chunked?.expectsContinue);
  assert.equal(chunked?.contentLength, -1);
  assert.equal(request(golden.CURL_WEBSOCKET).requestHead?.upgrade, "websocket");
  const h2c = request(golden.CURL_H2C).requestHead;
  assert.equal(h2c?.upgrade, "", "h2c is politely ignored");
  assert.deepEqual(h2c?.fields, CURL_FIELDS);
  assert.equal(request(golden.CURL_CONNECT).requestHead?.authority, "example.test:80");
  const proxied = request(golden.CURL_PROXY).requestHead;
  assert.deepEqual([proxied?.scheme, proxied?.authority, proxied?.path], ["http", "example.test", "/x?y=1"]);
  assert.deepEqual(proxied?.fields, CURL_FIELDS);
  assert.ok(request(golden.CURL_HTTP10).isComplete);
});

test("receive() understands what wrk sends", () => {
  assert.equal(request(golden.WRK).requestHead?.path, "/bench");
});

test("receive() understands what nginx answers, and keeps the connection", () => {
  const file = answer(golden.NGINX_FILE);
  assert.equal(file.answer.body, "<p>hello</p>\n");
  assert.equal(file.client.session.availableStreams, 1);
  const head = answer(golden.NGINX_HEAD, "HEAD");
  assert.ok(head.answer.isComplete);
  assert.equal(head.answer.responseHead?.contentLength, 13);
  const gzip = answer(golden.NGINX_GZIP_CHUNKED);
  assert.equal(gunzipSync(Buffer.from(gzip.answer.body, "latin1")).toString(), "<p>hello</p>\n");
  assert.equal(gzip.client.session.availableStreams, 1);
  for (const [text, status] of [
    [golden.NGINX_MOVED, 301],
    [golden.NGINX_NO_CONTENT, 204],
    [golden.NGINX_NOT_MODIFIED, 304],
  ] as const) {
    const { client, answer: received } = answer(text);
    assert.equal(received.responseHead?.status, status);
    assert.ok(received.isComplete);
    assert.equal(client.session.availableStreams, 1);
  }
});

test("receive() understands when nginx closes", () => {
  for (const [text, body] of [
    [golden.NGINX_TO_HTTP10, "ok\n"],
    [golden.NGINX_BAD_REQUEST, "<html>"],
  ] as const) {
    const { client, answer: received } = answer(text);
    assert.ok(received.isComplete);
    assert.ok(received.body.startsWith(body));
    assert.equal(client.ended, null);
  }
});
