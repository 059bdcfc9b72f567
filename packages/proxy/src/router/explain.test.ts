import assert from "node:assert/strict";
import { test } from "node:test";
import { FALLBACK_CREATED_MS, type RouteRule } from "@weft/contract";
import { explainMatch } from "./explain.ts";
import { EXPLAIN_CANDIDATES_MAX, EXPLAIN_NEAR_MISSES_MAX, EXPLAIN_RULES_MAX } from "./limits.ts";
import { backendFixture, headFixture, ruleFixture, tableFixture } from "./route-rule.fixture.ts";

const match = ruleFixture().match;

test("explainMatch() lists host names and candidates in order, with the reason for each rejection", () => {
  const table = tableFixture(
    ruleFixture({ route: "ns/any" }),
    ruleFixture({
      route: "ns/method",
      hostnames: ["*.example.com"],
      match: { ...match, path: { type: "exact", value: "/a/b" }, method: "PUT" },
    }),
    ruleFixture({
      route: "ns/header",
      hostnames: ["x.example.com"],
      match: { ...match, path: { type: "prefix", value: "/a" }, headers: [{ type: "exact", name: "v", value: "2" }] },
    }),
    ruleFixture({
      route: "ns/query",
      hostnames: ["x.example.com"],
      match: { ...match, queryParams: [{ type: "present", name: "q", value: "" }] },
    }),
    ruleFixture({
      route: "ns/regex",
      hostnames: ["x.example.com"],
      match: { ...match, path: { type: "regex", value: "/a/[0-9]+" } },
    }),
  );
  const explanation = explainMatch(table, headFixture("X.example.com:80", "/./a/b", ["v", "1"]));
  assert.deepEqual(explanation, {
    table: "table",
    host: "x.example.com",
    path: "/a/b",
    groups: [
      {
        hostname: "x.example.com",
        candidates: [
          candidate("ns/regex", 'regex "/a/[0-9]+"', 'path "/a/b" does not match'),
          candidate("ns/header", 'prefix "/a"', 'header "v" is "1", expected exact "2"'),
          candidate("ns/query", 'prefix "/"', 'query parameter "q" is missing'),
        ],
      },
      {
        hostname: "*.example.com",
        candidates: [candidate("ns/method", 'exact "/a/b"', "method is GET, expected PUT")],
      },
      { hostname: "*", candidates: [candidate("ns/any", 'prefix "/"')] },
    ],
    winner: {
      route: "ns/any",
      rule: 0,
      ruleName: "",
      matchIndex: 0,
      isFallback: false,
      action: { type: "forward", backends: [] },
    },
    effects: {
      sentAuthority: "X.example.com:80",
      authority: "X.example.com:80",
      path: "/a/b",
      requestHeaders: [],
      responseHeaders: [],
      mirrors: [],
      fault: null,
      timeoutMs: 0,
      retry: null,
    },
    refusal: null,
    status: null,
    nearMisses: [],
    isTruncated: false,
  });
});

function candidate(route: string, path: string, ...rejectedBecause: readonly string[]): object {
  return { route, rule: 0, ruleName: "", matchIndex: 0, path, rejectedBecause };
}

test("explainMatch() says why there is no winner, and with which status the request is answered", () => {
  const table = tableFixture(ruleFixture({ hostnames: ["a.example"] }));
  const missing = explainMatch(table, headFixture("b.example", "/"));
  assert.deepEqual([missing.winner, missing.refusal, missing.status], [null, "ROUTER_NO_MATCH", 404]);
  assert.deepEqual(missing.groups, []);
  const refused = explainMatch(table, headFixture("a.example", "/%00"));
  assert.deepEqual([refused.winner, refused.refusal, refused.path], [null, "ROUTER_PATH_CONTROL_CHARACTER", "/%00"]);
  assert.deepEqual([refused.status, refused.nearMisses], [400, []]);
});

test("explainMatch() says what becomes of the request", () => {
  const action = (changes: Partial<RouteRule>): unknown =>
    explainMatch(tableFixture(ruleFixture(changes)), headFixture("h", "/")).winner?.action;
  const backends = [backendFixture("one", { weight: 9 }), backendFixture("two", { weight: 1 })];
  const shares = [
    { cluster: "one", share: 0.9 },
    { cluster: "two", share: 0.1 },
  ];
  assert.deepEqual(action({ backends }), { type: "forward", backends: shares });
  const directResponse = { status: 404, body: "", contentType: "" };
  assert.deepEqual(action({ directResponse }), { type: "respond", status: 404 });
  const redirect = { scheme: "https", hostname: "", path: null, port: 0, status: 308 } as const;
  assert.deepEqual(action({ redirect }), { type: "redirect", status: 308 });
});

test("explainMatch() lists the rules that came nearest where none matches, with all that is wrong", () => {
  const named = (route: string, hostname: string, path: string, changes: Partial<RouteRule["match"]> = {}): RouteRule =>
    ruleFixture({
      route,
      hostnames: [hostname],
      match: { ...match, path: { type: "prefix", value: path }, ...changes },
    });
  const header = { type: "exact", name: "x-version", value: "2" } as const;
  const table = tableFixture(
    named("ns/cart", "a.example", "/cart"),
    named("ns/checkout", "a.example", "/checkout"),
    named("ns/other-host", "*.b.example", "/chekcout"),
    named("ns/far", "c.example", "/x", { method: "PUT", headers: [header] }),
    named("ns/candidate", "a.example", "/chekcout", { method: "PUT", headers: [header] }),
  );
  const explanation = explainMatch(table, headFixture("a.example", "/chekcout/1"));
  assert.deepEqual(explanation.groups[0]?.candidates[0]?.rejectedBecause, [
    "method is GET, expected PUT",
    'header "x-version" is missing, expected exact "2"',
  ]);
  assert.deepEqual(
    explanation.nearMisses.map(({ route, rejectedBecause }) => [route, ...rejectedBecause]),
    [
      ["ns/checkout", 'path "/chekcout/1" does not match'],
      ["ns/cart", 'path "/chekcout/1" does not match'],
      ["ns/other-host", 'host "a.example" is not *.b.example'],
      [
        "ns/far",
        'host "a.example" is not c.example',
        'path "/chekcout/1" does not match',
        "method is GET, expected PUT",
        'header "x-version" is missing, expected exact "2"',
      ],
    ],
  );
});

test("explainMatch() takes the rule that says that no route matches for what it is", () => {
  const fallback = ruleFixture({
    route: "ns/gateway/http",
    hostnames: ["a.example"],
    createdMs: FALLBACK_CREATED_MS,
    directResponse: { status: 404, body: "", contentType: "" },
  });
  const exact = { ...match, path: { type: "exact", value: "/cart" } } as const;
  const table = tableFixture(fallback, ruleFixture({ route: "ns/cart", hostnames: ["a.example"], match: exact }));
  const { winner, status, nearMisses } = explainMatch(table, headFixture("a.example", "/cat"));
  assert.deepEqual([winner?.isFallback, status], [true, 404]);
  assert.deepEqual(
    nearMisses.map(({ route }) => route),
    ["ns/cart"],
  );
  assert.equal(explainMatch(table, headFixture("a.example", "/cart")).winner?.isFallback, false);
});

test("explainMatch() does not tell what credentials are expected", () => {
  const headers = [{ type: "exact", name: "authorization", value: "Bearer s3cr3t" }] as const;
  const table = tableFixture(ruleFixture({ match: { ...match, headers } }));
  const reasons = (...fields: string[]): unknown =>
    explainMatch(table, headFixture("h", "/", fields)).groups[0]?.candidates[0]?.rejectedBecause;
  assert.deepEqual(reasons(), ['header "authorization" is missing']);
  assert.deepEqual(reasons("authorization", "Bearer other"), ['header "authorization" is another']);
});

test("explainMatch() looks at and lists a bounded number of near misses", () => {
  const rules = Array.from({ length: EXPLAIN_RULES_MAX + 1 }, (_, rule) =>
    ruleFixture({ rule, hostnames: ["a.example", "b.example", "c.example", "d.example", "e.example", "f.example"] }),
  );
  const { nearMisses, isTruncated } = explainMatch(tableFixture(...rules), headFixture("z.example", "/"));
  assert.equal(nearMisses.length, EXPLAIN_NEAR_MISSES_MAX);
  assert.equal(isTruncated, true);
  const [reason] = nearMisses[0]?.rejectedBecause ?? [];
  assert.equal(reason, 'host "z.example" is not a.example, b.example, c.example, d.example or 2 more');
});

test("explainMatch() lists a bounded number of candidates", () => {
  const rules = Array.from({ length: EXPLAIN_CANDIDATES_MAX + 5 }, (_, rule) =>
    ruleFixture({ rule, match: { ...match, method: "PUT" } }),
  );
  const explanation = explainMatch(tableFixture(...rules), headFixture("h", "/"));
  assert.equal(explanation.groups[0]?.candidates.length, EXPLAIN_CANDIDATES_MAX);
  assert.equal(explanation.isTruncated, true);
});
