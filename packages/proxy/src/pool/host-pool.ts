import type { PoolConfig, ResetReason } from "@weft/contract";
import { assert } from "@weft/kernel";
import type { UpstreamConnection, UpstreamOwner } from "../upstream/index.ts";
import type { ConnectionPlaces, LimitRefusal, PlaceSeeker } from "./connection-places.ts";

/** A request that waits for a connection. Exactly one of the two is called, unless it was cancelled before. */
export interface PoolWaiter {
  /** A stream may be opened on `connection`, now, before this call returns. */
  onPooled(connection: UpstreamConnection): void;
  onPoolFailed(reason: ResetReason, detail: string): void;
}

/** The error codes with which a pool refuses a request: a limit of the cluster is reached, or the pool is on its way out. */
export type PoolRefusal = LimitRefusal | "CLUSTER_NO_HOST";

/** What is open at a host besides the pool's connections, and ends with the pool: a TCP tunnel. */
export interface PoolGuest {
  /** Connections to the host that carry requests; none for a tunnel. */
  connections(): Iterable<UpstreamConnection>;
  /** The pool drains: what is open may finish, nothing new should begin. */
  onPoolDraining(): void;
  /** The time of a pool that drains is up. */
  onPoolCutOff(): void;
}

/** What a pool expects of its connections. */
export interface PoolShape {
  /** Streams that one connection is expected to take while it is not up yet. */
  readonly streamsExpected: number;
  /** Connections at most that take new streams. */
  readonly connectionsMax: number;
  /** Calls are spread over so many connections from the first ones on, and over more as they meet; 0: not at all. */
  readonly connectionsMin: number;
  /** While they are idle they make way for connections to other hosts where the cluster's limit is reached. */
  readonly isShared: boolean;
}

/** Opens a connection for a pool. */
export type OpenUpstream = (owner: UpstreamOwner) => UpstreamConnection;

/** How a request got on: a connection at once, a place in the queue, or none because a limit is reached. */
export type PoolResult = UpstreamConnection | "waiting" | PoolRefusal;

/**
 * The connections of one worker to one host. HTTP/1 connections carry one request at a time, HTTP/2 connections many;
 * the pool only asks how many streams a connection takes now.
 *
 *     connecting --ready--> available (streams > 0) <--> full (streams = 0) --> draining --> gone
 *
 * Available connections are a stack: the one used last is used next, so that surplus ones fall idle and close.
 */
export class HostPool implements UpstreamOwner, PlaceSeeker {
  readonly #config: PoolConfig;
  readonly #places: ConnectionPlaces;
  readonly #open: OpenUpstream;
  /** Streams that one connection is expected to take while it is not up yet. */
  #streamsExpected: number;
  /** Connections at most that take new streams; by the cluster's breaker alone for HTTP/1. */
  #connectionsMax: number;
  /** Requests go to the connection with the fewest, and meeting ones open a further one; else to the one used last. */
  readonly #connectionsMin: number;
  /** Counts the choices among connections that calls are spread over. */
  #turn: number = 0;
  readonly #isShared: boolean;
  readonly #available: UpstreamConnection[] = [];
  readonly #all: Set<UpstreamConnection> = new Set();
  /** In order of arrival, each with its number. */
  readonly #waiters: Map<PoolWaiter, number> = new Map();
  readonly #guests: Set<PoolGuest> = new Set();
  #connecting: number = 0;
  /** Connections among `#all` that only finish what is open: they do not stand in the way of new ones. */
  #leaving: number = 0;
  /** The connection that is being offered to whoever waits. */
  #offered: UpstreamConnection | null = null;
  #isDraining: boolean = false;
  /** Who is told when a pool that drains has nothing open any more. */
  #onDrained: (() => void) | null = null;

  constructor(config: PoolConfig, shape: PoolShape, places: ConnectionPlaces, open: OpenUpstream) {
    this.#config = config;
    this.#places = places;
    this.#open = open;
    this.#streamsExpected = shape.streamsExpected;
    this.#connectionsMax = shape.connectionsMax;
    this.#connectionsMin = shape.connectionsMin;
    this.#isShared = shape.isShared;
  }

  /** All connections to the host, those of guests too; for people, so not on the hot path. */
  *connections(): Generator<UpstreamConnection> {
    yield* this.#all;
    for (const guest of this.#guests) yield* guest.connections();
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  /** Connections on which nothing is open. */
  get idleCount(): number {
    let count = 0;
    for (const connection of this.#available) if (connection.activeStreams === 0) count++;
    return count;
  }

  get waitingCount(): number {
    return this.#waiters.size;
  }

  /** A connection that takes a stream now (open it before returning to the event loop), or why there is none. */
  acquire(waiter: PoolWaiter): PoolResult {
    const connection = this.#connectionsMin > 0 ? this.#takeLeastBusy() : this.#takeAvailable();
    if (connection !== null) {
      this.#places.noteBusy(connection);
      return connection;
    }
    if (this.#isDraining) return "CLUSTER_NO_HOST";
    const verdict = this.#places.tryAcquirePending();
    if (verdict !== "acquired") return verdict;
    this.#waiters.set(waiter, this.#places.nextArrival());
    if (this.#seekConnection()) return "waiting";
    this.#forget(waiter);
    return "CLUSTER_CONNECTIONS_FULL";
  }

  /** A waiter has lost patience. */
  cancel(waiter: PoolWaiter): void {
    if (this.#waiters.has(waiter)) this.#forget(waiter);
  }

  /** `guest` is open at this host until `removeGuest`. */
  addGuest(guest: PoolGuest): void {
    this.#guests.add(guest);
  }

  removeGuest(guest: PoolGuest): void {
    this.#guests.delete(guest);
    this.#checkDrained();
  }

  /**
   * The host left the cluster or its configuration changed: open streams finish, nothing new begins here. `onDrained` is
   * called once, when nothing is open any more.
   */
  drain(onDrained: () => void): void {
    this.#isDraining = true;
    this.#onDrained = onDrained;
    for (const guest of this.#guests) guest.onPoolDraining();
    this.#failWaiters("refused", "the host is being removed");
    for (const connection of this.#all) {
      this.#removeAvailable(connection);
      connection.drain();
    }
    this.#checkDrained();
  }

  /** A pool that drains has had its time: whatever is open ends at once. */
  cutOff(): void {
    assert(this.#isDraining, "only a pool that drains is cut off");
    for (const guest of this.#guests) guest.onPoolCutOff();
    for (const connection of this.#all) connection.cutOff();
  }

  /** Closes every connection at once; `detail` says why. */
  close(detail: string = "the proxy is shutting down"): void {
    this.#isDraining = true;
    for (const connection of this.#all) connection.close(detail);
    this.#failWaiters("refused", detail);
  }

  onUpstreamReady(connection: UpstreamConnection): void {
    this.#connecting--;
    if (this.#isDraining) {
      connection.drain();
      return;
    }
    // ALPN chose HTTP/2: from now on one connection is expected to serve many.
    if (this.#streamsExpected === 1 && connection.availableStreams > 1) this.#expectMultiplexed();
    this.onUpstreamAvailable(connection);
  }

  onUpstreamAvailable(connection: UpstreamConnection): void {
    // A waiter that could not use the connection after all gives it back while it is being offered.
    if (this.#isDraining || this.#offered === connection) return;
    const isIdle = connection.activeStreams === 0;
    if (isIdle && this.#places.hasSeekers && this.#places.yieldIdle(connection, this.#firstArrival)) return;
    this.#offered = connection;
    while (this.#waiters.size > 0 && connection.availableStreams > 0) this.#serveFirstWaiter(connection);
    this.#offered = null;
    if (connection.availableStreams === 0) return;
    if (connection.activeStreams === 0) this.#places.noteIdle(connection);
    if (connection.isListed) return;
    if (this.#streamsExpected === 1 && this.#available.length >= this.#config.http1IdleMax) {
      connection.drain();
      return;
    }
    connection.isListed = true;
    this.#available.push(connection);
  }

  onUpstreamDraining(connection: UpstreamConnection): void {
    this.#removeAvailable(connection);
    this.#places.noteBusy(connection);
    if (connection.isLeaving) return;
    connection.isLeaving = true;
    this.#leaving++;
    // Whoever waits for a stream must not wait for the last one of this connection to end.
    if (!this.#isDraining && this.#waiters.size > 0) this.#seekConnection();
  }

  onUpstreamGone(connection: UpstreamConnection, wasReady: boolean, detail: string): void {
    this.#all.delete(connection);
    this.#places.leave(connection);
    this.#removeAvailable(connection);
    if (connection.isLeaving) this.#leaving--;
    if (!wasReady) this.#connecting--;
    assert(this.#connecting >= 0, "a pool has no fewer than 0 connections on the way");
    this.#checkDrained();
    if (this.#waiters.size > 0 && !wasReady) this.#failAfterConnectFailure(detail);
    if (this.#waiters.size > 0 && !this.#seekConnection()) {
      this.#failWaiters("overloaded", "no connection may be opened");
    }
    this.#places.offer();
  }

  get seekingSince(): number {
    return this.#isServed || this.#isFull ? Number.POSITIVE_INFINITY : this.#firstArrival;
  }

  onPlaceFree(): void {
    if (this.#waiters.size > 0) this.#seekConnection();
  }

  /** Number of the request that has waited the longest; Infinity for none. */
  get #firstArrival(): number {
    for (const arrival of this.#waiters.values()) return arrival;
    return Number.POSITIVE_INFINITY;
  }

  /** The connections on their way are enough for who waits. */
  get #isServed(): boolean {
    return this.#connecting * this.#streamsExpected >= this.#waiters.size;
  }

  /** There are as many connections as may take new streams. */
  get #isFull(): boolean {
    return this.#all.size - this.#leaving >= this.#connectionsMax;
  }

  #checkDrained(): void {
    if (this.#onDrained === null || this.#all.size + this.#guests.size > 0) return;
    const onDrained = this.#onDrained;
    this.#onDrained = null;
    onDrained();
  }

  #takeAvailable(): UpstreamConnection | null {
    const available = this.#available;
    for (let connection = available.at(-1); connection !== undefined; connection = available.at(-1)) {
      const streams = connection.availableStreams;
      if (streams > 1) return connection;
      connection.isListed = false;
      available.pop();
      if (streams === 1) return connection;
    }
    return null;
  }

  #takeLeastBusy(): UpstreamConnection | null {
    let least: UpstreamConnection | null = null;
    let fewest = Number.POSITIVE_INFINITY;
    const available = this.#available;
    // In turn where several are equal: with few calls at a time the first would get all of them.
    this.#turn++;
    for (let step = 0; step < available.length && fewest > 0; step++) {
      const connection = available[(this.#turn + step) % available.length] as UpstreamConnection;
      const { activeStreams } = connection;
      if (activeStreams >= fewest || connection.availableStreams === 0) continue;
      least = connection;
      fewest = activeStreams;
    }
    if (least === null) return null;
    const isWanted = fewest > 0 || this.#all.size - this.#leaving < this.#connectionsMin;
    if (isWanted && this.#connecting === 0 && !this.#isFull && this.#places.tryAcquireSpare()) this.#openOne();
    if (least.availableStreams === 1) this.#removeAvailable(least);
    return least;
  }

  #removeAvailable(connection: UpstreamConnection): void {
    if (!connection.isListed) return;
    connection.isListed = false;
    this.#available.splice(this.#available.indexOf(connection), 1);
  }

  /** Opens the connections that who waits needs, or waits for their places; false where nobody can be served. */
  #seekConnection(): boolean {
    while (!this.#isServed && !this.#isFull) {
      if (this.#places.tryAcquire() !== "acquired") break;
      this.#openOne();
    }
    const isStarved = this.#all.size === this.#leaving;
    const isSeeking = !this.#isServed && !this.#isFull && this.#places.seek(this, isStarved);
    return isSeeking || this.#all.size > 0;
  }

  #openOne(): void {
    this.#connecting++;
    const connection = this.#open(this);
    this.#all.add(connection);
    if (this.#isShared) this.#places.share(connection);
  }

  #expectMultiplexed(): void {
    this.#streamsExpected = this.#config.http2StreamsMax;
    this.#connectionsMax = this.#config.http2ConnectionsMax;
  }

  #serveFirstWaiter(connection: UpstreamConnection): void {
    for (const waiter of this.#waiters.keys()) {
      this.#forget(waiter);
      this.#places.noteBusy(connection);
      waiter.onPooled(connection);
      return;
    }
  }

  /**
   * One failed connection fails the requests that counted on it: one for HTTP/1, all for HTTP/2 unless another
   * connection is up. They may try another host. Others that are on the way are no reason to wait: they most likely
   * fail as well, and each would be followed by the next.
   */
  #failAfterConnectFailure(detail: string): void {
    if (this.#streamsExpected > 1) {
      if (this.#all.size - this.#connecting - this.#leaving <= 0) this.#failWaiters("connect", detail);
      return;
    }
    for (const waiter of this.#waiters.keys()) {
      this.#forget(waiter);
      waiter.onPoolFailed("connect", detail);
      return;
    }
  }

  #failWaiters(reason: ResetReason, detail: string): void {
    const waiting = Array.from(this.#waiters.keys());
    for (const waiter of waiting) {
      if (!this.#waiters.has(waiter)) continue;
      this.#forget(waiter);
      waiter.onPoolFailed(reason, detail);
    }
  }

  #forget(waiter: PoolWaiter): void {
    this.#waiters.delete(waiter);
    this.#places.releasePending();
  }
}
