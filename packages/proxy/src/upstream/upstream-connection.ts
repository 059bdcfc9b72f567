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
import type { UpstreamDeps } from "./upstream-deps.ts";

/** The pool that a connection belongs to. */
export interface UpstreamOwner {
  /** The connection is up: its session takes streams. */
  onUpstreamReady(connection: UpstreamConnection): void;
  /** Streams may be opened again after there were none. */
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

const TIMER_CONNECT = 0;
const TIMER_QUIET = 1;

/**
 * One connection to a host: transport, protocol engine and the deadlines of both. While it is quiet, HTTP/2 PINGs ask
 * for a sign of life, and it is closed when it was idle for long; traffic postpones both at the cost of a flag.
 */
export class UpstreamConnection implements ConnectHandler, ClientSessionHandler, TimerOwner {
  /** The pool's mark: it stands in the pool's list of available connections. */
  isListed: boolean = false;
  /** The pool's mark: it takes no new stream any more. */
  isLeaving: boolean = false;
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
  readonly #timer: TimerEntry;
  readonly #quietTimer: TimerEntry;
  #requests: number = 0;
  /** Bytes came since the timer looked last. */
  #hasHeard: boolean = false;
  /** Who waits until the host has said what it can do; null for nobody. */
  #greetingWaiters: Set<GreetingWaiter> | null = null;
  /** A PING is on its way. */
  #isPingOpen: boolean = false;
  #idleSinceMs: number = 0;
  /** When the session was last asked for requests that were answered but not taken. */
  #stallsAtMs: number = 0;
  /** `#requests` when the timer looked last. */
  #requestsSeen: number = 0;
  /** The session is over; at most output remains. */
  #isEnding: boolean = false;
  #isGone: boolean = false;
  #isConnectTimeout: boolean = false;
  #detail: string = "";

  constructor(
    owner: UpstreamOwner,
    deps: UpstreamDeps,
    config: PoolConfig,
    stats: ClusterStats,
    openTransport: OpenTransport,
    createSession: CreateClientSession,
  ) {
    this.#owner = owner;
    this.#deps = deps;
    this.#config = config;
    this.#stats = stats;
    this.#createSession = createSession;
    this.openedAtMs = deps.clock.nowMs();
    this.#timer = new TimerEntry(this, TIMER_CONNECT);
    this.#quietTimer = new TimerEntry(this, TIMER_QUIET);
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
    const limit = this.#config.requestsPerConnectionMax;
    if (limit === 0 || this.#requests < limit) return;
    this.#cause ??= "request-limit";
    this.drain();
  }

  /** Lets open streams finish, then closes. */
  drain(): void {
    this.#cause ??= "drain";
    if (this.#session === null) return this.close("no longer wanted");
    this.#session.drain();
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
    this.#deps.wheel.cancel(this.#timer);
    const { protocol, session } = this.#createSession(this.#transport, this);
    this.#protocol = protocol;
    this.#session = session;
    this.#idleSinceMs = this.#deps.clock.nowMs();
    this.#stats.connectUs.record((this.#idleSinceMs - this.openedAtMs) * 1000);
    this.#countOpen(1);
    this.#deps.wheel.schedule(this.#quietTimer, this.#quietPeriodMs());
    this.#owner.onUpstreamReady(this);
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#hasHeard = true;
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
    this.#deps.wheel.cancel(this.#quietTimer);
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
    this.#owner.onUpstreamDraining(this);
  }

  onReadPaused(isPaused: boolean): void {
    this.#transport.setReadPaused(isPaused);
  }

  onOutputEnd(): void {
    this.#transport.end();
  }

  onSessionEnd(error: WeftError | null): void {
    if (error !== null) {
      this.#cause ??= "protocol";
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
    this.#isPingOpen = false;
  }

  onTimer(entry: TimerEntry): void {
    if (entry.kind === TIMER_QUIET) this.#onQuietTimer();
    else if (this.#isEnding) this.#transport.destroy();
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

  /** How often the connection is looked at: the shorter of keepalive and idle time. */
  #quietPeriodMs(): number {
    const { keepaliveMs, keepaliveTimeoutMs, idleTimeoutMs } = this.#config;
    if (this.#isPingOpen) return keepaliveTimeoutMs;
    return keepaliveMs > 0 ? Math.min(keepaliveMs, idleTimeoutMs) : idleTimeoutMs;
  }

  #onQuietTimer(): void {
    const session = this.#session;
    if (session === null || this.#isEnding) return;
    const nowMs = this.#deps.clock.nowMs();
    if (session.activeStreams > 0 || this.#requests !== this.#requestsSeen) this.#idleSinceMs = nowMs;
    this.#requestsSeen = this.#requests;
    // Nothing is read of a host whose client is slow, nor after the host has ended its side of a tunnel.
    this.#transport.probe();
    if (nowMs - this.#stallsAtMs >= this.#config.idleTimeoutMs) {
      this.#stallsAtMs = nowMs;
      session.endStalled(outputBytesMin(this.#config.idleTimeoutMs));
    }
    if (this.#isPingOpen && !this.#hasHeard) {
      this.#cause ??= "keepalive";
      this.close(`no answer to a PING within ${this.#config.keepaliveTimeoutMs} ms`);
      return;
    }
    this.#isPingOpen = false;
    if (nowMs - this.#idleSinceMs >= this.#config.idleTimeoutMs) {
      this.#cause ??= "idle";
      this.drain();
      return;
    }
    if (!this.#hasHeard && this.#config.keepaliveMs > 0) this.#isPingOpen = session.ping();
    this.#hasHeard = false;
    this.#deps.wheel.schedule(this.#quietTimer, this.#quietPeriodMs());
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
