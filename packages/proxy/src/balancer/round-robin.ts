import type { BalancedHost, Balancer, BalancerPolicy, PickContext } from "@weft/contract";
import type { Clock, Random } from "@weft/kernel";
import { DeadlineHeap } from "./deadline-heap.ts";
import { isTried, untriedFrom } from "./untried.ts";
import { hasEqualWeights } from "./weights.ts";

/** The policy's own fields. */
export type RoundRobinOptions = Extract<BalancerPolicy, { type: "round-robin" }>;

class RoundRobinBalancer<H extends BalancedHost> implements Balancer<H> {
  readonly #random: Random;
  #hosts: readonly H[] = [];
  /** Whose turn it is, while all weigh the same. */
  #next: number = -1;
  /** Turns by weight; undefined while all weigh the same. */
  #turns: DeadlineHeap | undefined = undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  update(hosts: readonly H[]): void {
    const { length } = hosts;
    this.#hosts = hosts;
    this.#turns = undefined;
    if (length === 0) return;
    // The first turn falls by chance, so that proxies that start together do not go round in step.
    this.#next = this.#next < 0 ? this.#random.below(length) : this.#next % length;
    if (hasEqualWeights(hosts)) return;
    this.#turns = new DeadlineHeap(
      hosts.map((host) => host.weight),
      this.#random,
    );
  }

  pick(context: PickContext): H | undefined {
    const hosts = this.#hosts;
    if (hosts.length === 0) return undefined;
    if (this.#turns !== undefined) return this.#pickByWeight(this.#turns, context);
    const start = this.#next;
    this.#next = start + 1 < hosts.length ? start + 1 : 0;
    return context.tried.length === 0 ? hosts[start] : untriedFrom(hosts, start, context.tried);
  }

  #pickByWeight(turns: DeadlineHeap, context: PickContext): H | undefined {
    const hosts = this.#hosts;
    const { tried } = context;
    const slots = tried.length < hosts.length ? tried.length + 1 : hosts.length;
    for (let slot = 0; slot < slots; slot++) {
      const host = hosts[turns.itemAt(slot)];
      if (host === undefined || isTried(host, tried)) continue;
      turns.advance(slot);
      return host;
    }
    const host = hosts[turns.itemAt(0)];
    turns.advance(0);
    return host;
  }
}

/**
 * Hosts in turn, interleaved by weight: over any span a host's picks stray at most one from its share. O(1) while all
 * weigh the same, else O(log n). A retry takes the next host in turn.
 *
 * @example
 * const balancer = createRoundRobin({ type: "round-robin" }, systemRandom, systemClock);
 * balancer.update(hosts);
 * const host = balancer.pick({ hash: 0, tried: [] });
 */
export function createRoundRobin<H extends BalancedHost>(
  _options: RoundRobinOptions,
  random: Random,
  _clock: Clock,
): Balancer<H> {
  return new RoundRobinBalancer<H>(random);
}
