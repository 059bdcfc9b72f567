import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { HTTP1_ERRORS, type Http1ErrorCode } from "./errors.ts";
import {
  CHUNK_EXTENSION_BYTES_MAX,
  CONNECTION_OPTIONS_MAX,
  HEADER_BYTES_MAX,
  HEADERS_MAX,
  TARGET_BYTES_MAX,
  TRAILER_BYTES_MAX,
} from "./limits.ts";
import { createHttp1ClientOptions, createHttp1ServerOptions } from "./options.ts";
import { RecordedServer } from "./recorded-session.fixture.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n";
const CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/** Every default limit: what is just allowed, and what is one more. */
const edges: [name: string, allowed: string, refused: string, code: Http1ErrorCode][] = [
  [
    "HEADER_BYTES_MAX",
    `${REQUEST}x: ${"y".repeat(HEADER_BYTES_MAX - REQUEST.length - 7)}\r\n\r\n`,
    `${REQUEST}x: ${"y".repeat(HEADER_BYTES_MAX - REQUEST.length - 6)}\r\n\r\n`,
    "HTTP1_HEAD_TOO_LARGE",
  ],
  [
    "HEADERS_MAX",
    `${REQUEST}${"x: y\r\n".repeat(HEADERS_MAX - 1)}\r\n`,
    `${REQUEST}${"x: y\r\n".repeat(HEADERS_MAX)}\r\n`,
    "HTTP1_TOO_MANY_FIELDS",
  ],
  [
    "TARGET_BYTES_MAX",
    REQUEST.replace("/", "/".repeat(TARGET_BYTES_MAX)) + "\r\n",
    REQUEST.replace("/", "/".repeat(TARGET_BYTES_MAX + 1)) + "\r\n",
    "HTTP1_TARGET_TOO_LONG",
  ],
  [
    "CONNECTION_OPTIONS_MAX",
    `${REQUEST}Connection: ${"x,".repeat(CONNECTION_OPTIONS_MAX)}\r\n\r\n`,
    `${REQUEST}Connection: ${"x,".repeat(CONNECTION_OPTIONS_MAX + 1)}\r\n\r\n`,
    "HTTP1_INVALID_CONNECTION_OPTION",
  ],
  [
    "TRAILER_BYTES_MAX",
    `${CHUNKED}0\r\nx: ${"y".repeat(TRAILER_BYTES_MAX - 7)}\r\n\r\n`,
    `${CHUNKED}0\r\nx: ${"y".repeat(TRAILER_BYTES_MAX - 6)}\r\n\r\n`,
    "HTTP1_TRAILERS_TOO_LARGE",
  ],
  [
    "CHUNK_EXTENSION_BYTES_MAX",
    `${CHUNKED}1;${"x".repeat(CHUNK_EXTENSION_BYTES_MAX - 1)}\r\ny\r\n0\r\n\r\n`,
    `${CHUNKED}1;${"x".repeat(CHUNK_EXTENSION_BYTES_MAX)}\r\ny\r\n0\r\n\r\n`,
    "HTTP1_CHUNK_EXTENSION_TOO_LONG",
  ],
  [
    "CHUNK_SIZE_DIGITS_MAX",
    `${CHUNKED}${"1".padStart(13, "0")}\r\ny\r\n0\r\n\r\n`,
    `${CHUNKED}${"1".padStart(14, "0")}\r\ny\r\n0\r\n\r\n`,
    "HTTP1_INVALID_CHUNK",
  ],
  [
    "CONTENT_LENGTH_DIGITS_MAX",
    `${REQUEST}Content-Length: ${"0".repeat(15)}\r\n\r\n`,
    `${REQUEST}Content-Length: ${"0".repeat(16)}\r\n\r\n`,
    "HTTP1_INVALID_CONTENT_LENGTH",
  ],
  [
    "LEADING_LINES_MAX",
    `${"\r\n".repeat(4)}${REQUEST}\r\n`,
    `${"\r\n".repeat(5)}${REQUEST}\r\n`,
    "HTTP1_INVALID_REQUEST_LINE",
  ],
];

for (const [name, allowed, refused, code] of edges) {
  test(`receive() holds ${name} to the byte`, () => {
    for (const pieceBytes of [100_000, 1000, 1]) {
      const server = new RecordedServer();
      server.feed(allowed, pieceBytes);
      assert.ok(server.last.isComplete);
      assert.equal(server.ended, undefined);
      const other = new RecordedServer();
      other.feed(refused, pieceBytes);
      assert.ok(isWeftError(other.ended, code), String(other.ended));
    }
  });
}

test("createHttp1ServerOptions() refuses limits that make no sense", () => {
  for (const choices of [
    { headerBytesMax: 0 },
    { headersMax: 0.5 },
    { trailerBytesMax: 1 },
    { bodyBytesMax: -1 },
    { targetBytesMax: 0 },
    { chunkExtensionBytesMax: -1 },
  ]) {
    assert.throws(() => createHttp1ServerOptions(choices), { code: "KERNEL_INVALID_ARGUMENT" });
  }
  assert.throws(() => createHttp1ClientOptions({ headerBytesMax: Number.NaN }), { code: "KERNEL_INVALID_ARGUMENT" });
});

test("HTTP1_ERRORS has the codes that the source uses and no other", () => {
  const source = readdirSync(import.meta.dirname)
    .filter(
      (file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "errors.ts" && file !== "status.ts",
    )
    .map((file) => readFileSync(`${import.meta.dirname}/${file}`, "utf8"))
    .join("\n");
  const used = new Set(source.match(/(?<=")HTTP1_[A-Z0-9_]+(?=")/g));
  assert.deepEqual([...used].sort(), Object.keys(HTTP1_ERRORS).sort());
  for (const { meaning, action } of Object.values(HTTP1_ERRORS)) assert.match(`${meaning} ${action}`, /^[A-Z].*[.?]$/);
});
