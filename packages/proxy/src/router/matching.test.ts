// The matching cases of Gateway API's conformance suite, written from its specification.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NamedMatch, PathMatch, RouteRule } from "@weft/contract";
import { headFixture, ruleFixture, tableFixture } from "./route-rule.fixture.ts";
import type { RouteTable } from "./table.ts";

interface Match {
  readonly path?: PathMatch;
  readonly method?: string;
  readonly headers?: readonly NamedMatch[];
  readonly queryParams?: readonly NamedMatch[];
}

function rule(route: string, match: Match = {}, overrides: Partial<RouteRule> = {}): RouteRule {
  return ruleFixture({
    route,
    match: {
      path: match.path ?? null,
      method: match.method ?? "",
      headers: match.headers ?? [],
      queryParams: match.queryParams ?? [],
    },
    ...overrides,
  });
}

const prefix = (value: string): PathMatch => ({ type: "prefix", value });
const exact = (value: string): PathMatch => ({ type: "exact", value });
const regex = (value: string): PathMatch => ({ type: "regex", value });
const is = (name: string, value: string): NamedMatch => ({ type: "exact", name, value });

interface Sent {
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  readonly fields?: readonly string[];
}

function routeOf(table: RouteTable, sent: Sent): string | undefined {
  const { host = "example.com", path = "/", method = "GET", fields = [] } = sent;
  return table.match(headFixture(host, path, fields, method))?.rule.route;
}

function check(table: RouteTable, cases: readonly (readonly [sent: Sent, expected: string | undefined])[]): void {
  for (const [sent, expected] of cases) assert.equal(routeOf(table, sent), expected, JSON.stringify(sent));
}

test("matching: HTTPRouteMatching", () => {
  const table = tableFixture(
    rule("v1", { path: prefix("/") }),
    rule("v1", { headers: [is("version", "one")] }),
    rule("v2", { path: prefix("/v2") }),
    rule("v2", { headers: [is("version", "two")] }),
  );
  check(table, [
    [{ path: "/" }, "v1"],
    [{ path: "/example" }, "v1"],
    [{ path: "/", fields: ["version", "one"] }, "v1"],
    [{ path: "/v2" }, "v2"],
    [{ path: "/v2example" }, "v1"],
    [{ path: "/foo/v2/example" }, "v1"],
    [{ path: "/", fields: ["version", "two"] }, "v2"],
    [{ path: "/v2/", fields: ["version", "one"] }, "v2"],
  ]);
});

test("matching: HTTPRouteMatchingAcrossRoutes", () => {
  const hostnames = ["example.com", "example.net"];
  const table = tableFixture(
    rule("part1", { path: prefix("/") }, { hostnames }),
    rule("part1", { headers: [is("version", "one")] }, { hostnames }),
    rule("part2", { path: prefix("/v2") }, { hostnames: ["example.com"] }),
    rule("part2", { headers: [is("version", "two")] }, { hostnames: ["example.com"] }),
  );
  check(table, [
    [{ path: "/" }, "part1"],
    [{ path: "/example" }, "part1"],
    [{ host: "example.net", path: "/example" }, "part1"],
    [{ path: "/example", fields: ["version", "one"] }, "part1"],
    [{ path: "/v2" }, "part2"],
    [{ path: "/v2example" }, "part1"],
    [{ path: "/", fields: ["version", "two"] }, "part2"],
    [{ host: "example.net", path: "/v2", fields: ["version", "two"] }, "part1"],
    [{ host: "example.org", path: "/" }, undefined],
  ]);
});

test("matching: HTTPRouteExactPathMatching", () => {
  const table = tableFixture(rule("one", { path: exact("/one") }), rule("two", { path: exact("/two/") }));
  check(table, [
    [{ path: "/one" }, "one"],
    [{ path: "/one?a=b" }, "one"],
    [{ path: "/two/" }, "two"],
    [{ path: "/" }, undefined],
    [{ path: "/one/example" }, undefined],
    [{ path: "/one/" }, undefined],
    [{ path: "/two" }, undefined],
    [{ path: "/ONE" }, undefined],
  ]);
});

test("matching: HTTPRoutePathMatchOrder", () => {
  const table = tableFixture(
    rule("prefix-match", { path: prefix("/match") }),
    rule("exact-prefix", { path: exact("/match/prefix") }),
    rule("prefix-long", { path: prefix("/match/prefix/one") }),
    rule("prefix-mid", { path: prefix("/match/prefix") }),
    rule("exact", { path: exact("/match/exact") }),
    rule("regex", { path: regex("/match/[a-z]+/[0-9]+") }),
    rule("regex-longer", { path: regex("/match/[a-z]+/[0-9]+[0-9]") }),
  );
  check(table, [
    [{ path: "/match/exact" }, "exact"],
    [{ path: "/match/exact/one" }, "prefix-match"],
    [{ path: "/match" }, "prefix-match"],
    [{ path: "/match/prefix" }, "exact-prefix"],
    [{ path: "/match/prefix/one/any" }, "prefix-long"],
    [{ path: "/match/prefix/any" }, "prefix-mid"],
    [{ path: "/match/any" }, "prefix-match"],
    [{ path: "/match/prefix/7" }, "regex"],
    [{ path: "/match/prefix/77" }, "regex-longer"],
    [{ path: "/match/prefix/7/x" }, "prefix-mid"],
  ]);
});

test("matching: HTTPRouteHeaderMatching", () => {
  const table = tableFixture(
    rule("one", { headers: [is("version", "one")] }),
    rule("two", { headers: [is("version", "two")] }),
    rule("two-orange", { headers: [is("version", "two"), is("color", "orange")] }),
    rule("blue-or-green", { headers: [{ type: "regex", name: "color", value: "blue|gr(e|a)en" }] }),
    rule("red", { headers: [{ type: "prefix", name: "color", value: "red" }] }),
    rule("traced", { headers: [{ type: "present", name: "x-trace", value: "" }] }),
    rule("authority", { headers: [is("host", "header.example:81")] }),
  );
  check(table, [
    [{ fields: ["version", "one"] }, "one"],
    [{ fields: ["version", "two"] }, "two"],
    [{ fields: ["version", "two", "color", "orange"] }, "two-orange"],
    [{ fields: ["color", "blue"] }, "blue-or-green"],
    [{ fields: ["color", "graen"] }, "blue-or-green"],
    [{ fields: ["color", "bluegreen"] }, undefined],
    [{ fields: ["color", "Blue"] }, undefined],
    [{ fields: ["color", "redder"] }, "red"],
    [{ fields: ["x-trace", ""] }, "traced"],
    [{ fields: ["version", "three"] }, undefined],
    [{ fields: ["versions", "one"] }, undefined],
    [{ fields: ["version", "one", "version", "two"] }, undefined],
    [{ host: "header.example:81" }, "authority"],
    [{}, undefined],
  ]);
});

test("matching: several values of a header are one list, several conditions on one name count once", () => {
  const table = tableFixture(
    rule("list", { headers: [is("tag", "a,b")] }),
    rule("cookies", { headers: [is("cookie", "a=1; b=2")] }),
    rule("first", { headers: [is("once", "a"), is("once", "b")] }),
    rule("bytes", { headers: [is("name", "é")] }),
  );
  check(table, [
    [{ fields: ["tag", "a", "other", "x", "tag", "b"] }, "list"],
    [{ fields: ["tag", "a,b"] }, "list"],
    [{ fields: ["cookie", "a=1", "cookie", "b=2"] }, "cookies"],
    [{ fields: ["once", "a"] }, "first"],
    [{ fields: ["once", "b"] }, undefined],
    [{ fields: ["name", "\xc3\xa9"] }, "bytes"],
  ]);
});

test("matching: HTTPRouteQueryParamMatching", () => {
  const table = tableFixture(
    rule("whale", { queryParams: [is("animal", "whale")] }),
    rule("dolphin", { queryParams: [is("animal", "dolphin")] }),
    rule("dolphin-blue", { queryParams: [is("animal", "dolphin"), is("color", "blue")] }),
    rule("dolphin-path", { path: prefix("/path1"), queryParams: [is("animal", "dolphin")] }),
    rule("spaced", { queryParams: [is("full name", "a b/é")] }),
    rule("flag", { queryParams: [{ type: "present", name: "flag", value: "" }] }),
    rule("number", { queryParams: [{ type: "regex", name: "id", value: "[0-9]+" }] }),
  );
  check(table, [
    [{ path: "/?animal=whale" }, "whale"],
    [{ path: "/?animal=dolphin" }, "dolphin"],
    [{ path: "/?animal=dolphin&color=blue" }, "dolphin-blue"],
    [{ path: "/?color=blue&animal=dolphin" }, "dolphin-blue"],
    [{ path: "/?animal=dolphin&color=green" }, "dolphin"],
    [{ path: "/path1?animal=dolphin" }, "dolphin-path"],
    [{ path: "/?%61nimal=wh%61le" }, "whale"],
    [{ path: "/?full+name=a%20b%2F%C3%A9" }, "spaced"],
    [{ path: "/?x&flag" }, "flag"],
    [{ path: "/?flag=" }, "flag"],
    [{ path: "/?id=17" }, "number"],
    [{ path: "/?id=17x" }, undefined],
    [{ path: "/?animal=whale&animal=dolphin" }, "whale"],
    [{ path: "/?animal=Whale" }, undefined],
    [{ path: "/?ANIMAL=whale" }, undefined],
    [{ path: "/?xanimal=whale" }, undefined],
    [{ path: "/" }, undefined],
    [{ path: "/?" }, undefined],
  ]);
});

test("matching: HTTPRouteMethodMatching", () => {
  const table = tableFixture(
    rule("post", { method: "POST" }),
    rule("get", { method: "GET" }),
    rule("path-get", { path: prefix("/path1"), method: "GET" }),
    rule("patch-header", { headers: [is("version", "one")], method: "PATCH" }),
    rule("path5", { path: prefix("/path5") }),
    rule("patch-path5", { path: prefix("/path5"), method: "PATCH" }),
    rule("two-headers", { path: prefix("/path5"), headers: [is("a", "1"), is("b", "2")] }),
  );
  check(table, [
    [{ method: "POST" }, "post"],
    [{ method: "GET" }, "get"],
    [{ method: "HEAD" }, undefined],
    [{ method: "get" }, undefined],
    [{ path: "/path1" }, "path-get"],
    [{ path: "/path1", method: "POST" }, "post"],
    [{ method: "PATCH", fields: ["version", "one"] }, "patch-header"],
    [{ path: "/path5", method: "PATCH" }, "patch-path5"],
    [{ path: "/path5", method: "PATCH", fields: ["a", "1", "b", "2"] }, "patch-path5"],
    [{ path: "/path5", method: "PUT", fields: ["a", "1", "b", "2"] }, "two-headers"],
  ]);
});

test("matching: HTTPRouteHostnameIntersection: exact, then the longest wildcard, then any", () => {
  const table = tableFixture(
    rule("any"),
    rule("wide", {}, { hostnames: ["*.example.com"] }),
    rule("narrow", {}, { hostnames: ["*.sub.example.com"] }),
    rule("exact", {}, { hostnames: ["very.specific.com", "a.sub.example.com"] }),
    rule("v6", {}, { hostnames: ["[::1]"] }),
  );
  check(table, [
    [{ host: "very.specific.com" }, "exact"],
    [{ host: "a.sub.example.com" }, "exact"],
    [{ host: "b.sub.example.com" }, "narrow"],
    [{ host: "c.b.sub.example.com" }, "narrow"],
    [{ host: "sub.example.com" }, "wide"],
    [{ host: "x.y.z.example.com" }, "wide"],
    [{ host: "example.com" }, "any"],
    [{ host: ".example.com" }, "any"],
    [{ host: "notexample.com" }, "any"],
    [{ host: "non.very.specific.com" }, "any"],
    [{ host: "" }, "any"],
    [{ host: "VERY.Specific.com." }, "exact"],
    [{ host: "very.specific.com:8080" }, "exact"],
    [{ host: "very.specific.com.:8080" }, "exact"],
    [{ host: "very.specific.com.." }, "any"],
    [{ host: "[::1]:80" }, "v6"],
    [{ host: "[0:0:0:0:0:0:0:1]" }, "v6"],
    [{ host: "[::2]" }, "any"],
    [{ host: "[::1" }, "any"],
    [{ host: `${"a.".repeat(200)}example.com` }, "any"],
  ]);
});

test("matching: a more specific host wins over a better path, and hands on when none of its rules match", () => {
  const table = tableFixture(
    rule("any-exact", { path: exact("/a/b") }),
    rule("wide", { path: prefix("/a/b") }, { hostnames: ["*.example.com"] }),
    rule("exact", { path: prefix("/a") }, { hostnames: ["x.example.com"] }),
  );
  check(table, [
    [{ host: "x.example.com", path: "/a/b" }, "exact"],
    [{ host: "y.example.com", path: "/a/b" }, "wide"],
    [{ host: "y.example.com", path: "/a" }, undefined],
    [{ host: "z.org", path: "/a/b" }, "any-exact"],
  ]);
  const handsOn = tableFixture(
    rule("wide", { path: prefix("/only-wide") }, { hostnames: ["*.example.com"] }),
    rule("exact", { path: prefix("/only-exact") }, { hostnames: ["x.example.com"] }),
  );
  assert.equal(routeOf(handsOn, { host: "x.example.com", path: "/only-wide" }), "wide");
});

test("matching: ties go to the older route, then by name, then to the first rule and match", () => {
  const tied = (route: string, createdMs: number, index: number, matchIndex = 0): RouteRule =>
    rule(route, {}, { createdMs, rule: index, matchIndex });
  assert.equal(routeOf(tableFixture(tied("a/new", 2, 0), tied("b/old", 1, 0)), {}), "b/old");
  assert.equal(routeOf(tableFixture(tied("b/x", 1, 0), tied("a/x", 1, 0)), {}), "a/x");
  const rules = tableFixture(tied("a/x", 1, 2), tied("a/x", 1, 1, 1), tied("a/x", 1, 1, 0));
  const winner = rules.match(headFixture("h", "/"))?.rule.config;
  assert.deepEqual([winner?.rule, winner?.matchIndex], [1, 0]);
});

test("matching: methods, then headers, then query parameters decide between equal paths", () => {
  const table = tableFixture(
    rule("query", { queryParams: [is("q", "1"), is("r", "1")] }),
    rule("header", { headers: [is("h", "1")] }),
    rule("header-query", { headers: [is("h", "1")], queryParams: [is("q", "1")] }),
    rule("method", { method: "PUT" }),
  );
  const all = { path: "/?q=1&r=1", fields: ["h", "1"] };
  check(table, [
    [{ ...all, method: "PUT" }, "method"],
    [all, "header-query"],
    [{ path: "/?r=1", fields: ["h", "1"] }, "header"],
    [{ path: "/?q=1&r=1" }, "query"],
  ]);
});

test("matching: paths of a configuration are compared in the form that requests have", () => {
  const table = tableFixture(
    rule("encoded", { path: exact("/%7eme") }),
    rule("unicode", { path: prefix("/café/") }),
    rule("star", { path: exact("*") }),
  );
  check(table, [
    [{ path: "/~me" }, "encoded"],
    [{ path: "/%7Eme" }, "encoded"],
    [{ path: "/caf%c3%a9/x" }, "unicode"],
    [{ path: "/caf\xc3\xa9" }, "unicode"],
    [{ path: "*", method: "OPTIONS" }, "star"],
  ]);
  assert.equal(routeOf(tableFixture(rule("all", { path: prefix("/") })), { path: "*", method: "OPTIONS" }), "all");
  assert.equal(routeOf(tableFixture(rule("all")), { path: "", method: "CONNECT" }), "all");
});

test("matching: a regular expression must match the whole path and sees it without the query", () => {
  const table = tableFixture(
    rule("r", { path: regex("/users/([0-9]+|me)") }),
    rule("i", { path: regex("(?i)/shout/.+") }),
  );
  check(table, [
    [{ path: "/users/12" }, "r"],
    [{ path: "/users/me?x=y" }, "r"],
    [{ path: "/users/12/x" }, undefined],
    [{ path: "/x/users/12" }, undefined],
    [{ path: "/SHOUT/x" }, "i"],
  ]);
});
