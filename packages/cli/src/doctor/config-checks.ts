import { createServer } from "node:net";
import type { ResourceProblem, World } from "@weft/contract";
import { renderProblem } from "@weft/control/client";
import { systemClock } from "@weft/kernel";
import { createDnsResolver, type DnsAnswer, isLoopback } from "@weft/proxy";
import { type AdminAddress, renderAdminAddress } from "../admin/admin-address.ts";
import { renderCount } from "../count.ts";
import { type CheckResult, conclude, type Finding, pass, skip } from "./check-result.ts";
import { DESCRIPTORS_BESIDES } from "./limits.ts";

/** Whether the configuration is one. */
export function checkConfiguration(world: World | null, problems: readonly ResourceProblem[]): CheckResult {
  const name = "configuration";
  const action = "correct what is named; `weft proxy PATH --check` lists everything";
  const findings = problems.map((problem): Finding => ({ verdict: "failed", detail: renderProblem(problem), action }));
  const listeners = renderCount(world?.listeners.length ?? 0, "listener");
  return conclude(name, findings, `${listeners} and ${renderCount(world?.clusters.length ?? 0, "cluster")}`);
}

/** Whether a worker may open as many connections as its listeners accept and its clusters open. */
export function checkDescriptors(world: World, descriptorsMax: number | null): CheckResult {
  const name = "descriptors";
  if (descriptorsMax === null) return skip(name, "this system does not say how many a process may open");
  const accepted = world.listeners.reduce((sum, { connectionsMax }) => sum + connectionsMax, 0);
  const opened = world.clusters.reduce((sum, { breaker }) => sum + breaker.connectionsMax, 0);
  const wanted = accepted + opened + DESCRIPTORS_BESIDES;
  const detail = `${descriptorsMax} per process; the configuration allows a worker ${accepted} connections of clients and ${opened} to hosts`;
  if (descriptorsMax >= wanted) return pass(name, detail);
  const action = `raise the limit (ulimit -n ${wanted}, LimitNOFILE=${wanted}) or lower connectionsMax`;
  return { name, verdict: "warning", detail, action };
}

/**
 * Whether clusters may have a connection to each of their hosts: with fewer, connections are closed and opened all the
 * time, and while those of HTTP/2, Bolt or Dubbo are never idle, a host without one gets nothing.
 */
export function checkConnections(world: World): CheckResult {
  const findings = world.clusters.flatMap(({ name, hosts, breaker: { connectionsMax }, sharding }): Finding[] => {
    // How many hosts a shard has is seen at run time alone.
    if (sharding !== null || hosts.length <= connectionsMax) return [];
    const detail = `${name} may have ${renderCount(connectionsMax, "connection")} per worker, and has ${hosts.length} hosts`;
    return [{ verdict: "warning", detail, action: "raise breaker.connectionsMax, or shard the hosts" }];
  });
  return conclude("connections", findings, "every cluster may have one to each of its hosts");
}

/** What the admin server that runs at the configured address serves already; empty for none. */
export type OwnAddresses = ReadonlySet<string>;

/** Whether every address can be listened on, or is listened on by this very configuration. */
export async function checkPorts(world: World, own: OwnAddresses): Promise<CheckResult> {
  const wanted = new Map<string, AdminAddress>();
  for (const address of [...world.listeners, world.settings.admin]) {
    // Port 0 is whatever the system has free.
    if (address.port > 0) wanted.set(renderAdminAddress(address), address);
  }
  const findings: Finding[] = [];
  let served = 0;
  for (const [place, address] of wanted) {
    if (own.has(place)) served++;
    else {
      const code = await tryAddress(address);
      if (code !== null) findings.push(portFinding(place, address, code));
    }
  }
  const free = wanted.size - served;
  const good = served === 0 ? `${free} free` : `${served} served by the proxy that runs, ${free} free`;
  return conclude("ports", findings, good);
}

function portFinding(place: string, { port }: AdminAddress, code: string): Finding {
  const actions: Readonly<Record<string, string>> = {
    EADDRINUSE: `see who listens there (ss -ltnp 'sport = :${port}') and stop it, or choose another port`,
    EACCES:
      "choose a port from 1024 up, or allow this one (setcap cap_net_bind_service, sysctl net.ipv4.ip_unprivileged_port_start)",
    EADDRNOTAVAIL: "choose an address of this machine (ip address)",
  };
  const words: Readonly<Record<string, string>> = {
    EADDRINUSE: "is taken by another process",
    EACCES: "needs rights that this user has not",
    EADDRNOTAVAIL: "is no address of this machine",
  };
  const detail = `${place} ${words[code] ?? `cannot be listened on (${code})`}`;
  return { verdict: "failed", detail, action: actions[code] ?? "choose another address" };
}

/** Listens for a moment; the code of what prevents it, or null. */
function tryAddress({ address: host, port }: AdminAddress): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", ({ code = "unknown" }: NodeJS.ErrnoException) => resolve(code));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** Whether the names of clusters are answered, by the resolver that the proxy uses. */
export async function checkDns(
  world: World,
  resolve: (name: string) => Promise<DnsAnswer> = resolveAsProxy,
): Promise<CheckResult> {
  const names = new Set(world.clusters.flatMap(({ source }) => (source.type === "dns" ? [source.name] : [])));
  if (names.size === 0) return pass("dns", "no cluster has its hosts from DNS");
  const answers = await Promise.all([...names].map(async (name) => [name, await resolve(name)] as const));
  const findings: Finding[] = [];
  for (const [name, answer] of answers) {
    if (answer.type === "empty") {
      const action = "correct the name in spec.dns.name, or have its record made";
      findings.push({ verdict: "warning", detail: `${name} has no address (${answer.reason})`, action });
    } else if (answer.type === "failed") {
      const action = "check the name servers in /etc/resolv.conf and the way to them";
      findings.push({ verdict: "failed", detail: `${name} is not answered (${answer.reason})`, action });
    }
  }
  return conclude("dns", findings, `${renderCount(names.size, "name")} resolved`);
}

async function resolveAsProxy(name: string): Promise<DnsAnswer> {
  const resolver = createDnsResolver({ clock: systemClock });
  try {
    return await resolver.resolve(name);
  } finally {
    resolver.close();
  }
}

/** Whether the admin server can be reached by others than this machine, and what they may do. */
export function checkAdmin({ settings: { admin } }: World, token: string): CheckResult {
  const name = "admin";
  const place = renderAdminAddress(admin);
  if (isLoopback(admin.address)) return pass(name, `${place}, for this machine alone`);
  const { metricsOpen } = admin;
  if (token === "") {
    const shown = metricsOpen ? "its metrics and whether it lives and is ready" : "whether it lives and is ready";
    const detail = `${place} is reached by other machines, and shows them nothing but ${shown}`;
    const action = "set WEFT_ADMIN_TOKEN, or admin.address to 127.0.0.1";
    return { name, verdict: "warning", detail, action };
  }
  const metrics = metricsOpen ? "its metrics to everybody, all else " : "what it knows ";
  return {
    name,
    verdict: "warning",
    detail: `${place} is reached by other machines, and shows ${metrics}to whoever has the token, which goes over the wire as it is`,
    action: "let only operators reach it",
  };
}
