import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AccessRecord } from "./access-record.ts";
import { encodeRecord } from "./encode-record.ts";
import { ACCESS_LOG_TEXT_CHARS_MAX } from "./limits.ts";

const EMPTY: AccessRecord = {
  startMs: 0,
  durationMs: 0,
  method: "",
  authority: "",
  path: "",
  protocol: "",
  status: 0,
  grpcStatus: -1,
  receivedBytes: 0,
  sentBytes: 0,
  listener: "",
  route: "",
  rule: "rules[0]",
  cluster: "",
  host: "",
  attempts: 0,
  error: "",
  client: "",
  traceId: "",
  userAgent: "",
  requestId: "",
};

function decode(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>;
}

test("encodeRecord() is one line of JSON whatever the client sent", () => {
  const text = fc.string({ unit: "binary", maxLength: 60 });
  const number = fc.oneof(fc.double(), fc.integer());
  const record = fc.record(
    Object.fromEntries(
      Object.entries(EMPTY).map(([key, value]) => [key, typeof value === "string" ? text : number] as const),
    ),
  );
  fc.assert(
    fc.property(record, (overrides) => {
      const entry = { ...EMPTY, ...overrides } as AccessRecord;
      const line = encodeRecord(entry);
      assert.ok(line.endsWith("}\n"));
      assert.doesNotMatch(line.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      assert.ok(line.isWellFormed());
      const decoded = decode(line);
      assert.equal(Object.keys(decoded).length, 22);
      assert.equal(decoded["user_agent"], entry.userAgent);
      assert.equal(decoded["route"], entry.route);
      assert.equal(decoded["rule"], entry.rule);
    }),
  );
});

test("encodeRecord() lets nobody forge a line or move a terminal's cursor", () => {
  const line = encodeRecord({ ...EMPTY, userAgent: 'x"}\r\n{"status":200}\u001b[2J\u009b1m\u007f\u2028' });
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.match(line, /"user_agent":"x\\"\}\\r\\n\{\\"status\\":200\}\\u001b\[2J\\u009b1m\\u007f\\u2028"/);
});

test("encodeRecord() cuts long texts", () => {
  const decoded = decode(encodeRecord({ ...EMPTY, path: "/".repeat(100_000) }));
  assert.equal(decoded["path"], `${"/".repeat(ACCESS_LOG_TEXT_CHARS_MAX - 1)}…`);
  const exact = "/".repeat(ACCESS_LOG_TEXT_CHARS_MAX);
  assert.equal(decode(encodeRecord({ ...EMPTY, path: exact }))["path"], exact);
});

test("encodeRecord() masks what carries credentials in a query and nothing else", () => {
  const cases: [string, string][] = [
    ["/a?access_token=abc&b=1", "/a?access_token=***&b=1"],
    ["/a?b=1&X-Amz-Signature=abc#f", "/a?b=1&X-Amz-Signature=***#f"],
    ["/a?code=abc;api_key=x", "/a?code=***;api_key=***"],
    ["/a?password=", "/a?password=***"],
    ["/a?barcode=7&q=token", "/a?barcode=7&q=token"],
    ["/token=abc", "/token=abc"],
    ["/a?SIG=1&sig=2", "/a?SIG=***&sig=***"],
  ];
  for (const [path, shown] of cases) assert.equal(decode(encodeRecord({ ...EMPTY, path }))["path"], shown);
});

test("encodeRecord() masks in linear time", () => {
  const startMs = performance.now();
  encodeRecord({ ...EMPTY, path: `/?${"&token".repeat(10_000)}` });
  encodeRecord({ ...EMPTY, path: `/?${"tokenauth".repeat(8_000)}` });
  assert.ok(performance.now() - startMs < 200);
});

test("encodeRecord() writes times as Date does", () => {
  const timeOf = (startMs: number): unknown => decode(encodeRecord({ ...EMPTY, startMs }))["time"];
  fc.assert(
    fc.property(fc.integer({ min: -2e15, max: 2e15 }), (startMs) => {
      assert.equal(timeOf(startMs), new Date(startMs).toISOString());
      assert.equal(timeOf(startMs + 0.75), new Date(startMs).toISOString());
    }),
  );
  assert.equal(timeOf(Number.POSITIVE_INFINITY), "1970-01-01T00:00:00.000Z");
});

test("encodeRecord() survives times and numbers that are none", () => {
  const decoded = decode(encodeRecord({ ...EMPTY, startMs: Number.NaN, durationMs: Number.NaN, sentBytes: 2 ** 60 }));
  assert.equal(decoded["time"], "1970-01-01T00:00:00.000Z");
  assert.equal(decoded["duration_ms"], null);
  assert.equal(decoded["sent_bytes"], 2 ** 60);
});
