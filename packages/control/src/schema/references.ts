import type {
  BackendObjectReference,
  BackendRef,
  LocalObjectReference,
  ObjectReference,
  ParentReference,
  PolicyTargetReference,
} from "@weft/contract";
import type * as z from "zod";
import {
  groupName,
  integer,
  kindName,
  namespaceName,
  object,
  objectName,
  optional,
  port,
  sectionName,
} from "./fields.ts";

type OptionalText = z.ZodExactOptional<z.ZodType<string>>;
type OptionalNumber = z.ZodExactOptional<z.ZodType<number>>;

type BackendFields = {
  readonly group: OptionalText;
  readonly kind: OptionalText;
  readonly name: z.ZodType<string>;
  readonly namespace: OptionalText;
  readonly port: OptionalNumber;
};

const backendFields: BackendFields = {
  group: optional(groupName),
  kind: optional(kindName),
  name: objectName,
  namespace: optional(namespaceName),
  port: optional(port),
};

/** Fields of a backend reference with its weight, for the kinds that add filters to them. */
export const weightedBackendFields: BackendFields & { readonly weight: OptionalNumber } = {
  ...backendFields,
  weight: optional(integer(0, 1_000_000)),
};

export const backendObjectReference: z.ZodType<BackendObjectReference> = object(backendFields);

export const backendRef: z.ZodType<BackendRef> = object(weightedBackendFields);

export const parentReference: z.ZodType<ParentReference> = object({
  group: optional(groupName),
  kind: optional(kindName),
  namespace: optional(namespaceName),
  name: objectName,
  sectionName: optional(sectionName),
  port: optional(port),
});

export const localObjectReference: z.ZodType<LocalObjectReference> = object({
  group: groupName,
  kind: kindName,
  name: objectName,
});

export const objectReference: z.ZodType<ObjectReference> = object({
  group: optional(groupName),
  kind: optional(kindName),
  name: objectName,
  namespace: optional(namespaceName),
});

export const policyTargetReference: z.ZodType<PolicyTargetReference> = object({
  group: optional(groupName),
  kind: kindName,
  name: objectName,
  sectionName: optional(sectionName),
});
