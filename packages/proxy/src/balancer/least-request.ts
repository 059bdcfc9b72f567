import type { BalancedHost, Balancer, BalancerPolicy, PickContext } from "@weft/contract";
import { assertInteger, type Clock, type Random } from "@weft/kernel";
import { CHOICES_MAX } from "./limits.ts";
import { Sampler } from "./sampler.ts";

/** The policy's own fields. */
export type LeastRequestOptions = Extract<BalancerPolicy, { type: "least-request" }>;

class LeastRequestBalancer<H extends BalancedHost> implements Balancer<H> {
  readonly #sampler: Sampler<H>;
  readonly #choices: number;

  constructor(choices: number, random: Random) {
    assertInteger("choices", choices, 1, CHOICES_MAX);
    this.#sampler = new Sampler<H>(random);
    this.#choices = choices;
  }

  update(hosts: readonly H[]): void {
    this.#sampler.update(hosts);
  }

  pick(context: PickContext): H | undefined {
    const sampler = this.#sampler;
    let best = sampler.drawUntried(context.tried);
    if (best === undefined || sampler.size === 1) return best;
    // Load per weight. A draw is in proportion to weights already, so equal loads keep the first draw.
    let bestLoad = best.activeRequests / best.weight;
    for (let choice = 1; choice < this.#choices && bestLoad > 0; choice++) {
      const host = sampler.drawOther(best, context.tried);
      const load = host.activeRequests / host.weight;
      if (load >= bestLoad) continue;
      best = host;
      bestLoad = load;
    }
    return best;
  }
}

/**
 * The host with the fewest requests in flight for its weight among `choices` drawn by weight (power of two choices:
 * Mitzenmacher 2001), each compared with another one. Far better than random at no more cost, and it does not herd as picking the global least would.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when `choices` is not within 1 to `CHOICES_MAX`
 * @example
 * const balancer = createLeastRequest({ type: "least-request", choices: 2 }, systemRandom, systemClock);
 */
export function createLeastRequest<H extends BalancedHost>(
  options: LeastRequestOptions,
  random: Random,
  _clock: Clock,
): Balancer<H> {
  return new LeastRequestBalancer<H>(options.choices, random);
}
