import type {
  Colour,
  Cors,
  DirectResponse,
  Fault,
  HeaderChange,
  HeaderModifier,
  HttpRouteFilter,
  LocalObjectReference,
  PathModifier,
  PathRewrite,
  Redirect,
  RequestMirror,
  UrlRewrite,
} from "@weft/contract";
import { durationMs } from "../load/duration.ts";
import type { FieldPath, LoadedResource } from "../load/finding.ts";
import { namespaceOf } from "../load/validate.ts";
import { missing, resolveBackend, unresolved } from "./backends.ts";
import type { Compilation, ServiceTarget } from "./compilation.ts";

/** What the filters of one rule amount to. */
export interface FilterOutcome {
  requestHeaders: HeaderChange | null;
  responseHeaders: HeaderChange | null;
  redirect: Redirect | null;
  rewrite: UrlRewrite | null;
  cors: Cors | null;
  fault: Fault | null;
  colour: Colour | null;
  directResponse: DirectResponse | null;
  readonly mirrors: MirrorTarget[];
}

/** Who gets copies, and where that is asked for. */
export interface MirrorTarget {
  readonly target: ServiceTarget;
  readonly share: number;
  /** Of the reference. */
  readonly path: FieldPath;
}

/** Compiles filters; references that do not resolve are findings and leave no trace in the outcome. */
export function compileFilters(
  compilation: Compilation,
  route: LoadedResource,
  filters: readonly HttpRouteFilter[],
  path: FieldPath,
): FilterOutcome {
  const outcome: FilterOutcome = {
    requestHeaders: null,
    responseHeaders: null,
    redirect: null,
    rewrite: null,
    cors: null,
    fault: null,
    colour: null,
    directResponse: null,
    mirrors: [],
  };
  for (const [index, filter] of filters.entries()) addFilter(compilation, route, filter, [...path, index], outcome);
  return outcome;
}

function addFilter(
  compilation: Compilation,
  route: LoadedResource,
  filter: HttpRouteFilter,
  path: FieldPath,
  outcome: FilterOutcome,
): void {
  switch (filter.type) {
    case "RequestHeaderModifier":
      outcome.requestHeaders = headerChange(filter.requestHeaderModifier);
      return;
    case "ResponseHeaderModifier":
      outcome.responseHeaders = headerChange(filter.responseHeaderModifier);
      return;
    case "RequestMirror": {
      const refPath = [...path, "requestMirror", "backendRef"];
      const target = resolveBackend(compilation, route, filter.requestMirror.backendRef, refPath);
      if (target !== undefined)
        outcome.mirrors.push({ target, share: mirrorShare(filter.requestMirror), path: refPath });
      return;
    }
    case "RequestRedirect": {
      const { scheme = "", hostname = "", path: modifier, port = 0, statusCode = 302 } = filter.requestRedirect;
      outcome.redirect = { scheme, hostname, path: pathRewrite(modifier), port, status: statusCode };
      return;
    }
    case "URLRewrite":
      outcome.rewrite = { hostname: filter.urlRewrite.hostname ?? "", path: pathRewrite(filter.urlRewrite.path) };
      return;
    case "CORS": {
      const {
        allowOrigins = [],
        allowMethods = [],
        allowHeaders = [],
        exposeHeaders = [],
        allowCredentials = false,
        maxAge = 5,
      } = filter.cors;
      outcome.cors = {
        allowOrigins,
        allowMethods,
        allowHeaders,
        exposeHeaders,
        allowCredentials,
        maxAgeSeconds: maxAge,
      };
      return;
    }
    case "ExtensionRef":
      addExtension(compilation, route, filter.extensionRef, [...path, "extensionRef"], outcome);
  }
}

/** `set`, `add` and `remove` with names in lower case. */
export function headerChange({ set = [], add = [], remove = [] }: HeaderModifier): HeaderChange {
  return {
    set: set.map(({ name, value }) => [name.toLowerCase(), value] as const),
    add: add.map(({ name, value }) => [name.toLowerCase(), value] as const),
    remove: remove.map((name) => name.toLowerCase()),
  };
}

function mirrorShare({ percent, fraction }: RequestMirror): number {
  if (percent !== undefined) return percent / 100;
  return fraction === undefined ? 1 : fraction.numerator / (fraction.denominator ?? 100);
}

function pathRewrite(modifier: PathModifier | undefined): PathRewrite | null {
  if (modifier === undefined) return null;
  return modifier.type === "ReplaceFullPath"
    ? { type: "full", value: modifier.replaceFullPath }
    : { type: "prefix", value: modifier.replacePrefixMatch };
}

const EXTENSION_KINDS = ["Fault", "Colour", "DirectResponse"] as const;

function addExtension(
  compilation: Compilation,
  route: LoadedResource,
  ref: LocalObjectReference,
  path: FieldPath,
  outcome: FilterOutcome,
): void {
  const { index, log } = compilation;
  const kind = EXTENSION_KINDS.find((each) => each === ref.kind);
  if (ref.group !== "weft.dev") {
    log.add(route.source, [...path, "group"], ref.group, '"weft.dev"', unresolved("InvalidKind"));
    return;
  }
  if (kind === undefined) {
    const expected = `one of ${EXTENSION_KINDS.map((each) => `"${each}"`).join(", ")}`;
    log.add(route.source, [...path, "kind"], ref.kind, expected, unresolved("InvalidKind"));
    return;
  }
  const namespace = namespaceOf(route.resource);
  const found = index.get(kind, namespace, ref.name)?.resource;
  if (found === undefined) {
    log.add(
      route.source,
      [...path, "name"],
      ref.name,
      missing(compilation, kind, namespace, ref.name),
      unresolved("BackendNotFound"),
    );
    return;
  }
  const field = { Fault: "fault", Colour: "colour", DirectResponse: "directResponse" } as const;
  if (outcome[field[kind]] !== null) {
    log.add(route.source, path, ref, `one ${kind} per rule`);
    return;
  }
  if (found.kind === "Fault") {
    const { delay, abort } = found.spec;
    outcome.fault = {
      delayShare: (delay?.percentage ?? 0) / 100,
      delayMs: durationMs(delay?.duration, 0),
      abortShare: (abort?.percentage ?? 0) / 100,
      abortStatus: abort?.httpStatus ?? 0,
      abortGrpcStatus: abort?.grpcStatus ?? 0,
    };
  } else if (found.kind === "Colour") {
    outcome.colour = { header: (found.spec.header ?? "x-weft-colour").toLowerCase(), value: found.spec.value };
  } else {
    const { status, body = "", contentType = "text/plain; charset=utf-8" } = found.spec;
    outcome.directResponse = { status, body, contentType };
  }
}
