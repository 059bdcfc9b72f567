import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RequestHead, type ResetReason, ResponseHead, type Retry } from "@weft/contract";
import { createRule } from "@weft/testkit";
import { judgeFailure, judgeStatus, type RetryVerdict } from "./retry-judge.ts";
import { type CompiledRetry, compileRouteTable } from "./router/index.ts";
import type { UpstreamTry } from "./upstream-try.ts";

const NONE: Retry = {
  retriesMax: 2,
  on: [],
  statuses: [],
  grpcStatuses: [],
  backoffBaseMs: 0,
  backoffMaxMs: 0,
  perTryTimeoutMs: 0,
  retriesNonIdempotent: false,
};

function compile(changes: Partial<Retry>): CompiledRetry {
  const { rules } = compileRouteTable({ name: "t", rules: [createRule({ retry: { ...NONE, ...changes } })] });
  return rules[0]?.retry ?? assert.fail("a compiled retry");
}

function judge(reason: ResetReason, method: string, retry: CompiledRetry | null, isReused: boolean): RetryVerdict {
  const head = new RequestHead(method, "http", "a", "/", [], 0);
  return judgeFailure(retry, reason, head, { isOnReusedConnection: isReused } as UpstreamTry);
}

describe("judgeFailure()", () => {
  test("without a policy repeats only what was provably not processed", () => {
    for (const method of ["GET", "POST", "PATCH"]) {
      assert.equal(judge("connect", method, null, false), "unprocessed");
      assert.equal(judge("refused", method, null, true), "unprocessed");
      for (const reason of [
        "connection",
        "timeout",
        "protocol",
        "cancelled",
        "internal",
        "too-large",
        "overloaded",
      ] as const) {
        assert.equal(judge(reason, method, null, false), "no", `${method} ${reason}`);
      }
    }
  });

  test("repeats idempotent requests, and no others, when a reused connection is lost", () => {
    for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]) {
      assert.equal(judge("connection", method, null, true), "unprocessed", method);
    }
    for (const method of ["POST", "PATCH", "CONNECT"])
      assert.equal(judge("connection", method, null, true), "no", method);
  });

  test("repeats an upgrade, over HTTP/2 too, when a reused connection is lost", () => {
    for (const method of ["GET", "CONNECT"]) {
      const head = new RequestHead(method, "http", "a", "/", [], 0, "websocket");
      const judged = (isOnReusedConnection: boolean): RetryVerdict =>
        judgeFailure(null, "connection", head, { isOnReusedConnection } as UpstreamTry);
      assert.equal(judged(true), "unprocessed", method);
      assert.equal(judged(false), "no", method);
    }
  });

  test("with a policy repeats what it names, POST only if it says so", () => {
    const retry = compile({ on: ["reset", "timeout", "connect-failure"] });
    for (const reason of ["connection", "timeout", "protocol", "internal", "cancelled"] as const) {
      assert.equal(judge(reason, "GET", retry, false), "policy", reason);
      assert.equal(judge(reason, "POST", retry, false), "no", reason);
    }
    assert.equal(judge("connect", "POST", retry, false), "policy", "it was never sent");
    const bold = compile({ on: ["reset"], retriesNonIdempotent: true });
    assert.equal(judge("connection", "POST", bold, false), "policy");
    assert.equal(judge("timeout", "POST", bold, false), "no");
    for (const reason of ["too-large", "overloaded"] as const) assert.equal(judge(reason, "GET", bold, false), "no");
  });
});

describe("judgeStatus()", () => {
  const get = new RequestHead("GET", "http", "a", "/", [], 0);
  const post = new RequestHead("POST", "http", "a", "/", [], 0);
  const answer = (status: number, grpcStatus = ""): ResponseHead =>
    new ResponseHead(status, grpcStatus === "" ? [] : ["grpc-status", grpcStatus], 0);

  test("looks at the conditions by status", () => {
    assert.ok(judgeStatus(compile({ on: ["5xx"] }), answer(500), true, get));
    assert.ok(!judgeStatus(compile({ on: ["5xx"] }), answer(499), true, get));
    assert.ok(!judgeStatus(compile({ on: ["gateway-error"] }), answer(500), true, get));
    assert.ok(judgeStatus(compile({ on: ["gateway-error"] }), answer(503), true, get));
    assert.ok(judgeStatus(compile({ on: ["status"], statuses: [409] }), answer(409), true, get));
    assert.ok(!judgeStatus(compile({ on: ["5xx"] }), answer(500), true, post));
  });

  test("looks at the gRPC status of an answer without messages only", () => {
    const retry = compile({ on: ["grpc-status"], grpcStatuses: [14], retriesNonIdempotent: true });
    assert.ok(judgeStatus(retry, answer(200, "14"), true, post));
    assert.ok(!judgeStatus(retry, answer(200, "14"), false, post));
    assert.ok(!judgeStatus(retry, answer(200, "13"), true, post));
    assert.ok(!judgeStatus(retry, answer(200), true, post));
  });
});
