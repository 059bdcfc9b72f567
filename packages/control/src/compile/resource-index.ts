import type { Resource, ResourceKind } from "@weft/contract";
import type { FindingLog, LoadedResource } from "../load/finding.ts";
import { compareText } from "../load/problems.ts";
import { namespaceOf } from "../load/validate.ts";

/** A resource of one kind with its place of origin. */
export type LoadedOf<Kind extends ResourceKind> = LoadedResource<Extract<Resource, { kind: Kind }>>;

/** All resources by kind and name, in an order that does not depend on files. */
export class ResourceIndex {
  readonly #byKind: Map<ResourceKind, Map<string, LoadedResource>> = new Map();

  /** Of two resources with the same name the one in the earlier file stays; the other is a finding. */
  constructor(resources: readonly LoadedResource[], log: FindingLog) {
    const sorted = [...resources].sort(
      (left, right) =>
        compareText(namespaceOf(left.resource), namespaceOf(right.resource)) ||
        compareText(left.resource.metadata.name, right.resource.metadata.name) ||
        compareText(left.source.file, right.source.file) ||
        left.source.document - right.source.document,
    );
    for (const loaded of sorted) {
      const { kind, metadata } = loaded.resource;
      const byName = this.#byKind.get(kind) ?? new Map<string, LoadedResource>();
      this.#byKind.set(kind, byName);
      const key = `${namespaceOf(loaded.resource)}/${metadata.name}`;
      const first = byName.get(key);
      if (first === undefined) byName.set(key, loaded);
      else {
        const expected = `a name that no other ${kind} of the namespace has (it is taken in ${first.source.file})`;
        log.add(loaded.source, ["metadata", "name"], metadata.name, expected, { reason: "Duplicate" });
      }
    }
  }

  /** By namespace, then name. */
  all<Kind extends ResourceKind>(kind: Kind): readonly LoadedOf<Kind>[] {
    return [...(this.#byKind.get(kind)?.values() ?? [])] as LoadedOf<Kind>[];
  }

  get<Kind extends ResourceKind>(kind: Kind, namespace: string, name: string): LoadedOf<Kind> | undefined {
    return this.#byKind.get(kind)?.get(`${namespace}/${name}`) as LoadedOf<Kind> | undefined;
  }

  /** Names of a kind in a namespace, for suggestions. */
  names(kind: ResourceKind, namespace: string): readonly string[] {
    return this.all(kind)
      .filter(({ resource }) => namespaceOf(resource) === namespace)
      .map(({ resource }) => resource.metadata.name);
  }
}
