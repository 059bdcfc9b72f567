import type { ClusterConfig, ListenerConfig, World } from "@weft/contract";
import { renderAdminAddress } from "./admin/admin-address.ts";
import { renderCount } from "./count.ts";

/** What a configuration comes to, for `weft proxy --check`. */
export function summariseWorld({ listeners, routeTables, clusters, settings }: World): string {
  const rules = new Map(routeTables.map((table) => [table.name, table.rules.length]));
  const lines = [
    "The configuration is valid.",
    ...listeners.map((listener) => summariseListener(listener, rules.get(listener.routeTable) ?? 0)),
    ...clusters.map(summariseCluster),
    `  admin server on ${renderAdminAddress(settings.admin)}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Listeners of Gateways are called by their address; those of sidecars have names. */
function summariseListener(listener: ListenerConfig, rules: number): string {
  const { name, protocol, tls, tcpRoutes } = listener;
  const where = renderAdminAddress(listener);
  const spoken = { http: tls === null ? "HTTP" : "HTTPS", tcp: tls === null ? "TCP" : "TLS" } as const;
  const words = protocol === "tls-passthrough" ? "TLS, not opened" : spoken[protocol];
  const served = protocol === "http" ? renderCount(rules, "rule") : renderCount(tcpRoutes.length, "route");
  return `  listener ${name === where ? where : `${name} ${where}`} (${words}): ${served}`;
}

function summariseCluster({ name, protocol, hosts, source }: ClusterConfig): string {
  const where = source.type === "dns" ? `the hosts of ${source.name}` : renderCount(hosts.length, "host");
  return `  cluster ${name} (${protocol}): ${where}`;
}
