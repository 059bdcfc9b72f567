import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RouteRule } from "@weft/contract";
import { createCluster, createListener, createRule } from "@weft/testkit";
import { block, connectFrames, END_HEADERS, FRAME, frame, get, request } from "./http2-frames.fixture.ts";
import { startLoggedProxy } from "./logged-proxy.fixture.ts";
import {
  assertBalanced,
  connectRaw,
  findDeadPort,
  metric,
  send,
  sendHttp2,
  startHttp2Client,
  startProxy,
  startTcpServer,
} from "./proxy.fixture.ts";

const DATE = /\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/;

const HEAD = "POST /cart?token=s3cret HTTP/1.1\r\nhost: a.example\r\n";

/** What is sent, and the code, the status and the method, authority and path that the log tells. */
const REFUSED: readonly (readonly [
  input: string,
  code: string,
  status: number,
  method: string,
  authority: string,
  path: string,
])[] = [
  [`${HEAD}content-length: x\r\n\r\n`, "HTTP1_INVALID_CONTENT_LENGTH", 400, "POST", "a.example", "/cart?token=…"],
  [`${HEAD}x-a: ${"s3cret".repeat(2000)}\r\n\r\n`, "HTTP1_HEAD_TOO_LARGE", 431, "POST", "a.example", "/cart?token=…"],
  [
    `${HEAD}transfer-encoding: gzip\r\n\r\n`,
    "HTTP1_UNSUPPORTED_TRANSFER_ENCODING",
    501,
    "POST",
    "a.example",
    "/cart?token=…",
  ],
  [`GET /${"a".repeat(9000)} HTTP/1.1\r\nhost: a\r\n\r\n`, "HTTP1_TARGET_TOO_LONG", 414, "GET", "", ""],
  ["GET / HTTP/3.0\r\nhost: a\r\n\r\n", "HTTP1_UNSUPPORTED_VERSION", 505, "GET", "a", "/"],
  ["s3cret\x16 nonsense\r\n\r\n", "HTTP1_INVALID_REQUEST_LINE", 400, "", "", ""],
];

describe("a request that its codec refuses", () => {
  for (const [input, code, status, method, authority, path] of REFUSED) {
    test(`${code} is answered ${status} as all errors are, logged and counted`, async (t) => {
      const { port, proxy, lines } = await startLoggedProxy(t, { headerBytesMax: 10_000 });
      const client = connectRaw(port);
      client.socket.write(input, "latin1");
      const answer = await client.end();
      assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
      const [head = "", body = ""] = answer.split("\r\n\r\n");
      assert.match(`${head}\r\n`, DATE);
      for (const field of [
        `x-weft-error: ${code}`,
        "content-type: text/plain; charset=utf-8",
        "x-content-type-options: nosniff",
        "connection: close",
        `content-length: ${body.length}`,
      ]) {
        assert.ok(head.includes(`\r\n${field}`), `${field} in ${head}`);
      }
      assert.ok(body.startsWith(`[${code}] Cannot `), body);
      assert.ok(!answer.includes("s3cret"), "nothing of the request comes back");
      client.socket.destroy();
      await assertBalanced(proxy);
      assert.equal(metric(proxy, "weft_downstream_protocol_errors_total", "http", code), 1);
      assert.equal(metric(proxy, "weft_downstream_protocol_errors_total"), 1, "and nothing else");
      const [line, ...others] = await lines();
      assert.deepEqual(others, []);
      assert.deepEqual(
        [line?.["kind"], line?.["error"], line?.["status"], line?.["listener"], line?.["sent_bytes"]],
        ["access", code, status, "http", body.length],
      );
      assert.deepEqual([line?.["method"], line?.["authority"]], [method, authority]);
      assert.match(String(line?.["client"]), /^127\.0\.0\.1:\d+$/);
      assert.equal(String(line?.["path"]).replace(/token=[^&]*/, "token=…"), path);
      assert.ok(!JSON.stringify(line).includes("s3cret"));
    });
  }

  test("for its slowness is logged with the time that it took", async (t) => {
    const { port, proxy, lines } = await startLoggedProxy(t, { headerTimeoutMs: 60 });
    const client = connectRaw(port);
    client.socket.write("GET /slow HTTP/1.1\r\nho");
    assert.match(await client.end(), /^HTTP\/1\.1 408 [^]*x-weft-error: HTTP1_HEAD_TIMEOUT\r\n/);
    assert.equal(metric(proxy, "weft_downstream_protocol_errors_total", "HTTP1_HEAD_TIMEOUT"), 1);
    const [line] = await lines();
    assert.deepEqual([line?.["error"], line?.["status"], line?.["path"]], ["HTTP1_HEAD_TIMEOUT", 408, "/slow"]);
    assert.ok(Number(line?.["duration_ms"]) >= 59, String(line?.["duration_ms"]));
  });

  test("in HTTP/2 is answered on its stream, logged and counted, and the connection goes on", async (t) => {
    const { port, proxy, lines } = await startLoggedProxy(t, { headerBytesMax: 8000, targetBytesMax: 100 });
    const client = startHttp2Client(port);
    const large = await sendHttp2(client, { headers: { "x-a": "a".repeat(9000) } });
    assert.equal(large.status, 431);
    assert.equal(large.headers["x-weft-error"], "HTTP2_HEAD_TOO_LARGE");
    assert.equal(large.headers["content-type"], "text/plain; charset=utf-8");
    assert.match(String(large.headers["date"]), / GMT$/);
    assert.match(large.body, /^\[HTTP2_HEAD_TOO_LARGE\] /);
    const long = await sendHttp2(client, { path: `/${"a".repeat(100)}`, method: "HEAD" });
    assert.deepEqual([long.status, long.headers["x-weft-error"], long.body], [414, "HTTP2_TARGET_TOO_LONG", ""]);
    const posted = await sendHttp2(client, { path: `/${"a".repeat(100)}`, method: "POST", body: "x".repeat(100_000) });
    assert.equal(posted.status, 414);
    assert.equal((await sendHttp2(client, { headers: { x_user: "a" } })).headers["x-weft-error"], UNDERSCORE);
    assert.equal((await sendHttp2(client)).status, 200);
    client.destroy();
    for (const [code, count] of [
      ["HTTP2_HEAD_TOO_LARGE", 1],
      ["HTTP2_TARGET_TOO_LONG", 2],
      [UNDERSCORE, 1],
    ] as const) {
      assert.equal(metric(proxy, "weft_downstream_protocol_errors_total", code), count, code);
    }
    const logged = (await lines()).map((line) => [line["protocol"], line["status"], line["error"]].join(" "));
    assert.deepEqual(logged, [
      "HTTP/2 431 HTTP2_HEAD_TOO_LARGE",
      "HTTP/2 414 HTTP2_TARGET_TOO_LONG",
      "HTTP/2 414 HTTP2_TARGET_TOO_LONG",
      `HTTP/2 400 ${UNDERSCORE}`,
      "HTTP/2 200 ",
    ]);
  });

  test("and is malformed HTTP/2 is reset; a broken connection ends; both are counted by their code", async (t) => {
    const { port, proxy, lines } = await startLoggedProxy(t);
    const client = connectFrames(port);
    client.socket.write(request(1, get(["connection", "close"])));
    await client.wait((each) => each.type === FRAME.reset && each.streamId === 1, "RST_STREAM");
    client.socket.write(frame(FRAME.headers, END_HEADERS, 3, block(get(["content-length", "1"]))));
    client.socket.write(frame(FRAME.data, 0, 3, Buffer.from("too much")));
    await client.wait((each) => each.type === FRAME.reset && each.streamId === 3, "RST_STREAM");
    client.socket.write(frame(FRAME.data, 0, 0, Buffer.from("on stream 0")));
    await client.wait((each) => each.type === FRAME.goaway, "GOAWAY");
    client.socket.destroy();
    await assertBalanced(proxy);
    for (const code of ["HTTP2_MALFORMED_REQUEST", "HTTP2_STREAM_ERROR", "HTTP2_PROTOCOL_ERROR"]) {
      assert.equal(metric(proxy, "weft_downstream_protocol_errors_total", code), 1, code);
    }
    const [first, second] = await lines();
    assert.deepEqual([first?.["error"], first?.["status"]], ["HTTP2_MALFORMED_REQUEST", 0]);
    assert.deepEqual([second?.["error"], second?.["status"]], ["protocol", 0]);
  });
});

const UNDERSCORE = "HTTP2_UNDERSCORE_IN_FIELD_NAME";

describe("Date", () => {
  const direct: RouteRule["directResponse"] = { status: 200, body: "hello", contentType: "text/plain" };

  test("is on every answer of ours", async () => {
    const redirect: RouteRule["redirect"] = { scheme: "https", hostname: "", path: null, port: 0, status: 301 };
    for (const rule of [
      createRule({ backends: [], directResponse: direct }),
      createRule({ backends: [], redirect }),
      createRule({ backends: [] }),
      createRule({ hostnames: ["only.example"] }),
    ]) {
      const { port } = await startProxy([], [rule]);
      const reply = await send(port);
      const age = Date.now() - Date.parse(String(reply.headers.date));
      assert.ok(age >= 0 && age < 3000, `${reply.status}: ${reply.headers.date}`);
      assert.ok((await sendHttp2(startHttp2Client(port))).headers["date"], `${reply.status} in HTTP/2`);
    }
  });

  test("of a host is passed on, and added where the host sends none, in both protocols", async () => {
    for (const [fields, expected] of [
      ["Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", /^Thu, 01 Jan 1970/],
      ["", new RegExp(String(new Date().getUTCFullYear()))],
    ] as const) {
      const { port: host } = await startTcpServer((socket) => {
        socket.on("data", () => socket.write(`HTTP/1.1 200 OK\r\n${fields}content-length: 2\r\n\r\nok`));
      });
      const { port } = await startProxy([createCluster([host])]);
      for (let count = 0; count < 4; count++) assert.match(String((await send(port)).headers.date), expected);
      const client = startHttp2Client(port);
      for (let count = 0; count < 4; count++) assert.match(String((await sendHttp2(client)).headers.date), expected);
    }
  });
});

describe("CORS", () => {
  const origin = "https://app.example";
  const cors: RouteRule["cors"] = {
    allowOrigins: [origin],
    allowMethods: ["GET"],
    allowHeaders: [],
    exposeHeaders: ["x-weft-error"],
    allowCredentials: false,
    maxAgeSeconds: 60,
  };

  test("lets pages read the errors of a route that has it, and of no other", async () => {
    const fault = { delayShare: 0, delayMs: 0, abortShare: 1, abortStatus: 429, abortGrpcStatus: 0 };
    const dead = createCluster([await findDeadPort()]);
    for (const [rule, status] of [
      [createRule({ cors }), 503],
      [createRule({ cors, fault }), 429],
    ] as const) {
      const { port } = await startProxy([dead], [rule]);
      for (const headers of [{ origin }, { origin: "https://evil.example" }, { origin }]) {
        const reply = await send(port, { headers });
        assert.equal(reply.status, status);
        const isOwn = headers.origin === origin;
        assert.equal(reply.headers["access-control-allow-origin"], isOwn ? origin : undefined);
        assert.equal(reply.headers["access-control-expose-headers"], isOwn ? "x-weft-error" : undefined);
        assert.match(String(reply.headers.vary), /origin/i);
      }
    }
    const { port } = await startProxy([dead], [createRule()]);
    assert.equal((await send(port, { headers: { origin } })).headers["access-control-allow-origin"], undefined);
  });

  test("holds for a body that is too large, and for one that its codec refuses in the middle", async () => {
    const { port: host } = await startTcpServer((socket) => socket.resume());
    const listener = createListener({ bodyBytesMax: 10 });
    const { port, proxy } = await startProxy([createCluster([host])], [createRule({ cors })], listener);
    for (const [framing, error] of [
      ["content-length: 20\r\n\r\n", "PROXY_BODY_TOO_LARGE"],
      [`transfer-encoding: chunked\r\n\r\n14\r\n${"x".repeat(20)}\r\n`, "PROXY_BODY_TOO_LARGE"],
      ["transfer-encoding: chunked\r\n\r\n5\r\nabcde5\r\n", "HTTP1_INVALID_CHUNK"],
    ] as const) {
      const client = connectRaw(port);
      client.socket.write(`POST / HTTP/1.1\r\nhost: a\r\norigin: ${origin}\r\n${framing}`);
      const answer = await client.read(/\r\n\r\n\[/);
      assert.match(answer, /^HTTP\/1\.1 4[^]*access-control-allow-origin: https:\/\/app\.example\r\n/, error);
      assert.match(answer, new RegExp(`\r\nx-weft-error: ${error}\r\n`));
      client.socket.destroy();
    }
    await assertBalanced(proxy);
    assert.equal(metric(proxy, "weft_downstream_protocol_errors_total", "PROXY_BODY_TOO_LARGE"), 2);
    assert.equal(metric(proxy, "weft_downstream_protocol_errors_total", "HTTP1_INVALID_CHUNK"), 1);
  });
});
