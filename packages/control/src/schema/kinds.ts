import type { Resource, ResourceKind } from "@weft/contract";
import type * as z from "zod";
import { colourSchema, directResponseSchema, faultSchema } from "./extension-filters.ts";
import { gatewaySchema } from "./gateway.ts";
import { grpcRouteSchema } from "./grpc-route.ts";
import { httpRouteSchema } from "./http-route.ts";
import { proxyConfigSchema } from "./proxy-config.ts";
import { rpcRouteSchema } from "./rpc-route.ts";
import { serviceSchema } from "./service.ts";
import { STREAM_VERSIONS, tcpRouteSchema, tlsRouteSchema } from "./stream-route.ts";
import { trafficPolicySchema } from "./traffic-policy.ts";
import {
  backendTlsPolicySchema,
  certificateSchema,
  configMapSchema,
  namespaceSchema,
  referenceGrantSchema,
  secretSchema,
} from "./trust.ts";

/** How documents of one kind are checked. */
export interface KindEntry {
  /** All that are read; they differ in nothing that Weft uses. The first is the one to write. */
  readonly apiVersions: readonly string[];
  readonly schema: z.ZodType<Resource>;
}

const GATEWAY_API = "gateway.networking.k8s.io";
const WEFT = ["weft.dev/v1"];

/** Every kind that Weft reads. */
export const KINDS: ReadonlyMap<string, KindEntry> = new Map<ResourceKind, KindEntry>([
  ["Gateway", { apiVersions: [`${GATEWAY_API}/v1`], schema: gatewaySchema }],
  ["HTTPRoute", { apiVersions: [`${GATEWAY_API}/v1`], schema: httpRouteSchema }],
  ["GRPCRoute", { apiVersions: [`${GATEWAY_API}/v1`], schema: grpcRouteSchema }],
  ["TLSRoute", { apiVersions: STREAM_VERSIONS, schema: tlsRouteSchema }],
  ["TCPRoute", { apiVersions: STREAM_VERSIONS, schema: tcpRouteSchema }],
  ["RpcRoute", { apiVersions: WEFT, schema: rpcRouteSchema }],
  ["BackendTLSPolicy", { apiVersions: STREAM_VERSIONS, schema: backendTlsPolicySchema }],
  ["ReferenceGrant", { apiVersions: [`${GATEWAY_API}/v1`, `${GATEWAY_API}/v1beta1`], schema: referenceGrantSchema }],
  ["Service", { apiVersions: WEFT, schema: serviceSchema }],
  ["TrafficPolicy", { apiVersions: WEFT, schema: trafficPolicySchema }],
  ["ProxyConfig", { apiVersions: WEFT, schema: proxyConfigSchema }],
  ["Certificate", { apiVersions: WEFT, schema: certificateSchema }],
  ["Fault", { apiVersions: WEFT, schema: faultSchema }],
  ["Colour", { apiVersions: WEFT, schema: colourSchema }],
  ["DirectResponse", { apiVersions: WEFT, schema: directResponseSchema }],
  ["Secret", { apiVersions: ["v1"], schema: secretSchema }],
  ["ConfigMap", { apiVersions: ["v1"], schema: configMapSchema }],
  ["Namespace", { apiVersions: ["v1"], schema: namespaceSchema }],
]);
