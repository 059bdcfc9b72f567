import type {
  BalancingConfig,
  PolicySharding,
  PolicySubsets,
  RouteSubset,
  ShardingConfig,
  ShardSize,
  SubsetChoice,
  SubsetConfig,
  SubsetFallback,
} from "@weft/contract";
import type { FieldPath, LoadedResource } from "../load/finding.ts";
import { parsePercent } from "../schema/host-choice.ts";
import type { Compilation } from "./compilation.ts";
import { type AttachedPolicy, firstWith } from "./policies.ts";

/** What holds where a policy names only the algorithm, or selectors; docs/resources.md has them. */
export const HOST_CHOICE_DEFAULTS = {
  hostsMin: 5,
  requestsPerConnection: 10,
  connectionsPerHostMax: 10_000,
  subsetsMax: 1024,
} as const;

/** Which part of a Service's hosts this proxy connects to; null for all. */
export function compileSharding(
  compilation: Compilation,
  policies: readonly AttachedPolicy[],
  balancing: BalancingConfig,
): ShardingConfig | null {
  const owner = policies.find(({ policy }) => policy.resource.spec.sharding !== undefined);
  const policy = owner?.policy.resource.spec.sharding;
  if (owner === undefined || policy === undefined || policy.algorithm === "none") return null;
  const { type } = balancing.policy;
  if (type === "ring-hash" || type === "maglev") {
    const expected = `"none" with ${type}: a key's host would be another one for each proxy`;
    compilation.log.add(owner.policy.source, ["spec", "sharding", "algorithm"], policy.algorithm, expected);
  }
  const node = compilation.index.all("ProxyConfig")[0]?.resource.spec.node ?? {};
  return {
    algorithm: policy.algorithm,
    size: shardSize(policy),
    clientId: policy.clientId ?? node.id ?? "",
    clientIndex: policy.clientIndex ?? node.index ?? null,
    clientCount: policy.clientCount ?? null,
  };
}

function shardSize(policy: PolicySharding): ShardSize {
  const { size = "auto", hostsMin = HOST_CHOICE_DEFAULTS.hostsMin } = policy;
  if (typeof size === "number") return { type: "fixed", hosts: size };
  const percent = parsePercent(size);
  if (percent !== undefined) return { type: "percent", percent, hostsMin };
  return {
    type: "automatic",
    requestsPerConnection: policy.requestsPerConnection ?? HOST_CHOICE_DEFAULTS.requestsPerConnection,
    hostsMin,
    connectionsPerHostMax: policy.connectionsPerHostMax ?? HOST_CHOICE_DEFAULTS.connectionsPerHostMax,
  };
}

/** By which labels requests may choose among a Service's hosts; null for by none. */
export function compileSubsets(policy: PolicySubsets | undefined): SubsetConfig | null {
  if (policy === undefined) return null;
  const { selectors, fallback = "any", defaultLabels = {}, subsetsMax = HOST_CHOICE_DEFAULTS.subsetsMax } = policy;
  const fallbackOf = (type: SubsetFallback["type"]): SubsetFallback =>
    type === "default" ? { type, labels: defaultLabels } : { type };
  return {
    selectors: selectors.map(({ keys, fallback: own = "none" }) => ({ keys, fallback: fallbackOf(own) })),
    fallback: fallbackOf(fallback),
    subsetsMax,
  };
}

/**
 * The labels that a route asks for of a backend's hosts; null for none. Labels that no selector of the backend's
 * `policies` has are a finding.
 */
export function compileRouteSubset(
  compilation: Compilation,
  route: LoadedResource,
  ref: SubsetChoice,
  policies: readonly AttachedPolicy[],
  path: FieldPath,
): RouteSubset | null {
  const { subset: labels = {}, subsetHeaders = {} } = ref;
  const headers = Object.entries(subsetHeaders).map(([label, header]) => ({ label, header: header.toLowerCase() }));
  const refuse = (field: keyof SubsetChoice, expected: string): void =>
    compilation.log.add(route.source, [...path, field], ref[field], expected);
  const twice = headers.find(({ label }) => Object.hasOwn(labels, label));
  if (twice !== undefined) refuse("subsetHeaders", `other labels than those of subset, which has "${twice.label}"`);
  const keys = [...new Set([...Object.keys(labels), ...headers.map(({ label }) => label)])].toSorted();
  if (keys.length === 0) return null;
  const selectors = firstWith(policies, "subsets")?.selectors ?? [];
  const isKnown = selectors.some((selector) => selector.keys.toSorted().join("\n") === keys.join("\n"));
  if (!isKnown) {
    const known = selectors.map((selector) => selector.keys.join(" + ")).join(", ");
    const field = ref.subset === undefined ? "subsetHeaders" : "subset";
    const wanted = "the labels of one selector of the Service's TrafficPolicy subsets";
    refuse(field, known === "" ? `${wanted}, which has none` : `${wanted}: ${known}`);
  }
  return { labels, headers };
}
