import type { ClientSession, ClientSessionHandler, PoolConfig } from "@weft/contract";
import {
  type ConnectHandler,
  type OutputBuffer,
  TimerEntry,
  type TimerOwner,
  type Transport,
  type WeftError,
} from "@weft/kernel";
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

/** Opens the transport; separate so that TLS and PROXY headers stay out of the connection's life. */
export type OpenTransport = (handler: ConnectHandler) => Transport;

/** Makes the protocol engine once the transport is up (ALPN may have chosen it). */
export type CreateClientSession = (transport: Transport, handler: ClientSessionHandler) => ClientSession;

const TIMER_CONNECT = 0;
const TIMER_QUIET = 1;

/**
 * One connection to a host: transport, protocol engine and the deadlines of both. While it is quiet, HTTP/2 PINGs ask
 * for a sign of life, and it is closed when it was idle for long; traffic postpones both at the cost of a flag.
 */
export class UpstreamConnection implements ConnectHandler, ClientSessionHandler, TimerOwner {
  /** The pool's mark: it stands in the pool's list of available connections. */
  isListed: boolean = false;
  readonly #owner: UpstreamOwner;
  readonly #deps: UpstreamDeps;
  readonly #config: PoolConfig;
  readonly #createSession: CreateClientSession;
  readonly #transport: Transport;
  #session: ClientSession | null = null;
  readonly #timer: TimerEntry;
  readonly #quietTimer: TimerEntry;
  #requests: number = 0;
  /** Bytes came since the timer looked last. */
  #hasHeard: boolean = false;
  /** A PING is on its way. */
  #isPingOpen: boolean = false;
  #idleSinceMs: number = 0;
  #isGone: boolean = false;
  #detail: string = "";

  constructor(
    owner: UpstreamOwner,
    deps: UpstreamDeps,
    config: PoolConfig,
    openTransport: OpenTransport,
    createSession: CreateClientSession,
  ) {
    this.#owner = owner;
    this.#deps = deps;
    this.#config = config;
    this.#createSession = createSession;
    this.#timer = new TimerEntry(this, TIMER_CONNECT);
    this.#quietTimer = new TimerEntry(this, TIMER_QUIET);
    deps.wheel.schedule(this.#timer, config.connectTimeoutMs);
    this.#transport = openTransport(this);
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

  get output(): OutputBuffer {
    return this.#transport.output;
  }

  /** Counts a request; the connection is replaced after `requestsPerConnectionMax`. */
  countRequest(): void {
    this.#requests++;
    const limit = this.#config.requestsPerConnectionMax;
    if (limit > 0 && this.#requests >= limit) this.drain();
  }

  /** Lets open streams finish, then closes. */
  drain(): void {
    if (this.#session === null) this.close("no longer wanted");
    else this.#session.drain();
  }

  /** Closes at once. */
  close(detail: string): void {
    if (this.#detail === "") this.#detail = detail;
    this.#transport.destroy();
  }

  onConnected(): void {
    this.#deps.wheel.cancel(this.#timer);
    this.#session = this.#createSession(this.#transport, this);
    this.#idleSinceMs = this.#deps.clock.nowMs();
    this.#deps.wheel.schedule(this.#quietTimer, this.#quietPeriodMs());
    this.#owner.onUpstreamReady(this);
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#hasHeard = true;
    this.#session?.receive(bytes, start, end);
  }

  onPeerEnd(): void {
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
    if (this.#detail === "") this.#detail = error === null ? "the connection was closed" : describeError(error);
    this.#session?.connectionLost(this.#detail);
    this.#owner.onUpstreamGone(this, this.#session !== null, this.#detail);
  }

  onStreamsAvailable(): void {
    if (this.activeStreams === 0) this.#idleSinceMs = this.#deps.clock.nowMs();
    this.#owner.onUpstreamAvailable(this);
  }

  onDraining(): void {
    this.#owner.onUpstreamDraining(this);
  }

  onReadPaused(isPaused: boolean): void {
    this.#transport.setReadPaused(isPaused);
  }

  onSessionEnd(error: WeftError | null): void {
    if (error !== null && this.#detail === "") this.#detail = error.message;
    this.#transport.end();
    this.#transport.destroy();
  }

  onPong(): void {
    this.#isPingOpen = false;
  }

  onTimer(entry: TimerEntry): void {
    if (entry.kind === TIMER_CONNECT) this.close(`no connection within ${this.#config.connectTimeoutMs} ms`);
    else this.#onQuietTimer();
  }

  /** How often the connection is looked at: the shorter of keepalive and idle time. */
  #quietPeriodMs(): number {
    const { keepaliveMs, keepaliveTimeoutMs, idleTimeoutMs } = this.#config;
    if (this.#isPingOpen) return keepaliveTimeoutMs;
    return keepaliveMs > 0 ? Math.min(keepaliveMs, idleTimeoutMs) : idleTimeoutMs;
  }

  #onQuietTimer(): void {
    const session = this.#session;
    if (session === null) return;
    if (this.#isPingOpen && !this.#hasHeard) {
      this.close(`no answer to a PING within ${this.#config.keepaliveTimeoutMs} ms`);
      return;
    }
    this.#isPingOpen = false;
    const isIdle = session.activeStreams === 0 && !this.#hasHeard;
    if (isIdle && this.#deps.clock.nowMs() - this.#idleSinceMs >= this.#config.idleTimeoutMs) {
      session.drain();
      return;
    }
    if (!this.#hasHeard && this.#config.keepaliveMs > 0) this.#isPingOpen = session.ping();
    this.#hasHeard = false;
    this.#deps.wheel.schedule(this.#quietTimer, this.#quietPeriodMs());
  }
}

function describeError(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  return code === undefined ? error.message : `${code}: ${error.message}`;
}
