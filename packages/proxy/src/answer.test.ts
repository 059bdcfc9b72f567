import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fieldValue, RequestHead } from "@weft/contract";
import { createTextAnswer, errorAnswer, errorOf, isGrpcRequest } from "./answer.ts";
import { PROXY_ERRORS, type ProxyErrorCode } from "./errors.ts";

const RESPONSE_STATUS: Readonly<Record<ProxyErrorCode, number>> = {
  PROXY_NOT_READY: 503,
  PROXY_BODY_TOO_LARGE: 413,
  PROXY_MISDIRECTED: 421,
  PROXY_METHOD_REFUSED: 405,
  PROXY_LOOP: 508,
  PROXY_NO_BACKEND: 500,
  PROXY_CLUSTER_UNKNOWN: 503,
  PROXY_PROTOCOL_MISMATCH: 500,
  PROXY_TIMEOUT: 504,
  PROXY_BODY_TIMEOUT: 408,
  PROXY_BODY_TOO_SLOW: 408,
  PROXY_STREAM_IDLE: 504,
  UPSTREAM_NO_UPGRADE: 502,
  PROXY_FAULT_INJECTED: 418,
  UPSTREAM_CONNECT_FAILED: 503,
  UPSTREAM_RESET: 502,
  UPSTREAM_PROTOCOL_ERROR: 502,
  UPSTREAM_TIMEOUT: 504,
  UPSTREAM_SILENT: 502,
  UPSTREAM_DRAIN_DEADLINE: 504,
  UPSTREAM_OVERLOADED: 503,
};

describe("errorAnswer()", () => {
  test("has a status and a code for every error of the proxy, and tells the same in both languages", () => {
    for (const code of Object.keys(PROXY_ERRORS) as ProxyErrorCode[]) {
      const status = code === "PROXY_FAULT_INJECTED" ? 418 : 0;
      const plain = errorAnswer(code, false, status);
      assert.equal(plain.head.status, RESPONSE_STATUS[code], code);
      assert.equal(fieldValue(plain.head.fields, "x-weft-error"), code);
      assert.equal(plain.head.contentLength, plain.body.length);
      assert.ok(String(plain.body).startsWith(`[${code}] `));
      const grpc = errorAnswer(code, true, status);
      assert.equal(grpc.head.status, 200);
      assert.match(fieldValue(grpc.head.fields, "grpc-status") ?? "", /^([1-9]|1[0-6])$/);
      assert.match(fieldValue(grpc.head.fields, "grpc-message") ?? "", /^[ -$&-~]*$/);
      assert.equal(grpc.body.length, 0);
    }
  });

  test("is made once for each code", () => {
    assert.equal(errorAnswer("PROXY_LOOP", false), errorAnswer("PROXY_LOOP", false));
    assert.notEqual(errorAnswer("PROXY_LOOP", false), errorAnswer("PROXY_LOOP", true));
  });

  test("takes an injected fault's own statuses", () => {
    assert.equal(errorAnswer("PROXY_FAULT_INJECTED", false, 429).head.status, 429);
    const status = (http: number, grpc: number): string | undefined =>
      fieldValue(errorAnswer("PROXY_FAULT_INJECTED", true, http, grpc).head.fields, "grpc-status");
    assert.equal(status(429, 10), "10");
    assert.equal(status(429, 0), "14");
    assert.equal(status(401, 0), "16");
    assert.equal(status(418, 0), "2");
  });
});

test("errorOf() names what the client is told when the last try ended so", () => {
  assert.equal(errorOf("connect"), "UPSTREAM_CONNECT_FAILED");
  assert.equal(errorOf("timeout"), "UPSTREAM_TIMEOUT");
  assert.equal(errorOf("refused"), "UPSTREAM_OVERLOADED");
  assert.equal(errorOf("too-large"), "UPSTREAM_PROTOCOL_ERROR");
  assert.equal(errorOf("connection"), "UPSTREAM_RESET");
});

test("isGrpcRequest() is true for gRPC alone", () => {
  const is = (method: string, type: string): boolean =>
    isGrpcRequest(new RequestHead(method, "http", "a", "/", ["content-type", type], -1));
  assert.ok(is("POST", "application/grpc"));
  assert.ok(is("POST", "application/grpc+proto"));
  assert.ok(!is("POST", "application/grpc-web"));
  assert.ok(!is("GET", "application/grpc"));
  assert.ok(!is("POST", "text/plain"));
});

test("createTextAnswer() counts bytes, not characters", () => {
  const answer = createTextAnswer(200, "text/plain", "ä");
  assert.equal(answer.head.contentLength, 2);
  assert.equal(fieldValue(answer.head.fields, "content-length"), "2");
  assert.equal(fieldValue(createTextAnswer(204, "text/plain", "").head.fields, "content-type"), undefined);
});
