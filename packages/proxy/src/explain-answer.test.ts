import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fields, type ListenerConfig, RequestHead, type RouteRule } from "@weft/contract";
import { createListener, createRule } from "@weft/testkit";
import { acceptedHead, type ExplainedAnswer, explainAnswer } from "./explain-answer.ts";
import { compileRouteTable } from "./router/index.ts";

interface Asked {
  readonly method?: string;
  readonly fields?: Fields;
  readonly rule?: Partial<RouteRule>;
  readonly listener?: Partial<ListenerConfig>;
}

function explain({ method = "GET", fields = [], rule = {}, listener = {} }: Asked): ExplainedAnswer | null {
  const table = compileRouteTable({ name: "table", rules: [createRule(rule)] });
  const head = new RequestHead(method, "http", "shop.example", "/cart", fields, 0);
  return explainAnswer(createListener(listener), head, table.match(head));
}

test("explainAnswer() says what the listener answers", () => {
  const refused = { by: "listener", status: 405, code: "PROXY_METHOD_REFUSED", location: "" };
  assert.deepEqual(explain({ method: "TRACE", listener: { isEdge: true } }), refused);
  assert.equal(explain({ method: "TRACE", listener: { isEdge: false } }), null);
  const last = explain({ method: "OPTIONS", fields: ["max-forwards", "0"] });
  assert.deepEqual([last?.by, last?.status, last?.code], ["listener", 200, ""]);
});

test("explainAnswer() says what the rule answers", () => {
  const cors = {
    allowOrigins: ["*"],
    allowMethods: ["*"],
    allowHeaders: [],
    exposeHeaders: [],
    allowCredentials: false,
    maxAgeSeconds: 5,
  };
  const fields = ["origin", "https://a.example", "access-control-request-method", "PUT"];
  assert.deepEqual(explain({ method: "OPTIONS", fields, rule: { cors } }), {
    by: "rule",
    status: 204,
    code: "",
    location: "",
  });
  assert.equal(explain({ fields, rule: { cors } }), null);
  const fault = { delayShare: 0, delayMs: 0, abortShare: 1, abortStatus: 503, abortGrpcStatus: 0 };
  const aborted = { by: "rule", status: 503, code: "PROXY_FAULT_INJECTED", location: "" };
  assert.deepEqual(explain({ rule: { fault } }), aborted);
  assert.equal(explain({ rule: { fault: { ...fault, abortShare: 0.99 } } }), null);
  const redirect = { scheme: "https", hostname: "", path: null, port: 0, status: 301 } as const;
  assert.equal(explain({ rule: { redirect, backends: [] } })?.location, "https://shop.example/cart");
});

test("acceptedHead() does to underscores what the listener does", () => {
  const head = new RequestHead("GET", "http", "shop.example", "/", ["x_a", "1", "x-b", "v_2"], 0);
  assert.equal(acceptedHead(createListener({ underscores: "reject" }), head), null);
  assert.equal(acceptedHead(createListener({ underscores: "allow" }), head), head);
  assert.deepEqual(acceptedHead(createListener({ underscores: "drop" }), head)?.fields, ["x-b", "v_2"]);
  const plain = head.withFields(["x-b", "v_2"]);
  assert.equal(acceptedHead(createListener({ underscores: "reject" }), plain), plain);
});
