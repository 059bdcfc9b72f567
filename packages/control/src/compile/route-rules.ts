import type {
  DirectResponse,
  HttpBackendRef,
  HashKey,
  Mirror,
  HttpRouteRule,
  PolicyRetry,
  Retry,
  RouteBackend,
  RouteMatch,
  RouteRule,
  RpcRouteRetry,
  ServiceProtocol,
} from "@weft/contract";
import { DURATION_MS_MAX, RULE_HASH_KEYS_MAX } from "../limits.ts";
import { durationMs } from "../load/duration.ts";
import type { FieldPath } from "../load/finding.ts";
import { fullNameOf } from "../load/validate.ts";
import { resolveBackend } from "./backends.ts";
import { policiesOf, protocolOf } from "./clusters.ts";
import type { Compilation, ServiceTarget } from "./compilation.ts";
import { type AttachedPolicy, createdMsOf, firstWith } from "./policies.ts";
import { compileRouteSubset } from "./host-choice.ts";
import type { LoadedOf } from "./resource-index.ts";
import { compileFilters, headerChange, type MirrorTarget } from "./route-filters.ts";
import { ANY_MATCH, grpcMatch, httpMatch, rpcMatch } from "./route-matches.ts";

/** A route of requests. */
export type RequestRoute = LoadedOf<"HTTPRoute" | "GRPCRoute" | "RpcRoute">;

/** What rules of HTTPRoutes, GRPCRoutes and RpcRoutes have in common. */
type RequestRule = Omit<HttpRouteRule, "matches" | "retry"> & { readonly retry?: RpcRouteRetry };

/** A rule without the host names, which depend on where its route is attached. */
export type RuleTemplate = Omit<RouteRule, "hostnames">;

/**
 * All rules of a route, one per match. `outer` are policies of what the route is attached to; they count less than
 * the route's own.
 */
export function compileRules(
  compilation: Compilation,
  route: RequestRoute,
  outer: readonly AttachedPolicy[],
): readonly RuleTemplate[] {
  // Without rules a route has one that matches everything.
  const rules: readonly RequestRule[] = route.resource.spec.rules ?? [{}];
  return rules.flatMap((rule, index) => {
    const policies = [...compilation.policies.traffic(route, rule.name), ...outer];
    return compileRule(compilation, route, rule, index, policies);
  });
}

function compileRule(
  compilation: Compilation,
  route: RequestRoute,
  rule: RequestRule,
  index: number,
  policies: readonly AttachedPolicy[],
): readonly RuleTemplate[] {
  const path = ["spec", "rules", index];
  const filters = compileFilters(compilation, route, rule.filters ?? [], [...path, "filters"]);
  const resolved = compileBackends(compilation, route, rule.backendRefs ?? [], [...path, "backendRefs"]);
  const direct = filters.redirect === null ? (filters.directResponse ?? fallbackResponse(rule)) : null;
  if (filters.directResponse !== null && (filters.redirect !== null || resolved.targets.length > 0)) {
    compilation.log.add(route.source, path, undefined, "either backendRefs, a redirect or a DirectResponse in a rule");
  }
  const isAnswered = filters.redirect !== null || direct !== null;
  const template = {
    route: fullNameOf(route.resource),
    rule: index,
    ruleName: rule.name ?? "",
    createdMs: createdMsOf(route),
    backends: isAnswered ? [] : resolved.backends,
    redirect: filters.redirect,
    directResponse: direct,
    requestHeaders: filters.requestHeaders,
    responseHeaders: filters.responseHeaders,
    rewrite: filters.rewrite,
    mirrors: compileMirrors(compilation, route, filters.mirrors, resolved.targets),
    cors: filters.cors,
    fault: filters.fault,
    colour: filters.colour,
    retry: isAnswered ? null : compileRetry(compilation, rule, policies),
    timeoutMs: durationMs(
      rule.timeouts?.request ?? firstWith(policies, "timeouts")?.request,
      compilation.defaults.route.timeoutMs,
    ),
    hashOn: hashKeys(compilation, resolved.targets, policies),
  };
  return matchesOf(route, index).map((match, matchIndex) => ({ ...template, match, matchIndex }));
}

function matchesOf({ resource }: RequestRoute, rule: number): readonly RouteMatch[] {
  if (resource.kind === "HTTPRoute") {
    const matches = resource.spec.rules?.[rule]?.matches ?? [];
    return matches.length === 0 ? [ANY_MATCH] : matches.map(httpMatch);
  }
  if (resource.kind === "RpcRoute") {
    const matches = resource.spec.rules?.[rule]?.matches ?? [];
    return matches.length === 0 ? [rpcMatch({})] : matches.map(rpcMatch);
  }
  const matches = resource.spec.rules?.[rule]?.matches ?? [];
  return matches.length === 0 ? [grpcMatch({})] : matches.map(grpcMatch);
}

/** What Gateway API has for rules that forward nothing: 404 without backends, 500 where all have weight 0. */
function fallbackResponse({ backendRefs = [], filters = [] }: RequestRule): DirectResponse | null {
  if (filters.some(({ type }) => type === "RequestRedirect")) return null;
  if (backendRefs.some(({ weight = 1 }) => weight > 0)) return null;
  const contentType = "text/plain; charset=utf-8";
  return backendRefs.length === 0
    ? { status: 404, body: "This route has no backends.\n", contentType }
    : { status: 500, body: "All backends of this route have weight 0.\n", contentType };
}

function compileBackends(
  compilation: Compilation,
  route: RequestRoute,
  refs: readonly HttpBackendRef[],
  path: FieldPath,
): { readonly backends: readonly RouteBackend[]; readonly targets: readonly ServiceTarget[] } {
  const backends: RouteBackend[] = [];
  const targets: ServiceTarget[] = [];
  for (const [index, ref] of refs.entries()) {
    const target = resolveBackend(compilation, route, ref, [...path, index]);
    if (target === undefined) continue;
    const protocols = protocolsFor(route);
    if (!protocols.includes(protocolOf(target))) {
      refuseProtocol(compilation, route, target, [...path, index], `protocol ${orList(protocols)}`);
      continue;
    }
    const change = { requestHeaders: null, responseHeaders: null } as {
      requestHeaders: RouteBackend["requestHeaders"];
      responseHeaders: RouteBackend["responseHeaders"];
    };
    for (const filter of ref.filters ?? []) {
      if (filter.type === "RequestHeaderModifier") change.requestHeaders = headerChange(filter.requestHeaderModifier);
      if (filter.type === "ResponseHeaderModifier")
        change.responseHeaders = headerChange(filter.responseHeaderModifier);
    }
    targets.push(target);
    const subset = compileRouteSubset(compilation, route, ref, policiesOf(compilation, target), [...path, index]);
    backends.push({ cluster: target.cluster, weight: ref.weight ?? 1, subset, ...change });
  }
  return { backends, targets };
}

/** Copies go to services that speak what the rule's backends speak: nothing is translated, so others would get none. */
function compileMirrors(
  compilation: Compilation,
  route: RequestRoute,
  mirrors: readonly MirrorTarget[],
  backends: readonly ServiceTarget[],
): readonly Mirror[] {
  const compiled: Mirror[] = [];
  const allowed = protocolsFor(route);
  const spoken = route.resource.kind === "RpcRoute" ? [...new Set(backends.map(protocolOf))] : [];
  const [protocols, why] = spoken.length === 0 ? [allowed, ""] : [spoken, ", as the rule's backends"];
  for (const { target, share, path } of mirrors) {
    if (protocols.includes(protocolOf(target))) compiled.push({ cluster: target.cluster, share });
    else refuseProtocol(compilation, route, target, path, `protocol ${orList(protocols)}${why}`);
  }
  return compiled;
}

/** What the services of a route may speak. */
function protocolsFor({ resource }: RequestRoute): readonly ServiceProtocol[] {
  return resource.kind === "RpcRoute" ? ["bolt", "dubbo"] : ["http", "http2", "grpc"];
}

function refuseProtocol(
  { log }: Compilation,
  { source }: RequestRoute,
  { port }: ServiceTarget,
  path: FieldPath,
  wanted: string,
): void {
  log.add(source, [...path, "port"], port.port, `a port with ${wanted}`, {
    condition: "ResolvedRefs",
    reason: "UnsupportedProtocol",
  });
}

function orList(words: readonly string[]): string {
  const [last = "", ...others] = words.toReversed();
  return others.length === 0 ? last : `${others.toReversed().join(", ")} or ${last}`;
}

function compileRetry({ defaults }: Compilation, rule: RequestRule, policies: readonly AttachedPolicy[]): Retry {
  const perTryTimeoutMs = durationMs(rule.timeouts?.backendRequest, 0);
  const configured = defaults.route.configuredRetry;
  if (rule.retry !== undefined) {
    const { codes = [], attempts = configured.retriesMax, backoff, nonIdempotent } = rule.retry;
    const backoffBaseMs = durationMs(backoff, configured.backoffBaseMs);
    return {
      ...configured,
      retriesMax: attempts,
      on: codes.length > 0 ? [...configured.on, "status"] : configured.on,
      statuses: codes,
      backoffBaseMs,
      backoffMaxMs: longestBackoff(configured, backoffBaseMs),
      perTryTimeoutMs,
      retriesNonIdempotent: nonIdempotent ?? configured.retriesNonIdempotent,
    };
  }
  const policy = firstWith(policies, "retry");
  if (policy !== undefined) return policyRetry(policy, configured, perTryTimeoutMs);
  return { ...defaults.route.retry, perTryTimeoutMs };
}

function policyRetry(policy: PolicyRetry, defaults: Retry, perTryTimeoutMs: number): Retry {
  const backoffBaseMs = durationMs(policy.backoff?.base, defaults.backoffBaseMs);
  return {
    retriesMax: policy.attempts ?? defaults.retriesMax,
    on: policy.on ?? conditionsFor(policy, defaults),
    statuses: policy.statuses ?? defaults.statuses,
    grpcStatuses: policy.grpcStatuses ?? defaults.grpcStatuses,
    backoffBaseMs,
    backoffMaxMs: durationMs(policy.backoff?.max, longestBackoff(defaults, backoffBaseMs)),
    perTryTimeoutMs: perTryTimeoutMs || durationMs(policy.perTryTimeout, 0),
    retriesNonIdempotent: policy.nonIdempotent ?? defaults.retriesNonIdempotent,
  };
}

/** Ten times the first wait, where nothing else is said. */
function longestBackoff(defaults: Retry, backoffBaseMs: number): number {
  return Math.min(DURATION_MS_MAX, Math.max(defaults.backoffMaxMs, backoffBaseMs * 10));
}

/** Lists of statuses ask for their conditions where none are named. */
function conditionsFor({ statuses, grpcStatuses }: PolicyRetry, defaults: Retry): Retry["on"] {
  return [
    ...defaults.on,
    ...(statuses === undefined ? [] : (["status"] as const)),
    ...(grpcStatuses === undefined ? [] : (["grpc-status"] as const)),
  ];
}

/** The route's own hash keys; else those of its Services, in the order of the backends. */
function hashKeys(
  compilation: Compilation,
  targets: readonly ServiceTarget[],
  policies: readonly AttachedPolicy[],
): readonly HashKey[] {
  const own = firstWith(policies, "balancing")?.hashOn;
  const specs =
    own ?? targets.flatMap((target) => firstWith(policiesOf(compilation, target), "balancing")?.hashOn ?? []);
  const keys = new Map<string, HashKey>();
  for (const { type, name = "" } of specs) {
    const key = { type, name: type === "header" ? name.toLowerCase() : name };
    keys.set(`${key.type} ${key.name}`, key);
  }
  return [...keys.values()].slice(0, RULE_HASH_KEYS_MAX);
}
