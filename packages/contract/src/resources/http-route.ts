import type { DurationText, ResourceBase } from "./metadata.ts";
import type {
  BackendObjectReference,
  BackendRef,
  LocalObjectReference,
  ParentReference,
  SubsetChoice,
} from "./references.ts";

/** Gateway API v1: how HTTP requests are matched, changed and forwarded. */
export type HttpRouteResource = ResourceBase<"gateway.networking.k8s.io/v1", "HTTPRoute", HttpRouteSpec>;

/** Where a route is attached, which hosts it serves, and its rules. */
export interface HttpRouteSpec {
  readonly parentRefs: readonly ParentReference[];
  /** Exact or "*.example.com"; absent: the listener's. Not applied below a Service. */
  readonly hostnames?: readonly string[];
  /** Absent: one rule that matches everything. */
  readonly rules?: readonly HttpRouteRule[];
}

/** What matches, and what happens to it. */
export interface HttpRouteRule {
  readonly name?: string;
  /** Any of them; absent matches every request. */
  readonly matches?: readonly HttpRouteMatch[];
  readonly filters?: readonly HttpRouteFilter[];
  readonly backendRefs?: readonly HttpBackendRef[];
  readonly timeouts?: HttpRouteTimeouts;
  readonly retry?: HttpRouteRetry;
}

/** All conditions must hold. */
export interface HttpRouteMatch {
  readonly path?: { readonly type?: "Exact" | "PathPrefix" | "RegularExpression"; readonly value?: string };
  readonly headers?: readonly HttpNamedMatch[];
  readonly queryParams?: readonly HttpNamedMatch[];
  readonly method?: string;
}

/** A header or a query parameter. */
export interface HttpNamedMatch {
  readonly type?: "Exact" | "RegularExpression";
  readonly name: string;
  readonly value: string;
}

/** What happens to requests and answers of a rule, told apart by `type`. */
export type HttpRouteFilter =
  | { readonly type: "RequestHeaderModifier"; readonly requestHeaderModifier: HeaderModifier }
  | { readonly type: "ResponseHeaderModifier"; readonly responseHeaderModifier: HeaderModifier }
  | { readonly type: "RequestMirror"; readonly requestMirror: RequestMirror }
  | { readonly type: "RequestRedirect"; readonly requestRedirect: RequestRedirect }
  | { readonly type: "URLRewrite"; readonly urlRewrite: UrlRewriteFilter }
  | { readonly type: "CORS"; readonly cors: CorsFilter }
  | { readonly type: "ExtensionRef"; readonly extensionRef: LocalObjectReference };

/** What can differ from backend to backend of one rule. */
export type HeaderModifierFilter = Extract<
  HttpRouteFilter,
  { type: "RequestHeaderModifier" | "ResponseHeaderModifier" }
>;

/** Changes to header fields: `remove`, then `set`, then `add`. */
export interface HeaderModifier {
  readonly set?: readonly { readonly name: string; readonly value: string }[];
  readonly add?: readonly { readonly name: string; readonly value: string }[];
  readonly remove?: readonly string[];
}

/** Copies requests; answers to the copies are dropped. Neither `percent` nor `fraction`: all requests. */
export interface RequestMirror {
  readonly backendRef: BackendObjectReference;
  /** 0 to 100. */
  readonly percent?: number;
  /** `denominator` defaults to 100. */
  readonly fraction?: { readonly numerator: number; readonly denominator?: number };
}

/** Answers with another place to ask; what is absent stays as it was asked. */
export interface RequestRedirect {
  readonly scheme?: "http" | "https";
  readonly hostname?: string;
  readonly path?: PathModifier;
  readonly port?: number;
  /** Default 302. */
  readonly statusCode?: 301 | 302 | 303 | 307 | 308;
}

/** Changes host and path before a request goes to a backend. */
export interface UrlRewriteFilter {
  readonly hostname?: string;
  readonly path?: PathModifier;
}

/** A path put in place of the request's. */
export type PathModifier =
  | { readonly type: "ReplaceFullPath"; readonly replaceFullPath: string }
  /** Only where the rule has exactly one match, of type PathPrefix. */
  | { readonly type: "ReplacePrefixMatch"; readonly replacePrefixMatch: string };

/** What browsers of other origins may do. */
export interface CorsFilter {
  readonly allowOrigins?: readonly string[];
  readonly allowCredentials?: boolean;
  readonly allowMethods?: readonly string[];
  readonly allowHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  /** Seconds; default 5. */
  readonly maxAge?: number;
}

/** A backend of an HTTPRoute. */
export interface HttpBackendRef extends BackendRef, SubsetChoice {
  readonly filters?: readonly HeaderModifierFilter[];
}

/** How long requests of a rule may take. */
export interface HttpRouteTimeouts {
  /** The whole exchange with the client; "0s" for none. */
  readonly request?: DurationText;
  /** One try against a backend; not longer than `request`. */
  readonly backendRequest?: DurationText;
}

/** When a request is tried again. */
export interface HttpRouteRetry {
  /** Statuses that are retried, besides lost connections. */
  readonly codes?: readonly number[];
  /** Tries after the first. */
  readonly attempts?: number;
  /** Least wait before a retry. */
  readonly backoff?: DurationText;
}
