import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cors, fieldValue, ResponseHead } from "@weft/contract";
import { compileCors, corsChange, corsPreflight } from "./cors.ts";
import { withResponseChanges } from "./field-change.ts";
import { headFixture, ruleFixture, tableFixture } from "./route-rule.fixture.ts";

function policy(overrides: Partial<Cors>): Cors {
  return {
    allowOrigins: ["https://app.example"],
    allowMethods: ["GET", "PUT"],
    allowHeaders: ["x-one", "x-two"],
    exposeHeaders: [],
    allowCredentials: false,
    maxAgeSeconds: 60,
    ...overrides,
  };
}

function preflight(
  overrides: Partial<Cors>,
  origin: string,
  requestHeaders: string | null = "x-one",
): ResponseHead | null {
  const fields = ["origin", origin, "access-control-request-method", "PUT"];
  if (requestHeaders !== null) fields.push("access-control-request-headers", requestHeaders);
  return corsPreflight(compileCors(policy(overrides)), headFixture("h", "/", fields, "OPTIONS"));
}

function allowed(allowOrigins: readonly string[], origin: string): boolean {
  return (
    fieldValue(corsChange(compileCors(policy({ allowOrigins })), origin).appended, "access-control-allow-origin") ===
    origin
  );
}

test("corsPreflight() answers an allowed origin with what is allowed", () => {
  const answer = preflight({}, "https://app.example");
  assert.equal(answer?.status, 204);
  assert.deepEqual(answer?.fields, [
    "access-control-allow-origin",
    "https://app.example",
    "access-control-allow-methods",
    "GET, PUT",
    "access-control-allow-headers",
    "x-one, x-two",
    "access-control-max-age",
    "60",
    "vary",
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
  ]);
});

test("corsPreflight() tells an origin that is not allowed nothing", () => {
  const answer = preflight({}, "https://evil.example");
  assert.equal(answer?.status, 204);
  assert.deepEqual(answer?.fields, ["vary", "Origin"]);
});

test("corsPreflight() leaves requests that are no preflight to the backend", () => {
  const cors = compileCors(policy({}));
  const origin = ["origin", "https://app.example"];
  assert.equal(corsPreflight(cors, headFixture("h", "/", origin, "OPTIONS")), null);
  assert.equal(corsPreflight(cors, headFixture("h", "/", ["access-control-request-method", "PUT"], "OPTIONS")), null);
  assert.equal(
    corsPreflight(cors, headFixture("h", "/", [...origin, "access-control-request-method", "PUT"], "GET")),
    null,
  );
});

test('corsPreflight() names "*" without credentials and never with them', () => {
  const wild = { allowOrigins: ["*"], allowMethods: ["*"], allowHeaders: ["*"], exposeHeaders: ["*"] };
  const open = preflight(wild, "https://any.example");
  assert.equal(fieldValue(open?.fields ?? [], "access-control-allow-origin"), "*");
  assert.equal(fieldValue(open?.fields ?? [], "access-control-allow-methods"), "*");
  assert.equal(fieldValue(open?.fields ?? [], "access-control-allow-headers"), "*");
  assert.equal(fieldValue(open?.fields ?? [], "vary"), undefined);
  const credentials = { ...wild, allowCredentials: true };
  const closed = preflight(credentials, "https://any.example", "x-a, x-b")?.fields ?? [];
  assert.equal(fieldValue(closed, "access-control-allow-origin"), "https://any.example");
  assert.equal(fieldValue(closed, "access-control-allow-credentials"), "true");
  assert.equal(fieldValue(closed, "access-control-allow-methods"), "PUT");
  assert.equal(fieldValue(closed, "access-control-allow-headers"), "x-a, x-b");
  assert.ok(!closed.includes("*"));
  const bare = preflight(credentials, "https://any.example", null)?.fields ?? [];
  assert.equal(fieldValue(bare, "access-control-allow-headers"), undefined);
  const change = corsChange(compileCors(policy(credentials)), "https://any.example");
  assert.ok(!change.appended.includes("*"));
});

test("corsPreflight() does not repeat what is no list of names", () => {
  const cors = { allowOrigins: ["*"], allowHeaders: ["*"], allowCredentials: true };
  const fields = preflight(cors, "https://any.example", "x-a: 1; <script>")?.fields ?? [];
  assert.equal(fieldValue(fields, "access-control-allow-headers"), undefined);
});

test("corsChange() matches origins by scheme, host with wildcards, and port", () => {
  assert.ok(allowed(["https://app.example"], "https://app.example"));
  assert.ok(!allowed(["https://app.example"], "http://app.example"));
  assert.ok(!allowed(["https://app.example"], "https://app.example:8443"));
  assert.ok(!allowed(["https://app.example"], "https://app.example.evil.com"));
  assert.ok(allowed(["https://App.example:443"], "https://app.example"));
  assert.ok(allowed(["http://app.example:80"], "http://app.example"));
  assert.ok(allowed(["https://*.app.example"], "https://a.b.app.example"));
  assert.ok(!allowed(["https://*.app.example"], "https://app.example"));
  assert.ok(!allowed(["https://*.app.example"], "https://evilapp.example"));
  assert.ok(!allowed(["https://*.app.example"], "https://evil.com/.app.example"));
  assert.ok(!allowed(["https://*.app.example"], "https://evil.com:1.app.example"));
  assert.ok(allowed(["http://*"], "http://any.where"));
  assert.ok(!allowed(["http://*"], "http://any.where:81"));
  assert.ok(allowed(["http://*:81"], "http://any.where:81"));
  assert.ok(!allowed(["https://*.app.example"], `https://${"a.".repeat(200)}app.example`));
  assert.ok(!allowed([], "https://app.example"));
});

test("corsChange() replaces what the backend says, and tells caches apart", () => {
  const cors = compileCors(policy({ exposeHeaders: ["x-total"], allowCredentials: true }));
  const answer = new ResponseHead(200, ["access-control-allow-origin", "*", "vary", "Accept", "a", "1"], 0);
  assert.deepEqual(withResponseChanges(answer, corsChange(cors, "https://app.example")).fields, [
    "vary",
    "Accept",
    "a",
    "1",
    "access-control-allow-origin",
    "https://app.example",
    "access-control-allow-credentials",
    "true",
    "access-control-expose-headers",
    "x-total",
    "vary",
    "Origin",
  ]);
  for (const origin of [undefined, "https://evil.example"]) {
    const { fields } = withResponseChanges(answer, corsChange(cors, origin));
    assert.deepEqual(fields, ["vary", "Accept", "a", "1", "vary", "Origin"]);
  }
  assert.equal(corsChange(cors, "https://app.example"), corsChange(cors, "https://app.example"));
});

test("RouteTable.match() gives preflights to the rule whose method they ask for", () => {
  const match = { ...ruleFixture().match, method: "PUT" };
  const table = tableFixture(
    ruleFixture({ route: "ns/cors", match, cors: policy({}) }),
    ruleFixture({ route: "ns/plain", hostnames: ["plain"], match }),
  );
  const fields = ["origin", "https://app.example", "access-control-request-method", "PUT"];
  assert.equal(table.match(headFixture("h", "/", fields, "OPTIONS"))?.rule.route, "ns/cors");
  assert.equal(table.match(headFixture("plain", "/", fields, "OPTIONS"))?.rule.route, "ns/cors");
  assert.equal(table.match(headFixture("h", "/", [...fields.slice(0, 3), "POST"], "OPTIONS")), undefined);
  assert.equal(table.match(headFixture("h", "/", fields.slice(2), "OPTIONS")), undefined);
  assert.equal(table.match(headFixture("h", "/", fields, "GET")), undefined);
});
