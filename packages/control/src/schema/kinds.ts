import type { Resource, ResourceKind } from "@weft/contract";
import type { z } from "zod";
import { gatewaySchema } from "./gateway.ts";
import { httpRouteSchema } from "./http-route.ts";
import { serviceSchema } from "./service.ts";

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
  ["Service", { apiVersions: WEFT, schema: serviceSchema }],
]);
