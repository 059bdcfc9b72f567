import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { createHttp2ClientOptions, Http2ClientSession } from "@weft/codec/http2";
import { createHttp1ClientOptions, HeadMemo, Http1ClientSession } from "@weft/codec/http1";
import { type Fields, type PoolConfig, RequestHead, type ResetReason, type ResponseReceiver } from "@weft/contract";
import { connectTransport, createRandom, FakeClock, OutputScheduler, TimerWheel } from "@weft/kernel";
import { type ClusterStats, MetricsRegistry } from "../metrics/index.ts";
import { listen, until } from "../proxy.fixture.ts";
import { BACKLOG_BYTES_PER_SECOND } from "./limits.ts";
import { HostWatch, PulseBudget, type WatchedHost } from "./host-watch.ts";
import { type CreateClientSession, UpstreamConnection, type UpstreamOwner } from "./upstream-connection.ts";

const CONFIG: PoolConfig = {
  http2ConnectionsMax: 1,
  http2StreamsMax: 10,
  rpcSharing: "multiplexed",
  rpcConnectionsMax: 1,
  rpcConnectionsMin: 1,
  rpcStreamsMax: 1024,
  http1IdleMax: 1,
  idleTimeoutMs: 60_000,
  connectTimeoutMs: 1000,
  queueTimeoutMs: 1000,
  requestsPerConnectionMax: 0,
  heartbeat: {
    mode: "adaptive",
    periodMs: 10_000,
    periodMsMax: 40_000,
    timeoutMs: 1000,
    missesMax: 3,
    peerIdleTimeoutMs: 0,
    jitter: 0,
  },
};

const SETTINGS = Buffer.from("000000040000000000", "hex");
const PING = 6;

/** Notes what the connection tells its pool. */
class Owner implements UpstreamOwner {
  readonly events: string[] = [];

  onUpstreamReady(): void {
    this.events.push("ready");
  }

  onUpstreamAvailable(): void {
    this.events.push("available");
  }

  onUpstreamDraining(): void {
    this.events.push("draining");
  }

  onUpstreamGone(_connection: UpstreamConnection, wasReady: boolean, detail: string): void {
    this.events.push(`gone ${wasReady ? "" : "before it was up "}(${detail})`);
  }
}

class Receiver implements ResponseReceiver {
  outcome: string = "";
  onInformational(): void {}
  onResponseHead(): void {}
  onResponseData(): void {}
  onResponseTrailers(_fields: Fields): void {}
  onRequestWritable(): void {}
  onResponseReset(reason: ResetReason): void {
    this.outcome = reason;
  }
}

interface Fixture {
  readonly clock: FakeClock;
  readonly wheel: TimerWheel;
  readonly owner: Owner;
  readonly stats: ClusterStats;
  readonly connection: UpstreamConnection;
  readonly watch: HostWatch;
  /** Opens another connection to the same host. */
  readonly open: () => UpstreamConnection;
}

function open(protocol: "http1" | "http2", host: string, port: number, changes: Partial<PoolConfig> = {}): Fixture {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const scheduler = new OutputScheduler();
  const owner = new Owner();
  const stats = new MetricsRegistry(clock).cluster("test");
  const createSession: CreateClientSession = (transport, handler) =>
    protocol === "http2"
      ? {
          protocol,
          session: new Http2ClientSession(
            transport.output,
            handler,
            createHttp2ClientOptions({ nowMs: () => clock.nowMs() }),
          ),
        }
      : {
          protocol,
          session: new Http1ClientSession(
            transport.output,
            handler,
            createHttp1ClientOptions({ memo: new HeadMemo() }),
          ),
        };
  const config = { ...CONFIG, ...changes };
  const random = createRandom(1);
  const watched: WatchedHost = { histogram: undefined, onSilence: (reason) => owner.events.push(`silent (${reason})`) };
  const watch = new HostWatch(config.heartbeat, watched, { clock, wheel, random, pulseBudget: new PulseBudget(clock) });
  const create = (): UpstreamConnection =>
    new UpstreamConnection(
      owner,
      { clock, wheel, scheduler, random },
      config,
      stats,
      watch,
      (handler) => connectTransport({ host, port }, scheduler, handler),
      createSession,
    );
  return { clock, wheel, owner, stats, watch, connection: create(), open: create };
}

/** An HTTP/2 host by hand: says SETTINGS, counts PINGs, answers them if told to. */
async function startPingServer(answers: boolean): Promise<{ port: number; pings: () => number }> {
  let pings = 0;
  const server = createServer((socket: Socket) => {
    socket.write(SETTINGS);
    let bytes = Buffer.alloc(0);
    let at = 24;
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length - at >= 9) {
        const end = at + 9 + bytes.readUIntBE(at, 3);
        if (bytes.length < end) return;
        if (bytes[at + 3] === PING && bytes[at + 4] === 0) {
          pings++;
          const pong = Buffer.from(bytes.subarray(at, end));
          pong[4] = 1;
          if (answers) socket.write(pong);
        }
        at = end;
      }
    });
  });
  return { port: await listen(server), pings: () => pings };
}

const HEAD = new RequestHead("GET", "http", "a", "/", [], 0);

describe("UpstreamConnection", () => {
  test("gives up an attempt to connect in time, and says so", async () => {
    const { clock, wheel, owner, stats } = open("http1", "192.0.2.1", 1);
    clock.advance(990);
    await new Promise(setImmediate);
    assert.deepEqual(owner.events, []);
    clock.advance(30);
    await until(() => owner.events.length > 0, "the end");
    assert.deepEqual(owner.events, ["gone before it was up (no connection within 1000 ms)"]);
    assert.equal(stats.connectFailures.timeout, 1);
    assert.equal(wheel.size, 0);
  });

  test("finds a dead HTTP/2 host by PING, resets what is open there, and holds no timer afterwards", async () => {
    const host = await startPingServer(false);
    const { clock, wheel, owner, connection, stats } = open("http2", "127.0.0.1", host.port);
    await until(() => connection.session?.isDraining === false && connection.isGreeted, "the host's SETTINGS");
    const receiver = new Receiver();
    connection.session?.open(HEAD, true, receiver);
    clock.advance(10_010);
    await until(() => host.pings() === 1, "a PING");
    for (let misses = 0; misses < 2; misses++) clock.advance(1000);
    assert.equal(receiver.outcome, "");
    clock.advance(1000);
    await until(() => owner.events.length === 3, "the end");
    const detail = "no sign of life for 13.0 s, heartbeats unanswered";
    assert.deepEqual(owner.events, ["ready", `silent (${detail})`, `gone (${detail})`]);
    assert.equal(receiver.outcome, "connection");
    assert.equal(host.pings(), 1, "TCP repeats what was lost");
    assert.deepEqual(stats.heartbeats, { sent: 1, answered: 0, missed: 3, replaced: 0 });
    assert.equal(stats.peersDead.quiet, 1);
    assert.equal(stats.closes.heartbeat, 1);
    assert.equal(stats.connectionsActive.http2, 0);
    assert.equal(wheel.size, 0);
  });

  test("asks a host that answers less and less, and closes it when no request came for idleTimeoutMs", async () => {
    const host = await startPingServer(true);
    const { clock, wheel, owner, connection, stats } = open("http2", "127.0.0.1", host.port, {
      idleTimeoutMs: 140_000,
    });
    await until(() => owner.events.includes("ready") && connection.isGreeted, "the host's SETTINGS");
    const askedMs: number[] = [];
    while (owner.events.length === 1) {
      clock.advance(500);
      if (stats.heartbeats.sent === askedMs.length) continue;
      askedMs.push(clock.nowMs());
      // An answer to a PING travels through the system, not through the clock.
      await until(() => stats.heartbeats.answered === askedMs.length, "the answer");
    }
    await until(() => owner.events.length > 2, "the end");
    assert.deepEqual(
      askedMs.map((each) => Math.round(each / 1000)),
      [10, 30, 70, 110],
    );
    assert.equal(host.pings(), 4);
    assert.ok(clock.nowMs() >= 140_000 && clock.nowMs() <= 141_000, `closed after ${clock.nowMs()} ms`);
    assert.deepEqual(owner.events.slice(0, 2), ["ready", "draining"]);
    assert.equal(stats.closes.idle, 1);
    assert.equal(wheel.size, 0);
  });

  test("asks at once when a request failed in silence, and not when the host has just spoken", async () => {
    const host = await startPingServer(true);
    const { clock, connection, stats } = open("http2", "127.0.0.1", host.port);
    await until(() => connection.isGreeted, "the host's SETTINGS");
    connection.noteFailure();
    assert.equal(stats.heartbeats.sent, 0);
    clock.advance(2000);
    connection.noteFailure();
    connection.noteFailure();
    await until(() => stats.heartbeats.answered === 1, "the answer");
    assert.equal(host.pings(), 1);
  });

  test("gives a host that has much to read more time for its answer", async () => {
    const host = await startPingServer(false);
    const { clock, connection, owner, stats } = open("http2", "127.0.0.1", host.port);
    await until(() => connection.isGreeted, "the host's SETTINGS");
    const stream = connection.session?.open(HEAD, false, new Receiver());
    // More than the window: what the host's flow control holds back does not stand before a PING.
    stream?.sendData(Buffer.alloc(100_000), 0, 100_000, false);
    await until(() => connection.sentBytes > 3.5 * BACKLOG_BYTES_PER_SECOND, "the upload");
    clock.advance(2000);
    connection.noteFailure();
    for (let rounds = 0; rounds < 3; rounds++) clock.advance(1000);
    assert.equal(stats.heartbeats.sent, 1);
    assert.equal(stats.heartbeats.missed, 0);
    for (let rounds = 0; rounds < 5; rounds++) clock.advance(1000);
    await until(() => owner.events.length === 3, "the end");
    assert.equal(stats.peersDead.failure, 1);
  });

  test("does not take its own rest for the host's silence", async () => {
    const host = await startPingServer(true);
    const { clock, connection, stats, owner } = open("http2", "127.0.0.1", host.port, { idleTimeoutMs: 200_000 });
    await until(() => connection.isGreeted, "the host's SETTINGS");
    connection.onReadPaused(true);
    for (let rounds = 0; rounds < 50; rounds++) clock.advance(1000);
    assert.deepEqual(owner.events, ["ready"]);
    assert.equal(stats.heartbeats.missed, 0);
    connection.onReadPaused(false);
    for (let rounds = 0; rounds < 20 && stats.heartbeats.sent === 0; rounds++) clock.advance(1000);
    await until(() => stats.heartbeats.answered > 0, "an answer");
  });

  test("leaves a host alone that ends connections because of PINGs", async () => {
    const port = await listen(
      createServer((socket) => {
        socket.write(SETTINGS);
        // GOAWAY, ENHANCE_YOUR_CALM, "too_many_pings".
        socket.write(Buffer.from("000016070000000000000000000000000b", "hex"));
        socket.write("too_many_pings");
      }),
    );
    const { owner, watch, open: again } = open("http2", "127.0.0.1", port, { idleTimeoutMs: 200_000 });
    await until(() => owner.events.includes("draining"), "the GOAWAY");
    assert.equal(watch.refusesPings, true);
    const next = again();
    await until(() => next.session !== null, "the next connection");
    assert.equal(next.heartbeat, null);
  });

  test("a request postpones the idle close", async () => {
    const sockets: Socket[] = [];
    const port = await listen(
      createServer((socket) => {
        sockets.push(socket);
        socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
      }),
    );
    const { clock, owner, connection } = open("http1", "127.0.0.1", port);
    await until(() => owner.events.includes("ready"), "the connection");
    clock.advance(50_000);
    connection.session?.open(HEAD, true, new Receiver());
    connection.countRequest();
    await until(() => owner.events.includes("available"), "the answer");
    clock.advance(20_000);
    clock.advance(30_000);
    assert.ok(!owner.events.includes("draining"));
    clock.advance(80_000);
    await until(() => owner.events.includes("draining"), "the idle close");
    const [socket] = sockets;
    if (socket !== undefined && !socket.closed) await once(socket, "close");
  });

  test("is replaced after requestsPerConnectionMax", async () => {
    const port = await listen(
      createServer((socket) => {
        socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
      }),
    );
    const { owner, connection, stats, wheel } = open("http1", "127.0.0.1", port, { requestsPerConnectionMax: 2 });
    await until(() => owner.events.includes("ready"), "the connection");
    for (let count = 0; count < 2; count++) {
      connection.session?.open(HEAD, true, new Receiver());
      connection.countRequest();
      await until(() => connection.activeStreams === 0, "the answer");
    }
    await until(() => owner.events.some((event) => event.startsWith("gone")), "the end");
    assert.deepEqual(owner.events.slice(0, 3), ["ready", "available", "draining"]);
    assert.equal(stats.closes["request-limit"], 1);
    assert.equal(wheel.size, 0);
  });
});
