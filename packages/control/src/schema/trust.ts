import type {
  BackendTlsPolicyResource,
  CertificateResource,
  CertificateSpec,
  ConfigMapResource,
  NamespaceResource,
  ReferenceGrantResource,
  SecretResource,
} from "@weft/contract";
import * as z from "zod";
import {
  checked,
  groupName,
  kindName,
  list,
  namespaceName,
  object,
  objectName,
  optional,
  preciseHostname,
  type Report,
  text,
  textMap,
  word,
} from "./fields.ts";
import { metadataSchema, resource } from "./metadata.ts";
import { localObjectReference, policyTargetReference } from "./references.ts";

/** A SPIFFE ID or another absolute URI that a certificate may name. */
export const subjectUri: z.ZodType<string> = text(
  'an absolute URI such as "spiffe://shop.example/ns/shop/sa/cart"',
  253,
  /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+[^\s]*$/,
);

const targetRefs = list(policyTargetReference, 16, 1);

/** Gateway API BackendTLSPolicy. */
export const backendTlsPolicySchema: z.ZodType<BackendTlsPolicyResource> = resource(
  ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha3", "gateway.networking.k8s.io/v1alpha2"],
  "BackendTLSPolicy",
  object(
    {
      targetRefs,
      validation: checked(
        object({
          caCertificateRefs: optional(list(localObjectReference, 8)),
          wellKnownCACertificates: optional(word(["System"])),
          hostname: preciseHostname,
          subjectAltNames: optional(list(object({ type: word(["URI"]), uri: subjectUri }), 5)),
        }),
        ({ caCertificateRefs = [], wellKnownCACertificates }, report) => {
          if (caCertificateRefs.length > 0 === (wellKnownCACertificates !== undefined)) {
            report([], "exactly one of caCertificateRefs and wellKnownCACertificates");
          }
        },
      ),
    },
    { options: "Weft has no options here; TrafficPolicy tls sets versions and client certificates" },
  ),
);

/** Gateway API ReferenceGrant. */
export const referenceGrantSchema: z.ZodType<ReferenceGrantResource> = resource(
  ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"],
  "ReferenceGrant",
  object({
    from: list(object({ group: groupName, kind: kindName, namespace: namespaceName }), 16, 1),
    to: list(object({ group: groupName, kind: kindName, name: optional(objectName) }), 16, 1),
  }),
);

function checkCertificate({ certificateFile, keyFile, caFile }: CertificateSpec, report: Report): void {
  if (certificateFile !== undefined && keyFile === undefined)
    report(["keyFile"], "a file with the key of certificateFile");
  if (keyFile !== undefined && certificateFile === undefined)
    report(["certificateFile"], "a file with the certificate of keyFile");
  if (certificateFile === undefined && keyFile === undefined && caFile === undefined) {
    report([], "certificateFile with keyFile, or caFile");
  }
}

const filePath = text("a path of 1 to 1024 characters, relative to this file", 1024, /^[^\0]+$/);

/** Weft's Certificate. */
export const certificateSchema: z.ZodType<CertificateResource> = resource(
  ["weft.dev/v1"],
  "Certificate",
  checked(
    object({ certificateFile: optional(filePath), keyFile: optional(filePath), caFile: optional(filePath) }),
    checkCertificate,
  ),
);

const base64Map = checked(textMap, (data, report) => {
  for (const [name, value] of Object.entries(data)) {
    const compact = value.replaceAll(/\s/g, "");
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact) || compact.length % 4 !== 0) report([name], "a value in base64");
  }
});

/** Kubernetes' Secret. */
export const secretSchema: z.ZodType<SecretResource> = object({
  apiVersion: z.literal("v1"),
  kind: z.literal("Secret"),
  metadata: metadataSchema,
  type: word(["kubernetes.io/tls"]),
  data: optional(base64Map),
  stringData: optional(textMap),
  immutable: optional(z.unknown()),
});

/** Kubernetes' ConfigMap. */
export const configMapSchema: z.ZodType<ConfigMapResource> = object({
  apiVersion: z.literal("v1"),
  kind: z.literal("ConfigMap"),
  metadata: metadataSchema,
  data: textMap,
  immutable: optional(z.unknown()),
});

/** Kubernetes' Namespace, of which only the labels matter. */
export const namespaceSchema: z.ZodType<NamespaceResource> = object({
  apiVersion: z.literal("v1"),
  kind: z.literal("Namespace"),
  metadata: metadataSchema,
  spec: optional(z.unknown()),
  status: optional(z.unknown()),
});
