import type { BalancedHost } from "@weft/contract";
import { assert, assertInteger, hashString, mixUint32 } from "@weft/kernel";
import { byKey } from "./by-key.ts";
import { RING_HOSTS_MAX } from "./limits.ts";

/** Seeds of the two hashes of a host's key that its points follow from: 64 bits, so no two hosts share them. */
const BASE_SEED = 0x72696e67;
const STEP_SEED = 0x686f7374;
const GONE = 0xffff_ffff;

/** A host of the ring and how many points it has: the first so many of its own endless sequence. */
interface Member<H> {
  readonly host: H;
  readonly points: number;
}

/** How one ring becomes the next. Points are packed: hash above index of the host, in one exact number. */
interface RingChange {
  /** New index of every old host, or `GONE`. */
  readonly moves: Uint32Array;
  /** Points (hash, old index) that hosts which stay lose; ascending. */
  readonly losses: Float64Array;
  /** Points (hash, new index) that are new; ascending. */
  readonly gains: Float64Array;
}

/**
 * Points of hosts on a circle of 2^32, ascending. A change is merged in one pass over the ring, without hashing or
 * sorting what stays: a host that flaps among 10,000 costs milliseconds, not a rebuild.
 *
 *     0 ----a--b-------a---c----b------c------ 2^32
 */
export class HashRing<H extends BalancedHost> {
  /** Sorted by key, so that the ring does not depend on the order in which hosts were told. */
  #members: readonly Member<H>[] = [];
  #hosts: readonly H[] = [];
  #points: Uint32Array = new Uint32Array(0);
  /** Index of a point's host. */
  #owners: Uint32Array = new Uint32Array(0);

  /** How many points there are. */
  get size(): number {
    return this.#points.length;
  }

  get hosts(): readonly H[] {
    return this.#hosts;
  }

  /** Index, in `hosts`, of the host of a point. */
  ownerAt(point: number): number {
    return this.#owners[point] ?? 0;
  }

  /** The first point at or after `hash`, around the ring. */
  firstPointFrom(hash: number): number {
    const points = this.#points;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((points[middle] ?? 0) < hash) low = middle + 1;
      else high = middle;
    }
    return low < points.length ? low : 0;
  }

  /** Makes the ring consist of these hosts, each with `pointsOf` it. */
  update(hosts: readonly H[], pointsOf: (host: H) => number): void {
    assertInteger("hosts of a hash ring", hosts.length, 0, RING_HOSTS_MAX);
    const members = hosts.toSorted(byKey).map((host) => ({ host, points: pointsOf(host) }));
    const change = compareRings(this.#members, members);
    const size = members.reduce((sum, member) => sum + member.points, 0);
    this.#merge(change, size);
    this.#members = members;
    this.#hosts = members.map((member) => member.host);
  }

  #merge({ moves, losses, gains }: RingChange, size: number): void {
    const writer = new RingWriter(size, gains);
    const points = this.#points;
    const owners = this.#owners;
    let lost = 0;
    let lossHash = hashOf(losses, 0);
    for (let point = 0; point < points.length; point++) {
      const hash = points[point] ?? 0;
      const before = owners[point] ?? 0;
      const owner = moves[before] ?? GONE;
      if (owner === GONE) continue;
      if (hash === lossHash && losses[lost] === pack(hash, before)) {
        lossHash = hashOf(losses, ++lost);
        continue;
      }
      writer.write(hash, owner);
    }
    writer.finish();
    assert(lost === losses.length, "every point that is lost was there");
    this.#points = writer.points;
    this.#owners = writer.owners;
  }
}

/** Writes the next ring: points of the one before, in order, with the new ones put in where they belong. */
class RingWriter {
  readonly points: Uint32Array;
  readonly owners: Uint32Array;
  readonly #gains: Float64Array;
  #gained: number = 0;
  /** Hash of the next gain, Infinity after the last: most points are passed on after one comparison. */
  #gainHash: number;
  #next: number = 0;

  constructor(size: number, gains: Float64Array) {
    this.points = new Uint32Array(size);
    this.owners = new Uint32Array(size);
    this.#gains = gains;
    this.#gainHash = hashOf(gains, 0);
  }

  write(hash: number, owner: number): void {
    while (this.#gainHash <= hash && (this.#gains[this.#gained] ?? 0) < pack(hash, owner)) this.#writeGain();
    this.points[this.#next] = hash;
    this.owners[this.#next++] = owner;
  }

  finish(): void {
    while (this.#gained < this.#gains.length) this.#writeGain();
    assert(this.#next === this.points.length, "a ring has as many points as its hosts");
  }

  #writeGain(): void {
    this.points[this.#next] = this.#gainHash;
    this.owners[this.#next++] = (this.#gains[this.#gained] ?? 0) % RING_HOSTS_MAX;
    this.#gained++;
    this.#gainHash = hashOf(this.#gains, this.#gained);
  }
}

/** Hash of a packed point; Infinity beyond the list's end. */
function hashOf(list: Float64Array, at: number): number {
  return at < list.length ? Math.floor((list[at] ?? 0) / RING_HOSTS_MAX) : Number.POSITIVE_INFINITY;
}

function pack(hash: number, index: number): number {
  return hash * RING_HOSTS_MAX + index;
}

/** Both lists are sorted by key: one walk along the two tells what became of every host. */
function compareRings<H extends BalancedHost>(before: readonly Member<H>[], after: readonly Member<H>[]): RingChange {
  const moves = new Uint32Array(before.length).fill(GONE);
  const losses: number[] = [];
  const gains: number[] = [];
  let old = 0;
  after.forEach(({ host, points }, index) => {
    while ((before[old]?.host.key ?? host.key) < host.key) old++;
    const same = before[old]?.host.key === host.key ? before[old] : undefined;
    if (same !== undefined) moves[old] = index;
    appendPoints(losses, host.key, old, points, same?.points ?? 0);
    appendPoints(gains, host.key, index, same?.points ?? 0, points);
  });
  return { moves, losses: Float64Array.from(losses).sort(), gains: Float64Array.from(gains).sort() };
}

/** Points number `from` to `to` of a host's sequence; none when `to` is not larger. */
function appendPoints(list: number[], key: string, index: number, from: number, to: number): void {
  if (from >= to) return;
  const base = hashString(key, BASE_SEED);
  const step = hashString(key, STEP_SEED);
  for (let replica = from; replica < to; replica++) {
    list.push(pack(mixUint32(base + mixUint32(step ^ replica)), index));
  }
}
