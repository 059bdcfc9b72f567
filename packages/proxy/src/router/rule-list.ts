import type { RequestHead } from "@weft/contract";
import { headerText } from "./condition.ts";
import { preflightMethod } from "./cors.ts";
import { RULE_LIST_INDEX_MIN } from "./limits.ts";
import type { CompiledRule } from "./rule.ts";

const NO_RULES: readonly CompiledRule[] = [];

/** Rules that match the same path, in order of precedence. Many that one header tells apart are found by its value. */
export class RuleList {
  readonly rules: CompiledRule[] = [];
  /** Name of the header by whose value rules are found; "" when the list is short or no header stands out. */
  #header: string = "";
  /** Rules with an exact condition on the header, by its value, and the rules without one. */
  #byValue: Map<string, CompiledRule[]> | null = null;
  #others: readonly CompiledRule[] = NO_RULES;

  /** Indexes the rules after the last was added. */
  seal(): void {
    if (this.rules.length < RULE_LIST_INDEX_MIN) return;
    const name = commonHeader(this.rules);
    if (name === undefined) return;
    const byValue = new Map<string, CompiledRule[]>();
    const others: CompiledRule[] = [];
    for (const rule of this.rules) {
      const value = exactValue(rule, name);
      if (value === undefined) {
        others.push(rule);
        continue;
      }
      const rules = byValue.get(value);
      if (rules === undefined) byValue.set(value, [rule]);
      else rules.push(rule);
    }
    this.#header = name;
    this.#byValue = byValue;
    this.#others = others;
  }

  /** The first rule all of whose conditions hold. `path` is with its query. */
  find(head: RequestHead, path: string): CompiledRule | undefined {
    if (this.#byValue === null) return firstFulfilled(this.rules, head, path);
    const value = headerText(head, this.#header);
    const chosen = value === undefined ? undefined : firstFulfilled(this.#byValue.get(value) ?? NO_RULES, head, path);
    return firstFulfilled(this.#others, head, path, chosen?.order) ?? chosen;
  }
}

/** The header on which most rules have an exact condition, if they are worth an index. */
function commonHeader(rules: readonly CompiledRule[]): string | undefined {
  const counts = new Map<string, number>();
  for (const rule of rules) {
    for (const condition of rule.headers) {
      if (condition.type === "exact") counts.set(condition.name, (counts.get(condition.name) ?? 0) + 1);
    }
  }
  let name: string | undefined;
  let most = RULE_LIST_INDEX_MIN - 1;
  for (const [header, count] of counts) {
    if (count <= most) continue;
    name = header;
    most = count;
  }
  return name;
}

function exactValue(rule: CompiledRule, name: string): string | undefined {
  return rule.headers.find((condition) => condition.name === name && condition.type === "exact")?.value;
}

/** The first of `rules` before `orderMax` that matches. */
function firstFulfilled(
  rules: readonly CompiledRule[],
  head: RequestHead,
  path: string,
  orderMax: number = Number.MAX_SAFE_INTEGER,
): CompiledRule | undefined {
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    if (rule === undefined || rule.order > orderMax) break;
    if (fulfilsConditions(rule, head, path)) return rule;
  }
  return undefined;
}

/** Whether everything but host and path matches. */
export function fulfilsConditions(rule: CompiledRule, head: RequestHead, path: string): boolean {
  if (!acceptsMethod(rule, head)) return false;
  for (let index = 0; index < rule.headers.length; index++) {
    if (rule.headers[index]?.acceptsHeader(head) !== true) return false;
  }
  for (let index = 0; index < rule.queryParams.length; index++) {
    if (rule.queryParams[index]?.acceptsQuery(path) !== true) return false;
  }
  return true;
}

/** A rule with a CORS policy also takes the preflights for its method, which are sent with OPTIONS. */
export function acceptsMethod(rule: CompiledRule, head: RequestHead): boolean {
  if (rule.method === "" || rule.method === head.method) return true;
  return rule.cors !== null && preflightMethod(head) === rule.method;
}
