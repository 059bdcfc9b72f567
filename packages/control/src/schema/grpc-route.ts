import type { GrpcRouteMatch, GrpcRouteResource } from "@weft/contract";
import type * as z from "zod";
import { checkCallNames } from "./call-names.ts";
import { checked, hostname, list, object, optional, type Report, sectionName, text, word } from "./fields.ts";
import { checkRuleNames, DEFAULT_GATEWAYS_HINT, headerMatches, SESSION_PERSISTENCE_HINT } from "./http-route.ts";
import { subsetFields } from "./host-choice.ts";
import { resource } from "./metadata.ts";
import { parentReference, weightedBackendFields } from "./references.ts";
import { backendFilters, grpcFilters } from "./route-filters.ts";

const NAME_FORMS = {
  service: {
    pattern: /^\.?[a-z_][a-z_0-9]*(?:\.[a-z_][a-z_0-9]*)*$/i,
    expected: 'a service name such as "shop.v1.Cart"',
  },
  method: { pattern: /^[a-z_][a-z_0-9]*$/i, expected: 'a method name such as "AddItem"' },
};

function checkMethod(names: NonNullable<GrpcRouteMatch["method"]>, report: Report): void {
  if (names.service === undefined && names.method === undefined) report([], "a service, a method or both");
  checkCallNames(names, NAME_FORMS, report);
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
