import type { GatewayListener, LabelSelector, ParentReference, ResourceKind } from "@weft/contract";
import type { FieldPath, FindingDetail } from "../load/finding.ts";
import { fullNameOf, namespaceOf } from "../load/validate.ts";
import { missing } from "./backends.ts";
import type { Compilation } from "./compilation.ts";
import { intersectHosts } from "./hostnames.ts";
import type { LoadedOf } from "./resource-index.ts";

/** The kinds that attach to listeners. */
export const ROUTE_KINDS = ["HTTPRoute", "GRPCRoute", "RpcRoute", "TLSRoute", "TCPRoute"] as const;

export type RouteKind = (typeof ROUTE_KINDS)[number];

/** A route on a listener, with the hosts that both have. */
export interface AttachedRoute {
  readonly route: LoadedOf<RouteKind>;
  readonly hosts: readonly string[];
}

/** A listener of a Gateway with the routes on it. */
export interface BoundListener {
  readonly gateway: LoadedOf<"Gateway">;
  readonly listener: GatewayListener;
  /** Index in the Gateway. */
  readonly index: number;
  readonly routes: AttachedRoute[];
}

const GATEWAY_GROUP = "gateway.networking.k8s.io";

/** The API group of a kind of route. */
function groupOf(kind: string): string {
  return kind === "RpcRoute" ? "weft.dev" : GATEWAY_GROUP;
}

/** All listeners of all Gateways, with their routes. Routes that reach no listener of a parent are findings. */
export function bindListeners(compilation: Compilation): readonly BoundListener[] {
  const { index } = compilation;
  const bound = index.all("Gateway").flatMap((gateway) =>
    gateway.resource.spec.listeners.map((listener, position): BoundListener => ({
      gateway,
      listener,
      index: position,
      routes: [],
    })),
  );
  for (const kind of ROUTE_KINDS) {
    for (const route of index.all(kind)) {
      for (const [position, ref] of route.resource.spec.parentRefs.entries()) {
        attachToGateway(compilation, route, ref, ["spec", "parentRefs", position], bound);
      }
    }
  }
  return bound;
}

/** True if a parent reference means a Service, false if a Gateway; undefined, with a finding, if neither. */
export function isServiceParent(
  { log }: Compilation,
  route: LoadedOf<RouteKind>,
  { group, kind = "Gateway" }: ParentReference,
  path: FieldPath,
): boolean | undefined {
  if (kind === "Gateway" && (group === undefined || group === GATEWAY_GROUP)) return false;
  if (kind === "Service" && (group === "" || group === "weft.dev")) return true;
  const isKnown = kind === "Gateway" || kind === "Service";
  const expected = kind === "Service" ? '"" or "weft.dev" for kind Service' : `"${GATEWAY_GROUP}" for kind Gateway`;
  if (isKnown) log.add(route.source, [...path, "group"], group, expected, { reason: "InvalidKind" });
  else log.add(route.source, [...path, "kind"], kind, '"Gateway" or "Service"', { reason: "InvalidKind" });
  return undefined;
}

function attachToGateway(
  compilation: Compilation,
  route: LoadedOf<RouteKind>,
  ref: ParentReference,
  path: FieldPath,
  bound: readonly BoundListener[],
): void {
  if (isServiceParent(compilation, route, ref, path) !== false) return;
  const refuse = (field: string, value: unknown, expected: string, detail: FindingDetail): void => {
    compilation.log.add(route.source, [...path, field], value, expected, detail);
  };
  const namespace = ref.namespace ?? namespaceOf(route.resource);
  const gateway = compilation.index.get("Gateway", namespace, ref.name);
  if (gateway === undefined) {
    refuse("name", ref.name, missing(compilation, "Gateway", namespace, ref.name), { reason: "NoMatchingParent" });
    return;
  }
  const own = bound.filter((each) => each.gateway === gateway);
  const named = own.filter(
    ({ listener }) =>
      (ref.sectionName === undefined || listener.name === ref.sectionName) &&
      (ref.port === undefined || listener.port === ref.port),
  );
  if (named.length === 0) {
    const listeners = own.map(({ listener }) => `${listener.name} (port ${listener.port})`).join(", ");
    const field = ref.sectionName === undefined ? "port" : "sectionName";
    refuse(field, ref[field], `a listener of Gateway ${fullNameOf(gateway.resource)}: ${listeners}`, {
      reason: "NoMatchingParent",
    });
    return;
  }
  const allowed = named.filter((each) => isAllowed(compilation, each, route));
  if (allowed.length === 0) {
    const expected = `a listener of Gateway ${fullNameOf(gateway.resource)} that allows ${route.resource.kind} of namespace ${namespaceOf(route.resource)}`;
    refuse("name", ref.name, expected, { reason: "NotAllowedByListeners" });
    return;
  }
  const isForCalls = route.resource.kind === "RpcRoute";
  if (isForCalls && allowed.every(({ listener }) => listener.hostname !== undefined)) {
    const expected = `a listener of Gateway ${fullNameOf(gateway.resource)} without hostname: calls name no host`;
    refuse("name", ref.name, expected, { reason: "NoMatchingListenerHostname" });
    return;
  }
  if (!attach(compilation, route, allowed)) {
    const hosts = allowed.map(({ listener }) => listener.hostname ?? "*").join(", ");
    const { spec } = route.resource;
    const names = "hostnames" in spec ? spec.hostnames : undefined;
    compilation.log.add(
      route.source,
      ["spec", "hostnames"],
      names,
      `a host name in common with the listeners (${hosts})`,
      {
        reason: "NoMatchingListenerHostname",
      },
    );
  }
}

/** Adds a route to those listeners that have hosts in common with it; false if none has. */
function attach(
  { attachedRoutes }: Compilation,
  route: LoadedOf<RouteKind>,
  listeners: readonly BoundListener[],
): boolean {
  const { spec } = route.resource;
  const names = "hostnames" in spec ? spec.hostnames : undefined;
  let isAttached = false;
  for (const { gateway, listener, routes } of listeners) {
    // Calls name an interface, no host.
    const isHostless = route.resource.kind === "RpcRoute" && listener.hostname !== undefined;
    const hosts = isHostless ? [] : intersectHosts(listener.hostname, names);
    if (hosts.length === 0) continue;
    isAttached = true;
    const isNew = routes.every((each) => each.route !== route);
    if (isNew) routes.push({ route, hosts });
    const key = `${fullNameOf(gateway.resource)}/${listener.name}`;
    const attached = attachedRoutes.get(key) ?? new Set();
    attachedRoutes.set(key, attached.add(`${route.resource.kind} ${fullNameOf(route.resource)}`));
  }
  return isAttached;
}

/** Kinds that a listener can serve. */
export function kindsOf({ protocol, tls }: GatewayListener): readonly RouteKind[] {
  switch (protocol) {
    case "HTTP":
    case "HTTPS":
      return ["HTTPRoute", "GRPCRoute", "RpcRoute"];
    case "TLS":
      return tls?.mode === "Passthrough" ? ["TLSRoute"] : ["TCPRoute"];
    case "TCP":
      return ["TCPRoute"];
  }
}

function isAllowed(
  { index }: Compilation,
  { gateway, listener }: BoundListener,
  { resource }: LoadedOf<RouteKind>,
): boolean {
  if (!kindsOf(listener).includes(resource.kind)) return false;
  const { kinds, namespaces } = listener.allowedRoutes ?? {};
  if (kinds !== undefined && kinds.length > 0) {
    const isKind = kinds.some(({ group = GATEWAY_GROUP, kind }) => group === GATEWAY_GROUP && kind === resource.kind);
    if (!isKind) return false;
  }
  const namespace = namespaceOf(resource);
  switch (namespaces?.from) {
    case "All":
      return true;
    case "None":
      return false;
    case "Selector": {
      const labels = index.get("Namespace", "default", namespace)?.resource.metadata.labels ?? {};
      return selects(namespaces.selector ?? {}, { ...labels, "kubernetes.io/metadata.name": namespace });
    }
    default:
      return namespace === namespaceOf(gateway.resource);
  }
}

/** True if labels satisfy all conditions of a selector. */
function selects(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const valueOf = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  return (
    Object.entries(matchLabels).every(([key, value]) => valueOf(key) === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = valueOf(key);
      switch (operator) {
        case "In":
          return value !== undefined && values.includes(value);
        case "NotIn":
          return value === undefined || !values.includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
      }
    })
  );
}

/** A listener lists only kinds that it can serve. */
export function checkAllowedKinds({ log }: Compilation, { gateway, listener, index }: BoundListener): void {
  const possible: readonly ResourceKind[] = kindsOf(listener);
  for (const [position, { group = GATEWAY_GROUP, kind }] of (listener.allowedRoutes?.kinds ?? []).entries()) {
    if (group === groupOf(kind) && possible.some((each) => each === kind)) continue;
    const path = ["spec", "listeners", index, "allowedRoutes", "kinds", position, "kind"];
    const expected = `a kind that protocol ${listener.protocol} serves: ${possible.join(", ")}`;
    log.add(gateway.source, path, kind, expected, { condition: "ResolvedRefs", reason: "InvalidRouteKinds" });
  }
}
