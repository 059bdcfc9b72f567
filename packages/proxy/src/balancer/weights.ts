import type { BalancedHost } from "@weft/contract";

/** True when all hosts weigh the same: the plain, cheaper form of a balancer does. */
export function hasEqualWeights(hosts: readonly BalancedHost[]): boolean {
  const first = hosts[0]?.weight;
  for (const host of hosts) if (host.weight !== first) return false;
  return true;
}
