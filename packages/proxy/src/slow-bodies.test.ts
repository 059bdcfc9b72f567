// Clients that send their bodies a few bytes at a time, on a clock that only the tests move.
import assert from "node:assert/strict";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { describe, test } from "node:test";
import type { ClusterConfig, ListenerConfig } from "@weft/contract";
import { FakeClock } from "@weft/kernel";
import { createCluster, createListener } from "@weft/testkit";
import { BodyPace } from "./body-pace.ts";
import { HeldTime } from "./downstream/held-time.ts";
import { block, connectFrames, END_HEADERS, FRAME, frame, get, request } from "./http2-frames.fixture.ts";
import {
  assertBalanced,
  connectRaw,
  echo,
  listen,
  metric,
  type ProxyFixture,
  startHttpServer,
  startProxy,
  startTcpServer,
  until,
} from "./proxy.fixture.ts";
import { boltRequest, boltResponse, startBoltServer } from "./rpc.fixture.ts";

const PERIOD_MS = 100_000;
/** Pieces in which the tests send what makes a period. */
const PIECES = 5;
const RULE = { bodyBytesPerSecondMin: 240, streamIdleTimeoutMs: PERIOD_MS };
const PERIOD_BYTES = (RULE.bodyBytesPerSecondMin * PERIOD_MS) / 1000;
const POST = "POST / HTTP/1.1\r\nhost: a.example\r\n";

interface Scene extends ProxyFixture {
  readonly clock: FakeClock;
  /** Sends `piece` `times` times, a part of the period apart; ends early once `isOver`. */
  trickle(times: number, piece: () => void, isOver?: () => boolean): Promise<void>;
}

async function startSlow(
  hostPort: number,
  changes: Partial<ClusterConfig> = {},
  listenerChanges: Partial<ListenerConfig> = {},
): Promise<Scene> {
  const cluster = createCluster([hostPort], changes);
  const off = { ...cluster.pool.heartbeat, mode: "off" as const };
  const long = 10_000_000;
  const pool = { ...cluster.pool, heartbeat: off, idleTimeoutMs: long, connectTimeoutMs: long, queueTimeoutMs: long };
  const timeouts = { idleTimeoutMs: long, ...RULE, ...listenerChanges };
  const clock = new FakeClock(1000);
  const listener = createListener({ heartbeat: off, ...timeouts });
  const fixture = await startProxy([{ ...cluster, pool }], undefined, listener, { clock });
  const received = (): number => metric(fixture.proxy, "weft_downstream_received_bytes_total");
  const trickle: Scene["trickle"] = async (times, piece, isOver = () => false) => {
    await until(() => metric(fixture.proxy, "weft_downstream_requests_active") === 1, "the request at the proxy");
    for (let count = 0; count < times && !isOver(); count++) {
      const before = received();
      piece();
      await until(() => received() > before || isOver(), "the piece at the proxy");
      await pass(clock, PERIOD_MS / PIECES);
    }
  };
  return { ...fixture, clock, trickle };
}

/** Time passes in turns of the event loop: the proxy reads its clock once in each. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let step = 0; step < 4; step++) {
    clock.advance(ms / 4);
    await new Promise(setImmediate);
  }
}

/** A host that reads what comes and says nothing. */
async function startMute(): Promise<number> {
  return (await startTcpServer((socket) => socket.resume())).port;
}

/** A host of HTTP/2 that reads what comes and says nothing, or sends it back. */
async function startHttp2Host(echoes: boolean): Promise<number> {
  const server = createHttp2Server();
  server.on("sessionError", () => {});
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    if (!echoes) return void stream.resume();
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  });
  return listen(server);
}

function tooSlow({ proxy }: ProxyFixture): number {
  return metric(proxy, "weft_downstream_protocol_errors_total", "PROXY_BODY_TOO_SLOW");
}

describe("a client that sends its body byte by byte", () => {
  for (const framing of ["content-length: 1000", "transfer-encoding: chunked"]) {
    test(`gets 408 and the end of its connection within two periods: HTTP/1, ${framing}`, async () => {
      const scene = await startSlow(await startMute());
      const client = connectRaw(scene.port);
      client.socket.write(`${POST}${framing}\r\n\r\n`);
      const byte = framing.startsWith("content") ? "x" : "1\r\nx\r\n";
      await scene.trickle(
        PIECES * 2 + 1,
        () => client.socket.write(byte),
        () => client.text() !== "",
      );
      const text = await client.read(/PROXY_BODY_TOO_SLOW\] .*\n$/);
      assert.match(text, /^HTTP\/1\.1 408 [^]*\r\nconnection: close\r\n/);
      await client.end();
      client.socket.destroy();
      assert.equal(tooSlow(scene), 1);
      assert.equal(metric(scene.proxy, "weft_upstream_requests_total", "failure"), 0, "the host is not blamed");
      await assertBalanced(scene.proxy);
    });
  }

  test("gets 408 on its HTTP/2 stream, and other streams go on", async () => {
    const { port: host } = await startHttpServer((request, response) => {
      if (request.method === "GET") response.end("hello");
      else request.resume();
    });
    const scene = await startSlow(host);
    const client = connectFrames(scene.port);
    const post = get().map(([name, value]) => [name, name === ":method" ? "POST" : value] as const);
    client.socket.write(frame(FRAME.headers, END_HEADERS, 1, block(post)));
    const isOver = (): boolean => client.frames().some(({ streamId }) => streamId === 1);
    await scene.trickle(PIECES * 2 + 1, () => client.socket.write(frame(FRAME.data, 0, 1, Buffer.from("x"))), isOver);
    const data = await client.wait(({ type, streamId }) => type === FRAME.data && streamId === 1, "the answer");
    assert.match(data.payload.toString(), /^\[PROXY_BODY_TOO_SLOW\]/);
    const reset = await client.wait(({ type }) => type === FRAME.reset, "RST_STREAM");
    assert.equal(reset.payload.readUInt32BE(0), 0, "NO_ERROR: the answer is whole");
    client.socket.write(request(3, get()));
    const other = await client.wait(({ type, streamId }) => type === FRAME.data && streamId === 3, "another answer");
    assert.equal(other.payload.toString(), "hello");
    client.socket.destroy();
    await assertBalanced(scene.proxy);
  });

  test("is cut when the answer has begun and the body's length was announced", async () => {
    const { port: host } = await startHttpServer((request, response) => request.pipe(response));
    const scene = await startSlow(host);
    const client = connectRaw(scene.port);
    let isClosed = false;
    client.socket.on("close", () => (isClosed = true));
    client.socket.write(`${POST}content-length: 1000\r\n\r\n`);
    await scene.trickle(
      PIECES * 2 + 1,
      () => client.socket.write("x"),
      () => isClosed,
    );
    assert.match(await client.end(), /^HTTP\/1\.1 200 /);
    assert.equal(tooSlow(scene), 1);
    await assertBalanced(scene.proxy);
  });

  test("is cut though it says that it speaks gRPC, if the host cannot", async () => {
    const scene = await startSlow(await startMute());
    const client = connectRaw(scene.port);
    client.socket.write(`${POST}content-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n`);
    await scene.trickle(
      PIECES * 2 + 1,
      () => client.socket.write("1\r\nx\r\n"),
      () => client.text() !== "",
    );
    await client.read(/PROXY_BODY_TOO_SLOW/);
    client.socket.destroy();
    await assertBalanced(scene.proxy);
  });
});

describe("a client whose body comes slowly for a reason", () => {
  test("is served when it sends just enough", async () => {
    const { port: host } = await startHttpServer(echo);
    const scene = await startSlow(host);
    const client = connectRaw(scene.port);
    const size = (PERIOD_BYTES * PIECES * 4) / PIECES;
    client.socket.write(`${POST}connection: close\r\ncontent-length: ${size}\r\n\r\n`);
    await scene.trickle(PIECES * 4, () => client.socket.write("x".repeat(PERIOD_BYTES / PIECES)));
    assert.match(await client.end(), /^HTTP\/1\.1 200 [^]*x{100}$/);
    await assertBalanced(scene.proxy);
  });

  test("converses: a body of unknown length may wait for the answer that has begun", async () => {
    const { port: host } = await startHttpServer((request, response) => request.pipe(response));
    const scene = await startSlow(host);
    const client = connectRaw(scene.port);
    client.socket.write(`${POST}connection: close\r\ntransfer-encoding: chunked\r\n\r\n`);
    await scene.trickle(PIECES * 4, () => client.socket.write("1\r\nx\r\n"));
    client.socket.write("0\r\n\r\n");
    assert.match(await client.end(), /^HTTP\/1\.1 200 [^]*\r\n0\r\n\r\n$/);
    assert.equal(tooSlow(scene), 0);
    await assertBalanced(scene.proxy);
  });

  test("calls by gRPC: its messages come when there are some, before an answer too", async () => {
    for (const echoes of [false, true]) {
      const scene = await startSlow(await startHttp2Host(echoes), { protocol: "http2" });
      const client = connectFrames(scene.port);
      const post = get(["content-type", "application/grpc"], ["te", "trailers"]);
      const fields = post.map(([name, value]) => [name, name === ":method" ? "POST" : value] as const);
      client.socket.write(frame(FRAME.headers, END_HEADERS, 1, block(fields)));
      await scene.trickle(PIECES * 4, () => client.socket.write(frame(FRAME.data, 0, 1, Buffer.from("x"))));
      assert.ok(!client.frames().some(({ type }) => type === FRAME.reset));
      assert.equal(metric(scene.proxy, "weft_downstream_requests_active"), 1);
      client.socket.destroy();
      await assertBalanced(scene.proxy);
    }
  });

  test("has a listener that takes any pace", async () => {
    const { port: host } = await startHttpServer(echo);
    const scene = await startSlow(host, {}, { bodyBytesPerSecondMin: 0 });
    const client = connectRaw(scene.port);
    client.socket.write(`${POST}connection: close\r\ncontent-length: ${PIECES * 4}\r\n\r\n`);
    await scene.trickle(PIECES * 4, () => client.socket.write("x"));
    assert.match(await client.end(), new RegExp(`^HTTP/1\\.1 200 [^]*\r\n\r\nx{${PIECES * 4}}$`));
    await assertBalanced(scene.proxy);
  });

  test("is in a tunnel", async () => {
    const { port: host, server } = await startHttpServer(echo);
    server.on("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n");
      socket.pipe(socket);
    });
    const scene = await startSlow(host);
    const client = connectRaw(scene.port);
    client.socket.write("GET / HTTP/1.1\r\nhost: a.example\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n");
    await client.read(/^HTTP\/1\.1 101 /);
    await scene.trickle(PIECES * 4, () => client.socket.write("x"));
    await client.read(new RegExp(`\r\n\r\nx{${PIECES * 4}}$`));
    client.socket.destroy();
    await assertBalanced(scene.proxy);
  });
});

test("a client that sends a call of an RPC protocol byte by byte is closed, and one that is just fast enough is not", async () => {
  const host = await startBoltServer((id) => boltResponse(id, 0, Buffer.from("fine")));
  const scene = await startSlow(host, { protocol: "bolt" });
  const frame = boltRequest({ id: 1, timeoutMs: 10 * PERIOD_MS, content: Buffer.alloc(2 * PERIOD_BYTES) });
  const steady = connectRaw(scene.port);
  steady.socket.write(boltRequest({ id: 1 }));
  await steady.read(/fine/);
  let sent = 0;
  while (sent < frame.length) {
    const before = metric(scene.proxy, "weft_downstream_received_bytes_total");
    steady.socket.write(frame.subarray(sent, (sent += PERIOD_BYTES / PIECES)));
    await until(() => metric(scene.proxy, "weft_downstream_received_bytes_total") > before, "the piece at the proxy");
    await pass(scene.clock, PERIOD_MS / PIECES);
  }
  await steady.read(/fine[^]*fine/);
  const ends: unknown[] = [];
  steady.socket.on("end", () => ends.push("end"));
  steady.socket.write(frame.subarray(0, 1000));
  for (let count = 0; count <= PIECES && ends.length === 0; count++) {
    const before = metric(scene.proxy, "weft_downstream_received_bytes_total");
    steady.socket.write("x");
    await until(() => metric(scene.proxy, "weft_downstream_received_bytes_total") > before, "the byte at the proxy");
    await pass(scene.clock, PERIOD_MS / PIECES);
  }
  await steady.end();
  assert.equal(metric(scene.proxy, "weft_downstream_connection_closes_total", "slow"), 1);
  assert.equal(metric(scene.proxy, "weft_downstream_protocol_errors_total", "RPC_FRAME_TIMEOUT"), 1);
  steady.socket.destroy();
  await assertBalanced(scene.proxy);
});

test("a client that trickles what no host takes does not keep its request open", async () => {
  // The host is connected to, and never answers the handshake.
  const tls = {
    serverName: "host.example",
    ca: "",
    certificateChain: "",
    privateKey: "",
    minVersion: "TLSv1.3",
    subjectAltNames: [],
  } as const;
  const scene = await startSlow(await startMute(), { tls });
  const client = connectRaw(scene.port);
  client.socket.write(`${POST}content-length: 1000\r\n\r\n`);
  await scene.trickle(
    PIECES + 2,
    () => client.socket.write("x"),
    () => client.text() !== "",
  );
  await client.read(/^HTTP\/1\.1 504 [^]*PROXY_STREAM_IDLE/);
  client.socket.destroy();
  await assertBalanced(scene.proxy);
});

describe("BodyPace", () => {
  test("isTooSlow() judges once per period, by the bytes since the last look", () => {
    const pace = new BodyPace(new HeldTime(), 1000, 500);
    assert.equal(pace.isTooSlow(RULE, 1000 + PERIOD_MS - 1, 500), false, "too early");
    assert.equal(pace.isTooSlow(RULE, 1000 + PERIOD_MS, 500 + PERIOD_BYTES), false);
    assert.equal(pace.isTooSlow(RULE, 1000 + 2 * PERIOD_MS, 500 + 2 * PERIOD_BYTES - 1), true);
  });

  test("isTooSlow() does not count the time in which the client was held up, however often it was", () => {
    const held = new HeldTime();
    const pace = new BodyPace(held, 0, 0);
    let nowMs = 0;
    for (let count = 0; count < 10; count++) {
      held.begin(nowMs);
      held.begin((nowMs += PERIOD_MS));
      held.end((nowMs += PERIOD_MS));
      assert.equal(pace.isTooSlow(RULE, nowMs, 1), false, "held still");
      held.end((nowMs += PERIOD_MS));
      assert.equal(pace.isTooSlow(RULE, (nowMs += PERIOD_MS / 11), 1), false, "little time of its own");
    }
    assert.equal(held.totalMs(nowMs), 30 * PERIOD_MS);
    assert.equal(pace.isTooSlow(RULE, nowMs + PERIOD_MS / 11, 1), true);
  });
});
