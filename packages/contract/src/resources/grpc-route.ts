import type { HeaderModifierFilter, HttpNamedMatch, HttpRouteFilter } from "./http-route.ts";
import type { ResourceBase } from "./metadata.ts";
import type { BackendRef, ParentReference } from "./references.ts";

/** Gateway API v1: how gRPC calls are matched and forwarded. */
export type GrpcRouteResource = ResourceBase<"gateway.networking.k8s.io/v1", "GRPCRoute", GrpcRouteSpec>;

export interface GrpcRouteSpec {
  readonly parentRefs: readonly ParentReference[];
  readonly hostnames?: readonly string[];
  /** Absent: one rule that matches every call. */
  readonly rules?: readonly GrpcRouteRule[];
}

export interface GrpcRouteRule {
  readonly name?: string;
  readonly matches?: readonly GrpcRouteMatch[];
  /** RequestHeaderModifier, ResponseHeaderModifier, RequestMirror and ExtensionRef. */
  readonly filters?: readonly GrpcRouteFilter[];
  readonly backendRefs?: readonly GrpcBackendRef[];
}

export interface GrpcRouteMatch {
  /** One or both of service and method. */
  readonly method?: {
    readonly type?: "Exact" | "RegularExpression";
    readonly service?: string;
    readonly method?: string;
  };
  readonly headers?: readonly HttpNamedMatch[];
}

export type GrpcRouteFilter = Extract<
  HttpRouteFilter,
  { type: "RequestHeaderModifier" | "ResponseHeaderModifier" | "RequestMirror" | "ExtensionRef" }
>;

export interface GrpcBackendRef extends BackendRef {
  readonly filters?: readonly HeaderModifierFilter[];
}
