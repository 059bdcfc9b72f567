import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Cors, RouteRule } from "@weft/contract";
import { createRule } from "@weft/testkit";
import { send, startProxy } from "./proxy.fixture.ts";

const CORS: Cors = {
  allowOrigins: ["https://app.example"],
  allowMethods: ["GET"],
  allowHeaders: [],
  exposeHeaders: [],
  allowCredentials: true,
  maxAgeSeconds: 60,
};

const RESPONSE_HEADERS: RouteRule["responseHeaders"] = {
  set: [["strict-transport-security", "max-age=1"]],
  add: [],
  remove: [],
};

const rule = (path: string, changes: Partial<RouteRule>): RouteRule =>
  createRule({
    match: { path: { type: "prefix", value: path }, method: "", headers: [], queryParams: [] },
    backends: [],
    responseHeaders: RESPONSE_HEADERS,
    cors: CORS,
    ...changes,
  });

const RULES = [
  rule("/direct", { directResponse: { status: 200, body: "hello", contentType: "text/plain" } }),
  rule("/redirect", { redirect: { scheme: "https", hostname: "b.example", path: null, port: 0, status: 301 } }),
];

describe("what a route answers itself", () => {
  test("gets the route's response changes and CORS, for each origin its own", async () => {
    const { port } = await startProxy([], RULES);
    for (const path of ["/direct", "/redirect"]) {
      for (const origin of ["https://app.example", "https://evil.example", "https://app.example"]) {
        const reply = await send(port, { path, headers: { origin } });
        assert.equal(reply.headers["strict-transport-security"], "max-age=1", path);
        assert.equal(
          reply.headers["access-control-allow-origin"],
          origin === "https://app.example" ? origin : undefined,
          path,
        );
        assert.match(String(reply.headers["vary"]), /origin/i);
      }
    }
  });

  test("redirects to the URL that the rule and the request make", async () => {
    const { port } = await startProxy([], RULES);
    const reply = await send(port, { path: "/redirect/a?b=c", headers: { host: "a.example:8080" } });
    assert.equal(reply.status, 301);
    assert.equal(reply.headers["location"], "https://b.example/redirect/a?b=c");
    assert.equal(reply.headers["content-length"], "0");
  });

  test("has no body for HEAD, and says how long it would be", async () => {
    const { port } = await startProxy([], RULES);
    const reply = await send(port, { path: "/direct", method: "HEAD" });
    assert.equal(reply.headers["content-length"], "5");
    assert.equal(reply.body, "");
  });

  test("answers a preflight with the policy and the route's changes", async () => {
    const { port } = await startProxy([], RULES);
    const headers = { origin: "https://app.example", "access-control-request-method": "GET" };
    const reply = await send(port, { path: "/direct", method: "OPTIONS", headers });
    assert.equal(reply.status, 204);
    assert.equal(reply.headers["access-control-allow-origin"], "https://app.example");
    assert.equal(reply.headers["strict-transport-security"], "max-age=1");
  });
});
