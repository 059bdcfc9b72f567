import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import type { ListenerConfig, RouteRule } from "@weft/contract";
import { createCluster, createListener, createRule } from "@weft/testkit";
import {
  assertBalanced,
  connectRaw,
  echo,
  type ProxyFixture,
  send,
  sendHttp2,
  startHttp2Client,
  startHttpServer,
  startProxy,
  startTcpServer,
} from "./proxy.fixture.ts";

/** An edge proxy before a host that notes every byte it gets and answers each head. */
async function startGuarded(
  listener: Partial<ListenerConfig> = {},
  rules?: readonly RouteRule[],
): Promise<ProxyFixture & { seen: () => string }> {
  const chunks: Buffer[] = [];
  const { port: host } = await startTcpServer((socket) => {
    socket.on("data", (bytes: Buffer) => {
      chunks.push(bytes);
      if (bytes.includes("CONNECT ")) socket.write("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
      else if (bytes.includes("\r\n\r\n")) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
  });
  const fixture = await startProxy([createCluster([host])], rules, createListener({ isEdge: true, ...listener }));
  return { ...fixture, seen: () => Buffer.concat(chunks).toString("latin1") };
}

const HEAD = "POST / HTTP/1.1\r\nhost: a.example\r\n";
const MANY = Array.from({ length: 101 }, (_, index) => `x-${index}: 1\r\n`).join("");

/** What a client sends, and the status that it gets, before anything of it has reached the host. */
const REFUSED_HEADS: readonly (readonly [what: string, request: string, status: RegExp])[] = [
  ["1 both lengths", `${HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, /^400/],
  ["2 two lengths", `${HEAD}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`, /^400/],
  ["2 a list of lengths", `${HEAD}content-length: 5, 5\r\n\r\nhello`, /^400/],
  ["2 a signed length", `${HEAD}content-length: +5\r\n\r\nhello`, /^400/],
  ["2 a hexadecimal length", `${HEAD}content-length: 0x5\r\n\r\nhello`, /^400/],
  ["2 a length of 2^64", `${HEAD}content-length: 18446744073709551616\r\n\r\nhello`, /^400/],
  ["2 a length of two words", `${HEAD}content-length: 5 5\r\n\r\nhello`, /^400/],
  ["2 an empty length", `${HEAD}content-length:\r\n\r\nhello`, /^400/],
  ["3 chunked twice", `${HEAD}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, /^(400|501)/],
  ["3 an unknown coding", `${HEAD}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`, /^(400|501)/],
  ["3 a vertical tab", `${HEAD}transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n`, /^(400|501)/],
  ["3 chunked not last", `${HEAD}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n`, /^(400|501)/],
  ["3 two fields", `${HEAD}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n`, /^(400|501)/],
  ["3 in HTTP/1.0", "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", /^400/],
  ["5 a bare CR in a value", `${HEAD}x-a: b\rc\r\ncontent-length: 0\r\n\r\n`, /^400/],
  ["5 a bare LF as line end", "GET / HTTP/1.1\nhost: a.example\n\n", /^400/],
  ["5 NUL in a value", `${HEAD}x-a: b\0c\r\ncontent-length: 0\r\n\r\n`, /^400/],
  ["5 NUL in a name", `${HEAD}x\0a: b\r\ncontent-length: 0\r\n\r\n`, /^400/],
  ["6 a space before the colon", `${HEAD}content-length : 5\r\n\r\nhello`, /^400/],
  ["6 a folded line", `${HEAD}x-a: b\r\n c\r\ncontent-length: 0\r\n\r\n`, /^400/],
  ["6 a line without a name", `${HEAD}: b\r\n\r\n`, /^400/],
  ["7 no Host", "GET / HTTP/1.1\r\n\r\n", /^400/],
  ["7 two Hosts", "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", /^400/],
  ["7 a Host with a path", "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", /^400/],
  ["7 a Host with user data", "GET / HTTP/1.1\r\nhost: a@b\r\n\r\n", /^400/],
  ["7 Host and target disagree", "GET http://b.example/ HTTP/1.1\r\nhost: a.example\r\n\r\n", /^400/],
  ["8 an underscore", `${HEAD}x_user: admin\r\ncontent-length: 0\r\n\r\n`, /^400/],
  ["9 a large head", `${HEAD}x-a: ${"a".repeat(62_000)}\r\n\r\n`, /^431/],
  ["9 many fields", `${HEAD}${MANY}\r\n`, /^431/],
  ["10 a long target", `GET /${"a".repeat(9000)} HTTP/1.1\r\nhost: a\r\n\r\n`, /^414/],
  ["11 a fragment", "GET /a#b HTTP/1.1\r\nhost: a\r\n\r\n", /^400/],
  ["11 %00", "GET /a%00b HTTP/1.1\r\nhost: a\r\n\r\n", /^400/],
  ["11 a broken escape", "GET /a%zz HTTP/1.1\r\nhost: a\r\n\r\n", /^400/],
  ["11 a cut escape", "GET /a% HTTP/1.1\r\nhost: a\r\n\r\n", /^400/],
  ["11 a space in the target", "GET /a b HTTP/1.1\r\nhost: a\r\n\r\n", /^400/],
  ["21 a body beyond the cap", `${HEAD}content-length: 2000\r\n\r\n`, /^413/],
  ["23 CONNECT without authority", "CONNECT / HTTP/1.1\r\nhost: a\r\n\r\n", /^400/],
  ["HTTP/2 in HTTP/1 words", "GET / HTTP/2.0\r\nhost: a\r\n\r\n", /^(400|505)/],
];

describe("HTTP/1 input that is refused", () => {
  test("gets its status and never reaches the host (rows 1 to 11, 21, 23)", async () => {
    const { port, proxy, seen } = await startGuarded({ bodyBytesMax: 1000 });
    for (const [what, request, status] of REFUSED_HEADS) {
      const client = connectRaw(port);
      client.socket.write(request, "latin1");
      const answer = await client.read(/^HTTP\/1\.[01] [^]*\r\n\r\n/);
      assert.match(answer.slice(9), status, what);
      assert.equal(seen(), "", what);
      client.socket.destroy();
    }
    await assertBalanced(proxy);
  });

  test("a request behind it is not served", async () => {
    const { port, seen } = await startGuarded();
    for (const [what, request] of REFUSED_HEADS.slice(0, 16)) {
      const client = connectRaw(port);
      client.socket.write(`${request}GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n`, "latin1");
      const answers = await client.end();
      assert.equal(answers.split("HTTP/1.1 ").length, 2, `${what}: one answer`);
      assert.ok(!seen().includes("smuggled"), what);
    }
  });

  test("a malformed chunk ends request and connection, and is not passed on (row 4)", async () => {
    const chunks = [
      "+5\r\nhello",
      "-5\r\nhello",
      "0x5\r\nhello",
      "11111111111111111\r\nevil",
      "5\nhello",
      " 5\r\nhello",
    ];
    chunks.push("5;a\n\r\nhello", `5;${"x".repeat(5000)}\r\nhello`, "5\r\nhelloXX", "\r\nevil", "5 \r\nhello");
    for (const chunk of chunks) {
      const { port, proxy, seen } = await startGuarded();
      const client = connectRaw(port);
      client.socket.write(
        `${HEAD}transfer-encoding: chunked\r\n\r\n${chunk}\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n`,
      );
      const answers = await client.end();
      assert.ok(answers.split("HTTP/1.1 ").length <= 2, chunk);
      assert.ok(!/smuggled|evil|0x5|\+5|-5|;x/.test(seen()), `${JSON.stringify(chunk)}: ${seen()}`);
      await assertBalanced(proxy);
    }
  });
});

describe("what reaches the host", () => {
  test("is the normal form of the path that was matched (row 11)", async () => {
    const deny = createRule({
      match: { path: { type: "prefix", value: "/admin" }, method: "", headers: [], queryParams: [] },
      backends: [],
      directResponse: { status: 403, body: "no", contentType: "text/plain" },
    });
    const { port, seen } = await startGuarded({}, [deny, createRule()]);
    const ways = ["/a/../admin", "//admin", "/./admin", "/%61dmin", "/admin/", "/a/%2e%2e/admin", "/a/..%2fadmin"];
    ways.push("/a\\..\\admin", "/a/%2E%2E%5Cadmin", "/admin?x=/public", "/x/..//admin/keys", "/admin%2Fkeys");
    for (const path of ways) {
      const client = connectRaw(port);
      client.socket.write(`GET ${path} HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n`);
      assert.match(await client.end(), /^HTTP\/1\.1 (403|400)/, path);
    }
    assert.equal(seen(), "");
    await send(port, { path: "/a/./b/../c//d" });
    assert.match(seen(), /^GET \/a\/c\/d HTTP\/1\.1\r\n/);
  });

  test("is chosen by the host whatever its case, port and last dot (row 12)", async () => {
    const deny = createRule({
      hostnames: ["secret.example"],
      backends: [],
      directResponse: { status: 403, body: "no", contentType: "text/plain" },
    });
    const { port, seen } = await startGuarded({}, [deny, createRule()]);
    for (const host of [
      "secret.example",
      "SECRET.Example",
      "secret.example.",
      "secret.example:8080",
      "Secret.example.:80",
    ]) {
      assert.equal((await send(port, { headers: { host } })).status, 403, host);
    }
    assert.equal(seen(), "");
  });

  test("holds no field that only the edge may set, and none that Connection names (rows 22, 24, 25)", async () => {
    const { port, seen } = await startGuarded();
    const client = connectRaw(port);
    client.socket.write(
      "GET / HTTP/1.1\r\nhost: a.example\r\nx-forwarded-for: 6.6.6.6\r\nx-forwarded-proto: https\r\nx-real-ip: 6.6.6.6\r\n" +
        "forwarded: for=6.6.6.6\r\nx-forwarded-client-cert: By=evil\r\nx-envoy-original-path: /evil\r\n" +
        "upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\nx-user: evil\r\nkeep-alive: 5\r\nproxy-connection: evil\r\n" +
        "connection: upgrade, http2-settings, x-user, x-forwarded-for, x-weft-hops, close\r\nte: trailers\r\n\r\n",
    );
    assert.match(await client.end(), /^HTTP\/1\.1 200/);
    assert.doesNotMatch(seen(), /6\.6\.6\.6|evil|h2c|http2-settings|keep-alive|upgrade/i);
    assert.match(seen(), /x-forwarded-for: 127\.0\.0\.1\r\n/);
    assert.match(seen(), /x-forwarded-proto: http\r\n/);
    assert.match(seen(), /x-weft-hops: 1\r\n/);
  });

  test("holds none of them in trailers, nor what its rule sets or removes (row 25)", async () => {
    const change = { set: [["x-tenant", "a"]], add: [], remove: ["x-role"] } as const;
    const rules = [createRule({ requestHeaders: change })];
    const names =
      "x-forwarded-for x-forwarded-client-cert forwarded x-real-ip x-envoy-internal x-weft-hops x-weft-colour";
    const spoofed = [
      ...names.split(" "),
      "x-request-id",
      "traceparent",
      "x-tenant",
      "x-role",
      "authorization",
      "cookie",
    ];
    const seen: string[][] = [];
    const { port: host } = await startHttpServer((request, response) => {
      request.resume();
      request.on("end", () => {
        seen.push(request.rawTrailers);
        response.end();
      });
    });
    for (const isEdge of [true, false]) {
      const { port, proxy } = await startProxy([createCluster([host])], rules, createListener({ isEdge }));
      const client = connectRaw(port);
      client.socket.write(
        "POST / HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 1\r\n" +
          `${spoofed.map((name) => `${name}: evil\r\n`).join("")}\r\n`,
      );
      await client.read(/^HTTP\/1\.1 200/);
      client.socket.destroy();
      const http2 = startHttp2Client(port);
      const stream = http2.request({ ":method": "POST", ":path": "/" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => {
        stream.sendTrailers(Object.fromEntries([["x-sum", "2"], ...spoofed.map((name) => [name, "evil"])]));
      });
      stream.end("hi");
      await once(stream, "response");
      http2.destroy();
      await assertBalanced(proxy);
      assert.deepEqual(seen.splice(0), [
        ["x-sum", "1"],
        ["x-sum", "2"],
      ]);
    }
  });

  test("answers it without trailers that belong into heads, or that its rule sets or removes", async () => {
    const { port: host } = await startTcpServer((socket) => {
      socket.on("data", () => {
        const forbidden = ["set-cookie", "content-type", "location", "cache-control", "x-internal", "x-own"];
        const trailers = forbidden.map((name) => `${name}: evil\r\n`).join("");
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n");
        socket.write(`0\r\nx-sum: 1\r\n${trailers}\r\n`);
      });
    });
    const rules = [createRule({ responseHeaders: { set: [["x-own", "a"]], add: [], remove: ["x-internal"] } })];
    const { port, proxy } = await startProxy([createCluster([host])], rules);
    const reply = await send(port, { headers: { te: "trailers" } });
    assert.deepEqual(Object.entries(reply.trailers), [["x-sum", "1"]]);
    const client = startHttp2Client(port);
    assert.deepEqual(Object.entries((await sendHttp2(client)).trailers), [["x-sum", "1"]]);
    client.destroy();
    await assertBalanced(proxy);
  });

  test("does not hold early data of an upgrade that is not accepted (row 22)", async () => {
    const { port, proxy, seen } = await startGuarded();
    const client = connectRaw(port);
    client.socket.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n");
    client.socket.write(
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    );
    await client.read(/^HTTP\/1\.1 200 /);
    client.socket.destroy();
    assert.ok(!seen().includes("smuggled"), seen());
    await assertBalanced(proxy);
  });

  test("does not hold early data of a CONNECT that is not accepted (row 23)", async () => {
    const { port, proxy, seen } = await startGuarded();
    const client = connectRaw(port);
    client.socket.write(
      "CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: 169.254.169.254:80\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    );
    await client.read(/^HTTP\/1\.1 403 /);
    client.socket.destroy();
    assert.ok(!seen().includes("smuggled"), seen());
    await assertBalanced(proxy);
  });
});

describe("time and circles", () => {
  test("a head that does not come to its end gets 408 (row 20)", async () => {
    const { port, seen } = await startGuarded({ headerTimeoutMs: 50 });
    const slow = connectRaw(port);
    slow.socket.write("GET / HTTP/1.1\r\nho");
    assert.match(await slow.end(), /^HTTP\/1\.1 408/);
    const mute = connectRaw(port);
    assert.equal(await mute.end(), "");
    assert.equal(seen(), "");
  });

  test("a head that hides behind an answered request has a deadline, too (row 20)", async () => {
    const { port, proxy } = await startGuarded({ headerTimeoutMs: 40, idleTimeoutMs: 60 });
    const client = connectRaw(port);
    client.socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HT");
    assert.match(await client.end(), /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 408 /);
    await assertBalanced(proxy);
  });

  test("an idle connection is closed", async () => {
    const { port } = await startGuarded({ idleTimeoutMs: 40 });
    const client = connectRaw(port);
    client.socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert.match(await client.end(), /^HTTP\/1\.1 200 [^]*ok$/);
  });

  test("a circle over the edge is stopped by the hop count (row 42)", async () => {
    const { port, world, proxy } = await startProxy([createCluster([1])], undefined, createListener({ isEdge: true }));
    world.clusters.set([createCluster([port])]);
    assert.equal((await send(port)).status, 508);
    await assertBalanced(proxy);
  });
});

describe("smuggling", () => {
  test("what node:http understands is what was sent, request for request", async () => {
    const understood: string[] = [];
    const { port: host } = await startHttpServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        understood.push([request.method, request.url, request.headers["x-tag"], body].join(" "));
        echo(request, response);
        response.end();
      });
    });
    const { port } = await startProxy([createCluster([host])]);
    const sent: string[] = [];
    const wire: string[] = [];
    const add = (method: string, path: string, tag: string, body: string, framing: string): void => {
      sent.push(`${method} ${path} ${tag} ${body}`);
      wire.push(`${method} ${path} HTTP/1.1\r\nhost: a\r\nx-tag: ${tag}\r\n${framing}`);
    };
    add("GET", "/1", "plain", "", "\r\n");
    add("POST", "/2", "length", "hello", "Content-Length:5\r\n\r\nhello");
    add("POST", "/3", "spaces", "hello", "content-length: \t 5 \t\r\n\r\nhello");
    add("POST", "/4", "chunked", "hello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    add("POST", "/5", "Chunked", "hello", "Transfer-Encoding: CHUNKED\r\n\r\n005\r\nhello\r\n000\r\n\r\n");
    add("POST", "/6", "extension", "hello", 'transfer-encoding: chunked\r\n\r\n5;a="b"\r\nhello\r\n0;x\r\n\r\n');
    add("POST", "/7", "trailers", "hello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-trailer: 1\r\n\r\n");
    const inner = "GET /inner HTTP/1.1\r\nhost: a\r\n\r\n";
    add("POST", "/8", "inner", inner, `content-length: ${inner.length}\r\n\r\n${inner}`);
    add("GET", "/9", "body of a GET", "abc", "content-length: 3\r\n\r\nabc");
    add("PUT", "/10", "empty", "", "content-length: 0\r\n\r\n");
    add("DELETE", "/11", "pieces", "ab", "transfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    const client = connectRaw(port);
    client.socket.write(wire.join(""), "latin1");
    client.socket.end();
    const answers = await client.end();
    assert.equal(answers.split("HTTP/1.1 200 ").length - 1, sent.length);
    assert.deepEqual(understood, sent);
  });
});
