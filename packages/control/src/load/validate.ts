import type { Resource } from "@weft/contract";
import type * as z from "zod";
import type { UnknownFieldHint } from "../schema/fields.ts";
import { KINDS } from "../schema/kinds.ts";
import type { PlainDocument } from "./documents.ts";
import { type FieldPath, type FindingLog, type LoadedResource, valueAt } from "./finding.ts";
import { suggest } from "./suggest.ts";

/** Checks a document against the schema of its kind; undefined, with findings, where it does not fit. */
export function validateDocument({ source, value }: PlainDocument, log: FindingLog): LoadedResource | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    log.add(source, [], undefined, "a resource with apiVersion, kind, metadata and spec");
    return undefined;
  }
  const kind = valueAt(value, ["kind"]);
  const entry = typeof kind === "string" ? KINDS.get(kind) : undefined;
  if (entry === undefined) {
    const known = [...KINDS.keys()];
    const hint = typeof kind === "string" ? suggest(kind, known) : undefined;
    const expected = hint === undefined ? `one of ${known.join(", ")}` : `a known kind; did you mean "${hint}"?`;
    log.add(source, ["kind"], kind, expected, { reason: "InvalidKind" });
    return undefined;
  }
  const apiVersion = valueAt(value, ["apiVersion"]);
  if (typeof apiVersion !== "string" || !entry.apiVersions.includes(apiVersion)) {
    const expected = entry.apiVersions.map((each) => `"${each}"`).join(" or ");
    log.add(source, ["apiVersion"], apiVersion, expected, { reason: "InvalidKind" });
    return undefined;
  }
  const result = entry.schema.safeParse(value);
  if (result.success) return { resource: result.data, source };
  for (const issue of result.error.issues) addIssue(issue, source, value, log);
  return undefined;
}

function addIssue(issue: z.core.$ZodIssue, source: LoadedResource["source"], root: unknown, log: FindingLog): void {
  const path: FieldPath = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  if (issue.code !== "unrecognized_keys") {
    log.add(source, path, valueAt(root, path), issue.message, { reason: "UnsupportedValue" });
    return;
  }
  const { known, unsupported } = JSON.parse(issue.message) as UnknownFieldHint;
  for (const key of issue.keys) {
    const field = [...path, key];
    log.add(source, field, valueAt(root, field), unknownField(key, known, unsupported), { isKey: true });
  }
}

function unknownField(key: string, known: readonly string[], unsupported: UnknownFieldHint["unsupported"]): string {
  const reason = Object.hasOwn(unsupported, key) ? unsupported[key] : undefined;
  if (reason !== undefined) return `no such field: ${reason}`;
  const hint = suggest(key, known);
  return hint === undefined ? `no such field; known are ${known.join(", ")}` : `no such field; did you mean "${hint}"?`;
}

/** The namespace of a resource. */
export function namespaceOf(resource: Resource): string {
  return resource.metadata.namespace ?? "default";
}

/** `namespace/name`. */
export function fullNameOf(resource: Resource): string {
  return `${namespaceOf(resource)}/${resource.metadata.name}`;
}
