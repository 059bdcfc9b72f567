import { FALLBACK_CREATED_MS, type RequestHead } from "@weft/contract";
import { normalisePath } from "../path/index.ts";
import type { RouteDecision } from "./decision.ts";
import type { RouterErrorCode } from "./errors.ts";
import { conditionReasons, describeRule, type ExplainedRule, type Lookup, pathReason } from "./explained-rule.ts";
import { type ExplainedEffects, explainEffects } from "./explain-effects.ts";
import { canonicalHost } from "./host.ts";
import { EXPLAIN_CANDIDATES_MAX } from "./limits.ts";
import { findNearMisses } from "./near-miss.ts";
import type { CompiledRule } from "./rule.ts";
import type { RulePlace } from "./rule-text.ts";
import type { RouteTable } from "./table.ts";

/** The rules of one host name that fit the path, in order of precedence. */
export interface ExplainedGroup {
  readonly hostname: string;
  readonly candidates: readonly ExplainedRule[];
}

/** Where a part of the requests like this one goes. */
export interface ExplainedBackend {
  readonly cluster: string;
  /** 0 to 1. */
  readonly share: number;
  /** The labels that the request asks for of the cluster's hosts; absent where it leaves them to the cluster. */
  readonly subset?: Readonly<Record<string, string>>;
}

/** What becomes of a request that has a rule. */
export type ExplainedAction =
  | { readonly type: "forward"; readonly backends: readonly ExplainedBackend[] }
  | { readonly type: "redirect" | "respond"; readonly status: number };

/** The rule that was taken. */
export interface ExplainedWinner extends RulePlace {
  readonly matchIndex: number;
  readonly action: ExplainedAction;
  /** True if no route matches and the rule only says so, for a listener of its own. */
  readonly isFallback: boolean;
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
  readonly winner: ExplainedWinner | null;
  /** What the winner does to a request that it forwards; null where it forwards none. */
  readonly effects: ExplainedEffects | null;
  /** Set when there is no winner. */
  readonly refusal: RouterErrorCode | null;
  /** The status that the proxy answers without asking anybody; null for a request that is forwarded. */
  readonly status: number | null;
  /** Where no route matches: the rules that came nearest and are not among the candidates, nearest first. */
  readonly nearMisses: readonly ExplainedRule[];
  /** True if more rules were looked at than are listed, or the table has more than are looked at. */
  readonly isTruncated: boolean;
}

/** Explains what `table.match(head)` answers; for people, so not on the hot path. */
export function explainMatch(table: RouteTable, head: RequestHead): Explanation {
  const normal = normalisePath(head.path);
  const decision = table.match(head);
  const rule = decision?.rule;
  const refusal = table.refusal(head);
  const host = canonicalHost(head.authority);
  const path = normal.ok ? normal.path : head.path;
  const lookup: Lookup = { head, host, path, pathname: path.split("?", 1)[0] ?? "" };
  const { groups, listed, isTruncated } = normal.ok ? explainGroups(table, lookup, rule) : NO_GROUPS;
  const winner = decision === undefined ? null : explainWinner(decision);
  const isMatched = winner !== null && !winner.isFallback;
  const near = isMatched || !normal.ok ? null : findNearMisses(table, lookup, listed);
  return {
    table: table.name,
    host,
    path,
    groups,
    winner,
    effects: decision === undefined ? null : explainEffects(decision),
    refusal: refusal?.code ?? null,
    status: statusOf(winner) ?? refusal?.status ?? null,
    nearMisses: near?.rules ?? [],
    isTruncated: isTruncated || near?.isTruncated === true,
  };
}

interface ListedGroups {
  readonly groups: readonly ExplainedGroup[];
  readonly listed: ReadonlySet<CompiledRule>;
  readonly isTruncated: boolean;
}

const NO_GROUPS: ListedGroups = { groups: [], listed: new Set(), isTruncated: false };

function explainGroups(table: RouteTable, lookup: Lookup, winner: CompiledRule | undefined): ListedGroups {
  const groups: ExplainedGroup[] = [];
  const listed = new Set<CompiledRule>();
  let isTruncated = false;
  for (const group of table.candidates(lookup.head.authority, lookup.pathname)) {
    const position = winner === undefined ? -1 : group.rules.indexOf(winner);
    const looked = position < 0 ? group.rules : group.rules.slice(0, position + 1);
    const kept = looked.slice(0, EXPLAIN_CANDIDATES_MAX - listed.size);
    isTruncated ||= kept.length < looked.length;
    for (const rule of kept) listed.add(rule);
    const { hostname } = group;
    groups.push({ hostname, candidates: kept.map((rule) => explainCandidate(rule, rule === winner, lookup)) });
    if (position >= 0) break;
  }
  return { groups, listed, isTruncated };
}

function explainCandidate(rule: CompiledRule, isWinner: boolean, lookup: Lookup): ExplainedRule {
  if (isWinner) return describeRule(rule, []);
  const { pathname } = lookup;
  const reasons = [...conditionReasons(rule, lookup)];
  if (rule.pathPattern?.matches(pathname) === false) reasons.push(pathReason(pathname));
  return describeRule(rule, reasons.length > 0 ? reasons : ["another rule takes precedence"]);
}

function explainWinner(decision: RouteDecision): ExplainedWinner {
  const { config, weightTotal, backends } = decision.rule;
  const { route, rule, ruleName, matchIndex, redirect, directResponse } = config;
  const place = { route, rule, ruleName, matchIndex, isFallback: config.createdMs === FALLBACK_CREATED_MS };
  if (redirect !== null) return { ...place, action: { type: "redirect", status: redirect.status } };
  if (directResponse !== null) return { ...place, action: { type: "respond", status: directResponse.status } };
  const shares = backends.map((backend): ExplainedBackend => {
    const subset = decision.subsetOf(backend);
    const share = weightTotal === 0 ? 0 : backend.weight / weightTotal;
    return { cluster: backend.cluster, share, ...(subset === null ? {} : { subset }) };
  });
  return { ...place, action: { type: "forward", backends: shares } };
}

function statusOf(winner: ExplainedWinner | null): number | null {
  return winner === null || winner.action.type === "forward" ? null : winner.action.status;
}
