import type { HeaderModifierFilter, HttpNamedMatch, HttpRouteFilter } from "./http-route.ts";
import type { ResourceBase } from "./metadata.ts";
import type { BackendRef, ParentReference, SubsetChoice } from "./references.ts";

/** Gateway API v1: how gRPC calls are matched and forwarded. */
export type GrpcRouteResource = ResourceBase<"gateway.networking.k8s.io/v1", "GRPCRoute", GrpcRouteSpec>;

/** Where a route is attached, which hosts it serves, and its rules. */
export interface GrpcRouteSpec {
  readonly parentRefs: readonly ParentReference[];
  readonly hostnames?: readonly string[];
  /** Absent: one rule that matches every call. */
  readonly rules?: readonly GrpcRouteRule[];
}

/** Which calls match, and what happens to them. */
export interface GrpcRouteRule {
  readonly name?: string;
  readonly matches?: readonly GrpcRouteMatch[];
  /** RequestHeaderModifier, ResponseHeaderModifier, RequestMirror and ExtensionRef. */
  readonly filters?: readonly GrpcRouteFilter[];
  readonly backendRefs?: readonly GrpcBackendRef[];
}

/** Conditions on a call; all must hold. */
export interface GrpcRouteMatch {
  /** One or both of service and method. */
  readonly method?: {
    readonly type?: "Exact" | "RegularExpression";
    readonly service?: string;
    readonly method?: string;
  };
  readonly headers?: readonly HttpNamedMatch[];
}

/** The filters of HTTPRoute that calls have. */
export type GrpcRouteFilter = Extract<
  HttpRouteFilter,
  { type: "RequestHeaderModifier" | "ResponseHeaderModifier" | "RequestMirror" | "ExtensionRef" }
>;

/** A backend of a GRPCRoute. */
export interface GrpcBackendRef extends BackendRef, SubsetChoice {
  readonly filters?: readonly HeaderModifierFilter[];
}
