// Redirects, rewrites, weights, retries and hash keys: Gateway API's conformance cases where it has them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HashKey, PathMatch, PathRewrite, Redirect } from "@weft/contract";
import { createRandom, hashString } from "@weft/kernel";
import { requestHash } from "./hash-key.ts";
import { redirectLocation } from "./redirect.ts";
import { CompiledRetry } from "./retry.ts";
import { backendFixture, headFixture, ruleFixture, tableFixture } from "./route-rule.fixture.ts";

const prefix = (value: string): PathMatch => ({ type: "prefix", value });

function forwarded(path: string, match: PathMatch | null, rewrite: PathRewrite | null, hostname = ""): string {
  const table = tableFixture(
    ruleFixture({
      match: { path: match, method: "", headers: [], queryParams: [] },
      rewrite: { hostname, path: rewrite },
    }),
  );
  const head = table.match(headFixture("old.example:80", path))?.forwardedHead(null);
  return `${head?.authority} ${head?.path}`;
}

test("rewrite: the table of ReplacePrefixMatch in Gateway API", () => {
  const rows: readonly (readonly [string, string, string, string])[] = [
    ["/foo/bar", "/foo", "/xyz", "/xyz/bar"],
    ["/foo/bar", "/foo", "/xyz/", "/xyz/bar"],
    ["/foo/bar", "/foo/", "/xyz", "/xyz/bar"],
    ["/foo/bar", "/foo/", "/xyz/", "/xyz/bar"],
    ["/foo", "/foo", "/xyz", "/xyz"],
    ["/foo/", "/foo", "/xyz", "/xyz/"],
    ["/foo/bar", "/foo", "", "/bar"],
    ["/foo/", "/foo", "", "/"],
    ["/foo", "/foo", "", "/"],
    ["/foo/", "/foo", "/", "/"],
    ["/foo", "/foo", "/", "/"],
    ["/foo/bar?q=/foo", "/foo", "/xyz", "/xyz/bar?q=/foo"],
    ["/x/../foo/b", "/foo", "/xyz", "/xyz/b"],
    ["/any", "/", "/xyz", "/xyz/any"],
    ["/", "/", "/xyz", "/xyz/"],
    ["/foo/b", "/foo", "/é", "/%C3%A9/b"],
  ];
  for (const [path, match, value, expected] of rows) {
    assert.equal(forwarded(path, prefix(match), { type: "prefix", value }), `old.example:80 ${expected}`, path + value);
  }
});

test("rewrite: HTTPRouteRewritePath and HTTPRouteRewriteHost", () => {
  assert.equal(forwarded("/full/one?x=y", prefix("/full"), { type: "full", value: "/one" }), "old.example:80 /one?x=y");
  assert.equal(forwarded("/full/", prefix("/full"), { type: "full", value: "" }), "old.example:80 /");
  assert.equal(forwarded("/a", null, null, "new.example"), "new.example /a");
  assert.equal(forwarded("*", null, { type: "prefix", value: "/x" }), "old.example:80 *");
});

interface Sent {
  readonly host?: string;
  readonly path?: string;
  readonly scheme?: string;
  readonly port?: number;
}

function location(
  redirect: Partial<Redirect>,
  { host = "a.example:8080", path = "/p/q?x=1", scheme = "http", port = 80 }: Sent = {},
): string {
  const full: Redirect = { scheme: "", hostname: "", path: null, port: 0, status: 302, ...redirect };
  const table = tableFixture(
    ruleFixture({ match: { path: prefix("/p"), method: "", headers: [], queryParams: [] }, redirect: full }),
  );
  const decision = table.match(headFixture(host, path));
  assert.ok(decision !== undefined);
  return redirectLocation(decision, scheme, port);
}

test("redirectLocation() HTTPRouteRedirectHostAndStatus, Scheme and Port", () => {
  assert.equal(location({ hostname: "b.example" }), "http://b.example/p/q?x=1");
  assert.equal(location({}), "http://a.example/p/q?x=1");
  assert.equal(location({}, { port: 8080 }), "http://a.example:8080/p/q?x=1");
  assert.equal(location({}, { scheme: "https", port: 443 }), "https://a.example/p/q?x=1");
  assert.equal(location({}, { scheme: "https", port: 8443 }), "https://a.example:8443/p/q?x=1");
  assert.equal(location({ scheme: "https" }, { port: 8080 }), "https://a.example/p/q?x=1");
  assert.equal(location({ scheme: "http" }, { scheme: "https", port: 8443 }), "http://a.example/p/q?x=1");
  assert.equal(location({ scheme: "https", port: 443 }), "https://a.example/p/q?x=1");
  assert.equal(location({ scheme: "https", port: 8443 }), "https://a.example:8443/p/q?x=1");
  assert.equal(location({ scheme: "http", port: 443 }), "http://a.example:443/p/q?x=1");
  assert.equal(location({ port: 8083 }), "http://a.example:8083/p/q?x=1");
  assert.equal(location({ port: 80 }, { port: 8080 }), "http://a.example/p/q?x=1");
  assert.equal(location({}, { host: "[::1]:8080", port: 8080 }), "http://[::1]:8080/p/q?x=1");
  assert.equal(location({}, { host: "" }), "/p/q?x=1");
  assert.equal(location({}, { port: 0 }), "http://a.example/p/q?x=1");
});

test("redirectLocation() HTTPRouteRedirectPath, and paths that would lead to another host", () => {
  assert.equal(location({ path: { type: "prefix", value: "/new" } }), "http://a.example/new/q?x=1");
  assert.equal(location({ path: { type: "full", value: "/new" } }), "http://a.example/new?x=1");
  assert.equal(location({ path: { type: "prefix", value: "" } }, { path: "/p" }), "http://a.example/");
  assert.equal(
    location({ path: { type: "prefix", value: "/" } }, { host: "", path: "/p//evil.example" }),
    "/evil.example",
  );
});

test("CompiledRule.pickBackend() HTTPRouteWeight: by weight, nothing at weight 0", () => {
  const weights = [7, 3, 0];
  const table = tableFixture(
    ruleFixture({ backends: weights.map((weight, index) => backendFixture(`c${index}`, { weight })) }),
  );
  const rule = table.rules[0];
  const random = createRandom(1);
  const counts = [0, 0, 0];
  for (let draw = 0; draw < 10_000; draw++) {
    const index = rule?.pickBackend(random)?.index ?? -1;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  assert.equal(counts[2], 0);
  assert.ok(Math.abs((counts[0] ?? 0) - 7000) < 200, String(counts));
});

test("CompiledRule.pickBackend() finds none without backends or with weights of 0 only", () => {
  const random = createRandom(1);
  assert.equal(tableFixture(ruleFixture()).rules[0]?.pickBackend(random), undefined);
  const zero = ruleFixture({ backends: [backendFixture("a", { weight: 0 }), backendFixture("b", { weight: 0 })] });
  assert.equal(tableFixture(zero).rules[0]?.pickBackend(random), undefined);
  const single = ruleFixture({ backends: [backendFixture("a", { weight: 0 })] });
  assert.equal(tableFixture(single).rules[0]?.pickBackend(random), undefined);
  const last = ruleFixture({ backends: [backendFixture("a", { weight: 0 }), backendFixture("b", { weight: 1 })] });
  assert.equal(tableFixture(last).rules[0]?.pickBackend(random)?.cluster, "b");
});

test("CompiledRetry answers by condition, status and method", () => {
  const base = {
    retriesMax: 2,
    statuses: [404, 429],
    grpcStatuses: [14],
    backoffBaseMs: 1,
    backoffMaxMs: 2,
    perTryTimeoutMs: 3,
    retriesNonIdempotent: false,
  };
  const statuses = (retry: CompiledRetry): number[] =>
    [200, 404, 429, 500, 502, 503, 504, 505, 599].filter((status) => retry.hasStatus(status));
  assert.deepEqual(statuses(new CompiledRetry({ ...base, on: ["gateway-error"] })), [502, 503, 504]);
  assert.deepEqual(statuses(new CompiledRetry({ ...base, on: ["5xx"] })), [500, 502, 503, 504, 505, 599]);
  assert.deepEqual(statuses(new CompiledRetry({ ...base, on: ["status"] })), [404, 429]);
  const retry = new CompiledRetry({ ...base, on: ["reset", "grpc-status"] });
  assert.deepEqual(statuses(retry), []);
  assert.ok(retry.has("reset") && !retry.has("timeout") && retry.hasGrpcStatus(14) && !retry.hasGrpcStatus(13));
  assert.ok(retry.allowsMethod("PUT") && !retry.allowsMethod("POST") && !retry.allowsMethod("PATCH"));
  assert.ok(new CompiledRetry({ ...base, on: [], retriesNonIdempotent: true }).allowsMethod("POST"));
});

test("requestHash() takes the first key that the request has, and chance without one", () => {
  const keys: HashKey[] = [
    { type: "header", name: "x-user" },
    { type: "cookie", name: "session" },
    { type: "query", name: "id" },
    { type: "source-ip", name: "" },
  ];
  const random = createRandom(1);
  const hash = (hashOn: readonly HashKey[], path: string, fields: readonly string[], ip = "1.2.3.4"): number => {
    const rule = tableFixture(ruleFixture({ hashOn })).rules[0];
    assert.ok(rule !== undefined);
    return requestHash(rule, headFixture("h", path, fields), ip, random);
  };
  const cookie = ["cookie", "xsession=0; session=s1; b=2"];
  assert.equal(hash(keys, "/?id=7", [...cookie, "x-user", "u"]), hashString("u"));
  assert.equal(hash(keys, "/?id=7", cookie), hashString("s1"));
  assert.equal(hash(keys, "/?id=7", ["cookie", "sessions=1; session"]), hashString("7"));
  assert.equal(hash(keys, "/?id=7", ["cookie", "a=1", "cookie", "session=s2"]), hashString("s2"));
  assert.equal(hash(keys, "/", []), hashString("1.2.3.4"));
  assert.notEqual(hash([], "/", []), hash([], "/", []));
  assert.notEqual(hash(keys, "/", [], ""), hash(keys, "/", [], ""));
});
