import type { ResourceBase } from "./metadata.ts";
import type { BackendRef, ParentReference } from "./references.ts";

/** Gateway API: TLS connections forwarded unopened, chosen by server name. */
export type TlsRouteResource = ResourceBase<GatewayStreamVersion, "TLSRoute", TlsRouteSpec>;

/** Gateway API: every connection of a listener forwarded as it is. */
export type TcpRouteResource = ResourceBase<GatewayStreamVersion, "TCPRoute", StreamRouteSpec>;

/** The versions under which TLSRoute and TCPRoute are found in the field; their fields are the same. */
export type GatewayStreamVersion =
  | "gateway.networking.k8s.io/v1"
  | "gateway.networking.k8s.io/v1alpha2"
  | "gateway.networking.k8s.io/v1alpha3";

/** Where a route of connections is attached, and its rule. */
export interface StreamRouteSpec {
  readonly parentRefs: readonly ParentReference[];
  /** Exactly one. */
  readonly rules: readonly StreamRouteRule[];
}

/** As `StreamRouteSpec`, for some server names. */
export interface TlsRouteSpec extends StreamRouteSpec {
  /** Server names, exact or "*.example.com"; absent: the listener's. */
  readonly hostnames?: readonly string[];
}

/** The backends of connections, by weight. */
export interface StreamRouteRule {
  readonly name?: string;
  readonly backendRefs: readonly BackendRef[];
}
