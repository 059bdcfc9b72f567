import type { RpcRouteMatch, RpcRouteResource, RpcRouteRule, RpcRouteSpec } from "@weft/contract";
import type * as z from "zod";
import { checkCallNames } from "./call-names.ts";
import {
  boolean,
  checked,
  duration,
  integer,
  list,
  object,
  optional,
  plainText,
  type Report,
  sectionName,
  text,
  word,
} from "./fields.ts";
import {
  checkRuleNames,
  DEFAULT_GATEWAYS_HINT,
  headerMatches,
  SESSION_PERSISTENCE_HINT,
  timeouts,
} from "./http-route.ts";
import { subsetFields } from "./host-choice.ts";
import { resource } from "./metadata.ts";
import { parentReference, weightedBackendFields } from "./references.ts";
import { backendFilters, grpcFilters } from "./route-filters.ts";

const NAME_FORMS = {
  service: {
    pattern: /^[a-z_$][a-z_0-9$]*(?:\.[a-z_$][a-z_0-9$]*)*$/i,
    expected: 'an interface such as "com.shop.Ledger"',
  },
  method: { pattern: /^[a-z_$][a-z_0-9$]*$/i, expected: 'a method name such as "record"' },
};

function checkMatch(names: RpcRouteMatch, report: Report): void {
  const { type, service, method } = names;
  if (type === "RegularExpression" && service === undefined && method === undefined) {
    report(["type"], "a service or a method to compare so");
  }
  checkCallNames(names, NAME_FORMS, report);
}

const fact = plainText("a text of 1 to 256 bytes without control characters", 256);

const match: z.ZodType<RpcRouteMatch> = checked(
  object(
    {
      type: optional(word(["Exact", "RegularExpression"])),
      service: optional(text("an interface of 1 to 1024 characters", 1024)),
      method: optional(text("a method name of 1 to 1024 characters", 1024)),
      version: optional(fact),
      group: optional(fact),
      application: optional(fact),
      caller: optional(fact),
      headers: optional(headerMatches),
    },
    { path: "calls have no path; service and method say what is called" },
  ),
  checkMatch,
);

const rule: z.ZodType<RpcRouteRule> = object(
  {
    name: optional(sectionName),
    matches: optional(list(match, 64)),
    filters: optional(grpcFilters),
    backendRefs: optional(
      list(object({ ...weightedBackendFields, ...subsetFields, filters: optional(backendFilters) }), 16),
    ),
    timeouts: optional(timeouts),
    retry: optional(
      object({
        codes: optional(list(integer(400, 599), 64)),
        attempts: optional(integer(1, 16)),
        backoff: optional(duration),
        nonIdempotent: optional(boolean),
      }),
    ),
  },
  { sessionPersistence: SESSION_PERSISTENCE_HINT },
);

/** A Service has no host name that its calls could be told by: each match must name what is called. */
function checkParents({ parentRefs, rules }: RpcRouteSpec, report: Report): void {
  checkRuleNames(rules, report);
  if (parentRefs.every(({ kind }) => kind !== "Service")) return;
  const expected =
    "a service or an application, because a parent is a Service: nothing else tells its calls from others";
  for (const [index, { matches = [] }] of (rules ?? [{}]).entries()) {
    if (matches.length === 0) report(rules === undefined ? ["rules"] : ["rules", index, "matches"], expected);
    for (const [position, { service, application }] of matches.entries()) {
      if (service === undefined && application === undefined) report(["rules", index, "matches", position], expected);
    }
  }
}

/** Weft's RpcRoute. */
export const rpcRouteSchema: z.ZodType<RpcRouteResource> = resource(
  ["weft.dev/v1"],
  "RpcRoute",
  checked(
    object(
      {
        parentRefs: list(parentReference, 32, 1),
        rules: optional(list(rule, 16)),
      },
      {
        hostnames: "calls name no host; matches[].service says what is called",
        useDefaultGateways: DEFAULT_GATEWAYS_HINT,
      },
    ),
    checkParents,
  ),
);
