import type { BalancedHost, Balancer, BalancerPolicy, PickContext } from "@weft/contract";
import { assertInteger, type Clock, mixUint32, type Random } from "@weft/kernel";
import { HashRing } from "./hash-ring.ts";
import { RING_POINTS_PER_HOST, RING_SIZE_MAX, RING_STEPS_MAX } from "./limits.ts";
import { isTried, untriedFrom } from "./untried.ts";

/** The policy's own fields. */
export type RingHashOptions = Extract<BalancerPolicy, { type: "ring-hash" }>;

class RingHashBalancer<H extends BalancedHost> implements Balancer<H> {
  readonly #sizeMin: number;
  readonly #sizeMax: number;
  readonly #ring: HashRing<H> = new HashRing();

  constructor(options: RingHashOptions) {
    assertInteger("ringSizeMax", options.ringSizeMax, 1, RING_SIZE_MAX);
    assertInteger("ringSizeMin", options.ringSizeMin, 1, options.ringSizeMax);
    this.#sizeMin = options.ringSizeMin;
    this.#sizeMax = options.ringSizeMax;
  }

  update(hosts: readonly H[]): void {
    const scale = ringScale(hosts, this.#sizeMin, this.#sizeMax);
    this.#ring.update(hosts, (host) => pointsOf(host, scale));
  }

  pick(context: PickContext): H | undefined {
    const ring = this.#ring;
    const { hosts, size } = ring;
    if (size === 0) return undefined;
    const { tried } = context;
    let point = ring.firstPointFrom(mixUint32(context.hash));
    if (tried.length === 0) return hosts[ring.ownerAt(point)];
    const steps = size < RING_STEPS_MAX ? size : RING_STEPS_MAX;
    for (let step = 0; step < steps; step++) {
      const host = hosts[ring.ownerAt(point)];
      if (host !== undefined && !isTried(host, tried)) return host;
      point = point + 1 < size ? point + 1 : 0;
    }
    return untriedFrom(hosts, ring.ownerAt(point), tried);
  }
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
