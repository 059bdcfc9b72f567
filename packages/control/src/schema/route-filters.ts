import {
  type CorsFilter,
  FRAMING_FIELDS,
  type GrpcRouteFilter,
  type HeaderModifier,
  type HeaderModifierFilter,
  type HttpRouteFilter,
  type PathModifier,
  type RequestMirror,
} from "@weft/contract";
import * as z from "zod";
import {
  boolean,
  byType,
  checked,
  headerName,
  headerValue,
  integer,
  list,
  numberOf,
  object,
  optional,
  pathFault,
  port,
  preciseHostname,
  type Report,
  text,
  word,
} from "./fields.ts";
import { backendObjectReference, localObjectReference } from "./references.ts";

/** Methods that a match may name. */
export const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] as const;

function checkChangedNames(kind: "set" | "add" | "remove", names: readonly string[], report: Report): void {
  const seen = new Set<string>();
  for (const [index, name] of names.entries()) {
    const lower = name.toLowerCase();
    const path = kind === "remove" ? [kind, index] : [kind, index, "name"];
    if (seen.has(lower)) report(path, "a header that is not in this list already (case does not matter)");
    if (FRAMING_FIELDS.has(lower)) {
      report(
        path,
        lower === "host"
          ? "another header: URLRewrite hostname changes the host"
          : "a header that does not frame the message",
      );
    }
    seen.add(lower);
  }
}

const headers = list(object({ name: headerName, value: headerValue }), 16);

const headerModifier: z.ZodType<HeaderModifier> = checked(
  object({ set: optional(headers), add: optional(headers), remove: optional(list(headerName, 16)) }),
  ({ set, add, remove }, report) => {
    checkChangedNames(
      "set",
      (set ?? []).map(({ name }) => name),
      report,
    );
    checkChangedNames(
      "add",
      (add ?? []).map(({ name }) => name),
      report,
    );
    checkChangedNames("remove", remove ?? [], report);
  },
);

const requestMirror: z.ZodType<RequestMirror> = checked(
  object({
    backendRef: backendObjectReference,
    percent: optional(integer(0, 100)),
    fraction: optional(
      checked(
        object({ numerator: integer(0, 2_147_483_647), denominator: optional(integer(1, 2_147_483_647)) }),
        ({ numerator, denominator = 100 }, report) => {
          if (numerator > denominator) report(["numerator"], `at most the denominator, ${denominator}`);
        },
      ),
    ),
  }),
  ({ percent, fraction }, report) => {
    if (percent !== undefined && fraction !== undefined) report(["fraction"], "either percent or fraction, not both");
  },
);

const pathModifier: z.ZodType<PathModifier> = byType(
  [
    checked(
      object({ type: z.literal("ReplaceFullPath"), replaceFullPath: text("a path of 1 to 1024 characters", 1024) }),
      ({ replaceFullPath }, report) => {
        const fault = pathFault(replaceFullPath);
        if (fault !== undefined) report(["replaceFullPath"], fault);
      },
    ),
    checked(
      object({
        type: z.literal("ReplacePrefixMatch"),
        replacePrefixMatch: text("a path of at most 1024 characters", 1024, /^[^]*$/),
      }),
      ({ replacePrefixMatch }, report) => {
        const fault = replacePrefixMatch === "" ? undefined : pathFault(replacePrefixMatch);
        if (fault !== undefined) report(["replacePrefixMatch"], fault);
      },
    ),
  ],
  ["ReplaceFullPath", "ReplacePrefixMatch"],
);

const origin = text(
  '"*" or an origin such as "https://shop.example.com", "https://*.example.com:8443"',
  253,
  /^(?:\*|https?:\/\/(?:(?:\*\.)?(?:[a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(?::[0-9]{1,5})?)$/,
);

const cors: z.ZodType<CorsFilter> = checked(
  object({
    allowOrigins: optional(list(origin, 64)),
    allowCredentials: optional(boolean),
    allowMethods: optional(list(word([...METHODS, "*"]), 9)),
    allowHeaders: optional(list(headerName, 64)),
    exposeHeaders: optional(list(headerName, 64)),
    maxAge: optional(integer(1, 86_400)),
  }),
  (value, report) => {
    for (const field of ["allowOrigins", "allowMethods", "allowHeaders"] as const) {
      const entries: readonly string[] = value[field] ?? [];
      if (entries.includes("*") && entries.length > 1) report([field], '"*" alone, or a list without it');
    }
  },
);

const requestHeaderModifier = object({
  type: z.literal("RequestHeaderModifier"),
  requestHeaderModifier: headerModifier,
});
const responseHeaderModifier = object({
  type: z.literal("ResponseHeaderModifier"),
  responseHeaderModifier: headerModifier,
});
const mirror = object({ type: z.literal("RequestMirror"), requestMirror });
const extension = object({ type: z.literal("ExtensionRef"), extensionRef: localObjectReference });

const httpFilter: z.ZodType<HttpRouteFilter> = byType(
  [
    requestHeaderModifier,
    responseHeaderModifier,
    mirror,
    object({
      type: z.literal("RequestRedirect"),
      requestRedirect: object({
        scheme: optional(word(["http", "https"])),
        hostname: optional(preciseHostname),
        path: optional(pathModifier),
        port: optional(port),
        statusCode: optional(numberOf([301, 302, 303, 307, 308])),
      }),
    }),
    object({
      type: z.literal("URLRewrite"),
      urlRewrite: object({ hostname: optional(preciseHostname), path: optional(pathModifier) }),
    }),
    object({ type: z.literal("CORS"), cors }),
    extension,
  ],
  [
    "RequestHeaderModifier",
    "ResponseHeaderModifier",
    "RequestMirror",
    "RequestRedirect",
    "URLRewrite",
    "CORS",
    "ExtensionRef",
  ],
);

const grpcFilter: z.ZodType<GrpcRouteFilter> = byType(
  [requestHeaderModifier, responseHeaderModifier, mirror, extension],
  ["RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef"],
);

function checkFilters(filters: readonly HttpRouteFilter[], report: Report): void {
  const types = new Set<string>();
  for (const [index, { type }] of filters.entries()) {
    const repeats = type === "RequestMirror" || type === "ExtensionRef";
    if (types.has(type) && !repeats) report([index], `one ${type} filter per list`);
    types.add(type);
    if (
      types.has("RequestRedirect") &&
      types.has("URLRewrite") &&
      (type === "RequestRedirect" || type === "URLRewrite")
    ) {
      report([index], "either RequestRedirect or URLRewrite, not both");
    }
  }
}

/** Filters of an HTTPRoute. */
export const httpFilters: z.ZodType<HttpRouteFilter[]> = checked(list(httpFilter, 16), checkFilters);

/** Filters of a GRPCRoute. */
export const grpcFilters: z.ZodType<GrpcRouteFilter[]> = checked(list(grpcFilter, 16), checkFilters);

/** Filters of one backend: only what can differ from backend to backend. */
export const backendFilters: z.ZodType<HeaderModifierFilter[]> = checked(
  list(
    byType([requestHeaderModifier, responseHeaderModifier], ["RequestHeaderModifier", "ResponseHeaderModifier"]),
    16,
  ),
  checkFilters,
);
