import type { RequestHead, ServerSession, ServerSessionHandler, ServerStream } from "@weft/contract";
import { TimerEntry, type TimerOwner, type Transport, type TransportHandler, type WeftError } from "@weft/kernel";
import type { Forwarder } from "../filter/index.ts";
import { LINGER_MS } from "../limits.ts";
import type { CloseCause, ListenerRuntime, OpenConnection, PeerFacts } from "./listener-runtime.ts";

/** What a connection may answer requests with: the request path. */
export interface RequestAcceptor {
  accept(connection: DownstreamConnection, stream: ServerStream, head: RequestHead, isEnd: boolean): void;
}

/**
 * One client connection that speaks HTTP: transport, protocol engine, and the deadlines for heads and idle time. What
 * a peer sends goes in at the top of the request path, `RequestAcceptor`.
 */
export class DownstreamConnection implements OpenConnection, TransportHandler, ServerSessionHandler, TimerOwner {
  readonly listener: ListenerRuntime;
  readonly peer: PeerFacts;
  readonly openedAtMs: number;
  /** The request path's own: made at the first request that is forwarded. */
  forwarder: Forwarder | null = null;
  readonly #acceptor: RequestAcceptor;
  readonly #transport: Transport;
  readonly #session: ServerSession;
  readonly #timer: TimerEntry;
  #activeAtMs: number;
  /** When the head that is being received began; 0 while none is. */
  #headSinceMs: number = 0;
  #isLingering: boolean = false;
  /** Output that the client had not taken when the linger timer last looked. */
  #pendingBytes: number = Number.POSITIVE_INFINITY;
  #cause: CloseCause | null = null;

  constructor(
    listener: ListenerRuntime,
    peer: PeerFacts,
    acceptor: RequestAcceptor,
    transport: Transport,
    createSession: (connection: DownstreamConnection) => ServerSession,
  ) {
    this.listener = listener;
    this.peer = peer;
    this.#acceptor = acceptor;
    this.#transport = transport;
    this.#timer = new TimerEntry(this);
    this.openedAtMs = listener.clock.nowMs();
    this.#activeAtMs = this.openedAtMs;
    transport.handler = this;
    this.#session = createSession(this);
    listener.addConnection(this);
    listener.wheel.schedule(this.#timer, listener.config.idleTimeoutMs);
  }

  get activeStreams(): number {
    return this.#session.activeStreams;
  }

  /** Lets open requests finish and refuses new ones in the protocol's own words. */
  drain(): void {
    if (this.#isLingering) return;
    this.#cause ??= "drain";
    this.#session.drain();
  }

  /** Closes at once. */
  close(): void {
    this.#cause ??= "drain";
    this.#transport.destroy();
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#isLingering) return;
    this.#activeAtMs = this.listener.clock.nowMs();
    this.#session.receive(bytes, start, end);
    if (this.#session.isReceivingHead !== this.#headSinceMs > 0) this.#watchHead();
  }

  onPeerEnd(): void {
    this.#cause ??= "peer";
    // When both sides have ended, the socket closes by itself as soon as the client has taken the rest.
    if (!this.#isLingering) this.#session.receiveEnd();
  }

  onOutputDrained(): void {
    this.#session.outputDrained();
  }

  onClosed(error: Error | null): void {
    this.listener.wheel.cancel(this.#timer);
    this.listener.countClose(this.#cause ?? (error === null ? "peer" : "error"), this.openedAtMs);
    if (!this.#isLingering) {
      this.#isLingering = true;
      this.#session.connectionLost(error === null ? "the client closed the connection" : error.message);
    }
    this.listener.removeConnection(this);
  }

  onRequest(stream: ServerStream, head: RequestHead, isEnd: boolean): void {
    this.#acceptor.accept(this, stream, head, isEnd);
  }

  onReadPaused(isPaused: boolean): void {
    if (isPaused) this.listener.stats.readPauses++;
    this.#transport.setReadPaused(isPaused);
  }

  onSessionEnd(error: WeftError | null): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    if (error !== null) {
      this.#cause ??= "protocol";
      this.listener.countProtocolError(error.code);
    }
    this.#transport.end();
    // Closing while the client still sends would reset the connection and could take our last answer with it: what
    // it sends is read and dropped until it closes too, but not for long.
    this.#transport.setReadPaused(false);
    this.listener.wheel.schedule(this.#timer, LINGER_MS);
  }

  onTimer(entry: TimerEntry): void {
    if (this.#isLingering) {
      this.#linger();
      return;
    }
    const { config, clock, wheel } = this.listener;
    const nowMs = clock.nowMs();
    if (this.#headSinceMs > 0 && nowMs - this.#headSinceMs >= config.headerTimeoutMs) {
      this.#cause ??= "header-timeout";
      this.#session.headTimeout();
      return;
    }
    const isIdle = this.#session.activeStreams === 0 && this.#headSinceMs === 0;
    const idleMs = isIdle ? nowMs - this.#activeAtMs : 0;
    if (idleMs >= config.idleTimeoutMs) {
      this.#cause ??= "idle";
      this.#session.drain();
      return;
    }
    wheel.schedule(entry, this.#headSinceMs > 0 ? config.headerTimeoutMs : config.idleTimeoutMs - idleMs);
  }

  /** A client that still takes our last answer gets more time; one that does not has had enough. */
  #linger(): void {
    const pendingBytes = this.#transport.pendingBytes;
    if (pendingBytes === 0 || pendingBytes >= this.#pendingBytes) {
      this.#transport.destroy();
      return;
    }
    this.#pendingBytes = pendingBytes;
    this.listener.wheel.schedule(this.#timer, LINGER_MS);
  }

  #watchHead(): void {
    const { config, clock, wheel } = this.listener;
    const isReceivingHead = this.#session.isReceivingHead;
    this.#headSinceMs = isReceivingHead ? clock.nowMs() : 0;
    if (isReceivingHead) wheel.schedule(this.#timer, config.headerTimeoutMs);
  }
}
