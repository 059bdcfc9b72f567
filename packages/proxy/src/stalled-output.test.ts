import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createCluster, createListener } from "@weft/testkit";
import {
  block,
  connectFrames,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  type FrameClient,
  get,
  request,
} from "./http2-frames.fixture.ts";
import {
  assertBalanced,
  connectRaw,
  metric,
  type ProxyFixture,
  send,
  startHttpServer,
  startProxy,
  startTcpServer,
  until,
} from "./proxy.fixture.ts";

const IDLE_MS = 150;
/** SETTINGS_INITIAL_WINDOW_SIZE 0. */
const NO_WINDOW = Buffer.from([0, 4, 0, 0, 0, 0]);

/** A proxy before a host whose answers are `size` bytes long; clients may be idle, or not take answers, for so long. */
async function startAnswering(
  size: number,
  idleTimeoutMs: number = IDLE_MS,
  streamIdleTimeoutMs: number = IDLE_MS,
): Promise<ProxyFixture> {
  const body = Buffer.alloc(size, "x");
  const { port: host } = await startHttpServer((_request, response) => response.end(body));
  return startProxy([createCluster([host])], undefined, createListener({ idleTimeoutMs, streamIdleTimeoutMs }));
}

function grant(client: FrameClient, streamId: number, byteCount: number): void {
  const increment = Buffer.alloc(4);
  increment.writeUInt32BE(byteCount);
  client.socket.write(frame(FRAME.windowUpdate, 0, streamId, increment));
}

/** Body bytes of a stream that came so far. */
function received(client: FrameClient, streamId: number): number {
  const data = client.frames().filter((each) => each.type === FRAME.data && each.streamId === streamId);
  return data.reduce((sum, each) => sum + each.payload.length, 0);
}

function isReset(client: FrameClient, streamId: number): boolean {
  return client.frames().some((each) => each.type === FRAME.reset && each.streamId === streamId);
}

describe("an HTTP/2 client that does not take its answer", () => {
  for (const size of [5, 60_000, 3_000_000]) {
    test(`is reset when its window stays closed, and its connection may be idle again: ${size} bytes`, async () => {
      const { proxy, port } = await startAnswering(size);
      const client = connectFrames(port, NO_WINDOW);
      client.socket.write(request(1, get()));
      await client.wait((each) => each.type === FRAME.headers, "the head");
      const reset = await client.wait((each) => each.type === FRAME.reset && each.streamId === 1, "RST_STREAM");
      assert.equal(reset.payload.readUInt32BE(0), 8, "CANCEL");
      await client.wait((each) => each.type === FRAME.goaway, "GOAWAY for idle time");
      assert.equal(metric(proxy, "weft_downstream_stalled_streams_total"), 1);
      assert.equal(metric(proxy, "weft_downstream_connection_closes_total", "stalled"), 0);
      client.socket.destroy();
      await assertBalanced(proxy);
    });
  }

  test("is reset when it opens its window byte by byte", async () => {
    const { proxy, port } = await startAnswering(60_000);
    const client = connectFrames(port, NO_WINDOW);
    client.socket.write(request(1, get()));
    const dribble = setInterval(() => grant(client, 1, 1), IDLE_MS / 4);
    await client.wait((each) => each.type === FRAME.reset && each.streamId === 1, "RST_STREAM");
    clearInterval(dribble);
    assert.ok(received(client, 1) > 0);
    client.socket.destroy();
    await assertBalanced(proxy);
  });

  test("is reset when only the connection's window stays closed", async () => {
    const { proxy, port } = await startAnswering(100_000);
    const client = connectFrames(port, Buffer.from([0, 4, 0, 0x10, 0, 0]));
    client.socket.write(request(1, get()));
    client.socket.write(request(3, get()));
    await until(() => isReset(client, 1) && isReset(client, 3), "RST_STREAM on both streams");
    assert.equal(received(client, 1) + received(client, 3), 65_535);
    client.socket.destroy();
    await assertBalanced(proxy);
  });

  test("is served to the end when it takes it slowly but steadily, beside one that does not", async () => {
    const size = 400_000;
    // Long beside a pause of this process, in which nothing is granted.
    const { proxy, port } = await startAnswering(size, 2000, 2000);
    const client = connectFrames(port, NO_WINDOW);
    client.socket.write(request(1, get()));
    client.socket.write(request(3, get()));
    // waits: slower than what waits could be emptied in an idle time
    const steady = setInterval(() => {
      grant(client, 0, 10_000);
      grant(client, 1, 10_000);
    }, 100);
    await client.wait((each) => each.type === FRAME.data && each.streamId === 1 && each.flags === 1, "the whole body");
    clearInterval(steady);
    assert.equal(received(client, 1), size);
    await until(() => isReset(client, 3), "RST_STREAM on the other");
    assert.ok(!isReset(client, 1));
    client.socket.destroy();
    await assertBalanced(proxy);
  });
});

describe("an HTTP/1 client that does not read", () => {
  // More than the system's buffers of both ends may grow to.
  const cases = [
    ["in the middle of an answer", 1, 100_000_000],
    ["behind answers that are complete", 2000, 60_000],
  ] as const;
  for (const [name, requests, size] of cases) {
    test(`is cut off ${name}`, async () => {
      const { proxy, port } = await startAnswering(size, 10_000);
      const client = connectRaw(port);
      client.socket.pause();
      client.socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(requests));
      await until(() => metric(proxy, "weft_downstream_connection_closes_total", "stalled") === 1, "the cut");
      await assertBalanced(proxy);
      client.socket.resume();
      await client.end();
      assert.ok(client.bytes().length < size * requests);
    });
  }
});

describe("an HTTP/2 host that does not take the request's body", () => {
  /** A host without windows; a request with a body, its second one, is answered at once or never. */
  async function startClosed(answers: boolean): Promise<{ port: number; resets: () => number }> {
    const received: Buffer[] = [];
    const { port } = await startTcpServer((socket) => {
      const answer = (streamId: number): void => {
        socket.write(frame(FRAME.headers, END_STREAM | END_HEADERS, streamId, block([[":status", "200"]])));
      };
      socket.write(frame(FRAME.settings, 0, 0, NO_WINDOW));
      socket.on("data", (bytes: Buffer) => {
        received.push(bytes);
        if (bytes.includes(Buffer.of(FRAME.headers, END_STREAM | END_HEADERS, 0, 0, 0, 1))) answer(1);
        if (answers && bytes.includes(Buffer.of(FRAME.headers, END_HEADERS, 0, 0, 0, 3))) answer(3);
      });
    });
    const reset = frame(FRAME.reset, 0, 3, Buffer.of(0, 0, 0, 8)).toString("latin1");
    return { port, resets: () => Buffer.concat(received).toString("latin1").split(reset).length - 1 };
  }

  test("is given up at the stream's idle time while it owes the answer", async () => {
    const host = await startClosed(false);
    const listener = createListener({ streamIdleTimeoutMs: IDLE_MS });
    const { proxy, port } = await startProxy([createCluster([host.port], { protocol: "http2" })], undefined, listener);
    await send(port);
    const reply = await send(port, { method: "POST", body: "x".repeat(1000) });
    assert.equal(reply.status, 504);
    assert.equal(reply.headers["x-weft-error"], "PROXY_STREAM_IDLE");
    await until(() => host.resets() === 1, "RST_STREAM at the host");
    await assertBalanced(proxy);
  });

  test("is given up at the pool's idle time when it has answered already, and its connection closes", async () => {
    const host = await startClosed(true);
    const cluster = createCluster([host.port], { protocol: "http2" });
    const heartbeat = { ...cluster.pool.heartbeat, mode: "off" as const };
    const pool = { ...cluster.pool, idleTimeoutMs: IDLE_MS, heartbeat };
    const { proxy, port } = await startProxy([{ ...cluster, pool }]);
    await send(port);
    assert.equal((await send(port, { method: "POST", body: "x".repeat(1000) })).status, 200);
    await until(() => host.resets() === 1, "RST_STREAM at the host");
    await until(() => metric(proxy, "weft_pool_connection_closes_total", "idle") === 1, "the idle close");
    await assertBalanced(proxy);
  });
});
