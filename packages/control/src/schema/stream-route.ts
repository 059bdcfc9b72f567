import type { GatewayStreamVersion, StreamRouteRule, TcpRouteResource, TlsRouteResource } from "@weft/contract";
import type * as z from "zod";
import { hostname, list, object, optional, sectionName } from "./fields.ts";
import { DEFAULT_GATEWAYS_HINT } from "./http-route.ts";
import { resource } from "./metadata.ts";
import { backendRef, parentReference } from "./references.ts";

/** Versions of the two kinds; the first is the one to write. */
export const STREAM_VERSIONS: readonly [GatewayStreamVersion, ...GatewayStreamVersion[]] = [
  "gateway.networking.k8s.io/v1",
  "gateway.networking.k8s.io/v1alpha3",
  "gateway.networking.k8s.io/v1alpha2",
];

const rules: z.ZodType<StreamRouteRule[]> = list(
  object({ name: optional(sectionName), backendRefs: list(backendRef, 16, 1) }),
  1,
  1,
);

/** Gateway API TLSRoute. */
export const tlsRouteSchema: z.ZodType<TlsRouteResource> = resource(
  STREAM_VERSIONS,
  "TLSRoute",
  object(
    { parentRefs: list(parentReference, 32, 1), hostnames: optional(list(hostname, 1024)), rules },
    { useDefaultGateways: DEFAULT_GATEWAYS_HINT },
  ),
);

/** Gateway API TCPRoute. */
export const tcpRouteSchema: z.ZodType<TcpRouteResource> = resource(
  STREAM_VERSIONS,
  "TCPRoute",
  object({ parentRefs: list(parentReference, 32, 1), rules }, { useDefaultGateways: DEFAULT_GATEWAYS_HINT }),
);
