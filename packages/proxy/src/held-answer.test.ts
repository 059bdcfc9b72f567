import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Stream, createServer, type ServerHttp2Stream } from "node:http2";
import { describe, test } from "node:test";
import type { Retry } from "@weft/contract";
import { FakeClock } from "@weft/kernel";
import { createCluster, createRule } from "@weft/testkit";
import { HELD_ANSWER_BYTES_MAX, HELD_ANSWER_MS_MAX } from "./limits.ts";
import {
  assertBalanced,
  listen,
  metric,
  type ProxyFixture,
  sendHttp2,
  startHttp2Client,
  startProxy,
  until,
} from "./proxy.fixture.ts";

const RETRY: Retry = {
  retriesMax: 2,
  on: ["connect-failure", "reset"],
  statuses: [],
  grpcStatuses: [],
  backoffBaseMs: 0,
  backoffMaxMs: 0,
  perTryTimeoutMs: 0,
  retriesNonIdempotent: true,
};
const HEADERS = { "content-type": "application/grpc", te: "trailers" };
const OK = { "grpc-status": "0" };

function message(text: string): Buffer {
  const bytes = Buffer.alloc(5 + text.length);
  bytes.writeUInt32BE(text.length, 1);
  bytes.write(text, 5, "latin1");
  return bytes;
}

/** One call as the host sees it. */
interface Call {
  readonly stream: ServerHttp2Stream;
  /** Sends the head. */
  head(): void;
  write(text: string): void;
  /** The status; the end. */
  end(): void;
  /** The host dies. */
  die(): void;
}

/** A gRPC host that does with each call what the test says. */
async function startHost(onCall: (call: Call, count: number) => void): Promise<number> {
  let count = 0;
  const server = createServer();
  server.on("sessionError", () => {});
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.on("wantTrailers", () => stream.sendTrailers(OK));
    stream.resume();
    const call: Call = {
      stream,
      head: () => stream.respond({ ":status": 200, ...HEADERS }, { waitForTrailers: true }),
      write: (text) => stream.write(message(text)),
      end: () => stream.end(),
      die: () => stream.session?.socket.destroy(),
    };
    onCall(call, count++);
  });
  return listen(server);
}

function start(ports: readonly number[], retry: Retry | null = RETRY, clock?: FakeClock): Promise<ProxyFixture> {
  const cluster = createCluster(ports, { protocol: "http2" });
  return startProxy([cluster], [createRule({ retry })], undefined, clock === undefined ? {} : { clock });
}

function answer(call: Call, text: string): void {
  call.head();
  call.write(text);
  call.end();
}

const CALL = { method: "POST", path: "/shop.Cart/Add", headers: HEADERS, body: message("apple") };

/** Resolves when the proxy has seen what was sent on the call's connection. */
async function whenSeen({ stream }: Call): Promise<void> {
  await new Promise<void>((resolve) => void stream.session?.ping(() => resolve()));
}

/** Where hosts break off. */
const CUTS: Record<string, (call: Call) => Promise<void>> = {
  "after its head": async (each) => {
    each.head();
    await whenSeen(each);
    each.die();
  },
  "after its message": async (each) => {
    each.head();
    each.write("half an answer");
    await whenSeen(each);
    each.die();
  },
  "by a reset": async (each) => {
    each.head();
    each.write("half an answer");
    await whenSeen(each);
    each.stream.close(2);
  },
};

describe("a gRPC answer that breaks off before its trailers", () => {
  for (const [when, cut] of Object.entries(CUTS)) {
    test(`${when} is thrown away for another try`, async () => {
      const bad = await startHost((each) => void cut(each));
      const good = await startHost((each) => answer(each, "whole"));
      // Time stands still: nothing is passed on because it is up.
      const { proxy, port } = await start([bad, good], RETRY, new FakeClock());
      const client = startHttp2Client(port);
      for (let count = 0; count < 4; count++) {
        const reply = await sendHttp2(client, CALL);
        assert.equal(reply.status, 200);
        assert.equal(reply.body, message("whole").toString("latin1"));
        assert.equal(reply.trailers["grpc-status"], "0");
      }
      assert.ok(metric(proxy, "weft_cluster_retries_total") >= 1);
      await assertBalanced(proxy);
    });
  }

  test("is cut for the client where the last try breaks off", async () => {
    let calls = 0;
    const bad = await startHost((each) => {
      calls++;
      void CUTS["after its message"]?.(each);
    });
    const { proxy, port } = await start([bad], { ...RETRY, retriesMax: 1 }, new FakeClock());
    const stream = call(port);
    await new Promise((resolve) => stream.on("close", resolve));
    assert.notEqual(stream.rstCode, 0);
    assert.equal(calls, 2);
    await assertBalanced(proxy);
  });

  test("is cut for the client too where the route does not try again", async () => {
    const bad = await startHost((call) => {
      call.head();
      call.write("half");
    });
    for (const retry of [null, { ...RETRY, retriesNonIdempotent: false }, { ...RETRY, retriesMax: 0 }]) {
      const { port } = await start([bad], retry, new FakeClock());
      const stream = call(port);
      const [head] = (await once(stream, "response")) as [Record<string, unknown>];
      assert.equal(head[":status"], 200, "the head is not held");
      stream.close();
    }
  });
});

function call(port: number, endStream: boolean = true): ClientHttp2Stream {
  const stream = startHttp2Client(port).request({ ":method": "POST", ":path": CALL.path, ...HEADERS }, { endStream });
  stream.on("error", () => {});
  return stream;
}

/** What came of the body so far. */
function gather(stream: ClientHttp2Stream): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("latin1");
}

describe("a gRPC answer that goes on", () => {
  test("is passed on when its second message begins, and its method is not held again", async () => {
    const calls: Call[] = [];
    const host = await startHost((each) => void calls.push(each));
    // Time stands still: whatever is passed on is not because of time.
    const { proxy, port } = await start([host], RETRY, new FakeClock());
    const first = call(port);
    const seen = gather(first);
    await until(() => calls.length === 1, "the call is with the host");
    calls[0]?.head();
    calls[0]?.write("one");
    calls[0]?.write("two");
    await until(() => seen() === message("one").toString("latin1") + message("two").toString("latin1"), "two messages");
    const second = call(port);
    const seenNext = gather(second);
    await until(() => calls.length === 2, "the next call is with the host");
    calls[1]?.head();
    await once(second, "response");
    calls[1]?.write("one");
    await until(() => seenNext() === message("one").toString("latin1"), "the first message at once");
    for (const each of calls) each.end();
    await assertBalanced(proxy);
  });

  test("is passed on after HELD_ANSWER_MS_MAX, and known for a stream by what comes later", async () => {
    const calls: Call[] = [];
    const host = await startHost((each) => void calls.push(each));
    const clock = new FakeClock();
    const { proxy, port } = await start([host], RETRY, clock);
    const first = call(port);
    const seen = gather(first);
    await until(() => calls.length === 1, "the call is with the host");
    calls[0]?.head();
    calls[0]?.write("one");
    await until(() => {
      clock.advance(HELD_ANSWER_MS_MAX);
      return seen() === message("one").toString("latin1");
    }, "the first message");
    calls[0]?.write("two");
    await until(() => seen().endsWith("two"), "the second message");
    const second = call(port);
    await until(() => calls.length === 2, "the next call is with the host");
    calls[1]?.head();
    await once(second, "response");
    for (const each of calls) each.end();
    await assertBalanced(proxy);
  });

  test("is passed on whole where it is larger than what is held", async () => {
    const text = "x".repeat(5 * HELD_ANSWER_BYTES_MAX);
    const host = await startHost((each) => answer(each, text));
    const { proxy, port } = await start([host], RETRY, new FakeClock());
    const client = startHttp2Client(port);
    const reply = await sendHttp2(client, CALL);
    assert.equal(reply.body, message(text).toString("latin1"));
    assert.equal(reply.trailers["grpc-status"], "0");
    const calls: Call[] = [];
    const slow = await startHost((each) => void calls.push(each));
    const scene = await start([slow], RETRY, new FakeClock());
    const stream = call(scene.port);
    const seen = gather(stream);
    await until(() => calls.length === 1, "the call is with the host");
    calls[0]?.head();
    // The prefix says that the message will be too large: its first bytes need not wait for the rest.
    calls[0]?.stream.write(message(text).subarray(0, 10));
    await until(() => seen().length === 10, "the beginning of a large message");
    calls[0]?.stream.write(message(text).subarray(10));
    await until(() => seen().length === message(text).length, "the rest");
    calls[0]?.write("two");
    await until(() => seen().endsWith("two"), "the second message");
    const second = call(scene.port);
    await until(() => calls.length === 2, "the next call is with the host");
    calls[1]?.head();
    await once(second, "response");
    for (const each of calls) each.end();
    await assertBalanced(proxy);
    await assertBalanced(scene.proxy);
  });

  test("is never held while the client has more to say: it may wait for the head", async () => {
    const host = await startHost((each) => each.head());
    const { port } = await start([host], RETRY, new FakeClock());
    const stream = call(port, false);
    await once(stream, "response");
    stream.close();
  });

  test("is forgotten when the client goes", async () => {
    const calls: Call[] = [];
    const host = await startHost((each) => void calls.push(each));
    const { proxy, port } = await start([host], RETRY, new FakeClock());
    const stream = call(port);
    await until(() => calls.length === 1, "the call is with the host");
    const before = metric(proxy, "weft_upstream_received_bytes_total");
    calls[0]?.head();
    calls[0]?.write("one");
    await until(() => metric(proxy, "weft_upstream_received_bytes_total") > before + 40, "the answer is held");
    stream.close(8);
    await until(() => calls[0]?.stream.closed === true, "the host is told");
    await assertBalanced(proxy);
  });
});
