import type { RequestHead } from "@weft/contract";
import { normalisePath } from "../path/index.ts";
import { type Condition, headerText } from "./condition.ts";
import type { RouterErrorCode } from "./errors.ts";
import { canonicalHost } from "./host.ts";
import { EXPLAIN_CANDIDATES_MAX } from "./limits.ts";
import { queryValue } from "./query.ts";
import { acceptsMethod } from "./rule-list.ts";
import type { CompiledRule } from "./rule.ts";
import type { RouteTable } from "./table.ts";

/** A rule that was looked at, and why it was not taken; `rejectedBecause` is null for the one that was. */
export interface ExplainedCandidate {
  readonly route: string;
  readonly rule: number;
  readonly matchIndex: number;
  /** `prefix "/a"`, `exact "/b"`, `regex "/c/.*"`. */
  readonly path: string;
  readonly rejectedBecause: string | null;
}

/** The rules of one host name that fit the path, in order of precedence. */
export interface ExplainedGroup {
  readonly hostname: string;
  readonly candidates: readonly ExplainedCandidate[];
}

/** Why a request goes where it goes; plain data. */
export interface Explanation {
  readonly table: string;
  /** The host as it was looked up. */
  readonly host: string;
  /** The path as it was matched; as it was sent if it has no normal form. */
  readonly path: string;
  /** Host names of the table that the host belongs to, most specific first, up to the one that decided. */
  readonly groups: readonly ExplainedGroup[];
  readonly winner: { readonly route: string; readonly rule: number; readonly matchIndex: number } | null;
  /** Set when there is no winner. */
  readonly refusal: RouterErrorCode | null;
  /** True if more candidates were looked at than are listed. */
  readonly isTruncated: boolean;
}

/** Explains what `table.match(head)` answers; for people, so not on the hot path. */
export function explainMatch(table: RouteTable, head: RequestHead): Explanation {
  const host = canonicalHost(head.authority);
  const normal = normalisePath(head.path);
  const winner = table.match(head)?.rule;
  const groups: ExplainedGroup[] = [];
  let listed = 0;
  let isTruncated = false;
  if (normal.ok) {
    const pathname = normal.path.split("?", 1)[0] ?? "";
    for (const group of table.candidates(head.authority, pathname)) {
      const position = winner === undefined ? -1 : group.rules.indexOf(winner);
      const looked = position < 0 ? group.rules : group.rules.slice(0, position + 1);
      const kept = looked.slice(0, EXPLAIN_CANDIDATES_MAX - listed);
      isTruncated ||= kept.length < looked.length;
      listed += kept.length;
      groups.push({
        hostname: group.hostname,
        candidates: kept.map((rule) => explainCandidate(rule, rule === winner, head, normal.path, pathname)),
      });
      if (position >= 0) break;
    }
  }
  return {
    table: table.name,
    host,
    path: normal.ok ? normal.path : head.path,
    groups,
    winner:
      winner === undefined
        ? null
        : { route: winner.route, rule: winner.config.rule, matchIndex: winner.config.matchIndex },
    refusal: table.refusal(head)?.code ?? null,
    isTruncated,
  };
}

function explainCandidate(
  rule: CompiledRule,
  isWinner: boolean,
  head: RequestHead,
  path: string,
  pathname: string,
): ExplainedCandidate {
  return {
    route: rule.route,
    rule: rule.config.rule,
    matchIndex: rule.config.matchIndex,
    path: `${rule.pathKind} ${JSON.stringify(rule.path === "" ? "/" : rule.path)}`,
    rejectedBecause: isWinner ? null : rejection(rule, head, path, pathname),
  };
}

function rejection(rule: CompiledRule, head: RequestHead, path: string, pathname: string): string {
  if (!acceptsMethod(rule, head)) return `method is ${head.method}, expected ${rule.method}`;
  for (const condition of rule.headers) {
    const value = headerText(head, condition.name);
    if (!condition.accepts(value)) return mismatch("header", condition, value);
  }
  for (const condition of rule.queryParams) {
    const value = queryValue(path, condition.name);
    if (!condition.accepts(value)) return mismatch("query parameter", condition, value);
  }
  if (rule.pathPattern?.matches(pathname) === false) return `path ${JSON.stringify(pathname)} does not match`;
  return "another rule takes precedence";
}

function mismatch(kind: string, condition: Condition, value: string | undefined): string {
  const found = value === undefined ? "is missing" : `is ${JSON.stringify(value)}`;
  const wanted = condition.type === "present" ? "" : `, expected ${condition.type} ${JSON.stringify(condition.value)}`;
  return `${kind} "${condition.name}" ${found}${wanted}`;
}
