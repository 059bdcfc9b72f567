/** How a text is matched. Regular expressions match in linear time and must match the whole text. */
export interface TextMatch {
  readonly type: "exact" | "prefix" | "regex" | "present";
  /** "" for `present`. */
  readonly value: string;
}

/** Path match; `prefix` by segment ("/a" matches "/a" and "/a/b", not "/ab"). */
export interface PathMatch {
  readonly type: "exact" | "prefix" | "regex";
  readonly value: string;
}

/** A header (name lower case) or query parameter condition. */
export interface NamedMatch extends TextMatch {
  readonly name: string;
}

/** All conditions must hold. gRPC service and method are compiled to `path` by whoever makes the table. */
export interface RouteMatch {
  /** Null matches every path. */
  readonly path: PathMatch | null;
  /** "" for any. */
  readonly method: string;
  readonly headers: readonly NamedMatch[];
  readonly queryParams: readonly NamedMatch[];
}

/** Changes to fields: `remove`, then `set`, then `add`. Names are lower case. */
export interface HeaderChange {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/**
 * The labels by which a request chooses among the hosts of its backend. A label whose header the request does not have
 * is not asked for.
 */
export interface RouteSubset {
  readonly labels: Readonly<Record<string, string>>;
  /** Labels whose values the request brings; names of headers are lower case. */
  readonly headers: readonly { readonly label: string; readonly header: string }[];
}

/** Where a part of a rule's requests goes, and what is changed for that part only. */
export interface RouteBackend {
  readonly cluster: string;
  /** Relative; 0 gets nothing. */
  readonly weight: number;
  /** Which of the cluster's hosts; null leaves it to the cluster. */
  readonly subset: RouteSubset | null;
  readonly requestHeaders: HeaderChange | null;
  readonly responseHeaders: HeaderChange | null;
}

/** What of a request's target is replaced before it is forwarded (Gateway API HTTPURLRewriteFilter). */
export interface UrlRewrite {
  /** "" leaves the authority. */
  readonly hostname: string;
  readonly path: PathRewrite | null;
}

/** A new path (Gateway API HTTPPathModifier). */
export interface PathRewrite {
  /** `prefix` replaces the matched prefix, `full` the whole path; the query stays. */
  readonly type: "full" | "prefix";
  readonly value: string;
}

/** An answer that sends the client elsewhere (Gateway API HTTPRequestRedirectFilter); "" keeps a part of the URL. */
export interface Redirect {
  readonly scheme: string;
  readonly hostname: string;
  readonly path: PathRewrite | null;
  /** 0: as Gateway API defines. */
  readonly port: number;
  readonly status: 301 | 302 | 303 | 307 | 308;
}

/** An answer that needs no backend. */
export interface DirectResponse {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

/** Which pages of other origins may read answers (Fetch standard, Gateway API HTTPCORSFilter). */
export interface Cors {
  /** "*" for any; "https://*.example.com" wildcards. */
  readonly allowOrigins: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowCredentials: boolean;
  readonly maxAgeSeconds: number;
}

/** Failures that are injected on purpose, to see how callers bear them. Delay and abort are drawn apart. */
export interface Fault {
  /** Share of requests that wait, 0 to 1. */
  readonly delayShare: number;
  readonly delayMs: number;
  /** Share of requests that are answered with `abortStatus`, 0 to 1. */
  readonly abortShare: number;
  readonly abortStatus: number;
  /** gRPC status for gRPC requests; 0 derives it from `abortStatus`. */
  readonly abortGrpcStatus: number;
}

/** A second receiver of a share of the requests; its answers are dropped. */
export interface Mirror {
  readonly cluster: string;
  /** 0 to 1. */
  readonly share: number;
}

/** When and how often a request is tried again. */
export interface Retry {
  /** Tries after the first. */
  readonly retriesMax: number;
  readonly on: readonly RetryCondition[];
  /** With condition `status`. */
  readonly statuses: readonly number[];
  /** With condition `grpc-status`. */
  readonly grpcStatuses: readonly number[];
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** 0 for none; a try that takes longer is given up and retried under condition `timeout`. */
  readonly perTryTimeoutMs: number;
  /** Also for methods that are not idempotent (POST, PATCH, ...). Refused and unsent requests always may. */
  readonly retriesNonIdempotent: boolean;
}

/** What must have happened for a request to be tried again. */
export type RetryCondition =
  /** No connection, or the peer says that it did not process the request. */
  | "connect-failure"
  /** The connection was lost or the stream reset before an answer. */
  | "reset"
  /** `perTryTimeoutMs` passed. */
  | "timeout"
  | "gateway-error"
  | "5xx"
  | "status"
  | "grpc-status";

/** Fields that belong to the connection or frame the message: the codecs alone write them, and no rule may touch them. */
export const FRAMING_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Load-test and other colours: requests that match carry the mark end to end. */
export interface Colour {
  /** Field that carries it, e.g. "x-weft-load-test". */
  readonly header: string;
  readonly value: string;
}

/**
 * `createdMs` of rules that no route asked for: they answer for a listener where none of its own matches, and lose
 * every tie.
 */
export const FALLBACK_CREATED_MS: number = Number.MAX_SAFE_INTEGER;

/** One rule of a route: what matches, what happens. Exactly one of redirect, directResponse and backends applies. */
export interface RouteRule {
  /** Route's namespace/name, for metrics, logs and `explain`. */
  readonly route: string;
  /** Index of the rule in its route and of the match in its rule, for `explain`. */
  readonly rule: number;
  readonly matchIndex: number;
  /** The rule's own name in its route; "" for none. */
  readonly ruleName: string;
  /** Lower-case host names: exact, "*.example.com" or "*". */
  readonly hostnames: readonly string[];
  readonly match: RouteMatch;
  /** Tie-breakers of Gateway API: older first, then by name. Milliseconds since 1970. */
  readonly createdMs: number;
  readonly backends: readonly RouteBackend[];
  readonly redirect: Redirect | null;
  readonly directResponse: DirectResponse | null;
  readonly requestHeaders: HeaderChange | null;
  readonly responseHeaders: HeaderChange | null;
  readonly rewrite: UrlRewrite | null;
  readonly mirrors: readonly Mirror[];
  readonly cors: Cors | null;
  readonly fault: Fault | null;
  readonly colour: Colour | null;
  readonly retry: Retry | null;
  /** From the end of the request head to the end of the answer; 0 for none. */
  readonly timeoutMs: number;
  /** Hash keys for ring hash and Maglev, first that the request has; none: random. */
  readonly hashOn: readonly HashKey[];
}

/** A rule that says nothing: it matches every request, does nothing to it, and has no backend. Others say what they add. */
export const PLAIN_RULE: Omit<RouteRule, "route" | "hostnames"> = {
  rule: 0,
  matchIndex: 0,
  ruleName: "",
  match: { path: null, method: "", headers: [], queryParams: [] },
  createdMs: 0,
  backends: [],
  redirect: null,
  directResponse: null,
  requestHeaders: null,
  responseHeaders: null,
  rewrite: null,
  mirrors: [],
  cors: null,
  fault: null,
  colour: null,
  retry: null,
  timeoutMs: 0,
  hashOn: [],
};

/** What of a request decides its host where the balancer hashes. */
export interface HashKey {
  readonly type: "header" | "cookie" | "query" | "source-ip";
  /** "" for source-ip. */
  readonly name: string;
}

/** The rules of one or several listeners. */
export interface RouteTableConfig {
  readonly name: string;
  /** In any order; the router sorts by Gateway API's precedence. */
  readonly rules: readonly RouteRule[];
}
