import type { BalancedHost, Balancer, BalancerPolicy } from "@weft/contract";
import { type Clock, type Random, unreachable } from "@weft/kernel";
import { createLeastRequest } from "./least-request.ts";
import { createMaglev } from "./maglev.ts";
import { createPeakEwma } from "./peak-ewma.ts";
import { createRandomBalancer } from "./random.ts";
import { createRingHash } from "./ring-hash.ts";
import { createRoundRobin } from "./round-robin.ts";

/**
 * The balancer of a policy, without hosts yet.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when an option lies outside the limits of this folder
 * @example
 * const balancer = createBalancer<Host>({ type: "least-request", choices: 2 }, systemRandom, systemClock);
 */
export function createBalancer<H extends BalancedHost>(
  policy: BalancerPolicy,
  random: Random,
  clock: Clock,
): Balancer<H> {
  switch (policy.type) {
    case "round-robin":
      return createRoundRobin<H>(policy, random, clock);
    case "random":
      return createRandomBalancer<H>(policy, random, clock);
    case "least-request":
      return createLeastRequest<H>(policy, random, clock);
    case "peak-ewma":
      return createPeakEwma<H>(policy, random, clock);
    case "ring-hash":
      return createRingHash<H>(policy, random, clock);
    case "maglev":
      return createMaglev<H>(policy, random, clock);
    default:
      return unreachable(policy);
  }
}
