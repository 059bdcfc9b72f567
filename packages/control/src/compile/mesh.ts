import {
  type ClusterConfig,
  type ListenerConfig,
  type ListenerTls,
  PLAIN_RULE,
  type RouteRule,
  type RouteTableConfig,
  type ServicePort,
} from "@weft/contract";
import { HOST_CHARS_MAX } from "../limits.ts";
import { fullNameOf, namespaceOf } from "../load/validate.ts";
import { isServiceParent, ROUTE_KINDS } from "./attachments.ts";
import { missing, useTarget } from "./backends.ts";
import { resolveAuthorities, resolveCertificate } from "./certificates.ts";
import { defaultPool, isRpc, policiesOf, protocolOf, UPSTREAM_PROTOCOLS } from "./clusters.ts";
import type { Compilation, ServiceTarget } from "./compilation.ts";
import { firstWith } from "./policies.ts";
import { ANY_HOST } from "./hostnames.ts";
import type { LoadedOf } from "./resource-index.ts";
import { compileRules, type RequestRoute, type RuleTemplate } from "./route-rules.ts";
import { rpcMatch } from "./route-matches.ts";
import { socketSettings } from "./sockets.ts";

/** What a sidecar's ProxyConfig adds to a world. */
export interface MeshOutcome {
  readonly listeners: readonly ListenerConfig[];
  readonly routeTables: readonly RouteTableConfig[];
  readonly clusters: readonly ClusterConfig[];
}

/** Names of a sidecar's listeners and route tables. */
export const INBOUND = "inbound";
export const OUTBOUND = "outbound";

type Config = LoadedOf<"ProxyConfig">;

/** Routes that are attached to Services by parentRefs; every such route is checked, whoever the proxy is. */
export function compileMesh(compilation: Compilation, config: Config | undefined): MeshOutcome {
  const attached = attachToServices(compilation);
  const inbound = config?.resource.spec.inbound === undefined ? undefined : compileInbound(compilation, config);
  const outbound =
    config?.resource.spec.outbound === undefined ? undefined : compileOutbound(compilation, config, attached);
  const parts = [inbound, outbound].filter((part) => part !== undefined);
  return {
    listeners: parts.map(({ listener }) => listener),
    routeTables: parts.map(({ table }) => table).filter((table) => table !== undefined),
    clusters: inbound === undefined ? [] : [inbound.cluster],
  };
}

/** Request routes by the Service port ("namespace/name:port") that they are attached to. */
type ServiceRoutes = ReadonlyMap<string, readonly RequestRoute[]>;

function attachToServices(compilation: Compilation): ServiceRoutes {
  const routes = new Map<string, RequestRoute[]>();
  for (const kind of ROUTE_KINDS) {
    for (const route of compilation.index.all(kind)) {
      for (const [index, ref] of route.resource.spec.parentRefs.entries()) {
        const path = ["spec", "parentRefs", index];
        if (isServiceParent(compilation, route, ref, path) !== true) continue;
        if (kind === "TLSRoute" || kind === "TCPRoute") {
          compilation.log.add(route.source, [...path, "kind"], ref.kind, `"Gateway" for a ${kind}`, {
            reason: "InvalidKind",
          });
          continue;
        }
        for (const target of parentPorts(compilation, route as RequestRoute, index)) {
          const list = routes.get(target) ?? [];
          routes.set(target, list);
          if (!list.includes(route as RequestRoute)) list.push(route as RequestRoute);
        }
      }
    }
  }
  return routes;
}

/** The Service ports that one parentRef of a route means. */
function parentPorts(compilation: Compilation, route: RequestRoute, index: number): readonly string[] {
  const ref = route.resource.spec.parentRefs[index];
  if (ref === undefined) return [];
  const path = ["spec", "parentRefs", index];
  const namespace = ref.namespace ?? namespaceOf(route.resource);
  const service = compilation.index.get("Service", namespace, ref.name);
  if (service === undefined) {
    const expected = missing(compilation, "Service", namespace, ref.name);
    compilation.log.add(route.source, [...path, "name"], ref.name, expected, { reason: "NoMatchingParent" });
    return [];
  }
  const { ports } = service.resource.spec;
  const named = ports.filter(
    ({ name, port }) =>
      (ref.port === undefined || ref.port === port) && (ref.sectionName === undefined || ref.sectionName === name),
  );
  if (named.length === 0) {
    const field = ref.sectionName === undefined ? "port" : "sectionName";
    const known = ports.map(({ name, port }) => (name === undefined ? `${port}` : `${name} (${port})`)).join(", ");
    const expected = `a port of Service ${fullNameOf(service.resource)}: ${known}`;
    compilation.log.add(route.source, [...path, field], ref[field], expected, { reason: "NoMatchingParent" });
  }
  return named.map(({ port }) => `${fullNameOf(service.resource)}:${port}`);
}

function compileOutbound(
  compilation: Compilation,
  config: Config,
  attached: ServiceRoutes,
): { readonly listener: ListenerConfig; readonly table: RouteTableConfig } {
  const { spec } = config.resource;
  const { address = "127.0.0.1", port = 0, settings = {} } = spec.outbound ?? {};
  const namespace = namespaceOf(config.resource);
  const rules: RouteRule[] = [];
  for (const service of compilation.index.all("Service")) {
    const { ports } = service.resource.spec;
    const requestPorts = ports.filter((each) => protocolOf({ service, port: each }) !== "tcp");
    for (const each of requestPorts) {
      const hostnames = serviceHosts(service, each, requestPorts, namespace);
      if (hostnames.length === 0) continue;
      const target = useTarget(compilation.used, service, each);
      rules.push(...outboundRules(compilation, target, namespace, attached, hostnames));
    }
  }
  return {
    table: { name: OUTBOUND, rules },
    listener: {
      name: OUTBOUND,
      port,
      protocol: "http",
      tls: null,
      routeTable: OUTBOUND,
      tcpRoutes: [],
      ...socketSettings({ ...spec.listenerDefaults, ...settings }, compilation.defaults.listener, address, false),
    },
  };
}

/**
 * What requests to a Service port meet: the routes attached to it, those of the proxy's own namespace before those of
 * the Service's; without any, the Service itself.
 */
function outboundRules(
  compilation: Compilation,
  target: ServiceTarget,
  namespace: string,
  attached: ServiceRoutes,
  hostnames: readonly string[],
): readonly RouteRule[] {
  const all = attached.get(target.cluster) ?? [];
  const serviceNamespace = namespaceOf(target.service.resource);
  const producer = all.filter(({ resource }) => namespaceOf(resource) === serviceNamespace);
  const consumer = all.filter(({ resource }) => namespaceOf(resource) === namespace && namespace !== serviceNamespace);
  const routes = consumer.length > 0 ? consumer : producer;
  if (routes.length === 0) return serviceRules(compilation, target, hostnames);
  return routes.flatMap((route) => {
    // Calls name an interface, no host: their matches alone say which are meant.
    const hosts = route.resource.kind === "RpcRoute" ? [ANY_HOST] : hostnames;
    return compileRules(compilation, route, []).map((template) => ({ ...template, hostnames: hosts }));
  });
}

/** Everything to the Service itself: calls also where they name the application that it is, whatever the interface. */
function serviceRules(
  compilation: Compilation,
  target: ServiceTarget,
  hostnames: readonly string[],
): readonly RouteRule[] {
  const rule = serviceRule(compilation, target);
  if (!isRpc(protocolOf(target))) return [{ ...rule, hostnames }];
  const match = rpcMatch({ application: target.service.resource.metadata.name });
  return [
    { ...rule, hostnames },
    { ...rule, hostnames: [ANY_HOST], match, matchIndex: 1 },
  ];
}

function serviceRule(compilation: Compilation, target: ServiceTarget): RuleTemplate {
  const hashOn = firstWith(policiesOf(compilation, target), "balancing")?.hashOn ?? [];
  return {
    ...forwardRule(fullNameOf(target.service.resource), target.cluster),
    retry: compilation.defaults.route.retry,
    timeoutMs: compilation.defaults.route.timeoutMs,
    hashOn: hashOn.map(({ type, name = "" }) => ({ type, name: type === "header" ? name.toLowerCase() : name })),
  };
}

/**
 * Names under which a Service port is asked for. The first port has the Service's names; further ones have theirs in
 * front ("metrics.cart.shop"), because the port in a Host header does not choose.
 */
function serviceHosts(
  { resource }: LoadedOf<"Service">,
  { port, name: portName = "" }: ServicePort,
  ports: readonly ServicePort[],
  namespace: string,
): readonly string[] {
  const { name } = resource.metadata;
  const own = namespaceOf(resource);
  const isFirst = ports[0]?.port === port;
  const first = isFirst ? name : `${portName}.${name}`;
  const qualified = [`${first}.${own}`, `${first}.${own}.svc`, `${first}.${own}.svc.cluster.local`];
  const names = isFirst && own === namespace ? [name, ...qualified] : qualified;
  return names.filter((host) => host.length <= HOST_CHARS_MAX);
}

function compileInbound(
  compilation: Compilation,
  config: Config,
): {
  readonly listener: ListenerConfig;
  readonly table: RouteTableConfig | undefined;
  readonly cluster: ClusterConfig;
} {
  const { spec } = config.resource;
  const {
    address = "0.0.0.0",
    port = 0,
    targetAddress = "127.0.0.1",
    targetPort = 0,
    protocol = "http",
    settings = {},
  } = spec.inbound ?? {};
  const name = `${fullNameOf(config.resource)}:${INBOUND}`;
  const isHttp = protocol !== "tcp";
  const { listener, cluster } = compilation.defaults;
  const host = { address: targetAddress, port: targetPort, weight: 1, zone: "", priority: 0, labels: {} };
  const isStream = protocol === "tcp" || protocol === "grpc";
  return {
    table: isHttp
      ? {
          name: INBOUND,
          rules: [{ ...forwardRule(name, name), hostnames: ["*"], retry: compilation.defaults.route.retry }],
        }
      : undefined,
    cluster: {
      name,
      protocol: UPSTREAM_PROTOCOLS[protocol],
      source: { type: "static" },
      hosts: [host],
      tls: null,
      balancing: { ...cluster.balancing, zone: null },
      sharding: null,
      subsets: null,
      healthChecks: [],
      outlier: null,
      breaker: cluster.breaker,
      pool: defaultPool(cluster, protocol),
      responseTimeoutMs: isStream ? cluster.streamResponseTimeoutMs : cluster.responseTimeoutMs,
      sendProxyProtocol: 0,
    },
    listener: {
      name: INBOUND,
      port,
      protocol: isHttp ? "http" : "tcp",
      tls: inboundTls(compilation, config, isHttp),
      routeTable: isHttp ? INBOUND : "",
      tcpRoutes: isHttp ? [] : [{ name, serverNames: [], backends: [{ cluster: name, weight: 1 }] }],
      ...socketSettings({ ...spec.listenerDefaults, ...settings }, listener, address, false),
    },
  };
}

function inboundTls(compilation: Compilation, config: Config, isHttp: boolean): ListenerTls | null {
  const tls = config.resource.spec.inbound?.tls;
  if (tls === undefined) return null;
  const path = ["spec", "inbound", "tls"];
  const certificate = resolveCertificate(compilation, config, tls.certificateRef, [...path, "certificateRef"]);
  const clientCa =
    tls.caCertificateRef === undefined
      ? ""
      : (resolveAuthorities(compilation, config, tls.caCertificateRef, [...path, "caCertificateRef"]) ?? "");
  return {
    certificates: certificate === undefined ? [] : [certificate],
    hosts: [],
    clientCa,
    clientCertificate: tls.caCertificateRef === undefined ? "ignore" : (tls.clientCertificate ?? "required"),
    minVersion: tls.minVersion ?? "TLSv1.3",
    alpn: isHttp ? ["h2", "http/1.1"] : [],
  };
}

/** Any request to one cluster. */
function forwardRule(route: string, cluster: string): RuleTemplate {
  return {
    ...PLAIN_RULE,
    route,
    backends: [{ cluster, weight: 1, subset: null, requestHeaders: null, responseHeaders: null }],
  };
}
