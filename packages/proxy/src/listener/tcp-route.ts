import type { TcpRoute } from "@weft/contract";

/** Exact names before wildcards, the longer wildcard before the shorter; "*.a" stands for any number of labels. */
export function findTcpRoute(routes: readonly TcpRoute[], serverName: string): TcpRoute | undefined {
  const exact = routes.find((route) => route.serverNames.includes(serverName));
  if (exact !== undefined) return exact;
  for (let dot = serverName.indexOf("."); dot >= 0; dot = serverName.indexOf(".", dot + 1)) {
    const wildcard = `*${serverName.slice(dot)}`;
    const found = routes.find((route) => route.serverNames.includes(wildcard));
    if (found !== undefined) return found;
  }
  return routes.find((route) => route.serverNames.length === 0);
}
