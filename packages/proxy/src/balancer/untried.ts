import type { BalancedHost } from "@weft/contract";

/** True when `host` failed this request already. `tried` is at most a few hosts long. */
export function isTried(host: BalancedHost, tried: readonly BalancedHost[]): boolean {
  for (let i = 0; i < tried.length; i++) if (tried[i] === host) return true;
  return false;
}

/**
 * The first host from `start` on, around the list, that was not tried. Hosts are distinct, so one more step than there
 * are tried ones finds it; when every host was tried, the one at `start`.
 */
export function untriedFrom<H extends BalancedHost>(
  hosts: readonly H[],
  start: number,
  tried: readonly BalancedHost[],
): H | undefined {
  const length = hosts.length;
  const steps = tried.length < length ? tried.length + 1 : length;
  let index = start;
  for (let step = 0; step < steps; step++) {
    const host = hosts[index];
    if (host !== undefined && !isTried(host, tried)) return host;
    index = index + 1 < length ? index + 1 : 0;
  }
  return hosts[start];
}
