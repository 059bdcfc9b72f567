import type { UpstreamConnection } from "../upstream/index.ts";
import { IdleList } from "./idle-list.ts";

/** Limits of the cluster that refuse a connection, or a place in the queue. */
export type LimitRefusal = "CLUSTER_CONNECTIONS_FULL" | "CLUSTER_PENDING_FULL";

/** The limits of a cluster, as counts of what is in use: its circuit breaker. */
export interface PoolLimits {
  /** Whether one more connection is within the limit. */
  readonly hasConnectionPlace: boolean;
  tryAcquireConnection(): "acquired" | LimitRefusal;
  releaseConnection(): void;
  tryAcquirePending(): "acquired" | LimitRefusal;
  releasePending(): void;
}

/** A pool in which requests wait for a connection that cannot be opened at present. */
export interface PlaceSeeker {
  /** When the first request came that no connection on its way will serve (`nextArrival`); Infinity for none. */
  readonly seekingSince: number;
  /** A place is free: a connection may be opened now. */
  onPlaceFree(): void;
}

/**
 * The places for connections that the hosts of one cluster share in one worker. Where all are taken, the connection that
 * has been idle the longest, whatever its host, makes way for one that is needed: else hosts that were asked first would
 * keep all places and the others never get a request.
 *
 * Where all are busy, pools wait for a place, in turn. One that has no connection at all is `starved`: it even gets the
 * place of a connection for which requests wait at its own host, if its own came before them. One that only wants more
 * gets what nobody needs.
 */
export class ConnectionPlaces {
  readonly #limits: PoolLimits;
  readonly #idle: IdleList = new IdleList();
  readonly #starved: Set<PlaceSeeker> = new Set();
  readonly #short: Set<PlaceSeeker> = new Set();
  /** Connections that may make way some time. */
  #sharedCount: number = 0;
  #arrivals: number = 0;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  /** Requests that wait are numbered over all hosts. */
  nextArrival(): number {
    return ++this.#arrivals;
  }

  tryAcquirePending(): "acquired" | LimitRefusal {
    return this.#limits.tryAcquirePending();
  }

  releasePending(): void {
    this.#limits.releasePending();
  }

  /** A place for a connection that is needed, if need be that of an idle one. */
  tryAcquire(): "acquired" | LimitRefusal {
    const { longest } = this.#idle;
    if (longest !== null && !this.#limits.hasConnectionPlace) this.#displace(longest);
    return this.#limits.tryAcquireConnection();
  }

  /** A place for a connection that would only be welcome. */
  tryAcquireSpare(): boolean {
    return this.#limits.hasConnectionPlace && this.#limits.tryAcquireConnection() === "acquired";
  }

  /** A connection that took a place, and may make way for others while it is idle. */
  share(connection: UpstreamConnection): void {
    connection.isShared = true;
    this.#sharedCount++;
  }

  /** A connection has gone: its place is free, unless it was taken from it. Call `offer` when its pool took what it needs. */
  leave(connection: UpstreamConnection): void {
    this.#idle.remove(connection);
    if (connection.isDisplaced) return;
    if (connection.isShared) this.#sharedCount--;
    this.#limits.releaseConnection();
  }

  /** Gives back a place that was acquired for something else than a pool's connection. */
  release(): void {
    this.#limits.releaseConnection();
    this.offer();
  }

  /** A connection carries nothing. */
  noteIdle(connection: UpstreamConnection): void {
    if (connection.isShared && !connection.isDisplaced) this.#idle.add(connection);
  }

  /** A connection is used, or takes no new stream any more. */
  noteBusy(connection: UpstreamConnection): void {
    this.#idle.remove(connection);
  }

  /** `seeker` waits for a place; false where none will come free. */
  seek(seeker: PlaceSeeker, isStarved: boolean): boolean {
    if (this.#sharedCount === 0) return false;
    if (isStarved) this.#starved.add(seeker);
    else this.#short.add(seeker);
    return true;
  }

  /** Some pool waits for a place, or did lately. */
  get hasSeekers(): boolean {
    return this.#starved.size + this.#short.size > 0;
  }

  /**
   * `connection` carries nothing now. True if its place went to another host: where a pool is starved by requests that
   * came before `waitingSince`, the first that waits for this connection, or, where none does, to whoever waits.
   */
  yieldIdle(connection: UpstreamConnection, waitingSince: number): boolean {
    if (!connection.isShared) return false;
    const starved = firstOf(this.#starved);
    const isStarvedFirst = starved !== null && starved.seekingSince < waitingSince;
    if (!isStarvedFirst && (waitingSince < Number.POSITIVE_INFINITY || firstOf(this.#short) === null)) return false;
    this.#displace(connection);
    this.offer();
    return true;
  }

  /** Free places go to the pools that wait. */
  offer(): void {
    while (this.#limits.hasConnectionPlace) {
      const seeker = firstOf(this.#starved) ?? firstOf(this.#short);
      if (seeker === null) return;
      this.#starved.delete(seeker);
      this.#short.delete(seeker);
      seeker.onPlaceFree();
    }
  }

  /** The place is free at once; the connection is closed within this turn. */
  #displace(connection: UpstreamConnection): void {
    this.#idle.remove(connection);
    this.#sharedCount--;
    connection.displace();
    this.#limits.releaseConnection();
  }
}

/** The first pool that still waits; those that do not any more are forgotten. */
function firstOf(seekers: Set<PlaceSeeker>): PlaceSeeker | null {
  for (const seeker of seekers) {
    if (seeker.seekingSince < Number.POSITIVE_INFINITY) return seeker;
    seekers.delete(seeker);
  }
  return null;
}
