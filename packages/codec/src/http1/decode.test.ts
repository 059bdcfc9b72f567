import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRequest, decodeResponse } from "./decode.ts";
import type { DecodedRequest, DecodedResponse } from "./decoded-head.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, BODY_TUNNEL } from "./frame.ts";
import { createHttp1ClientOptions, createHttp1ServerOptions } from "./options.ts";

function request(...lines: string[]): DecodedRequest {
  const decoded = decodeRequest([...lines, "", ""].join("\r\n"), createHttp1ServerOptions());
  assert.ok(typeof decoded !== "string", `refused with ${JSON.stringify(decoded)}`);
  return decoded;
}

function response(...lines: string[]): DecodedResponse {
  const decoded = decodeResponse([...lines, "", ""].join("\r\n"), createHttp1ClientOptions());
  assert.ok(typeof decoded !== "string", `refused with ${JSON.stringify(decoded)}`);
  return decoded;
}

test("decodeRequest() lower-cases names, trims values and keeps order and repetitions", () => {
  const { head } = request("GET / HTTP/1.1", "HOST: a", "X-Custom-Thing:  b \t", "cookie: 1", "Cookie:2", "Empty:");
  assert.deepEqual(head.fields, ["x-custom-thing", "b", "cookie", "1", "cookie", "2", "empty", ""]);
});

test("decodeRequest() keeps bytes above 127 in values as one character each", () => {
  assert.deepEqual(request("GET / HTTP/1.1", "Host: a", "X: \xe4\xff").head.fields, ["x", "\xe4\xff"]);
});

test("decodeRequest() accepts every method that is a token, in any case", () => {
  for (const method of ["get", "PROPFIND", "M-SEARCH", "QUERY", "!#$%"]) {
    assert.equal(request(`${method} / HTTP/1.1`, "Host: a").head.method, method);
  }
});

test("decodeRequest() takes each target form apart", () => {
  const forms: [line: string, host: string, scheme: string, authority: string, path: string][] = [
    ["GET /a/../b?c=%2F&d[]={x}|", "a", "", "a", "/a/../b?c=%2F&d[]={x}|"],
    ["GET //x", "a", "", "a", "//x"],
    ["GET http://A.example/p?q", "a.example", "http", "A.example", "/p?q"],
    ["GET HTTPS://a:443", "a", "https", "a:443", "/"],
    ["GET http://a?q=1", "a:80", "http", "a", "/?q=1"],
    ["OPTIONS http://a", "a", "http", "a", "*"],
    ["OPTIONS *", "a", "", "a", "*"],
    ["CONNECT a:443", "a:443", "", "a:443", ""],
    ["CONNECT a:443", "a", "", "a:443", ""],
    ["CONNECT [::1]:443", "[::1]:443", "", "[::1]:443", ""],
    ["GET /", "[2001:db8::1]:8080", "", "[2001:db8::1]:8080", "/"],
    ["GET /", "under_score.example.", "", "under_score.example.", "/"],
  ];
  for (const [line, host, scheme, authority, path] of forms) {
    const { head } = request(`${line} HTTP/1.1`, `Host: ${host}`);
    assert.deepEqual([head.scheme, head.authority, head.path], [scheme, authority, path], line);
  }
});

test("decodeRequest() tells framing and length", () => {
  const none = request("POST / HTTP/1.1", "Host: a");
  assert.deepEqual([none.framing, none.head.contentLength], [BODY_NONE, 0]);
  const zero = request("POST / HTTP/1.1", "Host: a", "Content-Length: 0");
  assert.deepEqual([zero.framing, zero.head.contentLength], [BODY_NONE, 0]);
  const sized = request("POST / HTTP/1.1", "Host: a", "Content-Length: 0012");
  assert.deepEqual([sized.framing, sized.head.contentLength], [BODY_LENGTH, 12]);
  const chunked = request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: CHUNKED");
  assert.deepEqual([chunked.framing, chunked.head.contentLength], [BODY_CHUNKED, -1]);
  for (const { head } of [none, zero, sized, chunked]) assert.deepEqual(head.fields, []);
});

test("decodeRequest() knows whether the connection persists", () => {
  assert.ok(request("GET / HTTP/1.1", "Host: a").isPersistent);
  assert.ok(request("GET / HTTP/1.2", "Host: a").isPersistent);
  assert.ok(!request("GET / HTTP/1.1", "Host: a", "Connection: Close").isPersistent);
  assert.ok(!request("GET / HTTP/1.1", "Host: a", "Connection: keep-alive, x", "Connection: close").isPersistent);
  assert.ok(!request("GET / HTTP/1.0").isPersistent);
  assert.ok(request("GET / HTTP/1.0", "Connection: Keep-Alive").isPersistent);
});

test("decodeRequest() drops hop-by-hop fields and those that Connection names", () => {
  const { head } = request(
    "GET / HTTP/1.1",
    "Host: a",
    "Connection: ,,,,,,,,,,,,,,,,,, X-User,keep-alive, TE, Upgrade, HTTP2-Settings",
    "X-User: root",
    "x-user: toor",
    "Keep-Alive: 5",
    "Proxy-Connection: keep-alive",
    "TE: trailers, deflate;q=0.5",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
    "Trailer: x-sum",
    "X-Kept: 1",
  );
  assert.deepEqual(head.fields, ["te", "trailers", "trailer", "x-sum", "x-kept", "1"]);
  assert.equal(head.upgrade, "");
});

test("decodeRequest() drops TE that does not ask for trailers", () => {
  assert.deepEqual(request("GET / HTTP/1.1", "Host: a", "TE: gzip, xtrailers").head.fields, []);
});

test("decodeRequest() names the upgrade that is asked for, and ignores those that would hide requests", () => {
  const upgradeOf = (...lines: string[]): string => request("GET / HTTP/1.1", "Host: a", ...lines).head.upgrade;
  assert.equal(upgradeOf("Connection: Upgrade", "Upgrade: Foo/2"), "foo/2");
  assert.equal(upgradeOf("Connection: Upgrade", "Upgrade: h2c, foo"), "foo");
  for (const ignored of ["h2c", "H2C", "h2", "HTTP/2.0", "TLS/1.0", "h2c, HTTP/2.0", "a b"]) {
    assert.equal(upgradeOf("Connection: Upgrade", `Upgrade: ${ignored}`), "", ignored);
  }
  assert.equal(upgradeOf("Upgrade: foo"), "", "Connection must name it");
  assert.equal(request("GET / HTTP/1.0", "Connection: Upgrade", "Upgrade: foo").head.upgrade, "", "not in HTTP/1.0");
});

test("decodeRequest() keeps a WebSocket key to itself and passes on the rest of the handshake", () => {
  const { head, websocketKey, framing } = request(
    "GET /chat HTTP/1.1",
    "Host: a",
    "Connection: keep-alive, Upgrade",
    "Upgrade: WebSocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: chat",
  );
  assert.equal(framing, BODY_TUNNEL);
  assert.equal(head.upgrade, "websocket");
  assert.equal(head.contentLength, -1);
  assert.equal(websocketKey, "dGhlIHNhbXBsZSBub25jZQ==");
  assert.deepEqual(head.fields, ["sec-websocket-version", "13", "sec-websocket-protocol", "chat"]);
});

test("decodeRequest() tells that the client waits for 100, where it sends a body in HTTP/1.1", () => {
  const post = ["Host: a", "Expect: 100-Continue"];
  const expecting = request("POST / HTTP/1.1", ...post, "Content-Length: 5").head;
  assert.ok(expecting.expectsContinue);
  assert.deepEqual(expecting.fields, []);
  assert.ok(!request("POST / HTTP/1.1", ...post).head.expectsContinue);
  assert.ok(!request("POST / HTTP/1.0", ...post, "Content-Length: 5").head.expectsContinue);
});

test("decodeRequest() lets HTTP/1.0 clients leave out Host", () => {
  assert.equal(request("GET / HTTP/1.0").head.authority, "");
  assert.equal(request("GET / HTTP/1.0", "Host:").head.authority, "");
  assert.equal(request("GET http://a/ HTTP/1.0").head.authority, "a");
});

test("decodeRequest() allows underscores in names unless told otherwise", () => {
  assert.deepEqual(request("GET / HTTP/1.1", "Host: a", "X_A: 1").head.fields, ["x_a", "1"]);
});

test("decodeResponse() takes a status line with, without and with an empty reason phrase", () => {
  for (const line of ["HTTP/1.1 404 Not Found", "HTTP/1.1 404 ", "HTTP/1.1 404", "HTTP/1.0 404 \xe4\t!"]) {
    assert.equal(response(line).head.status, 404, line);
  }
});

test("decodeResponse() refuses malformed status lines", () => {
  const lines = [
    "HTTP/1.1",
    "HTTP/1.1 ",
    "HTTP/1.1 20",
    "HTTP/1.1 2000",
    "HTTP/1.1 600",
    "HTTP/1.1 099",
    "HTTP/1.1  200",
  ];
  lines.push(
    "200 OK",
    "HTTP/1.1\t200",
    "HTTP/1.1 +20",
    "http/1.1 200 OK",
    "ICY 200 OK",
    "HTTP/1.1 200\0",
    "HTTP/1.1 200 \x1b[",
  );
  for (const line of lines) {
    assert.equal(decodeResponse(`${line}\r\n\r\n`, createHttp1ClientOptions()), "HTTP1_INVALID_STATUS_LINE", line);
  }
  assert.equal(decodeResponse("HTTP/2.0 200 OK\r\n\r\n", createHttp1ClientOptions()), "HTTP1_UNSUPPORTED_VERSION");
});

test("decodeResponse() keeps length, fields and persistence", () => {
  const sized = response(
    "HTTP/1.1 200 OK",
    "Content-Length: 5",
    "Set-Cookie: a",
    "Set-Cookie: b",
    "Connection: x-hop",
    "X-Hop: 1",
  );
  assert.equal(sized.head.contentLength, 5);
  assert.deepEqual(sized.head.fields, ["set-cookie", "a", "set-cookie", "b"]);
  assert.ok(sized.isPersistent);
  assert.ok(!response("HTTP/1.0 200 OK").isPersistent);
  assert.ok(response("HTTP/1.0 200 OK", "Connection: keep-alive").isPersistent);
  assert.equal(response("HTTP/1.1 200 OK").head.contentLength, -1);
});
