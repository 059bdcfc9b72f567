import type { RequestHead } from "@weft/contract";
import { isSecretName } from "../access-log/index.ts";
import { type Condition, headerText } from "./condition.ts";
import { queryValue } from "./query.ts";
import { acceptsMethod } from "./rule-list.ts";
import type { RulePlace } from "./rule-text.ts";
import type { CompiledRule } from "./rule.ts";

/** A request as rules see it. */
export interface Lookup {
  readonly head: RequestHead;
  /** Of the authority, in canonical form. */
  readonly host: string;
  /** In normal form. */
  readonly path: string;
  /** The path without its query. */
  readonly pathname: string;
}

/** A rule, and what keeps it from being the one. */
export interface ExplainedRule extends RulePlace {
  readonly matchIndex: number;
  /** `prefix "/a"`, `exact "/b"`, `regex "/c/.*"`. */
  readonly path: string;
  /** Everything that does not fit; empty for the rule that was taken. */
  readonly rejectedBecause: readonly string[];
}

/** A rule as explanations show it. */
export function describeRule(rule: CompiledRule, rejectedBecause: readonly string[]): ExplainedRule {
  const { config, pathKind, path } = rule;
  return {
    route: config.route,
    rule: config.rule,
    ruleName: config.ruleName,
    matchIndex: config.matchIndex,
    path: `${pathKind} ${JSON.stringify(path === "" ? "/" : path)}`,
    rejectedBecause,
  };
}

/** Everything about method, headers and query parameters that does not fit. */
export function conditionReasons(rule: CompiledRule, { head, path }: Lookup): readonly string[] {
  const reasons: string[] = [];
  if (!acceptsMethod(rule, head)) reasons.push(`method is ${head.method}, expected ${rule.method}`);
  for (const condition of rule.headers) {
    const value = headerText(head, condition.name);
    if (!condition.accepts(value)) reasons.push(mismatch("header", condition, value));
  }
  for (const condition of rule.queryParams) {
    const value = queryValue(path, condition.name);
    if (!condition.accepts(value)) reasons.push(mismatch("query parameter", condition, value));
  }
  return reasons;
}

function mismatch(kind: string, condition: Condition, value: string | undefined): string {
  if (isSecretName(condition.name))
    return `${kind} "${condition.name}" ${value === undefined ? "is missing" : "is another"}`;
  const found = value === undefined ? "is missing" : `is ${JSON.stringify(value)}`;
  const wanted = condition.type === "present" ? "" : `, expected ${condition.type} ${JSON.stringify(condition.value)}`;
  return `${kind} "${condition.name}" ${found}${wanted}`;
}

/** Says of a rule for another path that it is one. */
export function pathReason(pathname: string): string {
  return `path ${JSON.stringify(pathname)} does not match`;
}
