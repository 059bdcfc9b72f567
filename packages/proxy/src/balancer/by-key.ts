import type { BalancedHost } from "@weft/contract";

/** Orders hosts by key, so that a hash places alike on every proxy, in whatever order each was told of hosts. */
export function byKey(a: BalancedHost, b: BalancedHost): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
