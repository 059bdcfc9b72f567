// Requests that are answered, and refused, while their bodies still come.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeClock } from "@weft/kernel";
import { createCluster, createListener } from "@weft/testkit";
import { LINGER_MS, LINGER_MS_MAX } from "./limits.ts";
import {
  assertBalanced,
  connectRaw,
  echo,
  metric,
  type ProxyFixture,
  startHttpServer,
  startProxy,
  until,
} from "./proxy.fixture.ts";

const BODY_BYTES_MAX = 1000;
const HEAD = "POST / HTTP/1.1\r\nhost: a.example\r\n";

async function startLimited(clock?: FakeClock): Promise<ProxyFixture> {
  const { port } = await startHttpServer(echo);
  const listener = createListener({ bodyBytesMax: BODY_BYTES_MAX });
  return startProxy([createCluster([port])], undefined, listener, clock === undefined ? {} : { clock });
}

describe("a client whose body is too large", () => {
  test("that sends all of it before it reads gets 413 and a connection that closes", async () => {
    const { proxy, port } = await startLimited();
    const client = connectRaw(port);
    client.socket.pause();
    const piece = Buffer.alloc(1_000_000);
    const count = 30;
    client.socket.write(`${HEAD}content-length: ${count * piece.length}\r\n\r\n`);
    for (let sent = 0; sent < count; sent++) {
      // The callback comes with an error too; then there is no answer to read.
      await new Promise<unknown>((resolve) => client.socket.write(piece, resolve));
    }
    client.socket.resume();
    const text = await client.end();
    assert.match(text, /^HTTP\/1\.1 413 [^]*\r\nx-weft-error: PROXY_BODY_TOO_LARGE\r\n[^]*\r\nconnection: close\r\n/);
    client.socket.end();
    await assertBalanced(proxy);
  });

  test("gets 413 once, whether its length was announced or not, and no further request is read", async () => {
    for (const framing of ["content-length: 5000\r\n\r\n", "transfer-encoding: chunked\r\n\r\n1388\r\n"]) {
      const { proxy, port } = await startLimited();
      const client = connectRaw(port);
      client.socket.write(`${HEAD}${framing}${"x".repeat(2000)}`);
      const text = await client.end();
      assert.match(text, /^HTTP\/1\.1 413 [^]*\r\nconnection: close\r\n/);
      client.socket.end(`${"x".repeat(3000)}\r\n0\r\n\r\nGET / HTTP/1.1\r\nhost: a.example\r\n\r\n`);
      await assertBalanced(proxy);
      assert.equal(metric(proxy, "weft_downstream_requests_total"), 1);
      assert.equal(client.text().split("HTTP/1.1 ").length, 2);
    }
  });

  test("may go on sending for LINGER_MS_MAX, and LINGER_MS once it sends no more", async () => {
    for (const isBusy of [true, false]) {
      const clock = new FakeClock(1000);
      const { proxy, port } = await startLimited(clock);
      const client = connectRaw(port);
      client.socket.write(`${HEAD}content-length: 100000\r\n\r\nx`);
      await client.read(/^HTTP\/1\.1 413 /);
      const received = (): number => metric(proxy, "weft_downstream_received_bytes_total");
      const active = (): number => metric(proxy, "weft_downstream_connections_active");
      let passedMs = 0;
      while (active() > 0 && passedMs < 2 * LINGER_MS_MAX) {
        const before = received();
        if (isBusy) client.socket.write("x");
        if (isBusy) await until(() => received() > before || active() === 0, "the byte at the proxy");
        clock.advance(LINGER_MS / 2);
        passedMs += LINGER_MS / 2;
        await new Promise(setImmediate);
      }
      if (isBusy) assert.ok(passedMs >= LINGER_MS_MAX && passedMs <= LINGER_MS_MAX + 2 * LINGER_MS, `${passedMs} ms`);
      else assert.ok(passedMs <= 3 * LINGER_MS, `${passedMs} ms`);
      await client.end();
      client.socket.destroy();
      await assertBalanced(proxy);
    }
  });
});

test("an HTTP/2 client that floods a connection which has ended is not read from for longer", async () => {
  const clock = new FakeClock(1000);
  const { proxy, port } = await startLimited(clock);
  const client = connectRaw(port);
  client.socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nno SETTINGS at all");
  await client.read(/HTTP2_PREFACE_INVALID/);
  const received = (): number => metric(proxy, "weft_downstream_received_bytes_total");
  const active = (): number => metric(proxy, "weft_downstream_connections_active");
  let passedMs = 0;
  while (active() > 0 && passedMs < LINGER_MS_MAX) {
    const before = received();
    client.socket.write("x");
    await until(() => received() > before || active() === 0, "the byte at the proxy");
    clock.advance(LINGER_MS / 2);
    passedMs += LINGER_MS / 2;
    await new Promise(setImmediate);
  }
  assert.ok(passedMs <= 3 * LINGER_MS, `${passedMs} ms`);
  client.socket.destroy();
  await assertBalanced(proxy);
});

test("a client that sends the rest of an answered body byte by byte has the time of a head", async () => {
  const clock = new FakeClock(1000);
  const { port: host } = await startHttpServer((_request, response) => response.writeHead(401).end());
  const listener = createListener({ headerTimeoutMs: 10_000 });
  const { proxy, port } = await startProxy([createCluster([host])], undefined, listener, { clock });
  const client = connectRaw(port);
  const ends: unknown[] = [];
  client.socket.on("end", () => ends.push("end"));
  const received = (): number => metric(proxy, "weft_downstream_received_bytes_total");
  client.socket.write(`${HEAD}content-length: 1000\r\n\r\nx`);
  assert.doesNotMatch(await client.read(/^HTTP\/1\.1 401 /), /connection: close/, "it might be at its end soon");
  for (let passedMs = 0; passedMs < 20_000 && ends.length === 0; passedMs += 1000) {
    const before = received();
    client.socket.write("x");
    await until(() => received() > before, "the byte at the proxy");
    clock.advance(1000);
    await new Promise(setImmediate);
  }
  await client.end();
  assert.equal(metric(proxy, "weft_downstream_protocol_errors_total"), 0);
  client.socket.destroy();
  await assertBalanced(proxy);
});
