import type { RequestHead, ServerSession, ServerSessionHandler, ServerStream } from "@weft/contract";
import { TimerEntry, type TimerOwner, type Transport, type TransportHandler, type WeftError } from "@weft/kernel";
import type { Forwarder } from "../filter/index.ts";
import { LINGER_MS } from "../limits.ts";
import type { ListenerRuntime, OpenConnection, PeerFacts } from "./listener-runtime.ts";

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
  #hasPeerEnded: boolean = false;

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
    this.#activeAtMs = listener.clock.nowMs();
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
    if (!this.#isLingering) this.#session.drain();
  }

  /** Closes at once. */
  close(): void {
    this.#transport.destroy();
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#isLingering) return;
    this.#activeAtMs = this.listener.clock.nowMs();
    this.#session.receive(bytes, start, end);
    if (this.#session.isReceivingHead !== this.#headSinceMs > 0) this.#watchHead();
  }

  onPeerEnd(): void {
    this.#hasPeerEnded = true;
    if (this.#isLingering) this.#transport.destroy();
    else this.#session.receiveEnd();
  }

  onOutputDrained(): void {
    this.#session.outputDrained();
  }

  onClosed(error: Error | null): void {
    this.listener.wheel.cancel(this.#timer);
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
    this.#transport.setReadPaused(isPaused);
  }

  onSessionEnd(error: WeftError | null): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    if (error !== null) this.listener.countProtocolError(error.code);
    this.#transport.end();
    // Closing while the client still sends would reset the connection and could take our last answer with it: what
    // it sends is read and dropped until it closes too, but not for long.
    this.#transport.setReadPaused(false);
    if (this.#hasPeerEnded) this.#transport.destroy();
    else this.listener.wheel.schedule(this.#timer, LINGER_MS);
  }

  onTimer(entry: TimerEntry): void {
    if (this.#isLingering) {
      this.#transport.destroy();
      return;
    }
    const { config, clock, wheel } = this.listener;
    const nowMs = clock.nowMs();
    if (this.#headSinceMs > 0 && nowMs - this.#headSinceMs >= config.headerTimeoutMs) {
      this.#session.headTimeout();
      return;
    }
    const isIdle = this.#session.activeStreams === 0 && this.#headSinceMs === 0;
    const idleMs = isIdle ? nowMs - this.#activeAtMs : 0;
    if (idleMs >= config.idleTimeoutMs) {
      this.#session.drain();
      return;
    }
    wheel.schedule(entry, this.#headSinceMs > 0 ? config.headerTimeoutMs : config.idleTimeoutMs - idleMs);
  }

  #watchHead(): void {
    const { config, clock, wheel } = this.listener;
    const isReceivingHead = this.#session.isReceivingHead;
    this.#headSinceMs = isReceivingHead ? clock.nowMs() : 0;
    if (isReceivingHead) wheel.schedule(this.#timer, config.headerTimeoutMs);
  }
}
