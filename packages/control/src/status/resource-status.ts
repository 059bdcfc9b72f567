import type { Resource, ResourceCondition, ResourceKind, ResourceProblem, ResourceStatus } from "@weft/contract";
import type { CompileOutcome } from "../compile/compile-world.ts";
import type { LoadedResource } from "../load/finding.ts";
import { compareText } from "../load/problems.ts";
import { fullNameOf, namespaceOf } from "../load/validate.ts";
import { KINDS } from "../schema/kinds.ts";

/** What status is made from: the outcome of one load. */
export interface StatusInput {
  readonly resources: readonly LoadedResource[];
  readonly problems: readonly ResourceProblem[];
  readonly compiled: Pick<CompileOutcome, "attachedRoutes">;
}

/**
 * Gateway API's conditions of every resource of a load, by kind, namespace and name: whether it is accepted, whether
 * its references resolve, whether it runs. Resources that do not fit their schema are there, too, if they have a name.
 */
export function resourceStatuses({ resources, problems, compiled }: StatusInput): readonly ResourceStatus[] {
  const byResource = Map.groupBy(problems, ({ kind, namespace, name }) => `${kind} ${namespace}/${name}`);
  const isRefused = problems.length > 0;
  const statuses = new Map<string, ResourceStatus>();
  for (const { resource } of resources) {
    const key = `${resource.kind} ${fullNameOf(resource)}`;
    statuses.set(key, {
      apiVersion: resource.apiVersion,
      kind: resource.kind,
      namespace: namespaceOf(resource),
      name: resource.metadata.name,
      conditions: conditionsOf(byResource.get(key) ?? [], isRefused),
      listeners: listenersOf(resource, compiled),
    });
  }
  for (const [key, own] of byResource) {
    const [{ kind, namespace, name } = { kind: "", namespace: "", name: "" }] = own;
    const apiVersion = KINDS.get(kind)?.apiVersions[0];
    if (statuses.has(key) || name === "" || apiVersion === undefined) continue;
    const conditions = conditionsOf(own, isRefused);
    statuses.set(key, { apiVersion, kind: kind as ResourceKind, namespace, name, conditions, listeners: [] });
  }
  return [...statuses.values()].sort(
    (left, right) =>
      compareText(left.kind, right.kind) ||
      compareText(left.namespace, right.namespace) ||
      compareText(left.name, right.name),
  );
}

function listenersOf(resource: Resource, { attachedRoutes }: StatusInput["compiled"]): ResourceStatus["listeners"] {
  if (resource.kind !== "Gateway") return [];
  return resource.spec.listeners.map(({ name }) => ({
    name,
    attachedRoutes: attachedRoutes.get(`${fullNameOf(resource)}/${name}`)?.size ?? 0,
  }));
}

function conditionsOf(own: readonly ResourceProblem[], isRefused: boolean): readonly ResourceCondition[] {
  const unresolved = own.filter(({ condition }) => condition === "ResolvedRefs");
  const refused = own.filter(({ condition }) => condition !== "ResolvedRefs");
  return [
    condition("Accepted", refused, "The resource is valid."),
    condition("ResolvedRefs", unresolved, "All references resolve."),
    programmed(own, isRefused),
  ];
}

function condition(
  type: "Accepted" | "ResolvedRefs",
  problems: readonly ResourceProblem[],
  good: string,
): ResourceCondition {
  const [first] = problems;
  if (first === undefined) return { type, status: "True", reason: type, message: good };
  return { type, status: "False", reason: first.reason, message: problems.map(sentenceOf).join("; ") };
}

function programmed(own: readonly ResourceProblem[], isRefused: boolean): ResourceCondition {
  const type = "Programmed";
  if (!isRefused) return { type, status: "True", reason: type, message: "The proxy runs with it." };
  if (own.length > 0)
    return { type, status: "False", reason: "Invalid", message: "It is not valid, and so the set is refused." };
  return {
    type,
    status: "False",
    reason: "Pending",
    message: "Other resources of the set are wrong, and a set is applied whole or not at all.",
  };
}

function sentenceOf({ path, value, expected }: ResourceProblem): string {
  const subject = value === "" ? path : `${path}: ${value}`;
  return subject === "" ? `expected ${expected}` : `${subject} — expected ${expected}`;
}
