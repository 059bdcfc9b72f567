// The index against a reference that looks at every rule, written without any of the router's parts.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NamedMatch, PathMatch, RequestHead, RouteRule } from "@weft/contract";
import fc from "fast-check";
import { headFixture, ruleFixture } from "./route-rule.fixture.ts";
import { compileRouteTable } from "./table.ts";

/** [exact host, length of the wildcard] of the rule's best host name, or undefined. */
function hostRank(rule: RouteRule, host: string): number | undefined {
  const ranks = rule.hostnames
    .filter(
      (name) =>
        name === "*" ||
        name === host ||
        (name.startsWith("*.") && host.endsWith(name.slice(1)) && host.length >= name.length),
    )
    .map((name) => (name === host ? 1000 : name.length));
  return ranks.length === 0 ? undefined : Math.max(...ranks);
}

function trimmed(path: string): string {
  return path.replace(/\/$/, "");
}

function pathRank(match: PathMatch | null, pathname: string): number | undefined {
  if (match === null) return 0;
  if (match.type === "exact") return match.value === pathname ? 1e6 : undefined;
  if (match.type === "regex")
    return new RegExp(`^(?:${match.value})$`).test(pathname) ? 1000 + match.value.length : undefined;
  const prefix = trimmed(match.value);
  return pathname === prefix || pathname.startsWith(`${prefix}/`) ? prefix.length : undefined;
}

function fulfils(condition: NamedMatch, value: string | undefined): boolean {
  if (value === undefined) return false;
  if (condition.type === "exact") return value === condition.value;
  if (condition.type === "prefix") return value.startsWith(condition.value);
  return condition.type === "present" || new RegExp(`^(?:${condition.value})$`).test(value);
}

function best(rules: readonly RouteRule[], head: RequestHead): RouteRule | undefined {
  const [pathname = "", query = ""] = head.path.split("?");
  const ranked = rules.flatMap((rule) => {
    const host = hostRank(rule, head.authority);
    const path = pathRank(rule.match.path, pathname);
    const { method, headers, queryParams } = rule.match;
    if (host === undefined || path === undefined || (method !== "" && method !== head.method)) return [];
    const header = (name: string): string | undefined => {
      const values = head.fields.filter((_, index) => index % 2 === 1 && head.fields[index - 1] === name);
      return values.length === 0 ? undefined : values.join(",");
    };
    if (!headers.every((condition) => fulfils(condition, header(condition.name)))) return [];
    const parameters = new URLSearchParams(query);
    if (!queryParams.every((condition) => fulfils(condition, parameters.get(condition.name) ?? undefined))) return [];
    const key = [-host, -path, method === "" ? 1 : 0, -headers.length, -queryParams.length, rule.createdMs];
    return [{ rule, key: [...key, rule.route, rule.rule, rule.matchIndex] }];
  });
  ranked.sort((a, b) => {
    for (const [index, left] of a.key.entries()) {
      const right = b.key[index] ?? "";
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
  });
  return ranked[0]?.rule;
}

const segment = fc.constantFrom("a", "b", "ab");
const path = fc.array(segment, { maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
const slashed = fc.tuple(path, fc.boolean()).map(([text, hasSlash]) => (hasSlash && text !== "/" ? `${text}/` : text));
const pathMatch: fc.Arbitrary<PathMatch | null> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 4, arbitrary: slashed.map((value): PathMatch => ({ type: "prefix", value })) },
  { weight: 4, arbitrary: slashed.map((value): PathMatch => ({ type: "exact", value })) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(path, fc.constantFrom("", "/.*", "/[ab]+", "b?", "*", "/a|/b", ".?/c", "\\/a"))
      .map(([start, rest]): PathMatch => ({ type: "regex", value: start + rest })),
  },
);
const text = fc.constantFrom("1", "2", "12");
const condition = (name: string): fc.Arbitrary<NamedMatch> =>
  fc.oneof(
    text.map((value): NamedMatch => ({ type: "exact", name, value })),
    text.map((value): NamedMatch => ({ type: "prefix", name, value })),
    fc.constant<NamedMatch>({ type: "regex", name, value: "1.?" }),
    fc.constant<NamedMatch>({ type: "present", name, value: "" }),
  );
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
const conditions = fc
  .tuple(maybe(condition("x")), maybe(condition("y")))
  .map((list) => list.filter((entry) => entry !== null));
const hostname = fc.constantFrom(
  "*",
  "*.example.com",
  "*.b.example.com",
  "a.example.com",
  "a.b.example.com",
  "example.com",
);
const rule = fc
  .record({
    route: fc.constantFrom("ns/a", "ns/b", "other/a"),
    hostnames: fc.uniqueArray(hostname, { minLength: 1, maxLength: 3 }),
    path: pathMatch,
    method: fc.constantFrom("", "", "GET", "PUT"),
    headers: conditions,
    queryParams: conditions,
    createdMs: fc.integer({ min: 0, max: 1 }),
  })
  .map(({ path: matchPath, method, headers, queryParams, ...rest }) =>
    ruleFixture({ ...rest, match: { path: matchPath, method, headers, queryParams } }),
  );
/** Half of the tables have many rules for one path, which the router finds by a header. */
const tableRules = fc.oneof(
  fc.array(rule, { minLength: 5, maxLength: 40, size: "max" }),
  fc.array(
    rule.map((entry) => ({ ...entry, hostnames: ["*"], match: { ...entry.match, path: null } })),
    { minLength: 20, maxLength: 80, size: "max" },
  ),
);
const pairs = fc.array(fc.tuple(fc.constantFrom("x", "y"), text), { maxLength: 3 });
const request = fc
  .record({
    host: fc.constantFrom(
      "example.com",
      "a.example.com",
      "a.b.example.com",
      "z.b.example.com",
      "q.r.example.com",
      "other",
    ),
    path: slashed,
    method: fc.constantFrom("GET", "PUT"),
    fields: pairs,
    query: pairs,
  })
  .map(({ host, path: sentPath, method, fields, query }) =>
    headFixture(
      host,
      sentPath + (query.length === 0 ? "" : `?${new URLSearchParams(query).toString()}`),
      fields.flat(),
      method,
    ),
  );

test("RouteTable.match() picks the rule that a look at every rule picks", () => {
  let found = 0;
  fc.assert(
    fc.property(tableRules, fc.array(request, { minLength: 5, maxLength: 20, size: "max" }), (drawn, requests) => {
      const rules = drawn.map((entry, index) => ({ ...entry, rule: index }));
      const table = compileRouteTable({ name: "t", rules });
      for (const head of requests) {
        const expected = best(rules, head);
        assert.equal(table.match(head)?.rule.config, expected);
        if (expected !== undefined) found++;
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(found > 1500, "the tables and requests that were drawn hardly ever met");
});
