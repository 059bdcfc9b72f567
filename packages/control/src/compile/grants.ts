import type { Resource } from "@weft/contract";
import { namespaceOf } from "../load/validate.ts";
import type { ResourceIndex } from "./resource-index.ts";

/** What a resource of another namespace refers to. */
export interface GrantSubject {
  /** Groups under which the kind may be granted. */
  readonly groups: readonly string[];
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** True if a ReferenceGrant in the subject's namespace lets `from` refer to it. */
export function isGranted(
  index: ResourceIndex,
  from: Resource,
  { groups, kind, namespace, name }: GrantSubject,
): boolean {
  const [fromGroup = ""] = from.apiVersion.includes("/") ? from.apiVersion.split("/") : [""];
  const fromNamespace = namespaceOf(from);
  return index
    .all("ReferenceGrant")
    .filter(({ resource }) => namespaceOf(resource) === namespace)
    .some(
      ({ resource: { spec } }) =>
        spec.from.some(
          (each) => each.group === fromGroup && each.kind === from.kind && each.namespace === fromNamespace,
        ) &&
        spec.to.some(
          (each) =>
            groups.includes(each.group) && each.kind === kind && (each.name === undefined || each.name === name),
        ),
    );
}
