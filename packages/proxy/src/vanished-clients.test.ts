// Clients that went away without a word: their connections end, whatever is open on them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { describe, test } from "node:test";
import type { HeartbeatConfig, ListenerConfig } from "@weft/contract";
import { createCluster, createListener } from "@weft/testkit";
import { connectFrames, END_STREAM, FRAME, get, request } from "./http2-frames.fixture.ts";
import { connectRaw, metric, startHttpServer, startProxy, until } from "./proxy.fixture.ts";

/** Quick, so that nobody waits. */
const HEARTBEAT: HeartbeatConfig = {
  mode: "adaptive",
  periodMs: 100,
  periodMsMax: 400,
  timeoutMs: 60,
  missesMax: 3,
  peerIdleTimeoutMs: 500,
  jitter: 0,
};

function listener(changes: Partial<ListenerConfig> = {}): ListenerConfig {
  return createListener({ heartbeat: HEARTBEAT, ...changes });
}

/** A Bolt v1 heartbeat. */
const BOLT_HEARTBEAT = Buffer.from("01010000010000000701ffffffff0000000000000000", "hex");

describe("an HTTP/2 client that answers no PING", () => {
  test("is found gone, and the host is told that its answer is not wanted", async () => {
    let cancelled = 0;
    const host = await startHttpServer((_request, response) => {
      response.on("close", () => cancelled++);
    });
    const { proxy, port } = await startProxy([createCluster([host.port])], undefined, listener());
    const client = connectFrames(port);
    client.socket.write(request(1, get()));
    await client.wait(({ type, flags }) => type === FRAME.ping && flags === 0, "a PING");
    await until(() => metric(proxy, "weft_downstream_connection_closes_total", "heartbeat") === 1, "the end");
    await until(() => cancelled === 1, "the end of the host's request");
    assert.equal(client.frames().filter(({ type }) => type === FRAME.ping).length, 1);
    assert.deepEqual(
      ["sent", "answered", "missed"].map((result) => metric(proxy, "weft_downstream_heartbeats_total", result)),
      [1, 0, 3],
    );
    assert.equal(metric(proxy, "weft_downstream_connections_active"), 0);
  });

  test("is left alone in mode off", async () => {
    const off = { ...HEARTBEAT, mode: "off" as const };
    const { proxy, port } = await startProxy([], undefined, listener({ heartbeat: off, idleTimeoutMs: 600 }));
    const client = connectFrames(port);
    await client.wait(({ type }) => type === FRAME.goaway, "the idle close");
    assert.equal(metric(proxy, "weft_downstream_heartbeats_total"), 0);
  });
});

test("an HTTP/2 client that answers is asked less and less, and closed when it has been idle for long all the same", async () => {
  const { proxy, port } = await startProxy([], undefined, listener({ idleTimeoutMs: 1000 }));
  const startMs = performance.now();
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  await once(client, "close");
  assert.ok(performance.now() - startMs >= 950);
  assert.equal(metric(proxy, "weft_downstream_connection_closes_total", "idle"), 1);
  const answered = metric(proxy, "weft_downstream_heartbeats_total", "answered");
  assert.ok(answered >= 2 && answered <= 4, `${answered} answers`);
});

test("traffic of a client takes the heartbeat's place", async () => {
  const host = await startHttpServer((_request, response) => response.end("ok"));
  const { proxy, port } = await startProxy([createCluster([host.port])], undefined, listener());
  const client = connectFrames(port);
  for (let streamId = 1; streamId < 40; streamId += 2) {
    client.socket.write(request(streamId, get()));
    await client.wait((each) => each.streamId === streamId && (each.flags & END_STREAM) !== 0, "the answer");
    // waits: traffic is what comes now and then
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.equal(metric(proxy, "weft_downstream_heartbeats_total", "sent"), 0);
  assert.ok(metric(proxy, "weft_downstream_heartbeats_total", "replaced") > 0);
  client.socket.destroy();
});

test("a Bolt client, who alone may ask, is gone when it has been silent for longer than its heartbeats allow", async () => {
  const { proxy, port } = await startProxy([], undefined, listener());
  const client = connectRaw(port);
  for (let beats = 1; beats <= 4; beats++) {
    client.socket.write(BOLT_HEARTBEAT);
    await until(() => client.bytes().length === 20 * beats, "the answer");
    // waits: less than the silence that is allowed
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.equal(metric(proxy, "weft_downstream_connections_active"), 1);
  await until(() => metric(proxy, "weft_downstream_connections_active") === 0, "the end");
  assert.equal(metric(proxy, "weft_downstream_connection_closes_total", "idle"), 1);
});

/** Ports on this side of connections for which the system's keepalive timer runs. */
function portsKeptAlive(): readonly number[] {
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n");
  return lines.flatMap((line) => {
    const [, port = ""] = /: [0-9A-F]{8}:([0-9A-F]{4}) [0-9A-F:]+ 01 [0-9A-F:]+ 02:/.exec(line) ?? [];
    return port === "" ? [] : [Number.parseInt(port, 16)];
  });
}

test(
  "the system asks on HTTP/1 connections, of clients and to hosts",
  { skip: process.platform !== "linux" },
  async () => {
    const host = await startHttpServer((_request, response) => response.end("ok"));
    host.server.keepAliveTimeout = 5000;
    const { proxy, port } = await startProxy([createCluster([host.port])]);
    const client = connectRaw(port);
    client.socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await until(() => client.bytes().length > 0, "the answer");
    // The timer runs again once the last bytes are acknowledged.
    await until(() => portsKeptAlive().includes(port), "the client's connection");
    await until(() => portsOf(host.port).some((local) => portsKeptAlive().includes(local)), "the host's connection");
    assert.equal(metric(proxy, "weft_pool_connections_active", "http1"), 1);
  },
);

/** Ports on this side of connections to `remotePort`. */
function portsOf(remotePort: number): readonly number[] {
  const remote = remotePort.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n");
  return lines.flatMap((line) => {
    const found = new RegExp(`: [0-9A-F]{8}:([0-9A-F]{4}) [0-9A-F]{8}:${remote} 01 `).exec(line);
    return found === null ? [] : [Number.parseInt(found[1] ?? "", 16)];
  });
}
