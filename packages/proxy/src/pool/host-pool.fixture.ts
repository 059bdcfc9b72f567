import assert from "node:assert/strict";
import type { PoolConfig, ResetReason } from "@weft/contract";
import type { UpstreamConnection, UpstreamOwner } from "../upstream/index.ts";
import { ConnectionPlaces, type PoolLimits } from "./connection-places.ts";
import { HostPool, type PoolShape, type PoolWaiter } from "./host-pool.ts";

export const CONFIG: PoolConfig = {
  http2ConnectionsMax: 2,
  http2StreamsMax: 3,
  http1IdleMax: 2,
  rpcSharing: "multiplexed",
  rpcConnectionsMax: 2,
  rpcConnectionsMin: 1,
  rpcStreamsMax: 3,
  idleTimeoutMs: 1000,
  connectTimeoutMs: 1000,
  queueTimeoutMs: 1000,
  requestsPerConnectionMax: 0,
  heartbeat: {
    mode: "off",
    periodMs: 15_000,
    periodMsMax: 75_000,
    timeoutMs: 1000,
    missesMax: 3,
    peerIdleTimeoutMs: 0,
    jitter: 0,
  },
};

export const HTTP1: PoolShape = {
  streamsExpected: 1,
  connectionsMax: Number.POSITIVE_INFINITY,
  connectionsMin: 0,
  isShared: true,
};
export const HTTP2: PoolShape = { streamsExpected: 3, connectionsMax: 2, connectionsMin: 0, isShared: true };

/** A connection without a socket: the test says when it comes up, breaks, drains, and when its streams end. */
export class FakeConnection {
  isListed: boolean = false;
  isLeaving: boolean = false;
  isShared: boolean = false;
  isDisplaced: boolean = false;
  isIdle: boolean = false;
  idleBefore: UpstreamConnection | null = null;
  idleAfter: UpstreamConnection | null = null;
  activeStreams: number = 0;
  isReady: boolean = false;
  isGone: boolean = false;
  isDraining: boolean = false;
  readonly streamsMax: number;
  readonly #owner: UpstreamOwner;

  constructor(owner: UpstreamOwner, streamsMax: number) {
    this.#owner = owner;
    this.streamsMax = streamsMax;
  }

  get #self(): UpstreamConnection {
    return this as unknown as UpstreamConnection;
  }

  get availableStreams(): number {
    return this.isReady && !this.isGone && !this.isDraining ? this.streamsMax - this.activeStreams : 0;
  }

  ready(): void {
    this.isReady = true;
    this.#owner.onUpstreamReady(this.#self);
  }

  fail(): void {
    this.isGone = true;
    this.activeStreams = 0;
    this.#owner.onUpstreamGone(this.#self, this.isReady, "broken");
  }

  endStream(): void {
    const wasFull = this.availableStreams === 0;
    this.activeStreams--;
    const isNews = wasFull || this.activeStreams === 0;
    if (this.isDraining && this.activeStreams === 0) this.fail();
    else if (isNews && this.availableStreams > 0) this.#owner.onUpstreamAvailable(this.#self);
  }

  /** The host says that it takes no more. */
  goaway(): void {
    this.isDraining = true;
    this.#owner.onUpstreamDraining(this.#self);
    if (this.activeStreams === 0 && !this.isGone) this.fail();
  }

  drain(): void {
    this.isDraining = true;
    if (!this.isReady || this.activeStreams === 0) queueMicrotask(() => this.isGone || this.fail());
    this.#owner.onUpstreamDraining(this.#self);
  }

  /** Its place is needed: it is gone as soon as the system says so. */
  displace(): void {
    assert.equal(this.activeStreams, 0, "only an idle connection is displaced");
    this.isDisplaced = true;
    this.isDraining = true;
    this.close();
    this.#owner.onUpstreamDraining(this.#self);
  }

  close(): void {
    queueMicrotask(() => this.isGone || this.fail());
  }
}

export class FakeLimits implements PoolLimits {
  connections: number = 0;
  pending: number = 0;
  readonly #connectionsMax: number;
  readonly #pendingMax: number;

  constructor(connectionsMax: number, pendingMax: number) {
    this.#connectionsMax = connectionsMax;
    this.#pendingMax = pendingMax;
  }

  get hasConnectionPlace(): boolean {
    return this.connections < this.#connectionsMax;
  }

  tryAcquireConnection(): "acquired" | "CLUSTER_CONNECTIONS_FULL" {
    if (!this.hasConnectionPlace) return "CLUSTER_CONNECTIONS_FULL";
    this.connections++;
    return "acquired";
  }

  releaseConnection(): void {
    assert.ok(this.connections-- > 0);
  }

  tryAcquirePending(): "acquired" | "CLUSTER_PENDING_FULL" {
    if (this.pending >= this.#pendingMax) return "CLUSTER_PENDING_FULL";
    this.pending++;
    return "acquired";
  }

  releasePending(): void {
    assert.ok(this.pending-- > 0);
  }
}

/** A request: waits, runs on a connection, or failed. */
export class FakeRequest implements PoolWaiter {
  connection: FakeConnection | null = null;
  outcome: "" | "refused" | ResetReason = "";

  begin(pool: HostPool): this {
    const result = pool.acquire(this);
    if (result === "waiting") return this;
    if (typeof result === "string") this.outcome = "refused";
    else this.onPooled(result);
    return this;
  }

  onPooled(connection: UpstreamConnection): void {
    assert.ok(this.connection === null && this.outcome === "", "a waiter is served once");
    assert.ok(connection.availableStreams > 0, "a stream may be opened");
    this.connection = connection as unknown as FakeConnection;
    this.connection.activeStreams++;
  }

  onPoolFailed(reason: ResetReason): void {
    assert.ok(this.connection === null && this.outcome === "", "a waiter is failed once");
    this.outcome = reason;
  }

  get isWaiting(): boolean {
    return this.connection === null && this.outcome === "";
  }
}

export interface PoolFixture {
  readonly pool: HostPool;
  readonly limits: FakeLimits;
  readonly connections: readonly FakeConnection[];
  /** Begins a request. */
  readonly request: () => FakeRequest;
  readonly at: (index: number) => FakeConnection;
}

/** A pool for one host of a cluster; `places` are shared with the pools of others. */
export function createPool(
  isMultiplexed: boolean,
  limits: FakeLimits = new FakeLimits(100, 100),
  changes: Partial<PoolConfig> = {},
  places: ConnectionPlaces = new ConnectionPlaces(limits),
): PoolFixture {
  const connections: FakeConnection[] = [];
  const config = { ...CONFIG, ...changes };
  const streamsMax = isMultiplexed ? config.http2StreamsMax : 1;
  const pool = new HostPool(config, isMultiplexed ? HTTP2 : HTTP1, places, (owner) => {
    const connection = new FakeConnection(owner, streamsMax);
    connections.push(connection);
    return connection as unknown as UpstreamConnection;
  });
  const request = (): FakeRequest => new FakeRequest().begin(pool);
  const at = (index: number): FakeConnection => connections[index] ?? assert.fail(`no connection ${index}`);
  return { pool, limits, connections, request, at };
}
