import type { GrpcRouteMatch, GrpcRouteResource } from "@weft/contract";
import type { z } from "zod";
import {
  checked,
  hostname,
  list,
  object,
  optional,
  regexFault,
  type Report,
  sectionName,
  text,
  word,
} from "./fields.ts";
import { checkRuleNames, DEFAULT_GATEWAYS_HINT, headerMatches, SESSION_PERSISTENCE_HINT } from "./http-route.ts";
import { subsetFields } from "./host-choice.ts";
import { resource } from "./metadata.ts";
import { parentReference, weightedBackendFields } from "./references.ts";
import { backendFilters, grpcFilters } from "./route-filters.ts";

const SERVICE = /^\.?[a-z_][a-z_0-9]*(?:\.[a-z_][a-z_0-9]*)*$/i;
const METHOD = /^[a-z_][a-z_0-9]*$/i;

function checkMethod({ type = "Exact", service, method }: NonNullable<GrpcRouteMatch["method"]>, report: Report): void {
  if (service === undefined && method === undefined) report([], "a service, a method or both");
  if (type === "RegularExpression") {
    for (const [field, pattern] of Object.entries({ service, method })) {
      const fault = pattern === undefined ? undefined : regexFault(pattern);
      if (fault !== undefined) report([field], fault);
    }
    return;
  }
  if (service !== undefined && !SERVICE.test(service)) report(["service"], 'a service name such as "shop.v1.Cart"');
  if (method !== undefined && !METHOD.test(method)) report(["method"], 'a method name such as "AddItem"');
}

const match: z.ZodType<GrpcRouteMatch> = object({
  method: optional(
    checked(
      object({
        type: optional(word(["Exact", "RegularExpression"])),
        service: optional(text("a service name of 1 to 1024 characters", 1024)),
        method: optional(text("a method name of 1 to 1024 characters", 1024)),
      }),
      checkMethod,
    ),
  ),
  headers: optional(headerMatches),
});

/** Gateway API v1 GRPCRoute. */
export const grpcRouteSchema: z.ZodType<GrpcRouteResource> = resource(
  ["gateway.networking.k8s.io/v1"],
  "GRPCRoute",
  checked(
    object(
      {
        parentRefs: list(parentReference, 32, 1),
        hostnames: optional(list(hostname, 16)),
        rules: optional(
          list(
            object(
              {
                name: optional(sectionName),
                matches: optional(list(match, 64)),
                filters: optional(grpcFilters),
                backendRefs: optional(
                  list(object({ ...weightedBackendFields, ...subsetFields, filters: optional(backendFilters) }), 16),
                ),
              },
              {
                sessionPersistence: SESSION_PERSISTENCE_HINT,
                timeouts: "a TrafficPolicy sets timeouts of a GRPCRoute",
              },
            ),
            16,
          ),
        ),
      },
      { useDefaultGateways: DEFAULT_GATEWAYS_HINT },
    ),
    ({ rules }, report) => checkRuleNames(rules, report),
  ),
);
