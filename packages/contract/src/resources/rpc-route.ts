import type { GrpcBackendRef, GrpcRouteFilter } from "./grpc-route.ts";
import type { HttpNamedMatch } from "./http-route.ts";
import type { DurationText, ResourceBase } from "./metadata.ts";
import type { ParentReference } from "./references.ts";

/** How calls of RPC protocols (Bolt, Dubbo) are matched and forwarded. They name an interface, no host. */
export type RpcRouteResource = ResourceBase<"weft.dev/v1", "RpcRoute", RpcRouteSpec>;

/** Where a route is attached, and its rules. */
export interface RpcRouteSpec {
  readonly parentRefs: readonly ParentReference[];
  /** Absent: one rule that matches every call; not with a Service as parent. */
  readonly rules?: readonly RpcRouteRule[];
}

/** Which calls match, and what happens to them. */
export interface RpcRouteRule {
  readonly name?: string;
  readonly matches?: readonly RpcRouteMatch[];
  /** RequestHeaderModifier, ResponseHeaderModifier, RequestMirror and ExtensionRef. */
  readonly filters?: readonly GrpcRouteFilter[];
  readonly backendRefs?: readonly GrpcBackendRef[];
  /** For the whole call, and for one try; the caller's own timeout holds where it is shorter. */
  readonly timeouts?: { readonly request?: DurationText; readonly backendRequest?: DurationText };
  readonly retry?: RpcRouteRetry;
}

/** Conditions on a call; all must hold. */
export interface RpcRouteMatch {
  /** How `service` and `method` are compared; default "Exact". */
  readonly type?: "Exact" | "RegularExpression";
  /** Interface: "com.shop.Ledger". */
  readonly service?: string;
  readonly method?: string;
  /** Version of the interface: "1.0". */
  readonly version?: string;
  /** Dubbo's group, Bolt's unique id. */
  readonly group?: string;
  /** The application that is called, where calls say so. */
  readonly application?: string;
  /** The application that calls, where calls say so. */
  readonly caller?: string;
  /** Pairs of the header map or attachments. */
  readonly headers?: readonly HttpNamedMatch[];
}

/** When and how often a call is tried again. Calls that were certainly not processed always are. */
export interface RpcRouteRetry {
  /** Statuses in HTTP's words; docs/resources.md has the table. */
  readonly codes?: readonly number[];
  /** Tries after the first. */
  readonly attempts?: number;
  readonly backoff?: DurationText;
  /** The methods may be called twice without harm: without it, only calls that no host has seen are tried again. */
  readonly nonIdempotent?: boolean;
}
