import {
  type CertificateConfig,
  FALLBACK_CREATED_MS,
  type FrontendValidation,
  type ListenerConfig,
  type ListenerTls,
  PLAIN_RULE,
  type RouteRule,
  type RouteTableConfig,
  type TlsHost,
} from "@weft/contract";
import { HOST_REGEXES_MAX, RULE_HOSTNAMES_MAX, TABLE_RULES_MAX } from "../limits.ts";
import { compareText } from "../load/problems.ts";
import { fullNameOf } from "../load/validate.ts";
import { MIN_TLS_VERSION_OPTION } from "../schema/gateway.ts";
import { bindListeners, type BoundListener, checkAllowedKinds } from "./attachments.ts";
import { resolveAuthorities, resolveCertificate } from "./certificates.ts";
import type { Compilation } from "./compilation.ts";
import { ANY_HOST, compareHosts, coversHost, isolateHosts } from "./hostnames.ts";
import type { AttachedPolicy } from "./policies.ts";
import type { LoadedOf } from "./resource-index.ts";
import { compileRules, type RequestRoute } from "./route-rules.ts";
import { groupSockets, settingsFor, type SocketGroup, socketName, socketSettings } from "./sockets.ts";
import { compileTcpRoutes } from "./stream-routes.ts";
import { joinPem } from "./upstream-tls.ts";

/** What the Gateways of a world amount to. */
export interface GatewayOutcome {
  readonly listeners: readonly ListenerConfig[];
  readonly routeTables: readonly RouteTableConfig[];
}

/** Compiles all Gateways with the routes on them. */
export function compileGateways(compilation: Compilation, config: LoadedOf<"ProxyConfig"> | undefined): GatewayOutcome {
  const bound = bindListeners(compilation);
  for (const each of bound) checkAllowedKinds(compilation, each);
  const spec = config?.resource.spec;
  const { defaults } = compilation;
  const sockets = groupSockets(
    compilation,
    bound,
    (port) => settingsFor(spec, port).address ?? defaults.listener.address,
  );
  const listeners: ListenerConfig[] = [];
  const routeTables: RouteTableConfig[] = [];
  for (const socket of sockets) {
    const name = socketName(socket.address, socket.port);
    const isHttp = socket.protocol === "http";
    if (isHttp) routeTables.push({ name, rules: compileTable(compilation, socket) });
    listeners.push({
      name,
      port: socket.port,
      protocol: socket.protocol,
      tls: socket.protocol === "tls-passthrough" ? null : listenerTls(compilation, socket),
      routeTable: isHttp ? name : "",
      tcpRoutes: isHttp ? [] : compileTcpRoutes(compilation, socket),
      ...socketSettings(settingsFor(spec, socket.port), defaults.listener, socket.address, true),
    });
  }
  checkOverrides(compilation, config, bound);
  return { listeners, routeTables };
}

/** A setting for a port that nothing listens on has no effect. */
function checkOverrides(
  { log }: Compilation,
  config: LoadedOf<"ProxyConfig"> | undefined,
  bound: readonly BoundListener[],
): void {
  for (const [index, { port }] of (config?.resource.spec.listeners ?? []).entries()) {
    if (config === undefined || bound.some(({ listener }) => listener.port === port)) continue;
    log.add(config.source, ["spec", "listeners", index, "port"], port, "the port of a listener of a Gateway");
  }
}

/** The rules of all routes on all listeners of a socket, each listener apart from the others as Gateway API asks. */
function compileTable(compilation: Compilation, { listeners }: SocketGroup): readonly RouteRule[] {
  const names = listeners.map(({ listener }) => listener.hostname ?? ANY_HOST);
  const rules: RouteRule[] = [];
  const served: { readonly own: string; readonly hosts: readonly string[] }[] = [];
  const grouped = new Map<string, { route: RequestRoute; policies: readonly AttachedPolicy[]; hosts: Set<string> }>();
  for (const { gateway, listener, routes } of listeners) {
    const own = listener.hostname ?? ANY_HOST;
    const policies = compilation.policies.traffic(gateway, listener.name);
    for (const { route, hosts } of routes) {
      if (route.resource.kind === "TLSRoute" || route.resource.kind === "TCPRoute") continue;
      const isolated = isolateHosts(own, hosts, names);
      served.push({ own, hosts: isolated });
      // Listeners with the same policies need the rules of a route once.
      const policyKey = policies.map(({ policy }) => fullNameOf(policy.resource)).join(" ");
      const key = `${route.resource.kind} ${fullNameOf(route.resource)} ${policyKey}`;
      const group = grouped.get(key) ?? { route: route as RequestRoute, policies, hosts: new Set<string>() };
      grouped.set(key, group);
      for (const host of isolated) group.hosts.add(host);
    }
  }
  for (const { route, policies, hosts } of grouped.values()) {
    const templates = compileRules(compilation, route, policies);
    if (hosts.size === 0) continue;
    const hostnames = [...hosts].sort(compareHosts);
    for (let start = 0; start < hostnames.length; start += RULE_HOSTNAMES_MAX) {
      const some = hostnames.slice(start, start + RULE_HOSTNAMES_MAX);
      for (const template of templates) rules.push({ ...template, hostnames: some });
    }
  }
  for (const bound of listeners) {
    const name = bound.listener.hostname ?? ANY_HOST;
    const isReached = served.some(
      ({ own, hosts }) => own !== name && coversHost(own, name) && hosts.some((host) => coversHost(host, name)),
    );
    if (isReached) rules.push(noRoute(bound, name));
  }
  checkTableSize(compilation, listeners, rules);
  return rules.sort(compareRules);
}

/** What the router refuses is refused here, where it can be said in words of the resources. */
function checkTableSize({ log }: Compilation, listeners: SocketGroup["listeners"], rules: readonly RouteRule[]): void {
  const [first] = listeners;
  if (first === undefined) return;
  const { gateway, listener, index } = first;
  const path = ["spec", "listeners", index, "port"];
  if (rules.length > TABLE_RULES_MAX) {
    log.add(gateway.source, path, listener.port, `routes of at most ${TABLE_RULES_MAX} matches on one port`);
  }
  const regexes = new Map<string, number>();
  for (const { hostnames, match } of rules) {
    if (match.path?.type !== "regex") continue;
    for (const hostname of hostnames) regexes.set(hostname, (regexes.get(hostname) ?? 0) + 1);
  }
  for (const [hostname, count] of regexes) {
    if (count <= HOST_REGEXES_MAX) continue;
    const expected = `at most ${HOST_REGEXES_MAX} matches by regular expression for host "${hostname}"`;
    log.add(gateway.source, path, listener.port, expected);
  }
}

/** By route, rule and match: an order that does not depend on files. */
function compareRules(left: RouteRule, right: RouteRule): number {
  return compareText(left.route, right.route) || left.rule - right.rule || left.matchIndex - right.matchIndex;
}

/**
 * Answers 404 for the hosts of a listener where none of its own routes matches, so that requests do not fall through
 * to a listener with a less specific host name. It loses every tie.
 */
function noRoute({ gateway, listener }: BoundListener, hostname: string): RouteRule {
  return {
    ...PLAIN_RULE,
    route: `${fullNameOf(gateway.resource)}/${listener.name}`,
    hostnames: [hostname],
    createdMs: FALLBACK_CREATED_MS,
    directResponse: {
      status: 404,
      body: "No route of this listener matches.\n",
      contentType: "text/plain; charset=utf-8",
    },
  };
}

/** TLS of a socket: the certificates of all its listeners, the one without host name first. */
function listenerTls(compilation: Compilation, { listeners, protocol }: SocketGroup): ListenerTls | null {
  const ending = listeners.filter(({ listener }) => listener.tls !== undefined);
  const [first] = ending;
  if (first === undefined) return null;
  const byHost = [...ending].sort(
    (left, right) => Number(left.listener.hostname !== undefined) - Number(right.listener.hostname !== undefined),
  );
  const certificates = new Map<string, CertificateConfig>();
  const hosts: TlsHost[] = [];
  for (const { gateway, listener, index } of byHost) {
    const own = new Set<string>();
    for (const [position, ref] of (listener.tls?.certificateRefs ?? []).entries()) {
      const path = ["spec", "listeners", index, "tls", "certificateRefs", position];
      const certificate = resolveCertificate(compilation, gateway, ref, path);
      if (certificate === undefined) continue;
      certificates.set(certificate.name, certificate);
      own.add(certificate.name);
    }
    hosts.push({ hostname: listener.hostname ?? ANY_HOST, certificates: [...own] });
  }
  return {
    certificates: [...certificates.values()],
    hosts,
    ...clientValidation(compilation, ending),
    minVersion: minVersion(compilation, first, ending),
    alpn: protocol === "http" ? ["h2", "http/1.1"] : [],
  };
}

/** Of listeners that share a socket one cannot ask for another TLS version than the others: the name comes later. */
function minVersion(
  { log }: Compilation,
  first: BoundListener,
  listeners: readonly BoundListener[],
): "TLSv1.2" | "TLSv1.3" {
  const versionOf = ({ listener }: BoundListener): string =>
    listener.tls?.options?.[MIN_TLS_VERSION_OPTION] ?? "TLSv1.2";
  const version = versionOf(first);
  for (const each of listeners) {
    if (versionOf(each) === version) continue;
    const path = ["spec", "listeners", each.index, "tls", "options", MIN_TLS_VERSION_OPTION];
    log.add(
      each.gateway.source,
      path,
      versionOf(each),
      `"${version}" as the other listeners of port ${each.listener.port}`,
    );
  }
  return version === "TLSv1.3" ? "TLSv1.3" : "TLSv1.2";
}

function clientValidation(
  compilation: Compilation,
  listeners: readonly BoundListener[],
): Pick<ListenerTls, "clientCa" | "clientCertificate"> {
  const outcomes = new Map<LoadedOf<"Gateway">, Pick<ListenerTls, "clientCa" | "clientCertificate">>();
  for (const { gateway, listener } of listeners) {
    if (outcomes.has(gateway)) continue;
    const frontend = gateway.resource.spec.tls?.frontend;
    const position = frontend?.perPort?.findIndex(({ port }) => port === listener.port) ?? -1;
    const base = ["spec", "tls", "frontend"];
    const path = position < 0 ? [...base, "default"] : [...base, "perPort", position, "tls"];
    const validation = position < 0 ? frontend?.default.validation : frontend?.perPort?.[position]?.tls.validation;
    outcomes.set(gateway, validate(compilation, gateway, validation, [...path, "validation"]));
  }
  const [[, first] = [undefined, NO_CLIENT_CERTIFICATES], ...others] = outcomes;
  for (const [gateway, outcome] of others) {
    if (outcome.clientCa === first.clientCa && outcome.clientCertificate === first.clientCertificate) continue;
    const expected = "the same client validation as the other Gateways on the port";
    compilation.log.add(gateway.source, ["spec", "tls"], undefined, expected, {
      condition: "Conflicted",
      reason: "Conflicted",
    });
  }
  return first;
}

const NO_CLIENT_CERTIFICATES = { clientCa: "", clientCertificate: "ignore" } as const;

function validate(
  compilation: Compilation,
  gateway: LoadedOf<"Gateway">,
  validation: FrontendValidation | undefined,
  path: readonly (string | number)[],
): Pick<ListenerTls, "clientCa" | "clientCertificate"> {
  if (validation === undefined) return NO_CLIENT_CERTIFICATES;
  const authorities = validation.caCertificateRefs.map((ref, index) =>
    resolveAuthorities(compilation, gateway, ref, [...path, "caCertificateRefs", index]),
  );
  return {
    clientCa: joinPem(authorities),
    clientCertificate: validation.mode === "AllowInsecureFallback" ? "requested" : "required",
  };
}
