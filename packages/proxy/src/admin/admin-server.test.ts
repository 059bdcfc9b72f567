import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { FakeClock, sleep, systemClock, WeftError } from "@weft/kernel";
import { createCluster, createListener, createRule, createSettings } from "@weft/testkit";
import { countAnswer } from "../metrics/index.ts";
import { createAdminServer } from "./admin-server.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { ADMIN_ACTION_HEADER } from "./guard.ts";
import {
  ADMIN_BODY_BYTES_MAX,
  ADMIN_CONNECTION_ROWS_MAX,
  ADMIN_CONNECTIONS_MAX,
  ADMIN_EXPLAIN_FIELDS_MAX,
  ADMIN_HEAD_BYTES_MAX,
  ADMIN_IDLE_MS_MAX,
  ADMIN_PAGE_ROWS_MAX,
  ADMIN_REQUEST_MS_MAX,
  ADMIN_RESPONSE_MS_MAX,
  ADMIN_SOURCE_MS_MAX,
} from "./limits.ts";
import { type Answer, ask, errorOf, FakeSource, HOSTILE, open, start, RULE } from "./test-source.ts";

test("createAdminServer() listens on loopback unless told otherwise", async (context) => {
  const { server } = await start(context);
  assert.equal(server.address, "127.0.0.1");
  assert.ok(server.port > 0);
  await assert.rejects(createAdminServer(new FakeSource(), { port: server.port }), { code: "ADMIN_LISTEN_FAILED" });
});

test("AdminServer answers every endpoint to GET and HEAD alike", async (context) => {
  const { server } = await start(context);
  for (const { path, get } of ENDPOINTS) {
    if (get === null || path === "/api/events") continue;
    const answer = await ask(server, path);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
    if (path.startsWith("/api/")) JSON.parse(answer.text);
    const head = await ask(server, path, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.text, "");
    assert.equal(head.headers["content-type"], answer.headers["content-type"]);
    // What tells the time since the start may be longer a moment later.
    const isTimed = path === "/" || path === "/api/routes";
    if (!isTimed) assert.equal(head.headers["content-length"], answer.headers["content-length"]);
  }
  assert.equal((await ask(server, "/api/events", { method: "HEAD" })).headers["content-type"], "text/event-stream");
});

test("AdminServer lists its endpoints to whoever is lost", async (context) => {
  const { server } = await start(context);
  for (const path of ["/nothing", "/api", "/metrics/", "/%2e%2e/etc/passwd", "//evil.example/x", "/API/config"]) {
    const answer = await ask(server, path);
    assert.equal(answer.status, 404, path);
    assert.equal(errorOf(answer).code, "ADMIN_NOT_FOUND");
    assert.deepEqual(
      errorOf(answer).endpoints?.map((endpoint) => endpoint.path),
      ENDPOINTS.map((endpoint) => endpoint.path),
    );
  }
});

test("AdminServer refuses other methods and says which there are", async (context) => {
  const { server, source } = await start(context);
  for (const [method, path, allow] of [
    ["GET", "/api/drain", "POST"],
    ["DELETE", "/api/log-level", "GET, HEAD, POST"],
    ["POST", "/metrics", "GET, HEAD"],
    ["OPTIONS", "/api/drain", "POST"],
  ] as const) {
    const answer = await ask(server, path, { method });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.allow, allow);
    assert.equal(errorOf(answer).code, "ADMIN_METHOD_NOT_ALLOWED");
  }
  assert.equal(source.drains, 0);
});

test("AdminServer refuses a Host that is not its own, as after DNS rebinding", async (context) => {
  const { server, source } = await start(context);
  const headers = { host: "evil.example", [ADMIN_ACTION_HEADER]: "1" };
  for (const path of ["/", "/metrics", "/api/config"]) {
    const answer = await ask(server, path, { headers });
    assert.equal(answer.status, 421);
    assert.equal(errorOf(answer).code, "ADMIN_HOST_REFUSED");
  }
  assert.equal((await ask(server, "/api/drain", { method: "POST", headers })).status, 421);
  assert.equal(source.drains, 0);
});

test("AdminServer does what is asked only with the header, and never for another origin's page", async (context) => {
  const { server, source } = await start(context);
  for (const headers of [{}, { [ADMIN_ACTION_HEADER]: "1", origin: "http://evil.example" }]) {
    const answer = await ask(server, "/api/drain", { method: "POST", headers });
    assert.equal(answer.status, 403);
    assert.equal(errorOf(answer).code, "ADMIN_ACTION_REFUSED");
  }
  assert.equal(source.drains, 0);
  const { message } = errorOf(await ask(server, "/api/drain", { method: "POST" }));
  const command = `curl -X POST -H 'x-weft-admin: 1' http://127.0.0.1:${server.port}/api/drain`;
  assert.ok(message.endsWith(`it lacks the header x-weft-admin; type ${command}`), message);
  const done = await ask(server, "/api/drain", { method: "POST", headers: { [ADMIN_ACTION_HEADER]: "1" } });
  assert.equal(done.status, 202);
  assert.equal(source.drains, 1);
});

test("AdminServer with a token asks every action for it", async (context) => {
  const { server, source } = await start(context, { token: "t0ken" });
  const headers = { [ADMIN_ACTION_HEADER]: "1" };
  assert.equal((await ask(server, "/api/drain", { method: "POST", headers })).status, 403);
  const authorization = "Bearer t0ken";
  assert.equal((await ask(server, "/api/drain", { method: "POST", headers: { authorization } })).status, 202);
  assert.equal(source.drains, 1);
  assert.equal((await ask(server, "/api/ready")).status, 200);
});

test("AdminServer beyond loopback shows nothing but the probes without the token", async (context) => {
  for (const token of ["", "t0ken"]) {
    const { server, source } = await start(context, { address: "0.0.0.0", token });
    for (const { path, get, isOpen } of [...ENDPOINTS, { path: "/nothing", get: null, isOpen: undefined }]) {
      if (get === null && path !== "/nothing") continue;
      for (const method of ["GET", "HEAD"]) {
        const answer = await ask(server, path, { method });
        assert.equal(answer.status, isOpen === "always" ? 200 : 401, `${method} ${path}`);
        if (isOpen === "always" || method === "HEAD") continue;
        assert.equal(errorOf(answer).code, "ADMIN_TOKEN_NEEDED");
        assert.match(String(answer.headers["www-authenticate"]), /^Bearer realm="weft", Basic realm="weft"/);
      }
    }
    const settings = createSettings({ admin: { address: "0.0.0.0", port: 0, metricsOpen: true } });
    source.worldInForce = { revision: 1, settings, listeners: [], routeTables: [], clusters: [] };
    assert.equal((await ask(server, "/metrics")).status, 200);
    assert.equal((await ask(server, "/api/config")).status, 401);
  }
});

test("AdminServer beyond loopback shows everything to whoever has the token", async (context) => {
  const { server } = await start(context, { address: "0.0.0.0", token: "t0ken" });
  const browser = `Basic ${Buffer.from("me:t0ken").toString("base64")}`;
  for (const authorization of ["Bearer t0ken", browser]) {
    for (const path of ["/", "/metrics", "/api/config"]) {
      assert.equal((await ask(server, path, { headers: { authorization } })).status, 200, path);
    }
    assert.equal((await ask(server, "/nothing", { headers: { authorization } })).status, 404);
  }
  assert.equal((await ask(server, "/api/drain", { method: "POST", headers: { authorization: browser } })).status, 403);
});

test("GET /api/ready says 503 and why while no traffic should come", async (context) => {
  const { server, source } = await start(context);
  source.isReady = false;
  const answer = await ask(server, "/api/ready");
  assert.equal(answer.status, 503);
  assert.deepEqual(JSON.parse(answer.text), { isReady: false, reasons: ["draining"] });
  assert.equal((await ask(server, "/api/live")).status, 200);
});

test("GET /metrics gives the format that is asked for", async (context) => {
  const { server } = await start(context);
  const open = await ask(server, "/metrics", { headers: { accept: "application/openmetrics-text; version=1.0.0" } });
  assert.equal(open.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
  assert.ok(open.text.endsWith("# EOF\n"));
  const plain = await ask(server, "/metrics");
  assert.equal(plain.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  assert.match(plain.text, /^weft_downstream_connections_active\{listener="edge"\} 3$/m);
});

test("GET /metrics sends a large scrape whole, and takes one snapshot for all who ask at once", async (context) => {
  const { server, source } = await start(context);
  for (let index = 0; index < 1_000; index++)
    countAnswer(source.registry.route(`ns/route-${index}`, RULE), 200, 1, 0, 0);
  const gate = Promise.withResolvers<void>();
  source.stuck = gate.promise;
  const accept = "application/openmetrics-text";
  const answers = Array.from({ length: 8 }, () => ask(server, "/metrics", { headers: { accept } }));
  // An answer to a later request says that the earlier ones have been taken up.
  await ask(server, "/api/live");
  gate.resolve();
  for (const { text } of await Promise.all(answers)) {
    assert.ok(text.includes('route="ns/route-999"'));
    assert.ok(text.endsWith("# EOF\n"));
  }
  assert.ok(source.snapshots < 4, `${source.snapshots} snapshots`);
});

test("GET /metrics to a scraper that does not read is cut off, and holds up nobody", async (context) => {
  const clock = new FakeClock();
  const { server, source } = await start(context, { clock });
  for (let index = 0; index < 5_000; index++) source.registry.route(`ns/route-${index}`, RULE);
  const slow = await open(context, server);
  slow.pause();
  slow.write("GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
  while (source.snapshots === 0) await sleep(systemClock, 1);
  assert.equal((await ask(server, "/api/live")).status, 200);
  const closed = new Promise((resolve) => slow.once("close", resolve));
  await clock.advanceAsync(ADMIN_RESPONSE_MS_MAX);
  slow.resume();
  await closed;
  while (clock.pendingTimers > 0) await sleep(systemClock, 1);
});

test("GET / is a page in which no name becomes markup and nothing foreign may load", async (context) => {
  const { server } = await start(context);
  const { text, headers } = await ask(server, "/");
  assert.match(text, /^<!doctype html>/);
  assert.ok(!text.includes(HOSTILE));
  assert.ok(text.includes("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;"));
  assert.equal(text.split("<script>").length, 2);
  assert.doesNotMatch(text, /(src|href)="(https?:)?\/\//);
  const policy = String(headers["content-security-policy"]);
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'sha256-[A-Za-z0-9+/]+=*';/);
  assert.doesNotMatch(policy, /unsafe/);
});

test("GET / bounds its tables", async (context) => {
  const { server, source } = await start(context);
  for (let index = 0; index < ADMIN_PAGE_ROWS_MAX + 9; index++) source.registry.route(`r${index}`, RULE);
  const { text } = await ask(server, "/");
  assert.equal(text.split("<tr data-route").length - 1, ADMIN_PAGE_ROWS_MAX);
  assert.match(text, /and 10 more: see the API/);
});

test("GET /api/routes shows rules and traffic, GET /api/config the world", async (context) => {
  const { server, source } = await start(context);
  assert.equal((await ask(server, "/api/config")).text, '{\n  "config": null\n}\n');
  source.worldInForce = {
    revision: 12,
    settings: createSettings(),
    listeners: [createListener()],
    routeTables: [{ name: "routes", rules: [createRule()] }],
    clusters: [createCluster([80])],
  };
  const routes = JSON.parse((await ask(server, "/api/routes")).text) as {
    traffic: { route: string; successShare: number; requests: number }[];
    retries: unknown[];
    routeTables: { rules: unknown[] }[];
  };
  assert.equal(routes.traffic[0]?.route, HOSTILE);
  assert.deepEqual([routes.traffic[0]?.successShare, routes.traffic[0]?.requests], [1, 1]);
  assert.deepEqual(routes.retries, []);
  assert.equal(routes.routeTables[0]?.rules.length, 1);
  const { config } = JSON.parse((await ask(server, "/api/config")).text) as { config: { revision: number } };
  assert.equal(config.revision, 12);
});

test("GET /api/reloads says what is wrong in which file, but not with which value", async (context) => {
  const { server, source } = await start(context);
  assert.deepEqual(JSON.parse((await ask(server, "/api/reloads")).text), { reloads: null });
  const problem = {
    file: "/etc/weft/routes.yaml",
    line: 9,
    column: 3,
    kind: "HTTPRoute",
    namespace: "shop",
    name: "cart",
    path: "spec.rules[0]",
    value: '"Bearer s3cr3t"',
    expected: "something else",
    condition: "Accepted",
    reason: "Invalid",
  } as const;
  source.reloadStatus = {
    isCurrent: false,
    applied: 3,
    refused: 2,
    appliedAtMs: 1000,
    refusedAtMs: 2000,
    problems: [problem, { ...problem, line: 12 }, { ...problem, file: "/etc/weft/empty.yaml", name: "", kind: "" }],
  };
  const shown = { resource: "HTTPRoute shop/cart", path: "spec.rules[0]", expected: "something else" };
  assert.deepEqual(JSON.parse((await ask(server, "/api/reloads")).text), {
    reloads: {
      isCurrent: false,
      applied: 3,
      refused: 2,
      appliedAtMs: 1000,
      refusedAtMs: 2000,
      files: [
        {
          file: "/etc/weft/routes.yaml",
          problems: [
            { line: 9, ...shown },
            { line: 12, ...shown },
          ],
        },
        { file: "/etc/weft/empty.yaml", problems: [{ line: 9, ...shown, resource: "" }] },
      ],
    },
  });
});

test("GET /api/connections lists a bounded number", async (context) => {
  const { server, source } = await start(context);
  source.connectionCount = ADMIN_CONNECTION_ROWS_MAX + 1;
  const answer = JSON.parse((await ask(server, "/api/connections")).text) as {
    count: number;
    isTruncated: boolean;
    connections: unknown[];
  };
  assert.equal(answer.count, ADMIN_CONNECTION_ROWS_MAX + 1);
  assert.equal(answer.connections.length, ADMIN_CONNECTION_ROWS_MAX);
  assert.equal(answer.isTruncated, true);
});

test("GET /api/explain hands the described request on", async (context) => {
  const { server, source } = await start(context);
  const query =
    "method=POST&authority=shop.example%3A80&path=%2Fcart%3Fa%3D1&header=X-A:%20b%20&header=x-c:d:e&table=t";
  assert.equal((await ask(server, `/api/explain?${query}`)).status, 200);
  assert.deepEqual(source.explained, {
    method: "POST",
    authority: "shop.example:80",
    path: "/cart?a=1",
    fields: ["x-a", "b", "x-c", "d:e"],
    table: "t",
  });
  await ask(server, "/api/explain");
  assert.deepEqual(source.explained, { method: "GET", authority: "", path: "/", fields: [], table: "" });
});

test("GET /api/explain refuses what no client could send", async (context) => {
  const { server, source } = await start(context);
  const many = Array.from({ length: ADMIN_EXPLAIN_FIELDS_MAX + 1 }, () => "header=a:b").join("&");
  for (const query of [
    "method=GET%0d%0a",
    "method=",
    "path=/a%20b",
    "path=/%0a",
    "authority=a%00",
    "header=novalue",
    "header=:v",
    "header=a%20b:c",
    "header=a:b%0d%0ax:y",
    many,
  ]) {
    const answer = await ask(server, `/api/explain?${query}`);
    assert.equal(answer.status, 400, query);
    assert.equal(errorOf(answer).code, "ADMIN_REQUEST_INVALID");
  }
  assert.equal(source.explained, undefined);
});

test("POST /api/log-level sets a level that there is", async (context) => {
  const { server, source } = await start(context);
  const post = (body: string): Promise<Answer> =>
    ask(server, "/api/log-level", { method: "POST", headers: { [ADMIN_ACTION_HEADER]: "1" }, body });
  assert.equal((await post('{"level":"debug"}')).status, 200);
  assert.equal(source.level, "debug");
  assert.deepEqual(JSON.parse((await ask(server, "/api/log-level")).text), { level: "debug" });
  for (const body of ["", "null", "[]", "{", '{"level":"loud"}', '{"level":1}', '{"level":["info"]}', '"info"']) {
    const answer = await post(body);
    assert.equal(answer.status, 400, body);
    assert.match(errorOf(answer).message, /^\[ADMIN_REQUEST_INVALID\] /);
  }
  const long = await post(`{"level":"info","x":"${"y".repeat(ADMIN_BODY_BYTES_MAX)}"}`);
  assert.equal(long.status, 413);
  assert.equal(source.level, "debug");
});

/** A rejection that nobody need have asked for. */
function rejected(reason: Error): Promise<never> {
  const promise: Promise<never> = Promise.reject(reason);
  promise.catch(() => {});
  return promise;
}

test("AdminServer says 503 when the workers do not answer in time, and when they fail", async (context) => {
  const clock = new FakeClock();
  const { server, source } = await start(context, { clock });
  source.stuck = new Promise(() => {});
  const answer = ask(server, "/metrics");
  while (source.snapshots === 0) await sleep(systemClock, 1);
  await clock.advanceAsync(ADMIN_SOURCE_MS_MAX);
  assert.equal((await answer).status, 503);
  assert.equal(errorOf(await answer).code, "ADMIN_SOURCE_FAILED");
  source.stuck = rejected(new Error("/secret/path"));
  const failed = await ask(server, "/api/ready");
  assert.equal(failed.status, 503);
  assert.ok(!failed.text.includes("secret"));
  source.stuck = rejected(new WeftError("CLUSTER_X", "said plainly"));
  assert.match(errorOf(await ask(server, "/api/ready")).message, /said plainly/);
});

test("AdminServer refuses heads beyond its limit and survives garbage", async (context) => {
  const { server } = await start(context);
  const long = await ask(server, `/api/explain?path=${"x".repeat(ADMIN_HEAD_BYTES_MAX)}`).catch(() => null);
  assert.ok(long === null || long.status === 431);
  for (const garbage of [
    "\0\0\0\0",
    "GET / HTTP/9.9\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET * HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
  ]) {
    const socket = await open(context, server);
    socket.resume();
    socket.end(garbage);
    await new Promise((resolve) => socket.once("close", resolve));
  }
  assert.equal((await ask(server, "/api/live")).status, 200);
});

test("AdminServer closes connections on which no request comes, and keeps none for ever", async (context) => {
  const clock = new FakeClock();
  const { server } = await start(context, { clock });
  const slow = await open(context, server);
  slow.resume().write("GET /api/live HTTP/1.1\r\nhost: 127");
  const idle = await open(context, server);
  let answer = "";
  idle.setEncoding("utf8").on("data", (piece: string) => (answer += piece));
  idle.write("GET /api/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
  while (!answer.includes("isLive") || clock.pendingTimers !== 2) await sleep(systemClock, 1);
  const slowClosed = new Promise((resolve) => slow.once("close", resolve));
  const idleClosed = new Promise((resolve) => idle.once("close", resolve));
  await clock.advanceAsync(ADMIN_REQUEST_MS_MAX);
  await slowClosed;
  assert.equal(idle.closed, false);
  await clock.advanceAsync(ADMIN_IDLE_MS_MAX - ADMIN_REQUEST_MS_MAX);
  await idleClosed;
});

test("AdminServer gives up a body that does not come", async (context) => {
  const clock = new FakeClock();
  const { server, source } = await start(context, { clock });
  const socket = await open(context, server);
  const head = `POST /api/drain HTTP/1.1\r\nhost: 127.0.0.1\r\n${ADMIN_ACTION_HEADER}: 1\r\ncontent-length: 9\r\n\r\nx`;
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume().write(head);
  await ask(server, "/api/live");
  await clock.advanceAsync(ADMIN_RESPONSE_MS_MAX);
  await closed;
  assert.equal(source.drains, 0);
});

test("AdminServer holds a bounded number of connections", async (context) => {
  const { server } = await start(context);
  const sockets: Socket[] = [];
  for (let index = 0; index < ADMIN_CONNECTIONS_MAX; index++) sockets.push(await open(context, server));
  const extra = await open(context, server);
  extra.resume();
  await new Promise((resolve) => extra.once("close", resolve));
  sockets[0]?.destroy();
  let status = 0;
  while (status === 0) status = (await ask(server, "/api/live").catch(() => ({ status: 0 }))).status;
  assert.equal(status, 200);
});
