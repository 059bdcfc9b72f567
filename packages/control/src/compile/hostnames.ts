import { compareText } from "../load/problems.ts";

/** Matches every host. */
export const ANY_HOST = "*";

/** True if every host that `inner` matches is matched by `outer`: "*" covers all, "*.a" covers "b.a", "c.b.a" and "*.b.a". */
export function coversHost(outer: string, inner: string): boolean {
  if (outer === inner || outer === ANY_HOST) return true;
  return (
    outer.startsWith("*.") && inner !== ANY_HOST && inner.length > outer.length - 1 && inner.endsWith(outer.slice(1))
  );
}

/**
 * The hosts that a route serves on a listener, as Gateway API defines: those that both match. No names (undefined) match
 * any. Empty: none in common.
 *
 * @example
 * intersectHosts("*.example.com", ["a.example.com", "b.test"]); // ["a.example.com"]
 */
export function intersectHosts(listener: string | undefined, route: readonly string[] | undefined): readonly string[] {
  const outer = listener ?? ANY_HOST;
  if (route === undefined || route.length === 0) return [outer];
  const hosts = new Set<string>();
  for (const host of route) {
    if (coversHost(outer, host)) hosts.add(host);
    else if (coversHost(host, outer)) hosts.add(outer);
  }
  return [...hosts].sort(compareHosts);
}

/** Most specific first: exact before wildcard, then longer first, then by name. */
export function compareHosts(left: string, right: string): number {
  const wildcards = Number(left.startsWith("*")) - Number(right.startsWith("*"));
  return wildcards || right.length - left.length || compareText(left, right);
}

/**
 * Listener isolation of Gateway API: of the hosts that a route serves on listener `own`, those for which no listener of
 * the same socket is more specific. `others` are the host names of all listeners of the socket.
 */
export function isolateHosts(own: string, hosts: readonly string[], others: readonly string[]): readonly string[] {
  const inner = others.filter((other) => other !== own && coversHost(own, other));
  return hosts.filter((host) => !inner.some((other) => coversHost(other, host)));
}
