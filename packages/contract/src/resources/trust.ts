import type { ResourceBase, ResourceMetadata } from "./metadata.ts";
import type { LocalObjectReference, PolicyTargetReference } from "./references.ts";

/** Gateway API: how TLS to the hosts of a Service is checked. */
export type BackendTlsPolicyResource = ResourceBase<
  "gateway.networking.k8s.io/v1" | "gateway.networking.k8s.io/v1alpha2" | "gateway.networking.k8s.io/v1alpha3",
  "BackendTLSPolicy",
  BackendTlsPolicySpec
>;

/** Which certificates of a Service's hosts are believed. */
export interface BackendTlsPolicySpec {
  /** Services; `sectionName` is a port's name or number. */
  readonly targetRefs: readonly PolicyTargetReference[];
  readonly validation: {
    /** ConfigMaps with `ca.crt` or `weft.dev` Certificates with a `caFile`; or else `wellKnownCACertificates`. */
    readonly caCertificateRefs?: readonly LocalObjectReference[];
    readonly wellKnownCACertificates?: "System";
    /** Server name sent and checked. */
    readonly hostname: string;
    /** Type URI only. */
    readonly subjectAltNames?: readonly { readonly type: "URI"; readonly uri: string }[];
  };
}

/** Gateway API: lets resources of other namespaces refer to those of this one. */
export type ReferenceGrantResource = ResourceBase<
  "gateway.networking.k8s.io/v1" | "gateway.networking.k8s.io/v1beta1",
  "ReferenceGrant",
  ReferenceGrantSpec
>;

/** Who may refer, and to what. */
export interface ReferenceGrantSpec {
  readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
  /** Without `name`: all of the kind. */
  readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
}

/** Kubernetes' Secret, of type kubernetes.io/tls: `tls.crt` and `tls.key`. */
export interface SecretResource {
  readonly apiVersion: "v1";
  readonly kind: "Secret";
  readonly metadata: ResourceMetadata;
  readonly type: "kubernetes.io/tls";
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
  /** Plain; wins over `data`. */
  readonly stringData?: Readonly<Record<string, string>>;
}

/** Kubernetes' ConfigMap; Weft reads `ca.crt`. */
export interface ConfigMapResource {
  readonly apiVersion: "v1";
  readonly kind: "ConfigMap";
  readonly metadata: ResourceMetadata;
  readonly data: Readonly<Record<string, string>>;
}

/** Kubernetes' Namespace; Weft reads its labels, for `allowedRoutes` with a selector. */
export interface NamespaceResource {
  readonly apiVersion: "v1";
  readonly kind: "Namespace";
  readonly metadata: ResourceMetadata;
}

/** A certificate, or an authority's, in PEM files beside the resource. The files are watched like the resource. */
export type CertificateResource = ResourceBase<"weft.dev/v1", "Certificate", CertificateSpec>;

/** Paths are relative to the file that holds the resource. */
export interface CertificateSpec {
  /** PEM, leaf first; together with `keyFile`. */
  readonly certificateFile?: string;
  readonly keyFile?: string;
  /** PEM bundle of authorities, where this Certificate is used to check the other side. */
  readonly caFile?: string;
}
