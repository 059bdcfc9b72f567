import type { ColourResource, DirectResponseResource, FaultResource } from "./extension-filters.ts";
import type { GatewayResource } from "./gateway.ts";
import type { GrpcRouteResource } from "./grpc-route.ts";
import type { HttpRouteResource } from "./http-route.ts";
import type { ProxyConfigResource } from "./proxy-config.ts";
import type { RpcRouteResource } from "./rpc-route.ts";
import type { ServiceResource } from "./service.ts";
import type { TcpRouteResource, TlsRouteResource } from "./stream-route.ts";
import type { TrafficPolicyResource } from "./traffic-policy.ts";
import type {
  BackendTlsPolicyResource,
  CertificateResource,
  ConfigMapResource,
  NamespaceResource,
  ReferenceGrantResource,
  SecretResource,
} from "./trust.ts";

/** Every kind of document that Weft understands, told apart by `kind`. */
export type Resource =
  | GatewayResource
  | HttpRouteResource
  | GrpcRouteResource
  | RpcRouteResource
  | TlsRouteResource
  | TcpRouteResource
  | BackendTlsPolicyResource
  | ReferenceGrantResource
  | SecretResource
  | ConfigMapResource
  | NamespaceResource
  | CertificateResource
  | ServiceResource
  | TrafficPolicyResource
  | ProxyConfigResource
  | FaultResource
  | ColourResource
  | DirectResponseResource;

/** The name of a kind. */
export type ResourceKind = Resource["kind"];

/** Something that is wrong with a resource; rendered as one line by `renderProblem` of room control. */
export interface ResourceProblem {
  /** Path as it was given; "" where no file is to blame. */
  readonly file: string;
  /** From 1; 0 where the whole file is meant. */
  readonly line: number;
  readonly column: number;
  /** "" where the document does not say. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Where in the resource: "spec.rules[0].backendRefs[0].port"; "" for the whole. */
  readonly path: string;
  /** What is there, as text and cut to a readable length; "" where nothing is to be shown, never a secret. */
  readonly value: string;
  /** What was expected instead. */
  readonly expected: string;
  /** The condition of Gateway API that this makes false, and its reason. */
  readonly condition: "Accepted" | "ResolvedRefs" | "Conflicted";
  readonly reason: string;
}

/** Gateway API's condition, without the times that only an API server knows. */
export interface ResourceCondition {
  readonly type: "Accepted" | "ResolvedRefs" | "Programmed";
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

/** Why a resource is or is not active. */
export interface ResourceStatus {
  readonly apiVersion: string;
  readonly kind: ResourceKind;
  readonly namespace: string;
  readonly name: string;
  readonly conditions: readonly ResourceCondition[];
  /** Gateways: how many routes each listener has. Other kinds: empty. */
  readonly listeners: readonly { readonly name: string; readonly attachedRoutes: number }[];
}
