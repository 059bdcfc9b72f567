import type { BalancedHost, Balancer, BalancerPolicy, PickContext } from "@weft/contract";
import type { Clock, Random } from "@weft/kernel";
import { Sampler } from "./sampler.ts";

/** The policy's own fields. */
export type RandomOptions = Extract<BalancerPolicy, { type: "random" }>;

class RandomBalancer<H extends BalancedHost> implements Balancer<H> {
  readonly #sampler: Sampler<H>;

  constructor(random: Random) {
    this.#sampler = new Sampler<H>(random);
  }

  update(hosts: readonly H[]): void {
    this.#sampler.update(hosts);
  }

  pick(context: PickContext): H | undefined {
    return this.#sampler.drawUntried(context.tried);
  }
}

/**
 * Hosts by chance in proportion to their weights, in O(1). Needs no state shared between proxies and never falls in
 * step with anything.
 *
 * @example
 * const balancer = createRandomBalancer({ type: "random" }, systemRandom, systemClock);
 */
export function createRandomBalancer<H extends BalancedHost>(
  _options: RandomOptions,
  random: Random,
  _clock: Clock,
): Balancer<H> {
  return new RandomBalancer<H>(random);
}
