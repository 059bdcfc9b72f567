import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import type { PathMatch, RouteRule } from "@weft/contract";
import { backendFixture, headFixture, ruleFixture, tableFixture } from "./route-rule.fixture.ts";
import { compileRouteTable, type RouteTable } from "./table.ts";

function rule(route: string, path: PathMatch | null, overrides: Partial<RouteRule["match"]> = {}): RouteRule {
  return ruleFixture({ route, match: { path, method: "", headers: [], queryParams: [], ...overrides } });
}

function routeOf(
  table: RouteTable,
  authority: string,
  path: string,
  fields: readonly string[] = [],
  method = "GET",
): string {
  const head = headFixture(authority, path, fields, method);
  return table.match(head)?.rule.route ?? table.refusal(head)?.code ?? "?";
}

test("RouteTable.match() finds exact paths and prefixes by segment, case-sensitively", () => {
  const table = tableFixture(
    rule("exact", { type: "exact", value: "/one" }),
    rule("prefix", { type: "prefix", value: "/v2/" }),
    rule("deep", { type: "prefix", value: "/v2/example" }),
  );
  assert.equal(routeOf(table, "a", "/one"), "exact");
  assert.equal(routeOf(table, "a", "/one/"), "ROUTER_NO_MATCH");
  assert.equal(routeOf(table, "a", "/One"), "ROUTER_NO_MATCH");
  assert.equal(routeOf(table, "a", "/v2"), "prefix");
  assert.equal(routeOf(table, "a", "/v2/"), "prefix");
  assert.equal(routeOf(table, "a", "/v2?x=1"), "prefix");
  assert.equal(routeOf(table, "a", "/v2example"), "ROUTER_NO_MATCH");
  assert.equal(routeOf(table, "a", "/v2/example/x"), "deep");
  assert.equal(routeOf(table, "a", "/v2/examples"), "prefix");
});

test("RouteTable.match() keeps its decision on the head until another table asks", () => {
  const config = { name: "t", rules: [rule("a", null)] };
  const table = compileRouteTable(config);
  const other = compileRouteTable(config);
  const head = headFixture("a", "/");
  const decision = table.match(head);
  assert.ok(decision !== undefined);
  assert.equal(table.match(head), decision);
  assert.notEqual(other.match(head), decision);
  assert.equal(decision.forwardedHead(null), head);
});

test("RouteTable.match() refuses a path that has no normal form with 400", () => {
  const table = tableFixture(rule("a", null));
  const head = headFixture("a", "/a%00");
  assert.equal(table.match(head), undefined);
  assert.equal(table.refusal(head)?.status, 400);
  assert.equal(table.refusal(head)?.code, "ROUTER_PATH_CONTROL_CHARACTER");
});

test("RouteDecision.forwardedHead() carries the normal path", () => {
  const table = tableFixture(rule("a", { type: "prefix", value: "/b" }));
  const decision = table.match(headFixture("h", "/a/..//b/%7ec?q=//"));
  assert.equal(decision?.forwardedHead(null).path, "/b/~c?q=//");
});

test("RouteDecision, RouteRefusal and CompiledRule keep one shape", () => {
  setFlagsFromString("--allow-natives-syntax");
  const haveSameMap: (a: object, b: object) => boolean = runInThisContext("(a, b) => %HaveSameMap(a, b)");
  const full = backendFixture("b", { requestHeaders: { set: [["a", "1"]], add: [], remove: [] } });
  const table = tableFixture(
    rule("plain", { type: "exact", value: "/plain" }),
    { ...rule("regex", { type: "regex", value: "/regex" }), backends: [backendFixture("a"), full], timeoutMs: 5 },
    rule("header", { type: "exact", value: "/header" }, { headers: [{ type: "present", name: "a", value: "" }] }),
  );
  const [fresh, used] = [table.match(headFixture("h", "/plain")), table.match(headFixture("h", "/regex"))];
  assert.ok(fresh !== undefined && used !== undefined);
  for (const backend of [null, ...used.rule.backends]) used.forwardedHead(backend);
  assert.ok(haveSameMap(fresh, used));
  assert.ok(haveSameMap(fresh.rule, used.rule));
  const [first, second] = [table.refusal(headFixture("h", "/none")), table.refusal(headFixture("h", "/%"))];
  assert.ok(first !== undefined && second !== undefined && haveSameMap(first, second));
});
