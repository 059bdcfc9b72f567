import type { BalancedHost, Balancer, BalancerPolicy, PickContext } from "@weft/contract";
import { assertRange, type Clock, type Random } from "@weft/kernel";
import { DECAY_MS_MAX, UNPROVEN_COST_MS } from "./limits.ts";
import { Sampler } from "./sampler.ts";

/** The policy's own fields. */
export type PeakEwmaOptions = Extract<BalancerPolicy, { type: "peak-ewma" }>;

class PeakEwmaBalancer<H extends BalancedHost> implements Balancer<H> {
  readonly #sampler: Sampler<H>;
  readonly #clock: Clock;
  #weightMean: number = 1;

  constructor(random: Random, clock: Clock) {
    this.#sampler = new Sampler<H>(random);
    this.#clock = clock;
  }

  update(hosts: readonly H[]): void {
    this.#sampler.update(hosts);
    let total = 0;
    for (const host of hosts) total += host.weight;
    this.#weightMean = hosts.length === 0 ? 1 : total / hosts.length;
  }

  pick(context: PickContext): H | undefined {
    const sampler = this.#sampler;
    const first = sampler.drawUntried(context.tried);
    if (first === undefined || sampler.size === 1) return first;
    const second = sampler.drawOther(first, context.tried);
    if (second === first) return first;
    const nowMs = this.#clock.nowMs();
    return this.#costMs(second, nowMs) < this.#costMs(first, nowMs) ? second : first;
  }

  /** How long one more request would take there: the latency, times the requests it would share the host with. */
  #costMs(host: H, nowMs: number): number {
    const active = (host.activeRequests * this.#weightMean) / host.weight;
    const latencyMs = host.latencyMs(nowMs);
    if (latencyMs > 0) return latencyMs * (active + 1);
    return active > 0 ? UNPROVEN_COST_MS + active : 0;
  }
}

/**
 * The better of two different hosts drawn by weight, by latency times (requests in flight + 1), where latency is a peak EWMA
 * (Finagle's balancer): a host that turns slow is left at once and tried again as its estimate fades. `decayMs` is
 * the time constant of that fading; hosts keep the estimate.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when `decayMs` is not within 1 ms to `DECAY_MS_MAX`
 * @example
 * const balancer = createPeakEwma({ type: "peak-ewma", decayMs: 10_000 }, systemRandom, systemClock);
 */
export function createPeakEwma<H extends BalancedHost>(
  options: PeakEwmaOptions,
  random: Random,
  clock: Clock,
): Balancer<H> {
  assertRange("decayMs", options.decayMs, 1, DECAY_MS_MAX);
  return new PeakEwmaBalancer<H>(random, clock);
}
