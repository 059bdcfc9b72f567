import type { TcpRoute } from "@weft/contract";
import { fullNameOf } from "../load/validate.ts";
import type { AttachedRoute, BoundListener } from "./attachments.ts";
import { resolveBackend } from "./backends.ts";
import { protocolOf } from "./clusters.ts";
import type { Compilation } from "./compilation.ts";
import { ANY_HOST, compareHosts, coversHost, isolateHosts } from "./hostnames.ts";
import { createdMsOf } from "./policies.ts";
import type { LoadedOf } from "./resource-index.ts";
import type { SocketGroup } from "./sockets.ts";

/** TLSRoutes and TCPRoutes of a socket: one entry per server name, the most specific first. */
export function compileTcpRoutes(compilation: Compilation, socket: SocketGroup): readonly TcpRoute[] {
  const names = socket.listeners.map(({ listener }) => listener.hostname ?? ANY_HOST);
  const byHost = new Map<string, TcpRoute>();
  const served: { readonly own: string; readonly host: string }[] = [];
  const owners = new Map<string, AttachedRoute>();
  for (const { listener, routes } of socket.listeners) {
    const own = listener.hostname ?? ANY_HOST;
    for (const attached of [...routes].sort((left, right) => createdMsOf(left.route) - createdMsOf(right.route))) {
      const route = attached.route as LoadedOf<"TLSRoute" | "TCPRoute">;
      const backends = compileStreamBackends(compilation, route);
      for (const host of isolateHosts(own, attached.hosts, names)) {
        const owner = owners.get(host);
        if (owner !== undefined && owner.route !== route) refuseSecond(compilation, route, owner, host);
        if (owner !== undefined) continue;
        owners.set(host, attached);
        served.push({ own, host });
        byHost.set(host, { name: fullNameOf(route.resource), serverNames: host === ANY_HOST ? [] : [host], backends });
      }
    }
  }
  for (const { gateway, listener } of socket.listeners) {
    const name = listener.hostname ?? ANY_HOST;
    const isReached = served.some(({ own, host }) => own !== name && coversHost(own, name) && coversHost(host, name));
    if (!isReached || byHost.has(name)) continue;
    // Connections for this listener's names must not fall through to a less specific listener: they are closed.
    byHost.set(name, { name: `${fullNameOf(gateway.resource)}/${listener.name}`, serverNames: [name], backends: [] });
  }
  return [...byHost].sort(([left], [right]) => compareHosts(left, right)).map(([, route]) => route);
}

/** The backends of a route, in the order of its rules. */
export function compileStreamBackends(
  compilation: Compilation,
  route: LoadedOf<"TLSRoute" | "TCPRoute">,
): TcpRoute["backends"] {
  const backends: { cluster: string; weight: number }[] = [];
  for (const [index, rule] of route.resource.spec.rules.entries()) {
    for (const [position, ref] of rule.backendRefs.entries()) {
      const path = ["spec", "rules", index, "backendRefs", position];
      const target = resolveBackend(compilation, route, ref, path);
      if (target === undefined) continue;
      if (protocolOf(target) !== "tcp") {
        const detail = { condition: "ResolvedRefs", reason: "UnsupportedProtocol" } as const;
        compilation.log.add(route.source, [...path, "port"], target.port.port, "a port with protocol tcp", detail);
        continue;
      }
      backends.push({ cluster: target.cluster, weight: ref.weight ?? 1 });
    }
  }
  return backends;
}

function refuseSecond(
  { log }: Compilation,
  route: BoundListener["routes"][number]["route"],
  owner: AttachedRoute,
  host: string,
): void {
  const { kind } = route.resource;
  const what = host === ANY_HOST ? "a listener" : `a server name (${host})`;
  const expected = `${what} that no other route has (${owner.route.resource.kind} ${fullNameOf(owner.route.resource)} is older or first by name)`;
  const isNamed = kind === "TLSRoute" && host !== ANY_HOST;
  const path = ["spec", isNamed ? "hostnames" : "parentRefs"];
  const value = isNamed ? route.resource.spec.hostnames : route.resource.spec.parentRefs;
  log.add(route.source, path, value, expected, { reason: "Conflicted", condition: "Conflicted" });
}
