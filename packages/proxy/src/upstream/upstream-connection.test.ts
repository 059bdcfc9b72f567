import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { createHttp2ClientOptions, Http2ClientSession } from "@weft/codec/http2";
import { createHttp1ClientOptions, HeadMemo, Http1ClientSession } from "@weft/codec/http1";
import { type Fields, type PoolConfig, RequestHead, type ResetReason, type ResponseReceiver } from "@weft/contract";
import { connectTransport, FakeClock, OutputScheduler, TimerWheel } from "@weft/kernel";
import { type ClusterStats, MetricsRegistry } from "../metrics/index.ts";
import { listen, until } from "../proxy.fixture.ts";
import { type CreateClientSession, UpstreamConnection, type UpstreamOwner } from "./upstream-connection.ts";

const CONFIG: PoolConfig = {
  http2ConnectionsMax: 1,
  http2StreamsMax: 10,
  http1IdleMax: 1,
  idleTimeoutMs: 60_000,
  connectTimeoutMs: 1000,
  queueTimeoutMs: 1000,
  requestsPerConnectionMax: 0,
  keepaliveMs: 10_000,
  keepaliveTimeoutMs: 2000,
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
  const connection = new UpstreamConnection(
    owner,
    { clock, wheel, scheduler },
    { ...CONFIG, ...changes },
    stats,
    (handler) => connectTransport({ host, port }, scheduler, handler),
    createSession,
  );
  return { clock, wheel, owner, stats, connection };
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
    // The first look finds the SETTINGS that came, the second a quiet connection.
    clock.advance(10_010);
    clock.advance(10_010);
    await until(() => host.pings() === 1, "a PING");
    assert.equal(receiver.outcome, "");
    clock.advance(2010);
    await until(() => owner.events.length === 2, "the end");
    assert.deepEqual(owner.events, ["ready", "gone (no answer to a PING within 2000 ms)"]);
    assert.equal(receiver.outcome, "connection");
    assert.equal(stats.closes.keepalive, 1);
    assert.equal(stats.connectionsActive.http2, 0);
    assert.equal(wheel.size, 0);
  });

  test("keeps a host that answers PINGs, and closes it when no request came for idleTimeoutMs", async () => {
    const host = await startPingServer(true);
    const { clock, wheel, owner, connection, stats } = open("http2", "127.0.0.1", host.port);
    await until(() => owner.events.includes("ready") && connection.isGreeted, "the host's SETTINGS");
    let pings = 0;
    for (let round = 0; round < 160 && owner.events.length === 1; round++) {
      clock.advance(500);
      // waits: an answer to a PING travels through the system, not through the clock
      await new Promise((resolve) => setTimeout(resolve, host.pings() > pings ? 15 : 1));
      pings = host.pings();
    }
    await until(() => owner.events.length > 2, "the end");
    assert.ok(pings >= 3, `${pings} PINGs`);
    assert.ok(clock.nowMs() >= CONFIG.idleTimeoutMs, `closed after ${clock.nowMs()} ms`);
    assert.ok(clock.nowMs() <= CONFIG.idleTimeoutMs + CONFIG.keepaliveMs + CONFIG.keepaliveTimeoutMs + 2500);
    assert.deepEqual(owner.events.slice(0, 2), ["ready", "draining"]);
    assert.equal(stats.closes.idle, 1);
    assert.equal(wheel.size, 0);
  });

  test("a request postpones the idle close", async () => {
    const sockets: Socket[] = [];
    const port = await listen(
      createServer((socket) => {
        sockets.push(socket);
        socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
      }),
    );
    const { clock, owner, connection } = open("http1", "127.0.0.1", port, { keepaliveMs: 0 });
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
