import type { Answer, Refusal, RequestHead, ServerSession, ServerSessionHandler, ServerStream } from "@weft/contract";
import { TimerEntry, type TimerOwner, type Transport, type TransportHandler, type WeftError } from "@weft/kernel";
import { BodyPace } from "../body-pace.ts";
import type { BoundClient } from "../bound-pool.ts";
import { BoundPools } from "../bound-pools.ts";
import type { ClusterRuntime } from "../cluster-runtime.ts";
import type { Host } from "../cluster/index.ts";
import { Forwarder } from "../filter/index.ts";
import {
  DRAIN_GRACE_MS,
  DRAIN_ROUND_TRIP_MS,
  HALF_CLOSED_WAIT_MS,
  HOLD_UP_BYTES_MIN,
  HOLD_UP_MS_MAX,
  LINGER_MS,
  LINGER_MS_MAX,
  UNHEARD_PROBE_MS,
} from "../limits.ts";
import { outputBytesMin } from "../output-minimum.ts";
import type { HostPool } from "../pool/index.ts";
import { canonicalHost } from "../router/index.ts";
import type {
  CloseCause,
  HandedOver,
  ListenerRuntime,
  OpenConnection,
  PeerFacts,
  TlsHostTable,
} from "./listener-runtime.ts";
import type { Heartbeat } from "../upstream/index.ts";
import { HeldTime } from "./held-time.ts";
import { createHeartbeat, idleMsMaxOf, isPulseLost } from "./pulse.ts";
import { OutputWatch } from "./output-watch.ts";

/** What a connection may answer requests with: the request path. */
export interface RequestAcceptor {
  accept(connection: DownstreamConnection, stream: ServerStream, head: RequestHead, isEnd: boolean): void;
  /** What a request that began at `startedMs` and that the engine refuses is answered; null for nothing. */
  refuse(connection: DownstreamConnection, refusal: Refusal, startedMs: number): Answer | null;
}

/**
 * One client connection that carries requests: transport, protocol engine, and the deadlines for heads and idle time. What
 * a peer sends goes in at the top of the request path, `RequestAcceptor`.
 */
export class DownstreamConnection
  implements OpenConnection, BoundClient, TransportHandler, ServerSessionHandler, TimerOwner
{
  readonly listener: ListenerRuntime;
  readonly peer: PeerFacts;
  readonly openedAtMs: number;
  readonly heartbeat: Heartbeat | null;
  /** Set by the request path: an HTTP/1 connection became a tunnel, whose sides end one by one. */
  isTunnel: boolean = false;
  /** The connections to hosts that belong to this one; null until a cluster asks for one. */
  #bound: BoundPools | null = null;
  #forwarder: Forwarder | null = null;
  #held: HeldTime | null = null;
  readonly #acceptor: RequestAcceptor;
  readonly #transport: Transport;
  readonly #session: ServerSession;
  readonly #timer: TimerEntry;
  #activeAtMs: number;
  /** What it was before the bytes at hand: the answer to a heartbeat is no activity. */
  #activeBeforeMs: number;
  /** What the system had taken when the client last said something. */
  #sentWhenHeard: number = 0;
  /** When the head that is being received began; 0 while none is. */
  #headSinceMs: number = 0;
  /** Of messages that are handed on whole; null before one came in pieces. */
  #pace: BodyPace | null = null;
  #isInMessage: boolean = false;
  #receivedBytes: number = 0;
  /** The session is over; the client may still take the rest of our output. */
  #isLingering: boolean = false;
  #lingerSinceMs: number = 0;
  /** The client had not taken all output when the linger timer last looked, or has sent more of a body since. */
  #isLingerBusy: boolean = false;
  /** Null while nothing is open and no output waits: then only idle time counts. */
  #watch: OutputWatch | null = null;
  /** What we had sent when the client, which sends no more, was last looked at; -1 while it may send. */
  #sentBytes: number = -1;
  #cause: CloseCause | null = null;
  /** The last authority that belongs to this connection, and according to which hosts: most clients repeat it. */
  #soundAuthority: string | null = null;
  #soundHosts: TlsHostTable | null = null;
  #isReadPaused: boolean = false;
  /** It is about to move: what comes next is for the other process to read. */
  #isHeld: boolean = false;
  /** Since when the connection is to end; -1 while it is not, Infinity once nobody else is waited for. */
  #drainSinceMs: number = -1;

  constructor(
    listener: ListenerRuntime,
    peer: PeerFacts,
    acceptor: RequestAcceptor,
    transport: Transport,
    createSession: (connection: DownstreamConnection) => ServerSession,
    ageMs: number = 0,
  ) {
    this.listener = listener;
    this.peer = peer;
    this.#acceptor = acceptor;
    this.#transport = transport;
    this.#timer = new TimerEntry(this);
    const nowMs = listener.clock.nowMs();
    this.openedAtMs = nowMs - ageMs;
    this.#activeAtMs = nowMs;
    this.#activeBeforeMs = nowMs;
    transport.handler = this;
    this.#session = createSession(this);
    this.heartbeat = createHeartbeat(listener, peer.protocol, transport, nowMs);
    this.#scheduleLook(nowMs);
    listener.addConnection(this);
  }

  get activeStreams(): number {
    return this.#session.activeStreams;
  }

  /** The host that requests to a cluster go to that binds connections; undefined while the choice is free. */
  hostOf(cluster: ClusterRuntime): Host<HostPool> | undefined {
    return cluster.isBound ? this.#bound?.hostOf(cluster) : undefined;
  }

  /** Where a request to `host` finds its connection. */
  poolOf(cluster: ClusterRuntime, host: Host<HostPool>): HostPool {
    if (!cluster.isBound) return cluster.poolOf(host);
    this.#bound ??= new BoundPools(this);
    return this.#bound.poolOf(cluster, host);
  }

  /** A connection to a host that belongs to this one has ended, or is about to. */
  onBoundEnd(): void {
    this.drain();
  }

  /** Tells hosts who this client is; made for the first request that is forwarded. */
  get forwarder(): Forwarder {
    this.#forwarder ??= new Forwarder(this.listener.config.isEdge, this.peer.address, this.peer.isTls);
    return this.#forwarder;
  }

  /** How long the client was kept from sending. */
  get held(): HeldTime {
    this.#held ??= new HeldTime();
    return this.#held;
  }

  /**
   * True for an authority that belongs to another TLS host than the connection was made for (RFC 9110 section 15.5.20):
   * what that host asks of its clients was not asked here. One that belongs to none is left to the router.
   */
  isMisdirected(authority: string): boolean {
    const hosts = this.listener.tlsHosts;
    if (hosts === null || !this.peer.isTls) return false;
    if (authority === this.#soundAuthority && hosts === this.#soundHosts) return false;
    const host = hosts.find(canonicalHost(authority));
    if (host !== null && host !== this.peer.tlsHost) return true;
    this.#soundAuthority = authority;
    this.#soundHosts = hosts;
    return false;
  }

  /** Lets open requests finish and refuses new ones in the protocol's own words. */
  drain(): void {
    if (!this.#isLingering) this.#beginDrain("drain");
  }

  get isMovable(): boolean {
    const isEnding = this.#isLingering || this.#drainSinceMs >= 0;
    return !isEnding && !this.isTunnel && !this.peer.isTls && this.peer.protocol !== "http2";
  }

  handOver(): HandedOver | null {
    if (!this.isMovable || !this.#transport.canDetachHandle()) return null;
    const unread = this.#session.takeUnread();
    if (unread === null) return null;
    this.#isLingering = true;
    const handle = this.#transport.detachHandle();
    this.listener.wheel.cancel(this.#timer);
    this.#bound?.close();
    this.listener.removeConnection(this);
    return { handle, unread };
  }

  hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld || this.#isLingering) return;
    this.#isHeld = isHeld;
    this.#transport.setReadPaused(isHeld || this.#isReadPaused);
    this.heartbeat?.excuse(this.listener.clock.nowMs());
  }

  /** Closes at once; open requests are told before this returns. */
  close(): void {
    this.#cause ??= "drain";
    const isOpen = this.#session.activeStreams > 0;
    this.#lose("the listener is closing");
    // What was cut short must not look complete, which an orderly end can; HTTP/2 says so itself.
    if (isOpen && this.peer.protocol === "http1") return this.#transport.reset();
    this.#transport.flush();
    this.#transport.destroy();
  }

  /** A request has ended: idle time begins now. */
  noteActivity(nowMs: number): void {
    this.#activeAtMs = nowMs;
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#isLingering) {
      // Only in HTTP/1 a client may have a body to send before it looks for its answer.
      if (this.peer.protocol === "http1") this.#isLingerBusy = true;
      return;
    }
    const nowMs = this.listener.clock.nowMs();
    this.#activeBeforeMs = this.#activeAtMs;
    this.#activeAtMs = nowMs;
    if (this.heartbeat !== null) {
      this.heartbeat.heard(nowMs);
      this.#sentWhenHeard = this.#transport.sentBytes;
    }
    this.#session.receive(bytes, start, end);
    this.#receivedBytes += end - start;
    if (this.#session.isReceivingMessage || this.#isInMessage) this.#watchMessage(nowMs);
    if (this.#session.isReceivingHead !== this.#headSinceMs > 0 && !this.#hasEnded()) this.#watchHead();
  }

  onPeerEnd(): void {
    this.#cause ??= "peer";
    // When both sides have ended, the socket closes by itself as soon as the client has taken the rest.
    if (this.#isLingering) return;
    this.#session.receiveEnd();
    if (this.#hasEnded()) return;
    this.#sentBytes = this.#transport.sentBytes;
    this.listener.wheel.schedule(this.#timer, HALF_CLOSED_WAIT_MS);
  }

  onOutputDrained(): void {
    this.#session.outputDrained();
  }

  onClosed(error: Error | null): void {
    this.listener.wheel.cancel(this.#timer);
    this.listener.countClose(this.#cause ?? (error === null ? "peer" : "error"), this.openedAtMs);
    this.#lose(error === null ? "the client closed the connection" : error.message);
    this.#bound?.close();
    this.listener.removeConnection(this);
  }

  onRequest(stream: ServerStream, head: RequestHead, isEnd: boolean): void {
    // A head is complete: what arrives next is another, with time of its own.
    this.#headSinceMs = 0;
    this.#acceptor.accept(this, stream, head, isEnd);
  }

  onRequestRefused(refusal: Refusal): Answer | null {
    const startedMs = this.#headSinceMs > 0 ? this.#headSinceMs : this.listener.clock.nowMs();
    return this.#acceptor.refuse(this, refusal, startedMs);
  }

  onProtocolError(code: string): void {
    this.listener.countProtocolError(code);
  }

  onReadPaused(isPaused: boolean): void {
    if (isPaused) this.listener.stats.readPauses++;
    this.#transport.setReadPaused(isPaused || this.#isHeld);
    this.#isReadPaused = isPaused;
    const nowMs = this.listener.clock.nowMs();
    this.heartbeat?.excuse(nowMs);
    if (!isPaused) return this.held.end(nowMs);
    this.held.begin(nowMs);
    this.#watch ??= new OutputWatch(this.#transport, nowMs);
    const isSoon = this.#timer.deadlineMs - nowMs <= UNHEARD_PROBE_MS;
    if (!isSoon) this.listener.wheel.schedule(this.#timer, UNHEARD_PROBE_MS, nowMs);
  }

  onOutputEnd(): void {
    this.#transport.end();
  }

  onPong(): void {
    this.#activeAtMs = this.#activeBeforeMs;
    if (this.heartbeat === null || !this.heartbeat.settle()) return;
    this.listener.stats.heartbeats.answered++;
    if (!this.#isLingering && this.#drainSinceMs < 0) this.#scheduleLook(this.listener.clock.nowMs());
  }

  onSessionEnd(error: WeftError | null): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    if (error !== null) this.#cause ??= "protocol";
    // An answer that was cut short must not look complete, which an orderly end can.
    if (error !== null && error.details["isCut"] === true) {
      this.#transport.flush();
      this.#transport.reset();
      return;
    }
    this.#transport.end();
    // Closing while the client still sends would reset the connection and could take our last answer with it: what
    // it sends is read and dropped until it closes too, but not for ever.
    this.#transport.setReadPaused(false);
    this.#lingerSinceMs = this.listener.clock.nowMs();
    this.#isLingerBusy = this.#transport.pendingBytes > 0;
    this.listener.wheel.schedule(this.#timer, LINGER_MS);
  }

  onTimer(_entry: TimerEntry): void {
    if (this.#isLingering) return this.#linger();
    const nowMs = this.listener.clock.nowMs();
    if (this.#isGraceOver(nowMs)) this.#endDrain();
    if (this.#hasEnded()) return;
    this.#watchOutput(nowMs);
    if (this.#hasEnded()) return;
    if (this.#sentBytes >= 0 && !this.isTunnel) return this.#watchHalfClosed();
    // A head can begin without bytes coming: it stood behind the request before it.
    if (!this.#session.isReceivingHead) this.#headSinceMs = 0;
    else if (this.#headSinceMs === 0) this.#headSinceMs = nowMs;
    if (this.#headMs(nowMs) >= this.listener.config.headerTimeoutMs) {
      this.#cause ??= "header-timeout";
      this.#session.headTimeout();
    } else if (this.#idleMs(nowMs) >= idleMsMaxOf(this.listener.config, this.peer.protocol)) {
      this.#beginDrain("idle");
    }
    if (this.#hasEnded()) return;
    if (this.heartbeat !== null) this.#checkPulse(this.heartbeat, nowMs);
    if (this.#hasEnded()) return;
    // Whoever is not read from is not heard leaving either.
    if (this.#isUnheard()) this.#transport.probe();
    this.#scheduleLook(nowMs);
  }

  /** Time since the head began that is being received; 0 while none is. */
  #headMs(nowMs: number): number {
    return this.#headSinceMs === 0 ? 0 : nowMs - this.#headSinceMs;
  }

  /** Time since the client said or got anything; 0 while anything is open. */
  #idleMs(nowMs: number): number {
    const isIdle = this.#session.activeStreams === 0 && this.#headSinceMs === 0;
    return isIdle ? nowMs - this.#activeAtMs : 0;
  }

  #isUnheard(): boolean {
    return this.#isReadPaused || this.#isHeld || this.#sentBytes >= 0;
  }

  /** Looks again when the next of the deadlines may have passed. */
  #scheduleLook(nowMs: number): void {
    const { config, wheel } = this.listener;
    const isHead = this.#headSinceMs > 0;
    const leftMs = isHead
      ? config.headerTimeoutMs - this.#headMs(nowMs)
      : idleMsMaxOf(this.listener.config, this.peer.protocol) - this.#idleMs(nowMs);
    let nextMs = Math.min(leftMs > 0 ? leftMs : config.headerTimeoutMs, config.streamIdleTimeoutMs);
    if (this.#drainSinceMs >= 0 && this.#drainSinceMs < Number.POSITIVE_INFINITY) {
      nextMs = Math.min(nextMs, DRAIN_GRACE_MS);
    }
    if (this.#isUnheard()) nextMs = Math.min(nextMs, UNHEARD_PROBE_MS);
    if (this.heartbeat !== null) nextMs = Math.min(nextMs, this.heartbeat.waitMs(nowMs));
    wheel.schedule(this.#timer, nextMs, nowMs);
  }

  /** Ends a client that gives no sign of life when its heartbeat says so. */
  #checkPulse(heartbeat: Heartbeat, nowMs: number): void {
    const { sentBytes, pendingBytes } = this.#transport;
    if (this.#isUnheard()) heartbeat.excuse(nowMs);
    else heartbeat.allowFor(sentBytes + pendingBytes - this.#sentWhenHeard, nowMs);
    if (!isPulseLost(heartbeat, this.#session, this.listener.stats, nowMs)) return;
    this.#cause ??= "heartbeat";
    this.#lose("the client gives no sign of life");
    this.#transport.reset();
  }

  /**
   * No protocol can say that it ends without a request being on its way already: what comes within a moment is
   * answered, too. HTTP/1 tells with that answer; HTTP/2 and Dubbo tell first, and hear when the client knows; Bolt has
   * no word for it, and a busy client hears of it when it is refused.
   */
  #beginDrain(cause: "drain" | "idle"): void {
    this.#cause ??= cause;
    if (this.#drainSinceMs >= 0) return;
    this.#drainSinceMs = this.listener.clock.nowMs();
    this.#session.drain();
    if (!this.#hasEnded()) this.listener.wheel.schedule(this.#timer, DRAIN_GRACE_MS);
  }

  #isGraceOver(nowMs: number): boolean {
    if (this.#drainSinceMs < 0) return false;
    const { protocol } = this.peer;
    const sinceMs = nowMs - this.#drainSinceMs;
    if (protocol === "http2" || protocol === "dubbo") return sinceMs >= DRAIN_ROUND_TRIP_MS;
    const isBusy = this.#session.activeStreams > 0 || this.#session.isReceivingHead;
    if (protocol === "bolt" && isBusy) return sinceMs >= DRAIN_GRACE_MS;
    return !isBusy && nowMs - Math.max(this.#drainSinceMs, this.#activeAtMs) >= DRAIN_GRACE_MS;
  }

  #endDrain(): void {
    this.#drainSinceMs = Number.POSITIVE_INFINITY;
    this.#session.drain();
  }

  /** Ends what the client does not take: single streams, or the connection when its TCP window stays closed. */
  #watchOutput(nowMs: number): void {
    if (this.#session.activeStreams === 0 && this.#transport.pendingBytes === 0) {
      this.#watch = null;
      return;
    }
    if (this.#isOutputStalled(nowMs)) {
      this.#cause ??= "stalled";
      this.#lose("the client does not take its answers");
      this.#transport.reset();
      return;
    }
    // What waits for TCP says nothing about windows: the client may not have heard of what used them up.
    if (this.#watch?.lookedAtMs !== nowMs || this.#transport.pendingBytes > 0) return;
    const bytesMin = outputBytesMin(this.listener.config.streamIdleTimeoutMs);
    this.listener.stats.stalledStreams += this.#session.endStalled(bytesMin);
  }

  /** Looks once per stream idle time; true when the client has taken next to nothing since the last look. */
  #isOutputStalled(nowMs: number): boolean {
    const { streamIdleTimeoutMs } = this.listener.config;
    const periodMs = this.#holdsUpOthers() ? Math.min(HOLD_UP_MS_MAX, streamIdleTimeoutMs) : streamIdleTimeoutMs;
    if (this.#watch === null) this.#watch = new OutputWatch(this.#transport, nowMs);
    else if (nowMs - this.#watch.lookedAtMs >= periodMs) return this.#watch.look(nowMs, outputBytesMin(periodMs));
    return false;
  }

  /** Hosts that answer calls of many clients on one connection wait for this client. */
  #holdsUpOthers(): boolean {
    const { protocol } = this.peer;
    return (protocol === "bolt" || protocol === "dubbo") && this.#transport.pendingBytes > HOLD_UP_BYTES_MIN;
  }

  /** A method because the compiler cannot know that calls end the session. */
  #hasEnded(): boolean {
    return this.#isLingering;
  }

  /**
   * A client that still takes our last answer, or still sends, gets more time; one that has the answer, or stopped taking
   * it, has had enough.
   */
  #linger(): void {
    const nowMs = this.listener.clock.nowMs();
    const hasPending = this.#transport.pendingBytes > 0;
    const isOver = !hasPending && nowMs - this.#lingerSinceMs >= LINGER_MS_MAX;
    const isDone = !hasPending && !this.#isLingerBusy;
    this.#isLingerBusy = hasPending;
    // A reset, so that what the client has cannot look complete, and the system drops what it holds for it.
    if (this.#isOutputStalled(nowMs)) this.#transport.reset();
    else if (isDone || isOver) this.#transport.destroy();
    else this.listener.wheel.schedule(this.#timer, LINGER_MS);
  }

  /** A client that sends no more gets its answer while there is one; one that has gone resets what we write to it. */
  #watchHalfClosed(): void {
    const { sentBytes, pendingBytes } = this.#transport;
    if (sentBytes === this.#sentBytes && pendingBytes === 0) {
      this.#lose("the client closed the connection");
      this.#transport.destroy();
      return;
    }
    this.#sentBytes = sentBytes;
    this.listener.wheel.schedule(this.#timer, HALF_CLOSED_WAIT_MS);
  }

  /** The connection is gone, or as good as gone. */
  #lose(detail: string): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    this.#session.connectionLost(detail);
  }

  /** Ends a client that sends a message too slowly, as `Exchange` does where bodies are handed on as they come. */
  #watchMessage(nowMs: number): void {
    const wasInMessage = this.#isInMessage;
    this.#isInMessage = this.#session.isReceivingMessage;
    if (!this.#isInMessage) return;
    this.#pace ??= new BodyPace(this.held, nowMs, this.#receivedBytes);
    if (!wasInMessage) return this.#pace.restart(nowMs, this.#receivedBytes);
    if (!this.#pace.isTooSlow(this.listener.config, nowMs, this.#receivedBytes)) return;
    this.#cause ??= "slow";
    this.#session.headTimeout();
  }

  #watchHead(): void {
    const { config, clock, wheel } = this.listener;
    const isReceivingHead = this.#session.isReceivingHead;
    this.#headSinceMs = isReceivingHead ? clock.nowMs() : 0;
    if (isReceivingHead) wheel.schedule(this.#timer, config.headerTimeoutMs);
  }
}
