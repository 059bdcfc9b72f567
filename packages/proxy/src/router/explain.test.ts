import assert from "node:assert/strict";
import { test } from "node:test";
import { explainMatch } from "./explain.ts";
import { EXPLAIN_CANDIDATES_MAX } from "./limits.ts";
import { headFixture, ruleFixture, tableFixture } from "./route-rule.fixture.ts";

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
      { hostname: "*", candidates: [candidate("ns/any", 'prefix "/"', null)] },
    ],
    winner: { route: "ns/any", rule: 0, matchIndex: 0 },
    refusal: null,
    isTruncated: false,
  });
});

function candidate(route: string, path: string, rejectedBecause: string | null): object {
  return { route, rule: 0, matchIndex: 0, path, rejectedBecause };
}

test("explainMatch() says why there is no winner", () => {
  const table = tableFixture(ruleFixture({ hostnames: ["a.example"] }));
  const missing = explainMatch(table, headFixture("b.example", "/"));
  assert.deepEqual([missing.winner, missing.refusal, missing.groups], [null, "ROUTER_NO_MATCH", []]);
  const refused = explainMatch(table, headFixture("a.example", "/%00"));
  assert.deepEqual([refused.winner, refused.refusal, refused.path], [null, "ROUTER_PATH_CONTROL_CHARACTER", "/%00"]);
});

test("explainMatch() lists a bounded number of candidates", () => {
  const rules = Array.from({ length: EXPLAIN_CANDIDATES_MAX + 5 }, (_, rule) =>
    ruleFixture({ rule, match: { ...match, method: "PUT" } }),
  );
  const explanation = explainMatch(tableFixture(...rules), headFixture("h", "/"));
  assert.equal(explanation.groups[0]?.candidates.length, EXPLAIN_CANDIDATES_MAX);
  assert.equal(explanation.isTruncated, true);
});
