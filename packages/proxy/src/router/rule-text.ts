import type { RouteRule } from "@weft/contract";

/** Which rule of which route, as messages about configuration files name it. */
export type RulePlace = Pick<RouteRule, "route" | "rule" | "ruleName">;

/** The rule among those of its route, in metrics and logs: its own name, or `rules[5]`. No name has brackets. */
export function ruleLabel({ rule, ruleName }: Pick<RouteRule, "rule" | "ruleName">): string {
  return ruleName === "" ? `rules[${rule}]` : ruleName;
}

/** `shop/cart rules[5] "checkout"`; without the name where the rule has none. */
export function renderRule({ route, rule, ruleName }: RulePlace): string {
  const place = `${route} rules[${rule}]`;
  return ruleName === "" ? place : `${place} ${JSON.stringify(ruleName)}`;
}

/** `shop/cart rules[5] "checkout" matches[1]`: of several matches of a rule, which one. */
export function renderMatch(rule: RulePlace & Pick<RouteRule, "matchIndex">): string {
  return `${renderRule(rule)} matches[${rule.matchIndex}]`;
}
