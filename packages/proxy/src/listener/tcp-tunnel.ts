import {
  type ConnectHandler,
  TimerEntry,
  type TimerOwner,
  type TimerWheel,
  type Transport,
  type TransportHandler,
} from "@weft/kernel";
import type { ClusterRuntime } from "../cluster-runtime.ts";
import type { Host } from "../cluster/index.ts";
import type { HostPool, PoolGuest } from "../pool/index.ts";
import { keepAliveByTcp } from "../upstream/index.ts";
import { TUNNEL_TRIES_MAX } from "./limits.ts";

/** What tunnels of a worker share. */
export interface TunnelDeps {
  readonly wheel: TimerWheel;
  readonly nowMs: () => number;
  /** A host of the cluster that is in none of `tried`. */
  readonly pick: (cluster: ClusterRuntime, tried: readonly Host<HostPool>[]) => Host<HostPool> | undefined;
}

/** The client's side of a tunnel as it came. */
export interface TunnelClient {
  readonly transport: Transport;
  /** What was read already. */
  readonly first: Buffer;
  /** Who the client is; a PROXY header may have said so. */
  readonly address: string;
  readonly port: number;
  /** The client's TLS goes through to the host: none of ours is put around it. */
  readonly isPassthrough: boolean;
}

/** Hears the end of a tunnel. */
export interface TunnelOwner {
  onTunnelEnd(tunnel: TcpTunnel, error: string, receivedBytes: number, sentBytes: number): void;
}

const TIMER_CONNECT = 0;
const TIMER_IDLE = 1;

/**
 * Bytes between a client and one host of a cluster, both ways, with backpressure: while one side does not take what it
 * gets, the other is not read. Each side's end is passed on by itself (half-close).
 */
export class TcpTunnel implements TransportHandler, TimerOwner, PoolGuest {
  readonly #deps: TunnelDeps;
  readonly #owner: TunnelOwner;
  readonly #cluster: ClusterRuntime;
  readonly #client: Transport;
  readonly #clientFacts: TunnelClient;
  readonly #idleTimeoutMs: number;
  readonly #timer: TimerEntry;
  readonly #idleTimer: TimerEntry;
  readonly #tried: Host<HostPool>[] = [];
  #upstream: TunnelUpstream | null = null;
  #host: Host<HostPool> | null = null;
  /** The host's pool, whose end is the tunnel's. */
  #pool: HostPool | null = null;
  #tryStartedMs: number = 0;
  /** What the client sent before the host was there. */
  #first: Buffer;
  #isConnected: boolean = false;
  #hasClientEnded: boolean = false;
  #isOver: boolean = false;
  #receivedBytes: number = 0;
  #sentBytes: number = 0;

  constructor(
    deps: TunnelDeps,
    owner: TunnelOwner,
    cluster: ClusterRuntime,
    client: TunnelClient,
    idleTimeoutMs: number,
  ) {
    this.#deps = deps;
    this.#owner = owner;
    this.#cluster = cluster;
    this.#client = client.transport;
    this.#clientFacts = client;
    this.#first = client.first;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#timer = new TimerEntry(this, TIMER_CONNECT);
    this.#idleTimer = new TimerEntry(this, TIMER_IDLE);
    client.transport.handler = this;
  }

  /** Begins; may end at once. */
  start(): void {
    this.#client.setReadPaused(true);
    this.#deps.wheel.schedule(this.#idleTimer, this.#idleTimeoutMs);
    this.#connect();
  }

  /** Ends both sides at once. */
  close(): void {
    this.#finish("draining");
  }

  connections(): Iterable<never> {
    return [];
  }

  /** A tunnel has no word for it: it goes on until it ends by itself. */
  onPoolDraining(): void {}

  onPoolCutOff(): void {
    this.#finish("UPSTREAM_DRAIN_DEADLINE");
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#touch();
    this.#receivedBytes += end - start;
    const upstream = this.#upstream;
    if (upstream === null || !this.#isConnected) {
      this.#first = Buffer.concat([this.#first, bytes.subarray(start, end)]);
      return;
    }
    if (upstream.transport.isClosed) return this.#finish("the host closed the connection");
    upstream.transport.output.writeBytes(bytes, start, end);
    if (upstream.transport.output.isCongested) this.#client.setReadPaused(true);
  }

  onPeerEnd(): void {
    this.#hasClientEnded = true;
    if (this.#isConnected) this.#upstream?.transport.end();
  }

  onOutputDrained(): void {
    this.#touch();
    this.#upstream?.transport.setReadPaused(false);
  }

  onClosed(error: Error | null): void {
    if (error !== null) return this.#finish(error.message);
    const upstream = this.#upstream;
    // Both sides have said that they are done; what the host has not taken yet is still on its way to it.
    const isDone = this.#hasClientEnded && this.#isConnected && upstream !== null && upstream.hasEnded;
    if (!isDone) this.#finish(this.#hasClientEnded ? "" : "the client closed the connection");
    else if (upstream.transport.isClosed) this.#finish("");
  }

  onTimer(entry: TimerEntry): void {
    if (entry.kind === TIMER_IDLE) this.#finish("idle");
    else this.#tryNext(`no connection within ${this.#cluster.config.pool.connectTimeoutMs} ms`);
  }

  /** @internal The host took the connection. */
  onUpstreamConnected(upstream: TunnelUpstream): void {
    this.#isConnected = true;
    this.#deps.wheel.cancel(this.#timer);
    this.#touch();
    keepAliveByTcp(upstream.transport, this.#cluster.config.pool.heartbeat);
    upstream.transport.output.writeBytes(this.#first, 0, this.#first.length);
    this.#receivedBytes += this.#first.length;
    this.#first = EMPTY;
    if (this.#hasClientEnded) upstream.transport.end();
    this.#client.setReadPaused(false);
  }

  /** @internal */
  onUpstreamBytes(bytes: Buffer, start: number, end: number): void {
    this.#touch();
    this.#sentBytes += end - start;
    this.#client.output.writeBytes(bytes, start, end);
    if (this.#client.output.isCongested) this.#upstream?.transport.setReadPaused(true);
  }

  /** @internal */
  onUpstreamDrained(): void {
    this.#touch();
    this.#client.setReadPaused(false);
  }

  /** @internal */
  onUpstreamEnd(): void {
    this.#client.end();
  }

  /** @internal The connection to the host is gone: before it was there another host is tried. */
  onUpstreamClosed(error: Error | null): void {
    if (this.#isOver) return;
    if (!this.#isConnected) return this.#tryNext(error === null ? "the host closed the connection" : error.message);
    if (error !== null || this.#upstream?.hasEnded !== true) {
      return this.#finish(error === null ? "the host closed the connection" : error.message);
    }
    // After an orderly end the client still gets what is on its way; its own close ends the tunnel.
    if (this.#client.isClosed) this.#finish("");
  }

  #tryNext(detail: string): void {
    this.#endTry("connect-failure");
    if (this.#tried.length < TUNNEL_TRIES_MAX) this.#connect();
    else this.#finish(detail);
  }

  #connect(): void {
    const host = this.#deps.pick(this.#cluster, this.#tried);
    if (host === undefined) return this.#finish("CLUSTER_NO_HOST");
    const place = this.#cluster.places.tryAcquire();
    if (place !== "acquired") return this.#finish(place);
    this.#host = host;
    this.#tried.push(host);
    this.#tryStartedMs = this.#deps.nowMs();
    host.onRequestStart();
    this.#pool = this.#cluster.poolOf(host);
    this.#pool.addGuest(this);
    this.#cluster.stats.connections.tcp++;
    this.#cluster.stats.connectionsActive.tcp++;
    this.#deps.wheel.schedule(this.#timer, this.#cluster.config.pool.connectTimeoutMs);
    this.#upstream = new TunnelUpstream(this, this.#cluster, host, this.#clientFacts);
  }

  /** Gives back what the try at the present host holds. */
  #endTry(outcome: "success" | "connect-failure" | "cancelled", isReset: boolean = false): void {
    this.#deps.wheel.cancel(this.#timer);
    this.#upstream?.close(isReset);
    this.#upstream = null;
    if (this.#host === null) return;
    this.#host.onRequestEnd(outcome, this.#deps.nowMs() - this.#tryStartedMs);
    this.#host = null;
    this.#pool?.removeGuest(this);
    this.#pool = null;
    this.#cluster.places.release();
    this.#cluster.stats.connectionsActive.tcp--;
  }

  #finish(error: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deps.wheel.cancel(this.#idleTimer);
    // Neither side must take what was cut short for complete.
    this.#endTry(this.#isConnected ? "success" : "cancelled", error !== "");
    if (error === "") this.#client.destroy();
    else this.#client.reset();
    this.#owner.onTunnelEnd(this, error, this.#receivedBytes, this.#sentBytes);
  }

  #touch(): void {
    this.#idleTimer.extend(this.#deps.nowMs() + this.#idleTimeoutMs);
  }
}

/** The host's side of a tunnel. */
class TunnelUpstream implements ConnectHandler {
  readonly transport: Transport;
  hasEnded: boolean = false;
  readonly #tunnel: TcpTunnel;
  #isClosed: boolean = false;

  constructor(tunnel: TcpTunnel, cluster: ClusterRuntime, host: Host<HostPool>, client: TunnelClient) {
    this.#tunnel = tunnel;
    const { address, port, transport, isPassthrough } = client;
    const proxied = { from: { address, port }, to: transport.local };
    this.transport = cluster.openTransport(host, this, proxied, !isPassthrough);
  }

  close(isReset: boolean): void {
    this.#isClosed = true;
    if (isReset) this.transport.reset();
    else this.transport.destroy();
  }

  onConnected(): void {
    if (!this.#isClosed) this.#tunnel.onUpstreamConnected(this);
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (!this.#isClosed) this.#tunnel.onUpstreamBytes(bytes, start, end);
  }

  onPeerEnd(): void {
    this.hasEnded = true;
    if (!this.#isClosed) this.#tunnel.onUpstreamEnd();
  }

  onOutputDrained(): void {
    if (!this.#isClosed) this.#tunnel.onUpstreamDrained();
  }

  onClosed(error: Error | null): void {
    if (!this.#isClosed) this.#tunnel.onUpstreamClosed(error);
  }
}

const EMPTY = Buffer.alloc(0);
