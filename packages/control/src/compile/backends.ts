import type { BackendObjectReference, ResourceKind } from "@weft/contract";
import type { FieldPath, FindingDetail, LoadedResource } from "../load/finding.ts";
import { suggest } from "../load/suggest.ts";
import { namespaceOf } from "../load/validate.ts";
import type { Compilation, ServiceTarget } from "./compilation.ts";
import { isGranted } from "./grants.ts";
import type { LoadedOf } from "./resource-index.ts";

/** Name of the cluster of one port of a Service. */
export function clusterName(service: LoadedOf<"Service">["resource"], port: number): string {
  return `${namespaceOf(service)}/${service.metadata.name}:${port}`;
}

/** The Service port that a backend reference means, marked as used; undefined, with a finding, where there is none. */
export function resolveBackend(
  compilation: Compilation,
  from: LoadedResource,
  ref: BackendObjectReference,
  path: FieldPath,
): ServiceTarget | undefined {
  const { index, log } = compilation;
  const { group = "", kind = "Service", name, port } = ref;
  const unresolved = (field: string, value: unknown, expected: string, reason: string): undefined => {
    log.add(from.source, [...path, field], value, expected, { condition: "ResolvedRefs", reason });
    return undefined;
  };
  if (kind !== "Service") return unresolved("kind", kind, '"Service"', "InvalidKind");
  if (group !== "" && group !== "weft.dev") return unresolved("group", group, '"" or "weft.dev"', "InvalidKind");
  const fromNamespace = namespaceOf(from.resource);
  const namespace = ref.namespace ?? fromNamespace;
  if (
    namespace !== fromNamespace &&
    !isGranted(index, from.resource, { groups: ["", "weft.dev"], kind, namespace, name })
  ) {
    return unresolved(
      "namespace",
      namespace,
      `a ReferenceGrant in namespace ${namespace} for ${from.resource.kind} of namespace ${fromNamespace} to Service ${name}`,
      "RefNotPermitted",
    );
  }
  const service = index.get("Service", namespace, name);
  if (service === undefined) {
    return unresolved("name", name, missing(compilation, "Service", namespace, name), "BackendNotFound");
  }
  return resolvePort(compilation, service, port, (expected) => unresolved("port", port, expected, "BackendNotFound"));
}

function resolvePort(
  { used }: Compilation,
  service: LoadedOf<"Service">,
  number: number | undefined,
  refuse: (expected: string) => undefined,
): ServiceTarget | undefined {
  const { ports } = service.resource.spec;
  const known = ports.map((each) => each.port).join(", ");
  const [only] = ports;
  const port = number === undefined && ports.length === 1 ? only : ports.find((each) => each.port === number);
  if (port === undefined) {
    return refuse(`a port of Service ${namespaceOf(service.resource)}/${service.resource.metadata.name}: ${known}`);
  }
  return useTarget(used, service, port);
}

/** The cluster of a Service's port, from now on part of the world. */
export function useTarget(
  used: Compilation["used"],
  service: LoadedOf<"Service">,
  port: ServiceTarget["port"],
): ServiceTarget {
  const cluster = clusterName(service.resource, port.port);
  const known = used.get(cluster);
  if (known !== undefined) return known;
  const target = { service, port, cluster };
  used.set(cluster, target);
  return target;
}

/** The end of "expected …" for a name that no resource has. */
export function missing({ index }: Compilation, kind: ResourceKind, namespace: string, name: string): string {
  const hint = suggest(name, index.names(kind, namespace));
  const wanted = `an existing ${kind} of namespace ${namespace}`;
  return hint === undefined ? wanted : `${wanted}; did you mean "${hint}"?`;
}

/** Condition and reason of a reference that does not resolve. */
export function unresolved(reason: string): FindingDetail {
  return { condition: "ResolvedRefs", reason };
}
