import type { HttpNamedMatch, HttpRouteMatch, HttpRouteResource, HttpRouteRule } from "@weft/contract";
import type * as z from "zod";
import { parseDuration } from "../load/duration.ts";
import {
  checked,
  duration,
  headerName,
  hostname,
  integer,
  list,
  object,
  optional,
  pathFault,
  plainText,
  regexFault,
  type Report,
  sectionName,
  text,
  word,
} from "./fields.ts";
import { subsetFields } from "./host-choice.ts";
import { resource } from "./metadata.ts";
import { parentReference, weightedBackendFields } from "./references.ts";
import { backendFilters, httpFilters, METHODS } from "./route-filters.ts";

/** Why session persistence is refused, said wherever it may be written. */
export const SESSION_PERSISTENCE_HINT =
  "session persistence is not supported; TrafficPolicy balancing.hashOn with ring-hash or maglev keeps clients on hosts";

const path = checked(
  object({
    type: optional(word(["Exact", "PathPrefix", "RegularExpression"])),
    value: optional(text("a path of at most 1024 characters", 1024)),
  }),
  ({ type = "PathPrefix", value = "/" }, report) => {
    const fault = type === "RegularExpression" ? regexFault(value) : pathFault(value);
    if (fault !== undefined) report(["value"], fault);
  },
);

function checkRegex({ type, value }: HttpNamedMatch, report: Report): void {
  const fault = type === "RegularExpression" ? regexFault(value) : undefined;
  if (fault !== undefined) report(["value"], fault);
}

const namedFields = {
  type: optional(word(["Exact", "RegularExpression"])),
  value: plainText("a text of 1 to 4096 bytes without control characters", 4096),
};

/** Conditions on headers; names are compared without case, each at most once. */
export const headerMatches: z.ZodType<HttpNamedMatch[]> = checked(
  list(checked(object({ ...namedFields, name: headerName }), checkRegex), 16),
  (matches, report) => {
    checkNames(
      matches.map(({ name }) => name.toLowerCase()),
      report,
    );
    for (const [index, { name }] of matches.entries()) {
      if (name.toLowerCase() === "host") report([index, "name"], "another header: hostnames match the host");
    }
  },
);

const queryMatches: z.ZodType<HttpNamedMatch[]> = checked(
  list(
    checked(
      object({ ...namedFields, name: plainText("a name of 1 to 256 bytes without control characters", 256) }),
      checkRegex,
    ),
    16,
  ),
  (matches, report) =>
    checkNames(
      matches.map(({ name }) => name),
      report,
    ),
);

function checkNames(names: readonly string[], report: Report): void {
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index) report([index, "name"], "a name that is not in this list already");
  }
}

const match: z.ZodType<HttpRouteMatch> = object({
  path: optional(path),
  headers: optional(headerMatches),
  queryParams: optional(queryMatches),
  method: optional(word(METHODS)),
});

function checkRule({ matches, filters = [], backendRefs = [] }: HttpRouteRule, report: Report): void {
  for (const [index, filter] of filters.entries()) {
    if (filter.type === "RequestRedirect" && backendRefs.length > 0) {
      report(["backendRefs"], "no backends in a rule that redirects");
    }
    let modifier;
    if (filter.type === "RequestRedirect") modifier = filter.requestRedirect.path;
    if (filter.type === "URLRewrite") modifier = filter.urlRewrite.path;
    if (modifier?.type !== "ReplacePrefixMatch") continue;
    const [first, second] = matches ?? [];
    // A rule without matches, and a match without path, match the prefix "/": only a written one shows what is replaced.
    if (first?.path !== undefined && (first.path.type ?? "PathPrefix") === "PathPrefix" && second === undefined)
      continue;
    const field = filter.type === "URLRewrite" ? "urlRewrite" : "requestRedirect";
    report(
      ["filters", index, field, "path", "type"],
      "ReplaceFullPath, or exactly one match of type PathPrefix in the rule",
    );
  }
}

/** For the whole request, and for one try. */
export const timeouts: z.ZodType<NonNullable<HttpRouteRule["timeouts"]>> = checked(
  object({ request: optional(duration), backendRequest: optional(duration) }),
  ({ request, backendRequest }, report) => {
    const requestMs = parseDuration(request ?? "0s") ?? 0;
    if (requestMs > 0 && (parseDuration(backendRequest ?? "0s") ?? 0) > requestMs) {
      report(["backendRequest"], `at most the request timeout, ${request}`);
    }
  },
);

const rule: z.ZodType<HttpRouteRule> = checked(
  object(
    {
      name: optional(sectionName),
      matches: optional(list(match, 64)),
      filters: optional(httpFilters),
      backendRefs: optional(
        list(object({ ...weightedBackendFields, ...subsetFields, filters: optional(backendFilters) }), 16),
      ),
      timeouts: optional(timeouts),
      retry: optional(
        object({
          codes: optional(list(integer(400, 599), 64)),
          attempts: optional(integer(1, 16)),
          backoff: optional(duration),
        }),
      ),
    },
    { sessionPersistence: SESSION_PERSISTENCE_HINT },
  ),
  checkRule,
);

/** Rule names are section names of policies: each at most once. */
export function checkRuleNames(rules: readonly { readonly name?: string }[] | undefined, report: Report): void {
  const names = new Set<string>();
  for (const [index, { name }] of (rules ?? []).entries()) {
    if (name === undefined) continue;
    if (names.has(name)) report(["rules", index, "name"], "a name that no other rule of the route has");
    names.add(name);
  }
}

/** Why a route cannot choose default Gateways. */
export const DEFAULT_GATEWAYS_HINT = "default Gateways are not supported; name the Gateway in parentRefs";

/** Gateway API v1 HTTPRoute. */
export const httpRouteSchema: z.ZodType<HttpRouteResource> = resource(
  ["gateway.networking.k8s.io/v1"],
  "HTTPRoute",
  checked(
    object(
      {
        parentRefs: list(parentReference, 32, 1),
        hostnames: optional(list(hostname, 16)),
        rules: optional(list(rule, 16)),
      },
      { useDefaultGateways: DEFAULT_GATEWAYS_HINT },
    ),
    ({ rules }, report) => checkRuleNames(rules, report),
  ),
);
