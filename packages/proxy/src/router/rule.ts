import type { HashKey, PathMatch, PathRewrite, RouteBackend, RouteRule, RouteSubset } from "@weft/contract";
import type { Random } from "@weft/kernel";
import { normalisePath } from "../path/index.ts";
import { compileConditions, type Condition } from "./condition.ts";
import { compileCors, type CompiledCors } from "./cors.ts";
import {
  compileFieldChange,
  composeFieldChanges,
  type FieldChange,
  setField,
  trailerChange,
  wireText,
} from "./field-change.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { CompiledRetry } from "./retry.ts";
import { ruleLabel } from "./rule-text.ts";

/** A backend of a rule with everything that is done for it. */
export interface CompiledBackend {
  /** Position in the rule's backends. */
  readonly index: number;
  readonly cluster: string;
  readonly weight: number;
  /** Changes to the request: the rule's, then the backend's, then the colour. */
  readonly requestChange: FieldChange | null;
  /** Changes to the answer: the backend's, then the rule's. */
  readonly responseChange: FieldChange | null;
  /** Which of a decision's forwarded heads is this backend's: 0 is shared by all without changes of their own. */
  readonly headSlot: number;
  /** Labels that its hosts are to have; null leaves it to the cluster. */
  readonly subset: RouteSubset | null;
  readonly config: RouteBackend;
}

/** How a rule's path is matched; `prefix` with path "" matches every request. */
export type PathKind = "exact" | "regex" | "prefix";

/** A rule of a route table with all that can be known before a request comes. Immutable. */
export class CompiledRule {
  readonly config: RouteRule;
  /** Route's namespace/name. */
  readonly route: string;
  /** Which of the route's rules: its name or its place, as metrics and logs say it. */
  readonly label: string;
  /** Position in the table's order of precedence, from 0; also an index for figures kept per rule. */
  readonly order: number;
  readonly pathKind: PathKind;
  /** Normal form; a prefix has no trailing slash; the source of a regular expression. */
  readonly path: string;
  readonly pathPattern: Pattern | null;
  /** "" for any. */
  readonly method: string;
  readonly headers: readonly Condition[];
  readonly queryParams: readonly Condition[];
  readonly backends: readonly CompiledBackend[];
  readonly weightTotal: number;
  readonly requestChange: FieldChange | null;
  readonly responseChange: FieldChange | null;
  /** Changes to trailers, the same for all backends. */
  readonly requestTrailerChange: FieldChange | null;
  readonly responseTrailerChange: FieldChange | null;
  /** Replacement in normal form; null leaves the path. */
  readonly pathRewrite: PathRewrite | null;
  readonly redirectPath: PathRewrite | null;
  readonly cors: CompiledCors | null;
  readonly retry: CompiledRetry | null;
  readonly timeoutMs: number;
  /** Names of query parameters and the like as they appear on the wire. */
  readonly hashKeys: readonly HashKey[];

  constructor(config: RouteRule, order: number) {
    const { kind, path } = compilePath(config.match.path);
    const colour = config.colour === null ? null : setField(config.colour.header, config.colour.value);
    const requestChange = compileFieldChange(config.requestHeaders);
    const responseChange = compileFieldChange(config.responseHeaders);
    this.config = config;
    this.route = config.route;
    this.label = ruleLabel(config);
    this.order = order;
    this.pathKind = kind;
    this.path = path;
    this.pathPattern = kind === "regex" ? compilePattern(path) : null;
    this.method = config.match.method;
    this.headers = compileConditions(config.match.headers);
    this.queryParams = compileConditions(config.match.queryParams);
    this.backends = compileBackends(config.backends, requestChange, responseChange, colour);
    this.weightTotal = config.backends.reduce((total, backend) => total + backend.weight, 0);
    this.requestChange = composeFieldChanges(requestChange, colour);
    this.responseChange = responseChange;
    this.requestTrailerChange = trailerChange([this.requestChange, ...this.backends.map((each) => each.requestChange)]);
    this.responseTrailerChange = trailerChange([responseChange, ...this.backends.map((each) => each.responseChange)]);
    this.pathRewrite = compilePathRewrite(config.rewrite?.path ?? null);
    this.redirectPath = compilePathRewrite(config.redirect?.path ?? null);
    this.cors = config.cors === null ? null : compileCors(config.cors);
    this.retry = config.retry === null ? null : new CompiledRetry(config.retry);
    this.timeoutMs = config.timeoutMs;
    this.hashKeys = config.hashOn.map((key) => ({ type: key.type, name: wireText(key.name) }));
  }

  /**
   * A backend by weight; undefined when there is none with a weight above 0, which Gateway API wants answered with 500.
   */
  pickBackend(random: Random): CompiledBackend | undefined {
    const backends = this.backends;
    const total = this.weightTotal;
    if (total === 0) return undefined;
    if (backends.length === 1) return backends[0];
    let rest = random.below(total);
    for (let index = 0; index < backends.length; index++) {
      const backend = backends[index];
      if (backend === undefined) break;
      rest -= backend.weight;
      if (rest < 0) return backend;
    }
    return undefined;
  }
}

function compileBackends(
  backends: readonly RouteBackend[],
  requestChange: FieldChange | null,
  responseChange: FieldChange | null,
  colour: FieldChange | null,
): readonly CompiledBackend[] {
  let slots = 0;
  return backends.map((config, index) => {
    const ownRequest = compileFieldChange(config.requestHeaders);
    const ownResponse = compileFieldChange(config.responseHeaders);
    return {
      index,
      cluster: config.cluster,
      weight: config.weight,
      requestChange: composeFieldChanges(composeFieldChanges(requestChange, ownRequest), colour),
      responseChange: ownResponse === null ? responseChange : composeFieldChanges(ownResponse, responseChange),
      headSlot: ownRequest === null ? 0 : ++slots,
      subset: config.subset,
      config,
    };
  });
}

/**
 * A path of a configuration in the form in which requests are matched: UTF-8 with percent escapes, normalised.
 * Undefined if it has none.
 */
export function configPath(path: string): string | undefined {
  const normal = normalisePath(wireText(path));
  return normal.ok ? normal.path : undefined;
}

/** What a path match compares with. */
function compilePath(match: PathMatch | null): { readonly kind: PathKind; readonly path: string } {
  if (match === null) return { kind: "prefix", path: "" };
  if (match.type === "regex") return { kind: "regex", path: match.value };
  const path = configPath(match.value) ?? match.value;
  return { kind: match.type, path: match.type === "prefix" ? withoutTrailingSlash(path) : path };
}

function compilePathRewrite(rewrite: PathRewrite | null): PathRewrite | null {
  if (rewrite === null) return null;
  const path = configPath(rewrite.value) ?? rewrite.value;
  return { type: rewrite.type, value: rewrite.type === "prefix" ? withoutTrailingSlash(path) : path };
}

function withoutTrailingSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

/** What decides between two rules that match the same request. */
export interface Precedence {
  readonly rule: RouteRule;
  readonly pathRank: number;
  readonly pathLength: number;
  readonly headerCount: number;
  readonly queryCount: number;
}

/** Says once what `comparePrecedence` asks of a rule. */
export function precedenceOf(rule: RouteRule): Precedence {
  const { path, headers, queryParams } = rule.match;
  return {
    rule,
    pathRank: path === null ? 2 : ["exact", "regex", "prefix"].indexOf(path.type),
    pathLength: path === null || path.type === "exact" ? 0 : compilePath(path).path.length,
    headerCount: distinctNames(headers),
    queryCount: distinctNames(queryParams),
  };
}

/**
 * Gateway API's precedence (HTTPRouteRule.matches): negative when `a` comes before `b`. Regular expressions, whose rank
 * it leaves open, come after exact paths and before prefixes, so that a prefix cannot hide the exceptions to it; the
 * longer expression first.
 */
export function comparePrecedence(a: Precedence, b: Precedence): number {
  return (
    a.pathRank - b.pathRank ||
    b.pathLength - a.pathLength ||
    Number(a.rule.match.method === "") - Number(b.rule.match.method === "") ||
    b.headerCount - a.headerCount ||
    b.queryCount - a.queryCount ||
    a.rule.createdMs - b.rule.createdMs ||
    compareTexts(a.rule.route, b.rule.route) ||
    a.rule.rule - b.rule.rule ||
    a.rule.matchIndex - b.rule.matchIndex
  );
}

function distinctNames(matches: readonly { readonly name: string }[]): number {
  return matches.length < 2 ? matches.length : new Set(matches.map((match) => match.name)).size;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
