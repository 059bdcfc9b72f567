import type { PolicyTargetReference, TrafficPolicySpec } from "@weft/contract";
import type { FieldPath, FindingLog, LoadedResource } from "../load/finding.ts";
import { suggest } from "../load/suggest.ts";
import { fullNameOf, namespaceOf } from "../load/validate.ts";
import type { LoadedOf, ResourceIndex } from "./resource-index.ts";

/** A policy that acts on something; the resource is where findings about its fields go. */
export interface AttachedPolicy<Kind extends "TrafficPolicy" | "BackendTLSPolicy" = "TrafficPolicy"> {
  readonly policy: LoadedOf<Kind>;
  readonly sectionName: string | undefined;
}

type PolicyKind = "TrafficPolicy" | "BackendTLSPolicy";
type TargetKind = "Service" | "HTTPRoute" | "GRPCRoute" | "RpcRoute" | "Gateway";
type PolicyField = Exclude<keyof TrafficPolicySpec, "targetRefs">;

const TARGET_GROUPS: ReadonlyMap<TargetKind, readonly string[]> = new Map<TargetKind, readonly string[]>([
  ["Service", ["weft.dev", ""]],
  ["HTTPRoute", ["gateway.networking.k8s.io"]],
  ["GRPCRoute", ["gateway.networking.k8s.io"]],
  ["RpcRoute", ["weft.dev"]],
  ["Gateway", ["gateway.networking.k8s.io"]],
]);

const SERVICE_FIELDS: readonly PolicyField[] = [
  "balancing",
  "sharding",
  "subsets",
  "connections",
  "heartbeat",
  "timeouts",
  "retryBudget",
  "breaker",
  "outlier",
  "healthChecks",
  "tls",
];
const ROUTE_FIELDS: readonly PolicyField[] = ["balancing", "timeouts", "retry"];

/** Which policy acts on what. Made once per compilation; what does not fit is found here. */
export class PolicyIndex {
  readonly #index: ResourceIndex;
  readonly #log: FindingLog;
  readonly #traffic: Map<string, AttachedPolicy> = new Map();
  readonly #backendTls: Map<string, AttachedPolicy<"BackendTLSPolicy">> = new Map();

  constructor(index: ResourceIndex, log: FindingLog) {
    this.#index = index;
    this.#log = log;
    for (const policy of byAge(index.all("TrafficPolicy"))) this.#attach(policy, this.#traffic);
    for (const policy of byAge(index.all("BackendTLSPolicy"))) this.#attach(policy, this.#backendTls);
  }

  /** Traffic policies for a target, the one for its section first. */
  traffic(target: LoadedResource, ...sections: readonly (string | undefined)[]): readonly AttachedPolicy[] {
    return lookUp(this.#traffic, target, sections);
  }

  backendTls(
    target: LoadedResource,
    ...sections: readonly (string | undefined)[]
  ): readonly AttachedPolicy<"BackendTLSPolicy">[] {
    return lookUp(this.#backendTls, target, sections);
  }

  #attach<Kind extends PolicyKind>(policy: LoadedOf<Kind>, into: Map<string, AttachedPolicy<Kind>>): void {
    const { kind, spec }: LoadedOf<PolicyKind>["resource"] = policy.resource;
    const seen = new Set<string>();
    for (const [index, ref] of spec.targetRefs.entries()) {
      const path = ["spec", "targetRefs", index];
      const target = this.#resolve(policy, ref, path);
      if (target === undefined) continue;
      const key = targetKey(target, ref.sectionName);
      const other = into.get(key);
      if (seen.has(key)) this.#refuse(policy, path, ref.name, "a target that is not in this list already");
      else if (other !== undefined) {
        const expected = `a target without another ${kind} (${fullNameOf(other.policy.resource)} is older or first by name)`;
        this.#log.add(policy.source, [...path, "name"], ref.name, expected, {
          condition: "Conflicted",
          reason: "Conflicted",
        });
      } else into.set(key, { policy, sectionName: ref.sectionName });
      seen.add(key);
    }
  }

  #resolve(policy: LoadedOf<PolicyKind>, ref: PolicyTargetReference, path: FieldPath): LoadedResource | undefined {
    const kinds: readonly TargetKind[] =
      policy.resource.kind === "TrafficPolicy"
        ? ["Service", "HTTPRoute", "GRPCRoute", "RpcRoute", "Gateway"]
        : ["Service"];
    const kind = kinds.find((each) => each === ref.kind);
    if (kind === undefined) {
      return this.#refuse(policy, [...path, "kind"], ref.kind, `one of ${kinds.map((each) => `"${each}"`).join(", ")}`);
    }
    const groups = TARGET_GROUPS.get(kind) ?? [];
    if (ref.group !== undefined && !groups.includes(ref.group)) {
      return this.#refuse(policy, [...path, "group"], ref.group, groups.map((each) => `"${each}"`).join(" or "));
    }
    const namespace = namespaceOf(policy.resource);
    const target: LoadedResource | undefined = this.#index.get(kind, namespace, ref.name);
    if (target === undefined) {
      const hint = suggest(ref.name, this.#index.names(kind, namespace));
      const wanted = `an existing ${kind} of namespace ${namespace}`;
      const expected = hint === undefined ? wanted : `${wanted}; did you mean "${hint}"?`;
      return this.#refuse(policy, [...path, "name"], ref.name, expected, "TargetNotFound");
    }
    const sections = sectionsOf(target);
    if (ref.sectionName !== undefined && !sections.includes(ref.sectionName)) {
      const expected =
        sections.length === 0 ? "no sectionName: the target has no named parts" : `one of ${sections.join(", ")}`;
      return this.#refuse(policy, [...path, "sectionName"], ref.sectionName, expected, "TargetNotFound");
    }
    if (policy.resource.kind === "TrafficPolicy") this.#checkFields(policy, kind, policy.resource.spec);
    return target;
  }

  /** A field that has no effect on a target of this kind is a mistake. */
  #checkFields(policy: LoadedResource, kind: TargetKind, spec: TrafficPolicySpec): void {
    const allowed = kind === "Service" ? SERVICE_FIELDS : ROUTE_FIELDS;
    const refuse = (path: FieldPath, value: unknown): void => {
      this.#refuse(
        policy,
        ["spec", ...path],
        value,
        `no such field in a policy for a ${kind}: it would have no effect`,
        "Invalid",
        true,
      );
    };
    for (const field of Object.keys(spec) as (keyof TrafficPolicySpec)[]) {
      if (field !== "targetRefs" && !allowed.includes(field)) refuse([field], spec[field]);
    }
    const { timeouts, balancing } = spec;
    if (kind === "Service") {
      if (timeouts?.request !== undefined) refuse(["timeouts", "request"], timeouts.request);
      const isHashed = balancing?.algorithm === "ring-hash" || balancing?.algorithm === "maglev";
      if (balancing?.hashOn !== undefined && !isHashed) {
        const expected = 'no hashOn unless algorithm is "ring-hash" or "maglev"';
        this.#refuse(policy, ["spec", "balancing", "hashOn"], balancing.hashOn, expected, "Invalid", true);
      }
      return;
    }
    if (timeouts?.response !== undefined) refuse(["timeouts", "response"], timeouts.response);
    for (const [field, value] of Object.entries(balancing ?? {})) {
      if (field !== "hashOn") refuse(["balancing", field], value);
    }
  }

  #refuse(
    policy: LoadedResource,
    path: FieldPath,
    value: unknown,
    expected: string,
    reason: string = "Invalid",
    isKey: boolean = false,
  ): undefined {
    this.#log.add(policy.source, path, value, expected, { reason, isKey });
    return undefined;
  }
}

/** Oldest first, then by name: of two policies for one target the first stays. */
function byAge<R extends LoadedResource>(resources: readonly R[]): R[] {
  return [...resources].sort((left, right) => createdMsOf(left) - createdMsOf(right));
}

/** Milliseconds since 1970 of a resource's creation; 0 where it does not say. */
export function createdMsOf({ resource }: LoadedResource): number {
  const { creationTimestamp } = resource.metadata;
  return creationTimestamp === undefined ? 0 : Date.parse(creationTimestamp);
}

function targetKey({ resource }: LoadedResource, section: string | undefined): string {
  return `${resource.kind} ${fullNameOf(resource)} ${section ?? ""}`;
}

function lookUp<T>(
  policies: ReadonlyMap<string, T>,
  target: LoadedResource,
  sections: readonly (string | undefined)[],
): readonly T[] {
  const keys = new Set(
    [...sections.filter((each) => each !== undefined), undefined].map((each) => targetKey(target, each)),
  );
  return [...keys].map((key) => policies.get(key)).filter((each) => each !== undefined);
}

/** What a sectionName may be for a target. */
function sectionsOf({ resource }: LoadedResource): readonly string[] {
  switch (resource.kind) {
    case "Service":
      return resource.spec.ports.flatMap(({ name, port }) =>
        name === undefined ? [String(port)] : [name, String(port)],
      );
    case "Gateway":
      return resource.spec.listeners.map(({ name }) => name);
    case "HTTPRoute":
    case "GRPCRoute":
    case "RpcRoute": {
      const rules: readonly { readonly name?: string }[] = resource.spec.rules ?? [];
      return rules.map(({ name }) => name).filter((name) => name !== undefined);
    }
    default:
      return [];
  }
}

/** The first policy that has `field`, most specific first. */
export function firstWith<Field extends PolicyField>(
  policies: readonly AttachedPolicy[],
  field: Field,
): TrafficPolicySpec[Field] | undefined {
  for (const { policy } of policies) {
    const value = policy.resource.spec[field];
    if (value !== undefined) return value;
  }
  return undefined;
}
