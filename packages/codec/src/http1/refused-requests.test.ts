import assert from "node:assert/strict";
import { test } from "node:test";
import { isWeftError } from "@weft/kernel";
import type { Http1ErrorCode } from "./errors.ts";
import { REQUEST_LINE_LOG_BYTES_MAX } from "./limits.ts";
import type { Http1ServerChoices } from "./options.ts";
import { RecordedServer } from "./recorded-session.fixture.ts";
import { statusOfError } from "./status.ts";

interface Refused {
  readonly why: string;
  readonly input: string;
  readonly code: Http1ErrorCode;
  readonly status: number;
  readonly choices?: Http1ServerChoices;
}

const refused: Refused[] = [];

function refuse(code: Http1ErrorCode, status: number, why: string, input: string, choices?: Http1ServerChoices): void {
  refused.push({ why, input, code, status, ...(choices === undefined ? {} : { choices }) });
}

/** A POST with `lines` between Host and the empty line. */
const withFields = (...lines: string[]): string => ["POST /a HTTP/1.1", "Host: shop", ...lines, "", ""].join("\r\n");
const chunked = (body: string): string => `${withFields("Transfer-Encoding: chunked")}${body}`;
const requestLine = (line: string): string => `${line}\r\nHost: shop\r\n\r\n`;

// Content-Length and Transfer-Encoding together, in either order.
refuse("HTTP1_CONFLICTING_LENGTH", 400, "CL then TE", withFields("Content-Length: 5", "Transfer-Encoding: chunked"));
refuse("HTTP1_CONFLICTING_LENGTH", 400, "TE then CL", withFields("Transfer-Encoding: chunked", "Content-Length: 5"));

for (const value of ["+5", "-5", "5,5", "5, 6", "0x5", "5 5", "5;", "", "18446744073709551616", "1e3", "5.0", "five"]) {
  refuse("HTTP1_INVALID_CONTENT_LENGTH", 400, `CL "${value}"`, withFields(`Content-Length: ${value}`));
}
refuse("HTTP1_INVALID_CONTENT_LENGTH", 400, "two CL", withFields("Content-Length: 5", "Content-Length: 6"));
refuse("HTTP1_INVALID_CONTENT_LENGTH", 400, "the same CL twice", withFields("Content-Length: 5", "content-length: 5"));

for (const value of [
  "chunked, chunked",
  "chunked, identity",
  "chunked,",
  ",chunked",
  "chunked\t",
  "\tchunked",
  '"chunked"',
  "chun ked",
]) {
  refuse("HTTP1_INVALID_TRANSFER_ENCODING", 400, `TE "${value}"`, withFields(`Transfer-Encoding: ${value}`));
}
refuse(
  "HTTP1_INVALID_TRANSFER_ENCODING",
  400,
  "two TE",
  withFields("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
);
refuse("HTTP1_INVALID_TRANSFER_ENCODING", 400, "empty TE", withFields("Transfer-Encoding:"));
for (const value of ["xchunked", "identity", "gzip, chunked", "chunkedx", "gzip"]) {
  refuse("HTTP1_UNSUPPORTED_TRANSFER_ENCODING", 501, `TE "${value}"`, withFields(`Transfer-Encoding: ${value}`));
}
refuse("HTTP1_INVALID_FIELD_VALUE", 400, "TE with VT", withFields("Transfer-Encoding: \vchunked"));
refuse("HTTP1_INVALID_FIELD_NAME", 400, "TE with a space before the colon", withFields("Transfer-Encoding : chunked"));
refuse(
  "HTTP1_INVALID_TRANSFER_ENCODING",
  400,
  "TE in HTTP/1.0",
  "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
);

for (const body of [
  "+5\r\nhello",
  "-5\r\n",
  "0x5\r\nhello",
  "00000000000000005\r\nhello",
  "fffffffffffffffff\r\n",
  "5 \r\nhello",
  " 5\r\nhello",
  "g\r\n",
  "\r\n",
  ";x\r\n",
  "5\r\nhelloX",
  "5\r\nhello 0\r\n",
]) {
  refuse("HTTP1_INVALID_CHUNK", 400, `chunk ${JSON.stringify(body)}`, chunked(body));
}
for (const body of [
  "5\nhello\r\n",
  "5\rXhello",
  "5;a=b\nhello\r\n",
  "5\r\nhello\n0\r\n\r\n",
  "5\r\nhello\rX",
  "0\r\n\n",
  "0\r\nx: y\n\r\n",
  "0\r\nx: y\rz: 1\r\n\r\n",
]) {
  refuse("HTTP1_INVALID_LINE_END", 400, `chunk ${JSON.stringify(body)}`, chunked(body));
}
refuse("HTTP1_INVALID_CHUNK", 400, "NUL in a chunk extension", chunked("5;a=\0\r\n"));
refuse("HTTP1_CHUNK_EXTENSION_TOO_LONG", 400, "one long chunk extension", chunked(`5;${"x".repeat(64)}\r\n`), {
  chunkExtensionBytesMax: 64,
});
refuse("HTTP1_CHUNK_EXTENSION_TOO_LONG", 400, "many chunk extensions", chunked("1;abc\r\nx\r\n".repeat(17)), {
  chunkExtensionBytesMax: 64,
});
refuse("HTTP1_TRAILERS_TOO_LARGE", 431, "long trailers", chunked(`0\r\nx: ${"y".repeat(100)}\r\n\r\n`), {
  trailerBytesMax: 100,
});
refuse("HTTP1_TOO_MANY_FIELDS", 431, "many trailers", chunked(`0\r\n${"x: y\r\n".repeat(6)}\r\n`), { headersMax: 5 });
refuse("HTTP1_INVALID_FIELD_NAME", 400, "a bad trailer", chunked("0\r\nx y: 1\r\n\r\n"));
refuse("HTTP1_FOLDED_FIELD", 400, "a folded trailer", chunked("0\r\nx: 1\r\n 2\r\n\r\n"));

for (const [why, line] of [
  ["LF in a value", "X-A: b\nX-B: c"],
  ["CR in a value", "X-A: b\rX-B: c"],
  ["CR CR LF", "X-A: b\r"],
  ["LF in a name", "X-\nA: b"],
  ["CR in a name", "X-\rA: b"],
] as const) {
  refuse("HTTP1_INVALID_LINE_END", 400, why, withFields(line));
}
refuse("HTTP1_INVALID_LINE_END", 400, "LF alone everywhere", "GET / HTTP/1.1\nHost: shop\n\n");
refuse("HTTP1_INVALID_LINE_END", 400, "LF after the request line", "GET / HTTP/1.1\nHost: shop\r\n\r\n");
refuse("HTTP1_INVALID_LINE_END", 400, "CR alone after the request line", "GET / HTTP/1.1\rHost: shop\r\n\r\n");
refuse("HTTP1_INVALID_LINE_END", 400, "CR alone after an HTTP/1.0 request line", "GET / HTTP/1.0\rHost: shop\r\n\r\n");
for (const [why, value] of [
  ["NUL", "a\0b"],
  ["ESC", "\x1b[2J"],
  ["DEL", "a\x7f"],
  ["backspace", "\b"],
] as const) {
  refuse("HTTP1_INVALID_FIELD_VALUE", 400, `${why} in a value`, withFields(`X-A: ${value}`));
}
for (const [why, line] of [
  ["NUL in a name", "X\0A: b"],
  ["space before the colon", "X-A : b"],
  ["tab before the colon", "X-A\t: b"],
  ["no colon", "X-A"],
  ["empty name", ": b"],
  ["parenthesis in a name", "X(A): b"],
  ["obs-text in a name", "X\xe4: b"],
  ["at sign", "a@b: c"],
] as const) {
  refuse("HTTP1_INVALID_FIELD_NAME", 400, why, withFields(line));
}
refuse("HTTP1_FOLDED_FIELD", 400, "obs-fold with a space", withFields("X-A: b", " c"));
refuse("HTTP1_FOLDED_FIELD", 400, "obs-fold with a tab", withFields("X-A: b", "\tc"));
refuse("HTTP1_FOLDED_FIELD", 400, "a space before the first field", "GET / HTTP/1.1\r\n Host: shop\r\n\r\n");
refuse("HTTP1_UNDERSCORE_IN_FIELD_NAME", 400, "an underscore at the edge", withFields("X_A: b"), {
  underscores: "reject",
});

refuse("HTTP1_INVALID_HOST", 400, "no Host", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n");
refuse("HTTP1_INVALID_HOST", 400, "no field at all", "GET / HTTP/1.1\r\n\r\n");
refuse("HTTP1_INVALID_HOST", 400, "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
refuse("HTTP1_INVALID_HOST", 400, "the same Host twice", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n");
refuse("HTTP1_INVALID_HOST", 400, "two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n");
for (const host of [
  "",
  "a b",
  "a,b",
  "a/b",
  "a?b",
  "a#b",
  "user@a",
  "a:b",
  "a:",
  "a:99999",
  "a:123456",
  ":80",
  "[::1",
  "[::1]x",
  "[xyz]",
  "a%00b",
  "a\\b",
  "\xe4",
]) {
  refuse("HTTP1_INVALID_HOST", 400, `Host "${host}"`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
}
refuse("HTTP1_INVALID_HOST", 400, "absolute form that differs from Host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n");
refuse("HTTP1_INVALID_HOST", 400, "absolute form with another port", "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n");
refuse("HTTP1_INVALID_HOST", 400, "absolute form without Host", "GET http://a/ HTTP/1.1\r\n\r\n");
refuse("HTTP1_INVALID_HOST", 400, "CONNECT that differs from Host", "CONNECT b:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");

for (const target of [
  "a",
  "*",
  "a:80",
  "//\x01",
  "/a#b",
  "/\x7f",
  "/\xc0\xaf",
  "ftp://shop/",
  "http://",
  "http:///a",
  "http://u:p@shop/",
  "http://sh op/",
]) {
  if (target.includes(" ")) continue;
  refuse("HTTP1_INVALID_TARGET", 400, `GET ${JSON.stringify(target)}`, requestLine(`GET ${target} HTTP/1.1`));
}
for (const target of ["/", "shop", "*", "http://shop:80/", "shop:", "shop:http", "u@shop:80", ":80"]) {
  refuse("HTTP1_INVALID_TARGET", 400, `CONNECT ${target}`, requestLine(`CONNECT ${target} HTTP/1.1`));
}
for (const line of [
  "GET",
  "GET /",
  "GET  / HTTP/1.1",
  "GET /  HTTP/1.1",
  "GET / HTTP/1.1 ",
  "GET / a HTTP/1.1",
  " GET / HTTP/1.1",
  "G@T / HTTP/1.1",
  "GET\t/\tHTTP/1.1",
  "GET / http/1.1",
  "GET / HTTP/1",
  "GET / HTTP/11",
  "GET / HTTP/1.10",
  "GET / XHTTP/1.1",
  "\0",
  "(GET / HTTP/1.1",
  "GET HTTP/1.1",
]) {
  refuse("HTTP1_INVALID_REQUEST_LINE", 400, JSON.stringify(line), requestLine(line));
}
refuse("HTTP1_INVALID_REQUEST_LINE", 400, "a TLS ClientHello", "\x16\x03\x01\x02\x00\x01\x00");
refuse("HTTP1_INVALID_REQUEST_LINE", 400, "a bare LF first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
refuse("HTTP1_INVALID_REQUEST_LINE", 400, "empty lines without end", "\r\n".repeat(5));
refuse("HTTP1_INVALID_REQUEST_LINE", 400, "a bare CR first", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n");
for (const line of ["GET /\r\n", "GET /\r\nHost: a", "GET / HTTP/1.\r\nHo", "GET  / HTTP/1.1\r\n"]) {
  refuse("HTTP1_INVALID_REQUEST_LINE", 400, `${JSON.stringify(line)} and no end`, line);
}
refuse("HTTP1_UNSUPPORTED_VERSION", 505, "HTTP/2.0 and no end", "GET / HTTP/2.0\r\n");
refuse("HTTP1_INVALID_LINE_END", 400, "a first line that ends in LF and no end", "GET /\n");
refuse("HTTP1_TARGET_TOO_LONG", 414, "a long target and no end", `GET /${"a".repeat(100)} HTTP/1.1\r\n`, {
  targetBytesMax: 100,
});
refuse("HTTP1_INVALID_REQUEST_LINE", 400, "no line, then a bare LF", "GET /\r\nHost: a\nX: b\r\n\r\n");
for (const version of ["HTTP/2.0", "HTTP/0.9", "HTTP/3.0", "HTTP/9.9"]) {
  refuse("HTTP1_UNSUPPORTED_VERSION", 505, version, requestLine(`GET / ${version}`));
}

refuse("HTTP1_HEAD_TOO_LARGE", 431, "a long head", withFields(`X-A: ${"b".repeat(200)}`), { headerBytesMax: 200 });
refuse("HTTP1_HEAD_TOO_LARGE", 431, "a head without end", `GET / HTTP/1.1\r\nX-A: ${"b".repeat(300)}`, {
  headerBytesMax: 200,
});
refuse("HTTP1_TARGET_TOO_LONG", 414, "a long target", requestLine(`GET /${"a".repeat(100)} HTTP/1.1`), {
  targetBytesMax: 100,
});
refuse("HTTP1_TARGET_TOO_LONG", 414, "a target without end", `GET /${"a".repeat(300)}`, { headerBytesMax: 200 });
refuse("HTTP1_TOO_MANY_FIELDS", 431, "many fields", withFields(..."abcdefghi".split("").map((name) => `${name}: 1`)), {
  headersMax: 9,
});
refuse("HTTP1_BODY_TOO_LARGE", 413, "a long body by its length", `${withFields("Content-Length: 11")}hello world`, {
  bodyBytesMax: 10,
});
refuse("HTTP1_BODY_TOO_LARGE", 413, "a long body in chunks", chunked("6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"), {
  bodyBytesMax: 10,
});

refuse(
  "HTTP1_UNSUPPORTED_EXPECTATION",
  417,
  "an unknown expectation",
  withFields("Expect: 200-ok", "Content-Length: 1"),
);
refuse("HTTP1_INVALID_CONNECTION_OPTION", 400, "an option that is no token", withFields("Connection: a b"));
refuse("HTTP1_INVALID_CONNECTION_OPTION", 400, "many options", withFields(`Connection: ${"a,".repeat(20)}`));
const websocketFields = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
const websocketGet = (...lines: string[]): string => withFields(...websocketFields, ...lines).replace("POST", "GET");
refuse("HTTP1_INVALID_UPGRADE", 400, "a WebSocket without a key", websocketGet());
refuse("HTTP1_INVALID_UPGRADE", 400, "a WebSocket with a short key", websocketGet("Sec-WebSocket-Key: c2hvcnQ="));
refuse(
  "HTTP1_INVALID_UPGRADE",
  400,
  "a WebSocket with two keys",
  websocketGet("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
);
refuse(
  "HTTP1_INVALID_UPGRADE",
  400,
  "a WebSocket by POST",
  withFields(...websocketFields, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
);
refuse(
  "HTTP1_INVALID_UPGRADE",
  400,
  "an upgrade with a body",
  withFields("Connection: upgrade", "Upgrade: foo", "Content-Length: 1"),
);
refuse(
  "HTTP1_INVALID_UPGRADE",
  400,
  "an upgrade with chunks",
  withFields("Connection: upgrade", "Upgrade: foo", "Transfer-Encoding: chunked"),
);
refuse(
  "HTTP1_INVALID_UPGRADE",
  400,
  "CONNECT with a body",
  "CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\nContent-Length: 5\r\n\r\n",
);

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n";

for (const { why, input, code, status, choices } of refused) {
  test(`receive() answers ${status} [${code}] to ${why}, and closes`, () => {
    for (const pieceBytes of [input.length + SMUGGLED.length, 1, 7]) {
      const server = new RecordedServer(choices);
      server.feed(input + SMUGGLED, pieceBytes);
      assert.ok(isWeftError(server.ended, code), `ended with ${String(server.ended)}`);
      assert.equal(server.endCount, 1);
      assert.equal(server.ended.details["isCut"], false);
      assert.deepEqual(server.protocolErrors, [code]);
      assert.equal(server.refusals.length + server.requests.length, 1, "one of the two makes the answer");
      const answer = server.text();
      assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
      assert.equal(statusOfError(code), status);
      const [head = "", body = ""] = answer.split("\r\n\r\n");
      assert.match(head, /\r\nconnection: close$/);
      assert.match(head, /\r\ncontent-type: text\/plain\r\n/);
      assert.ok(body.startsWith(`[${code}] `), body);
      assert.equal(body.length, Number(/content-length: (\d+)/.exec(head)?.[1]));
      for (const request of server.requests) {
        assert.notEqual(request.requestHead?.path, "/smuggled");
        assert.ok(!request.isComplete, "the request never completes");
        assert.equal(request.reset, status === 413 || status === 431 ? "too-large" : "protocol");
      }
      server.feed(SMUGGLED);
      assert.equal(server.text(), "", "nothing is answered after the end");
    }
  });
}

test("receive() refuses a request of HTTP/0.9 at once, which has nothing after its line", () => {
  const server = new RecordedServer();
  server.feed("GET /\r\n");
  assert.match(server.text(), /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.ok(isWeftError(server.ended, "HTTP1_INVALID_REQUEST_LINE"));
});

test("receive() echoes nothing of a refused request", () => {
  const server = new RecordedServer();
  server.feed("GET /secret-target HTTP/1.1\r\nAuthorization: secret-token\r\nX-A: secret\0\r\n\r\n");
  const answer = server.text();
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.ok(!answer.includes("secret"));
});

test("receive() tells of a refused request what is sound", () => {
  const long = `/${"a".repeat(REQUEST_LINE_LOG_BYTES_MAX)}`;
  const told: readonly (readonly [input: string, line: readonly string[]])[] = [
    ["GET /a?b HTTP/1.1\r\nHost: a\0\r\n\r\n", ["GET", "", "/a?b"]],
    ["GET http://shop/a HTTP/1.1\r\nHost: other\r\n\r\n", ["GET", "shop", "/a"]],
    ["PUT /a#b HTTP/1.1\r\nHost: a\r\n\r\n", ["PUT", "", ""]],
    ["G(T / HTTP/1.1\r\nHost: a\r\n\r\n", ["", "", ""]],
    ["GET / HTTP/1.1 \r\nHost: a\r\n\r\n", ["GET", "", ""]],
    [`GET ${long} HTTP/1.1\r\n\r\n`, ["GET", "", ""]],
    ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", ["POST", "a", "/"]],
    ["GET / HTTP/1.1\r\nX: \0\r\nhost: \t shop:80 \r\n\r\n", ["GET", "shop:80", "/"]],
    ["GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", ["GET", "", "/"]],
    ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", ["GET", "", "/"]],
    ["POST / HTTP/1.1\r\nContent-Length: x\r\n\r\nGET /\r\nHost: smuggled\r\n\r\n", ["POST", "", "/"]],
    [
      `GET / HTTP/1.1\r\nX: ${" ".repeat(3900)}\r\nHost:${" ".repeat(40)}a${" ".repeat(40)}\0\r\n\r\n`,
      ["GET", "", "/"],
    ],
  ];
  for (const [input, line] of told) {
    const server = new RecordedServer({ bodyBytesMax: 10 });
    server.feed(input);
    const [{ method, authority, path } = assert.fail(input)] = server.refusals;
    assert.deepEqual([method, authority, path], line, input);
  }
  const slow = new RecordedServer();
  slow.feed("GET /slow HTTP/1.1\r\nHost: a\r\n");
  slow.session.headTimeout();
  assert.deepEqual([slow.refusals[0]?.code, slow.refusals[0]?.path], ["HTTP1_HEAD_TIMEOUT", "/slow"]);
});

test("receive() leaves out fields with underscores where it is told to, in trailers too", () => {
  const server = new RecordedServer({ underscores: "drop" });
  server.feed("POST / HTTP/1.1\r\nHost: a\r\nx_a: 1\r\nx-b: 2\r\nTransfer-Encoding: chunked\r\n\r\n");
  server.feed("0\r\ny_c: 3\r\ny-d: 4\r\n\r\n");
  assert.deepEqual(server.last.requestHead?.fields, ["x-b", "2"]);
  assert.deepEqual(server.last.trailers, ["y-d", "4"]);
});

test("a broken answer of ours is not held against the client", () => {
  const server = new RecordedServer();
  server.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  server.answer(200, "", ["x-a", "\0"]);
  assert.match(server.text(), /^HTTP\/1\.1 502 .*HTTP1_UNENCODABLE_HEAD/s);
  assert.equal(server.last.reset, "internal");
  assert.deepEqual(server.protocolErrors, []);
});

test("receive() answers a refused HEAD request without a body", () => {
  const server = new RecordedServer();
  server.feed("HEAD / HTTP/1.1\r\n\r\n");
  const answer = server.text();
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.ok(answer.endsWith("\r\n\r\n"));
});
