import type { BalancedHost, Balancer, BalancerPolicy, PickContext } from "@weft/contract";
import { assert, assertInteger, type Clock, hashString, mixUint32, type Random } from "@weft/kernel";
import { RING_HOSTS_MAX, RING_POINTS_PER_HOST, RING_SIZE_MAX, RING_STEPS_MAX } from "./limits.ts";
import { isTried, untriedFrom } from "./untried.ts";

/** The policy's own fields. */
export type RingHashOptions = Extract<BalancerPolicy, { type: "ring-hash" }>;

/** Seeds of the two hashes of a host's key that its points follow from: 64 bits, so no two hosts share them. */
const BASE_SEED = 0x72696e67;
const STEP_SEED = 0x686f7374;

class RingHashBalancer<H extends BalancedHost> implements Balancer<H> {
  readonly #sizeMin: number;
  readonly #sizeMax: number;
  /** Sorted by key, so that the ring does not depend on the order in which hosts were told. */
  #hosts: readonly H[] = [];
  /** Where points lie on the ring, ascending. */
  #points: Uint32Array = new Uint32Array(0);
  /** Index of a point's host. */
  #owners: Uint32Array = new Uint32Array(0);

  constructor(options: RingHashOptions) {
    assertInteger("ringSizeMax", options.ringSizeMax, 1, RING_SIZE_MAX);
    assertInteger("ringSizeMin", options.ringSizeMin, 1, options.ringSizeMax);
    this.#sizeMin = options.ringSizeMin;
    this.#sizeMax = options.ringSizeMax;
  }

  update(hosts: readonly H[]): void {
    assertInteger("hosts of a hash ring", hosts.length, 0, RING_HOSTS_MAX);
    const sorted = hosts.toSorted(byKey);
    const scale = ringScale(sorted, this.#sizeMin, this.#sizeMax);
    const size = sorted.reduce((sum, host) => sum + pointsOf(host, scale), 0);
    // A point is one exact number, hash above host, so that the engine's own sort of numbers can be used.
    const packed = new Float64Array(size);
    let next = 0;
    for (let index = 0; index < sorted.length; index++) {
      const host = sorted[index];
      assert(host !== undefined, "a list of hosts has no holes");
      const base = hashString(host.key, BASE_SEED);
      const step = hashString(host.key, STEP_SEED);
      const end = next + pointsOf(host, scale);
      for (let replica = 0; next < end; replica++) {
        packed[next++] = mixUint32(base + mixUint32(step ^ replica)) * RING_HOSTS_MAX + index;
      }
    }
    packed.sort();
    this.#hosts = sorted;
    this.#points = new Uint32Array(size);
    this.#owners = new Uint32Array(size);
    for (let i = 0; i < size; i++) {
      const value = packed[i] ?? 0;
      this.#points[i] = Math.floor(value / RING_HOSTS_MAX);
      this.#owners[i] = value % RING_HOSTS_MAX;
    }
  }

  pick(context: PickContext): H | undefined {
    const size = this.#points.length;
    if (size === 0) return undefined;
    const { tried } = context;
    let point = this.#firstPointFrom(mixUint32(context.hash));
    if (tried.length === 0) return this.#hosts[this.#owners[point] ?? 0];
    const steps = size < RING_STEPS_MAX ? size : RING_STEPS_MAX;
    for (let step = 0; step < steps; step++) {
      const host = this.#hosts[this.#owners[point] ?? 0];
      if (host !== undefined && !isTried(host, tried)) return host;
      point = point + 1 < size ? point + 1 : 0;
    }
    return untriedFrom(this.#hosts, this.#owners[point] ?? 0, tried);
  }

  /** The first point at or after `hash`, around the ring. */
  #firstPointFrom(hash: number): number {
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
}

function byKey(a: BalancedHost, b: BalancedHost): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

function pointsOf(host: BalancedHost, scale: number): number {
  return Math.max(1, Math.round(host.weight * scale));
}

/**
 * Points per unit of weight: `RING_POINTS_PER_HOST` for a host of mean weight, more while the ring would be smaller than
 * `sizeMin`, fewer where it would exceed `sizeMax`. Not a fixed size shared among all, as in Envoy: there, every host
 * that leaves gives points to all others, and as many keys again move for nothing.
 */
function ringScale(hosts: readonly BalancedHost[], sizeMin: number, sizeMax: number): number {
  let total = 0;
  for (const host of hosts) total += host.weight;
  const size = Math.min(sizeMax, Math.max(sizeMin, hosts.length * RING_POINTS_PER_HOST));
  let scale = total === 0 ? 1 : size / total;
  const pointsAt = (candidate: number): number => hosts.reduce((sum, host) => sum + pointsOf(host, candidate), 0);
  // With one point per host a smaller scale changes nothing: then the ring is as large as the list of hosts.
  while (pointsAt(scale) > Math.max(sizeMax, hosts.length)) scale *= 0.9;
  return scale;
}

/**
 * Consistent hashing on a ring (Karger 1997, as ketama): each host has points in proportion to its weight, a request
 * goes to the host of the first point at or after its hash, a retry to the next other host on the ring. A host that
 * goes takes only its own keys with it. The ring grows with the hosts, from `ringSizeMin` to `ringSizeMax` points, but
 * every host has at least one. The same on every proxy and in any order of hosts.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT unless `1 <= ringSizeMin <= ringSizeMax <= RING_SIZE_MAX`
 * @example
 * const options = { type: "ring-hash", ringSizeMin: 1024, ringSizeMax: 8_388_608 } as const;
 * const balancer = createRingHash(options, systemRandom, systemClock);
 */
export function createRingHash<H extends BalancedHost>(
  options: RingHashOptions,
  _random: Random,
  _clock: Clock,
): Balancer<H> {
  return new RingHashBalancer<H>(options);
}
