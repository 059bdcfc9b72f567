import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cors, NamedMatch, Redirect, Retry, RouteRule } from "@weft/contract";
import { isWeftError } from "@weft/kernel";
import * as limits from "./limits.ts";
import { backendFixture, ruleFixture } from "./route-rule.fixture.ts";
import { compileRouteTable } from "./table.ts";

const match = ruleFixture().match;
const condition: NamedMatch = { type: "exact", name: "x", value: "1" };
const redirect: Redirect = { scheme: "", hostname: "", path: null, port: 0, status: 302 };
const direct = { status: 200, body: "", contentType: "text/plain" };
const cors: Cors = {
  allowOrigins: [],
  allowMethods: [],
  allowHeaders: [],
  exposeHeaders: [],
  allowCredentials: false,
  maxAgeSeconds: 1,
};
const retry: Retry = {
  retriesMax: 1,
  on: [],
  statuses: [],
  grpcStatuses: [],
  backoffBaseMs: 1,
  backoffMaxMs: 2,
  perTryTimeoutMs: 0,
  retriesNonIdempotent: false,
};
const fault = { delayShare: 0, delayMs: 0, abortShare: 0, abortStatus: 0, abortGrpcStatus: 0 };

function many<T>(count: number, entry: T): T[] {
  return Array.from({ length: count }, () => entry);
}

function path(type: "exact" | "prefix" | "regex", value: string): Partial<RouteRule> {
  return { match: { ...match, path: { type, value } } };
}

function setting(name: string, value: string): Partial<RouteRule> {
  return { requestHeaders: { set: [[name, value]], add: [], remove: [] } };
}

/** Field that is refused, then rules that are refused for it. */
const REFUSED: Readonly<Record<string, readonly Partial<RouteRule>[]>> = {
  hostnames: [
    { hostnames: [] },
    { hostnames: many(limits.RULE_HOSTNAMES_MAX + 1, "a") },
    ...[
      "",
      "A.example",
      "a..b",
      "-a.b",
      "a.b.",
      "*.",
      "a.*.b",
      "*a.b",
      "a b",
      "a:80",
      "[::g]",
      "[1:2]",
      "a/b",
      "x".repeat(254),
    ].map((hostname) => ({ hostnames: [hostname] })),
  ],
  ruleName: [{ ruleName: "x".repeat(limits.RULE_TEXT_BYTES_MAX + 1) }, { ruleName: "a\nb" }],
  "match.path.value": [
    path("exact", ""),
    path("exact", "a"),
    path("prefix", "*"),
    path("prefix", "/a?b"),
    path("exact", "/a#b"),
    path("exact", "/%zz"),
    path("exact", "/%00"),
    path("exact", "/a b"),
    path("prefix", `/${"a".repeat(limits.RULE_TEXT_BYTES_MAX)}`),
    path("regex", ""),
    path("regex", "/a("),
    path("regex", "/(?=a)"),
    path("regex", "/\\1"),
    path("regex", "/é"),
    path("regex", "a".repeat(limits.REGEX_PATTERN_LENGTH_MAX + 1)),
    path("regex", "((a{0,100}){0,100}){0,100}"),
  ],
  "match.method": [{ match: { ...match, method: "G T" } }],
  "match.headers": [{ match: { ...match, headers: many(limits.MATCH_CONDITIONS_MAX + 1, condition) } }],
  "match.headers.name": ["", "X", ":path", "a b"].map((name) => ({
    match: { ...match, headers: [{ ...condition, name }] },
  })),
  "match.headers.value": [
    { match: { ...match, headers: [{ ...condition, value: "a\r\nb" }] } },
    { match: { ...match, headers: [{ ...condition, type: "present", value: "a" }] } },
    { match: { ...match, headers: [{ ...condition, type: "regex", value: "[" }] } },
  ],
  "match.queryParams": [{ match: { ...match, queryParams: many(limits.MATCH_CONDITIONS_MAX + 1, condition) } }],
  "match.queryParams.name": [{ match: { ...match, queryParams: [{ ...condition, name: "" }] } }],
  createdMs: [{ createdMs: Number.NaN }, { createdMs: -1 }],
  backends: [
    { backends: many(limits.RULE_BACKENDS_MAX + 1, backendFixture("a")) },
    { redirect, backends: [backendFixture("a")] },
    { directResponse: direct, backends: [backendFixture("a")] },
  ],
  "backends.cluster": [{ backends: [backendFixture("")] }],
  "backends.weight": [-1, 0.5, Number.NaN, limits.BACKEND_WEIGHT_MAX + 1].map((weight) => ({
    backends: [backendFixture("a", { weight })],
  })),
  directResponse: [{ redirect, directResponse: direct }],
  rewrite: [{ redirect, rewrite: { hostname: "a", path: null } }],
  "rewrite.hostname": ["*.a", "A", "a b", "a/b"].map((hostname) => ({ rewrite: { hostname, path: null } })),
  "rewrite.path.type": [{ ...path("exact", "/a"), rewrite: { hostname: "", path: { type: "prefix", value: "/b" } } }],
  "rewrite.path.value": ["b", "/b?c", "/%zz", "/b\r\n"].map((value) => ({
    rewrite: { hostname: "", path: { type: "full", value } },
  })),
  "redirect.scheme": [{ redirect: { ...redirect, scheme: "ftp" } }],
  "redirect.hostname": [{ redirect: { ...redirect, hostname: "*" } }],
  "redirect.port": [{ redirect: { ...redirect, port: 65_536 } }],
  "redirect.path.type": [{ ...path("regex", "/a"), redirect: { ...redirect, path: { type: "prefix", value: "/b" } } }],
  "directResponse.status": [{ directResponse: { ...direct, status: 100 } }],
  "directResponse.contentType": [{ directResponse: { ...direct, contentType: "a\r\nb: c" } }],
  "directResponse.body": [
    { directResponse: { ...direct, body: "x".repeat(limits.DIRECT_RESPONSE_BYTES_MAX + 1) } },
    { directResponse: { ...direct, status: 204, body: "x" } },
  ],
  "requestHeaders.name": [
    "X",
    "",
    "a b",
    ":path",
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
  ].map((name) => setting(name, "1")),
  "requestHeaders.value": ["a\r\nb", "a\nb", "a\0b", " a", "a\t", "x".repeat(limits.RULE_TEXT_BYTES_MAX + 1)].map(
    (value) => setting("a", value),
  ),
  "requestHeaders.remove": [{ requestHeaders: { set: [], add: [], remove: ["host"] } }],
  requestHeaders: [{ requestHeaders: { set: [], add: [], remove: many(limits.HEADER_CHANGE_FIELDS_MAX + 1, "a") } }],
  "backends.responseHeaders.name": [
    { backends: [backendFixture("a", { responseHeaders: { set: [], add: [["A", ""]], remove: [] } })] },
  ],
  mirrors: [{ mirrors: many(limits.RULE_BACKENDS_MAX + 1, { cluster: "a", share: 1 }) }],
  "mirrors.cluster": [{ mirrors: [{ cluster: "", share: 1 }] }],
  "mirrors.share": [{ mirrors: [{ cluster: "a", share: 1.1 }] }],
  "cors.allowOrigins": [
    ...["app.example", "https://a/b", "https://a b", "https://", "null", "http://*.*.*.*.*", "https://a:x"].map(
      (origin) => ({
        cors: { ...cors, allowOrigins: [origin] },
      }),
    ),
    { cors: { ...cors, allowOrigins: many(limits.CORS_ENTRIES_MAX + 1, "*") } },
  ],
  "cors.allowMethods": [{ cors: { ...cors, allowMethods: ["GET,PUT"] } }],
  "cors.allowHeaders": [{ cors: { ...cors, allowHeaders: ["a\r\nb"] } }],
  "cors.exposeHeaders": [{ cors: { ...cors, exposeHeaders: [""] } }],
  "cors.maxAgeSeconds": [{ cors: { ...cors, maxAgeSeconds: -1 } }],
  "retry.retriesMax": [{ retry: { ...retry, retriesMax: limits.RETRIES_MAX + 1 } }],
  "retry.statuses": [{ retry: { ...retry, statuses: [600] } }],
  "retry.grpcStatuses": [{ retry: { ...retry, grpcStatuses: [17] } }],
  "retry.backoffMaxMs": [{ retry: { ...retry, backoffBaseMs: 10, backoffMaxMs: 5 } }],
  "retry.perTryTimeoutMs": [{ retry: { ...retry, perTryTimeoutMs: limits.RULE_TIME_MS_MAX + 1 } }],
  "fault.delayShare": [{ fault: { ...fault, delayShare: 2 } }],
  "fault.delayMs": [{ fault: { ...fault, delayMs: limits.RULE_TIME_MS_MAX + 1 } }],
  "fault.abortStatus": [{ fault: { ...fault, abortShare: 0.5 } }],
  "colour.header": [{ colour: { header: "Host", value: "1" } }],
  "colour.value": [{ colour: { header: "x-load", value: "a\nb" } }],
  timeoutMs: [{ timeoutMs: -1 }, { timeoutMs: limits.RULE_TIME_MS_MAX + 1 }],
  hashOn: [{ hashOn: many(limits.HASH_KEYS_MAX + 1, { type: "source-ip", name: "" }) }],
  "hashOn.name": [
    { hashOn: [{ type: "header", name: "X" }] },
    { hashOn: [{ type: "cookie", name: "a=b" }] },
    { hashOn: [{ type: "query", name: "" }] },
    { hashOn: [{ type: "source-ip", name: "a" }] },
  ],
};

test("compileRouteTable() refuses each value that cannot be meant, naming route, rule and field", () => {
  for (const [field, rules] of Object.entries(REFUSED)) {
    for (const overrides of rules) {
      const rule = ruleFixture({ route: "ns/shop", rule: 3, matchIndex: 1, ...overrides });
      assert.throws(
        () => compileRouteTable({ name: "main", rules: [ruleFixture(), rule] }),
        (error) => {
          assert.ok(isWeftError(error, "ROUTER_INVALID_TABLE"), String(error));
          assert.equal(error.details["field"], field, error.message);
          assert.equal(error.details["route"], "ns/shop");
          assert.match(
            error.message,
            /^\[ROUTER_INVALID_TABLE\] Cannot compile route table "main": ns\/shop rules\[3\] matches\[1\]: /,
          );
          assert.match(error.message, / is .*, expected /s);
          assert.ok(error.message.length < 900);
          return true;
        },
        field,
      );
    }
  }
});

test("compileRouteTable() refuses a table with too many rules", () => {
  const rules = many(limits.TABLE_RULES_MAX + 1, ruleFixture());
  assert.throws(
    () => compileRouteTable({ name: "main", rules }),
    /\[ROUTER_INVALID_TABLE\] .*: rules is 100001, expected at most 100000 rules/,
  );
});

test("compileRouteTable() refuses more regular expressions on one host than it could try", () => {
  const rule = (index: number, hostname: string): RouteRule =>
    ruleFixture({ hostnames: [hostname], ...path("regex", `/${index}/.`), rule: index });
  const most = Array.from({ length: limits.HOST_REGEXES_MAX }, (_, index) => rule(index, "a.example"));
  compileRouteTable({ name: "main", rules: [...most, rule(0, "b.example")] });
  assert.throws(
    () => compileRouteTable({ name: "main", rules: [...most, rule(1000, "a.example")] }),
    /rules\[1000\] matches\[0\]: match\.path\.type is "regex", expected at most 1000 regular expressions on host "a\.example"/,
  );
});

test("compileRouteTable() refuses a route without a printable name", () => {
  for (const route of ["", "a\nb"]) {
    assert.throws(() => compileRouteTable({ name: "main", rules: [ruleFixture({ route })] }), /: route is /);
  }
});

test("compileRouteTable() accepts what is unusual but right", () => {
  const accepted: readonly Partial<RouteRule>[] = [
    { hostnames: ["*", "*.example.com", "a_b.example", "10.0.0.1", "[fe80::1]", "localhost"] },
    path("exact", "*"),
    path("exact", "/a//b/../c"),
    { rewrite: { hostname: "new.example:8443", path: { type: "prefix", value: "" } } },
    { redirect },
    { directResponse: { ...direct, status: 204 } },
    {
      cors: {
        ...cors,
        allowOrigins: ["*", "https://*.a.example:8443", "app://host", "http://[::1]:80"],
        allowMethods: ["*"],
      },
    },
    { retry: { ...retry, on: ["5xx", "reset"], statuses: [409], grpcStatuses: [14] } },
    setting("x-empty", ""),
    setting("x-unicode", "grüße"),
  ];
  for (const overrides of accepted) compileRouteTable({ name: "main", rules: [ruleFixture(overrides)] });
});
