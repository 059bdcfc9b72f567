// What a heartbeat costs, and what watching an idle connection costs per minute.
// node -C source packages/proxy/src/upstream/heartbeat.bench.ts
import {
  createHttp2ClientOptions,
  createHttp2ServerOptions,
  Http2ClientSession,
  Http2ServerSession,
} from "@weft/codec/http2";
import type { HeartbeatConfig } from "@weft/contract";
import {
  createRandom,
  FakeClock,
  OutputBuffer,
  releaseOutputSlab,
  TimerEntry,
  type TimerOwner,
  TimerWheel,
} from "@weft/kernel";
import { bench, run, summary } from "mitata";
import { PULSE_MS } from "./limits.ts";
import { Heartbeat } from "./heartbeat.ts";
import { HostWatch, PulseBudget, type WatchedConnection } from "./host-watch.ts";

const ADAPTIVE: HeartbeatConfig = {
  mode: "adaptive",
  periodMs: 15_000,
  periodMsMax: 75_000,
  timeoutMs: 1000,
  missesMax: 3,
  peerIdleTimeoutMs: 90_000,
  jitter: 0.1,
};
const FIXED: HeartbeatConfig = { ...ADAPTIVE, mode: "fixed" };

/** Idle connections on a clock of their own, each answered at once: the schedule alone, no sockets. */
class Fleet implements TimerOwner {
  readonly clock: FakeClock = new FakeClock();
  readonly wheel: TimerWheel = new TimerWheel(this.clock);
  readonly #heartbeats: Heartbeat[] = [];
  beats: number = 0;

  constructor(config: HeartbeatConfig, count: number) {
    const random = createRandom(3);
    for (let index = 0; index < count; index++) {
      const heartbeat = new Heartbeat(config, random, 0);
      this.#heartbeats.push(heartbeat);
      this.wheel.schedule(new TimerEntry(this, index), heartbeat.waitMs(0));
    }
    // Past the stretching.
    this.clock.advance(600_000);
  }

  onTimer(entry: TimerEntry): void {
    const heartbeat = this.#heartbeats[entry.kind];
    if (heartbeat === undefined) return;
    const nowMs = this.clock.nowMs();
    if (heartbeat.look(nowMs) === "beat") {
      this.beats++;
      heartbeat.sent(nowMs);
      heartbeat.heard(nowMs);
      heartbeat.settle();
    }
    this.wheel.schedule(entry, heartbeat.waitMs(nowMs), nowMs);
  }
}

/** Two HTTP/2 sessions that carry PINGs, without sockets. */
function createPingPair(): () => void {
  const sink = { onOutputPending(): void {} };
  const toServer = new OutputBuffer(sink);
  const toClient = new OutputBuffer(sink);
  const nothing = {
    onRequest(): void {},
    onRequestRefused: (): null => null,
    onProtocolError(): void {},
    onStreamsAvailable(): void {},
    onDraining(): void {},
    onReadPaused(): void {},
    onOutputEnd(): void {},
    onSessionEnd(): void {
      throw new Error("the session ended");
    },
    onPong(): void {},
  };
  // Time passes, or the flood budget would take them for a flood.
  let nowMs = 0;
  const clock = (): number => (nowMs += 15_000);
  const server = new Http2ServerSession(toClient, nothing, createHttp2ServerOptions({ nowMs: clock }));
  const client = new Http2ClientSession(toServer, nothing, createHttp2ClientOptions({ nowMs: clock }));
  return () => {
    client.ping();
    while (toServer.pendingBytes + toClient.pendingBytes > 0) {
      for (const slab of toServer.take()) {
        server.receive(slab, 0, slab.length);
        releaseOutputSlab(slab);
      }
      for (const slab of toClient.take()) {
        client.receive(slab, 0, slab.length);
        releaseOutputSlab(slab);
      }
    }
  };
}

/** A host with connections that carry a request each, all heard just now. */
function createWatch(count: number): { note: () => void; look: () => void } {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const random = createRandom(5);
  const host = { histogram: undefined, onSilence: () => {} };
  const watch = new HostWatch(ADAPTIVE, host, { clock, wheel, random, pulseBudget: new PulseBudget(clock) });
  const connections: WatchedConnection[] = Array.from({ length: count }, () => ({
    watchPlace: -1,
    activeStreams: 1,
    heartbeat: new Heartbeat(ADAPTIVE, random, 0),
    probe: () => {},
    condemn: () => {},
  }));
  for (const connection of connections) watch.add(connection);
  return {
    note: () => watch.noteRequest(connections[7] as WatchedConnection),
    look: () => {
      for (const connection of connections) {
        connection.heartbeat?.heard(clock.nowMs());
        watch.noteRequest(connection);
      }
      watch.noteHeard(clock.nowMs());
      clock.advance(PULSE_MS);
    },
  };
}

const FLEET = 10_000;
const adaptive = new Fleet(ADAPTIVE, FLEET);
const fixed = new Fleet(FIXED, FLEET);
const ping = createPingPair();
const { note, look } = createWatch(1000);
const heartbeat = new Heartbeat(ADAPTIVE, createRandom(1), 0);

summary(() => {
  bench(`a minute of ${FLEET} idle connections, adaptive`, () => adaptive.clock.advance(60_000));
  bench(`a minute of ${FLEET} idle connections, fixed`, () => fixed.clock.advance(60_000));
});
bench("one PING, its answer, and both sessions' parsing", ping);
bench("heard(), for each read", () => heartbeat.heard(12_345.5));
bench("noteRequest(), for each request", note);
bench("a look at a host with 1,000 busy connections", look);

await run();
