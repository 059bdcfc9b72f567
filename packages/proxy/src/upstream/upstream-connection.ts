import type { ClientSession, ClientSessionHandler, PoolConfig, SessionProtocol } from "@weft/contract";
import {
  type ConnectHandler,
  type OutputBuffer,
  TimerEntry,
  type TimerOwner,
  type Transport,
  type WeftError,
} from "@weft/kernel";
import { LINGER_MS } from "../limits.ts";
import { outputBytesMin } from "../output-minimum.ts";
import type { ClusterStats } from "../metrics/index.ts";
import { type BeatCause, Heartbeat } from "./heartbeat.ts";
import type { HostWatch, WatchedConnection } from "./host-watch.ts";
import { keepAliveByTcp } from "./tcp-keepalive.ts";
import type { UpstreamDeps } from "./upstream-deps.ts";

/** The pool that a connection belongs to. */
export interface UpstreamOwner {
  /** The connection is up: its session takes streams. */
  onUpstreamReady(connection: UpstreamConnection): void;
  /** Streams may be opened again after there were none, or none is open any more. */
  onUpstreamAvailable(connection: UpstreamConnection): void;
  /** No new streams; it ends when the open ones do. */
  onUpstreamDraining(connection: UpstreamConnection): void;
  /** It is gone. `wasReady` is false when it never came up; `detail` says why in words. */
  onUpstreamGone(connection: UpstreamConnection, wasReady: boolean, detail: string): void;
}

/** Waits until the host has said what its HTTP/2 can do. Exactly one of the two is called, unless it was cancelled. */
export interface GreetingWaiter {
  onGreeted(connection: UpstreamConnection): void;
  onGreetingFailed(detail: string): void;
}

/** Opens the transport; separate so that TLS and PROXY headers stay out of the connection's life. */
export type OpenTransport = (handler: ConnectHandler) => Transport;

/** Chooses the protocol and makes its engine once the transport is up: ALPN may have a say. */
export type CreateClientSession = (
  transport: Transport,
  handler: ClientSessionHandler,
) => { readonly protocol: SessionProtocol; readonly session: ClientSession };

/** Why a connection that was up ended; each has its counter. */
type CloseCause = keyof ClusterStats["closes"];

/**
 * One connection to a host: transport, protocol engine and the deadlines of both, on one timer: to connect, then to look
 * whether the host is still there and anybody needs the connection, then to linger. While it is quiet, heartbeats ask
 * for a sign of life where the protocol has any (else the system does, by TCP keepalive), and it is closed when it was
 * idle for long.
 */
export class UpstreamConnection implements ConnectHandler, ClientSessionHandler, TimerOwner, WatchedConnection {
  /** The pool's mark: it stands in the pool's list of available connections. */
  isListed: boolean = false;
  /** The pool's mark: it takes no new stream any more. */
  isLeaving: boolean = false;
  /** The marks and links of the places that the cluster's connections share. */
  isShared: boolean = false;
  isDisplaced: boolean = false;
  isIdle: boolean = false;
  idleBefore: UpstreamConnection | null = null;
  idleAfter: UpstreamConnection | null = null;
  watchPlace: number = -1;
  /** On the clock's scale. */
  readonly openedAtMs: number;
  readonly #owner: UpstreamOwner;
  readonly #deps: UpstreamDeps;
  readonly #config: PoolConfig;
  readonly #createSession: CreateClientSession;
  readonly #transport: Transport;
  readonly #stats: ClusterStats;
  #protocol: "" | SessionProtocol = "";
  #cause: CloseCause | null = null;
  #session: ClientSession | null = null;
  readonly #watch: HostWatch;
  /** One deadline at a time: to connect, to look, or to linger. */
  readonly #timer: TimerEntry;
  /** Null before the connection is up, where the protocol has no heartbeat, and where none is wanted. */
  #heartbeat: Heartbeat | null = null;
  #requests: number = 0;
  /** What the system had taken when the host last said something: what is more may stand before a heartbeat. */
  #sentWhenHeard: number = 0;
  /** Who waits until the host has said what it can do; null for nobody. */
  #greetingWaiters: Set<GreetingWaiter> | null = null;
  #idleSinceMs: number = 0;
  /** When the session was last asked for requests that were answered but not taken. */
  #stallsAtMs: number = 0;
  /** `#requests` when the timer looked last. */
  #requestsSeen: number = 0;
  /** The session is over; at most output remains. */
  #isEnding: boolean = false;
  #isGone: boolean = false;
  #isReadPaused: boolean = false;
  #isConnectTimeout: boolean = false;
  #detail: string = "";

  constructor(
    owner: UpstreamOwner,
    deps: UpstreamDeps,
    config: PoolConfig,
    stats: ClusterStats,
    watch: HostWatch,
    openTransport: OpenTransport,
    createSession: CreateClientSession,
  ) {
    this.#owner = owner;
    this.#deps = deps;
    this.#config = config;
    this.#stats = stats;
    this.#watch = watch;
    this.#createSession = createSession;
    this.openedAtMs = deps.clock.nowMs();
    this.#timer = new TimerEntry(this);
    deps.wheel.schedule(this.#timer, config.connectTimeoutMs);
    this.#transport = openTransport(this);
    this.#transport.traffic = stats;
  }

  /** "" until the connection is up. */
  get protocol(): "" | SessionProtocol {
    return this.#protocol;
  }

  /** The protocol engine; null until the connection is up. */
  get session(): ClientSession | null {
    return this.#session;
  }

  /** How many streams may be opened now. */
  get availableStreams(): number {
    return this.#session === null || this.#isGone ? 0 : this.#session.availableStreams;
  }

  get activeStreams(): number {
    return this.#session === null ? 0 : this.#session.activeStreams;
  }

  /** True once it carried a request: a failure may then be the race with the host's idle close. */
  get isReused(): boolean {
    return this.#requests > 1;
  }

  /** Bytes that the system took for the host so far. */
  get sentBytes(): number {
    return this.#transport.sentBytes;
  }

  get output(): OutputBuffer {
    return this.#transport.output;
  }

  /** Counts a request; the connection is replaced after `requestsPerConnectionMax`. */
  countRequest(): void {
    this.#requests++;
    if (this.#heartbeat !== null) this.#watch.noteRequest(this);
    const limit = this.#config.requestsPerConnectionMax;
    if (limit === 0 || this.#requests < limit) return;
    this.#cause ??= "request-limit";
    this.drain();
  }

  /** Null where nobody asks for signs of life. */
  get heartbeat(): Heartbeat | null {
    return this.#heartbeat;
  }

  /** True once it was closed because the host gave no sign of life. */
  get isHostSilent(): boolean {
    return this.#cause === "heartbeat";
  }

  /** A request failed, or got no answer in its time: is the host still there? */
  noteFailure(): void {
    const heartbeat = this.#heartbeat;
    if (heartbeat === null) return;
    const silentMs = this.#deps.clock.nowMs() - heartbeat.heardMs;
    if (silentMs < this.#config.heartbeat.timeoutMs) heartbeat.snapBack();
    else this.probe("failure", 0);
  }

  probe(cause: BeatCause, delayMs: number): void {
    const heartbeat = this.#heartbeat;
    if (heartbeat === null || this.#isEnding || this.#isReadPaused || !heartbeat.suspect(cause)) return;
    if (delayMs === 0) this.#beat(heartbeat, this.#deps.clock.nowMs());
    else this.#lookWithin(delayMs);
  }

  condemn(): void {
    if (this.#heartbeat !== null) this.#giveUp(this.#heartbeat, "sibling");
  }

  /** Lets open streams finish, then closes. */
  drain(): void {
    this.#cause ??= "drain";
    if (this.#session === null) return this.close("no longer wanted");
    this.#session.drain();
    this.#owner.onUpstreamDraining(this);
  }

  /** Closes at once, while nothing is open on it: its place is needed for a connection to another host. */
  displace(): void {
    this.isDisplaced = true;
    this.#cause ??= "displaced";
    this.close("its place is needed for a connection to another host");
    this.#owner.onUpstreamDraining(this);
  }

  /** A stream was not opened after all: the connection is as good as before. */
  giveBack(): void {
    if (this.availableStreams > 0) this.#owner.onUpstreamAvailable(this);
  }

  /** True once it was closed because what was open took too long to finish after its host was retired. */
  get isCutOff(): boolean {
    return this.#cause === "drain-deadline";
  }

  /** Closes at once what had its time to finish. */
  cutOff(): void {
    this.#cause = "drain-deadline";
    this.close("the host was removed, or is reached in another way now, and the time to finish is up");
  }

  /** Closes at once. */
  close(detail: string): void {
    if (this.#detail === "") this.#detail = detail;
    this.#transport.destroy();
  }

  onConnected(): void {
    const { clock, wheel, random } = this.#deps;
    wheel.cancel(this.#timer);
    const { protocol, session } = this.#createSession(this.#transport, this);
    this.#protocol = protocol;
    this.#session = session;
    this.#idleSinceMs = clock.nowMs();
    this.#stats.connectUs.record((this.#idleSinceMs - this.openedAtMs) * 1000);
    this.#countOpen(1);
    const { heartbeat } = this.#config;
    if (protocol === "http1" || this.#watch.refusesPings) keepAliveByTcp(this.#transport, heartbeat);
    else if (heartbeat.mode !== "off") {
      this.#heartbeat = new Heartbeat(heartbeat, random, this.#idleSinceMs);
      this.#watch.add(this);
    }
    wheel.schedule(this.#timer, this.#lookInMs(this.#idleSinceMs), this.#idleSinceMs);
    this.#owner.onUpstreamReady(this);
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#heartbeat !== null) {
      const nowMs = this.#deps.clock.nowMs();
      this.#heartbeat.heard(nowMs);
      this.#watch.noteHeard(nowMs);
      this.#sentWhenHeard = this.#transport.sentBytes;
    }
    this.#session?.receive(bytes, start, end);
    if (this.#greetingWaiters !== null && this.isGreeted) this.#tellGreeted();
  }

  /** True when the host has said what it can do, or need not say. */
  get isGreeted(): boolean {
    return this.#session?.isGreeted ?? false;
  }

  /** `waiter` wants to know what the host can do before it opens a stream. */
  awaitGreeting(waiter: GreetingWaiter): void {
    this.#greetingWaiters ??= new Set();
    this.#greetingWaiters.add(waiter);
  }

  cancelGreeting(waiter: GreetingWaiter): void {
    this.#greetingWaiters?.delete(waiter);
    this.giveBack();
  }

  #tellGreeted(): void {
    const waiters = this.#greetingWaiters ?? [];
    this.#greetingWaiters = null;
    for (const waiter of waiters) {
      if (this.availableStreams > 0) waiter.onGreeted(this);
      else waiter.onGreetingFailed("the host takes no stream now");
    }
  }

  onPeerEnd(): void {
    this.#cause ??= "peer";
    if (this.#detail === "") this.#detail = "the host closed the connection";
    this.#session?.receiveEnd();
    if (this.activeStreams === 0) this.#transport.destroy();
  }

  onOutputDrained(): void {
    this.#session?.outputDrained();
  }

  onClosed(error: Error | null): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#deps.wheel.cancel(this.#timer);
    this.#watch.remove(this);
    if (this.#session === null) this.#countConnectFailure(error);
    else {
      this.#countOpen(-1);
      this.#stats.closes[this.#cause ?? (error === null ? "peer" : "error")]++;
    }
    if (this.#detail === "") this.#detail = error === null ? "the connection was closed" : describeError(error);
    // The pool first: requests that try again at once find the connection's place free.
    this.#owner.onUpstreamGone(this, this.#session !== null, this.#detail);
    this.#session?.connectionLost(this.#detail);
    const waiters = this.#greetingWaiters ?? [];
    this.#greetingWaiters = null;
    for (const waiter of waiters) waiter.onGreetingFailed(this.#detail);
  }

  onStreamsAvailable(): void {
    this.#owner.onUpstreamAvailable(this);
  }

  onDraining(): void {
    this.#cause ??= "goaway";
    if (this.#session?.refusesPings === true) this.#watch.refusesPings = true;
    this.#owner.onUpstreamDraining(this);
  }

  onReadPaused(isPaused: boolean): void {
    this.#isReadPaused = isPaused;
    this.#transport.setReadPaused(isPaused);
    if (this.#heartbeat !== null) this.#excuse(this.#heartbeat, this.#deps.clock.nowMs());
  }

  onOutputEnd(): void {
    this.#transport.end();
  }

  onSessionEnd(error: WeftError | null): void {
    if (error !== null) {
      this.#cause ??= "protocol";
      const { protocolErrors } = this.#stats;
      protocolErrors.set(error.code, (protocolErrors.get(error.code) ?? 0) + 1);
      if (this.#detail === "") this.#detail = error.message;
    }
    const wasEnding = this.#isEnding;
    this.#isEnding = true;
    this.#transport.end();
    // What was said last still goes out if the host takes it soon: a tunnel's last bytes, a GOAWAY.
    if (wasEnding || this.#transport.pendingBytes === 0) this.#transport.destroy();
    else if (!this.#isGone) this.#deps.wheel.schedule(this.#timer, LINGER_MS);
  }

  onPong(): void {
    const heartbeat = this.#heartbeat;
    if (heartbeat === null || !heartbeat.settle()) return;
    this.#stats.heartbeats.answered++;
    if (this.#isEnding || this.#isGone) return;
    const nowMs = this.#deps.clock.nowMs();
    this.#deps.wheel.schedule(this.#timer, this.#lookInMs(nowMs), nowMs);
  }

  onTimer(_entry: TimerEntry): void {
    if (this.#isEnding) this.#transport.destroy();
    else if (this.#session !== null) this.#look(this.#session);
    else {
      this.#isConnectTimeout = true;
      this.close(`no connection within ${this.#config.connectTimeoutMs} ms`);
    }
  }

  #countOpen(change: 1 | -1): void {
    const protocol = this.#protocol;
    if (protocol === "") return;
    if (change === 1) this.#stats.connections[protocol]++;
    this.#stats.connectionsActive[protocol] += change;
  }

  #countConnectFailure(error: Error | null): void {
    const { connectFailures } = this.#stats;
    const code = error !== null && "code" in error ? String(error.code) : "";
    if (this.#isConnectTimeout) connectFailures.timeout++;
    else if (code === "ECONNREFUSED") connectFailures.refused++;
    else if (isTlsError(code)) connectFailures.tls++;
    else if (this.#cause !== "drain") connectFailures.error++;
  }

  /** Is anybody still there, and does anybody still need it? */
  #look(session: ClientSession): void {
    const { clock, wheel } = this.#deps;
    const { idleTimeoutMs } = this.#config;
    const nowMs = clock.nowMs();
    if (session.activeStreams > 0 || this.#requests !== this.#requestsSeen) this.#idleSinceMs = nowMs;
    this.#requestsSeen = this.#requests;
    // Nothing is read of a host whose client is slow, nor after the host has ended its side of a tunnel.
    this.#transport.probe();
    if (nowMs - this.#stallsAtMs >= idleTimeoutMs) {
      this.#stallsAtMs = nowMs;
      session.endStalled(outputBytesMin(idleTimeoutMs));
    }
    if (this.#heartbeat !== null && !this.#checkPulse(this.#heartbeat, nowMs)) return;
    if (nowMs - this.#idleSinceMs >= idleTimeoutMs) {
      this.#cause ??= "idle";
      this.drain();
      return;
    }
    if (!this.#isGone) wheel.schedule(this.#timer, this.#lookInMs(nowMs), nowMs);
  }

  /** Does what the schedule says; false when the host is dead. */
  #checkPulse(heartbeat: Heartbeat, nowMs: number): boolean {
    const { heartbeats } = this.#stats;
    if (this.#isReadPaused) this.#excuse(heartbeat, nowMs);
    else heartbeat.allowFor(this.#transport.sentBytes + this.#transport.pendingBytes - this.#sentWhenHeard, nowMs);
    switch (heartbeat.look(nowMs)) {
      case "beat":
        this.#beat(heartbeat, nowMs);
        break;
      case "replaced":
        heartbeats.replaced++;
        break;
      case "answered":
        heartbeats.answered++;
        break;
      case "missed":
        heartbeats.missed++;
        this.#watch.noteMiss(heartbeat);
        break;
      case "dead":
        heartbeats.missed++;
        this.#giveUp(heartbeat, heartbeat.cause);
        return false;
      case "wait":
    }
    return true;
  }

  /** The host cannot be heard, or asked, by our own doing. */
  #excuse(heartbeat: Heartbeat, nowMs: number): void {
    heartbeat.excuse(nowMs);
    this.#watch.noteHeard(nowMs);
  }

  #beat(heartbeat: Heartbeat, nowMs: number): void {
    if (this.#session?.ping() !== true) return this.#excuse(heartbeat, nowMs);
    this.#stats.heartbeats.sent++;
    this.#stats.heartbeatPeriodUs.record(heartbeat.periodMs * 1000);
    heartbeat.sent(nowMs);
    this.#lookWithin(this.#config.heartbeat.timeoutMs);
  }

  #giveUp(heartbeat: Heartbeat, cause: BeatCause): void {
    if (this.#isGone || this.#cause === "heartbeat") return;
    const silentMs = this.#deps.clock.nowMs() - heartbeat.heardMs;
    const detail = `no sign of life for ${(silentMs / 1000).toFixed(1)} s, heartbeats unanswered`;
    this.#stats.peersDead[cause]++;
    this.#stats.peerSilenceUs.record(silentMs * 1000);
    this.#cause = "heartbeat";
    this.#watch.remove(this);
    this.#detail = detail;
    // A reset, so that the system does not go on sending what waits.
    this.#transport.reset();
    this.#watch.noteDeath(heartbeat, detail);
  }

  #lookWithin(delayMs: number): void {
    const nowMs = this.#deps.clock.nowMs();
    const isSooner = !this.#timer.isScheduled || this.#timer.deadlineMs - nowMs > delayMs;
    if (isSooner && !this.#isGone) this.#deps.wheel.schedule(this.#timer, delayMs, nowMs);
  }

  /** When to look next: for signs of life, or whether the connection has been idle for long. */
  #lookInMs(nowMs: number): number {
    const idleLeftMs = this.#idleSinceMs + this.#config.idleTimeoutMs - nowMs;
    const leftMs = idleLeftMs > 0 ? idleLeftMs : this.#config.idleTimeoutMs;
    return this.#heartbeat === null ? leftMs : Math.min(leftMs, this.#heartbeat.waitMs(nowMs));
  }
}

/** Handshake and certificate failures of node:tls. */
function isTlsError(code: string): boolean {
  return /^ERR_(?:SSL|TLS)|CERT|UNABLE_TO|SELF_SIGNED|HOSTNAME/.test(code);
}

function describeError(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  return code === undefined ? error.message : `${code}: ${error.message}`;
}
