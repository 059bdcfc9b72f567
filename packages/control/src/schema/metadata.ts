import type { ResourceBase, ResourceMetadata } from "@weft/contract";
import * as z from "zod";
import { integer, labelMap, namespaceName, object, objectName, optional, text, textMap } from "./fields.ts";

const metadata = object({
  name: objectName,
  namespace: optional(namespaceName),
  labels: optional(labelMap),
  annotations: optional(textMap),
  creationTimestamp: optional(
    z
      .string({ error: 'a time such as "2026-01-31T12:00:00Z"' })
      .refine((value) => /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value)), {
        error: 'a time such as "2026-01-31T12:00:00Z"',
      }),
  ),
  generation: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  resourceVersion: optional(text("a text", 1024)),
  uid: optional(text("a text", 1024)),
  // What an API server adds when a resource is exported; it has no meaning in a file.
  managedFields: optional(z.unknown()),
  ownerReferences: optional(z.unknown()),
  finalizers: optional(z.unknown()),
  selfLink: optional(z.unknown()),
});

/** The schema of every document's `metadata`. */
export const metadataSchema: z.ZodType<ResourceMetadata> = metadata;

/** The schema of a document of one kind. `status` is what a server wrote: read over. */
export function resource<Version extends string, Kind extends string, Spec>(
  versions: readonly [Version, ...Version[]],
  kind: Kind,
  spec: z.ZodType<Spec>,
): z.ZodType<ResourceBase<Version, Kind, Spec>> {
  return object({
    // The kind and its versions were compared before this schema was chosen.
    apiVersion: z.enum(versions),
    kind: z.literal(kind),
    metadata: metadataSchema,
    spec,
    status: optional(z.unknown()),
  }) as z.ZodType<ResourceBase<Version, Kind, Spec>>;
}
