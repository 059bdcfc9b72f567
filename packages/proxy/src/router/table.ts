import type { RequestHead, RouteTableConfig } from "@weft/contract";
import { normalisePath } from "../path/index.ts";
import { RouteDecision, RouteRefusal } from "./decision.ts";
import { HostIndex } from "./host-index.ts";
import { comparePrecedence, CompiledRule, precedenceOf } from "./rule.ts";
import { checkTable } from "./validate.ts";

let tableIdLast = 0;

/** A compiled route table: immutable, and told apart from every other one by its identity. */
export class RouteTable {
  readonly name: string;
  /** Unique in this process; what decisions remember of the table that made them. */
  readonly id: number;
  /** In order of precedence within one host name; `rules[n].order` is n. */
  readonly rules: readonly CompiledRule[];
  readonly #hosts: HostIndex;

  constructor(name: string, rules: readonly CompiledRule[]) {
    this.name = name;
    this.id = ++tableIdLast;
    this.rules = rules;
    this.#hosts = new HostIndex(rules);
  }

  /**
   * The route of a request, or undefined if it has none (`refusal` says why). Depends on the head alone and is kept on
   * it, so that the next request with the same head costs one comparison.
   */
  match(head: RequestHead): RouteDecision | undefined {
    const memo = head.memo as RouteDecision | RouteRefusal | null;
    const outcome = memo !== null && memo.tableId === this.id ? memo : this.#decide(head);
    return outcome instanceof RouteDecision ? outcome : undefined;
  }

  /** Why `match` found no route; undefined if it did find one. */
  refusal(head: RequestHead): RouteRefusal | undefined {
    const memo = head.memo as RouteDecision | RouteRefusal | null;
    const outcome = memo !== null && memo.tableId === this.id ? memo : this.#decide(head);
    return outcome instanceof RouteRefusal ? outcome : undefined;
  }

  /** The host names of which rules are tried for this authority, most specific first, with the rules for the path. */
  candidates(authority: string, pathname: string): { hostname: string; rules: CompiledRule[] }[] {
    return this.#hosts.groups(authority).map((group) => ({
      hostname: group.hostname,
      rules: group.paths.candidates(pathname),
    }));
  }

  #decide(head: RequestHead): RouteDecision | RouteRefusal {
    const outcome = this.#find(head);
    head.memo = outcome;
    return outcome;
  }

  #find(head: RequestHead): RouteDecision | RouteRefusal {
    const normal = normalisePath(head.path);
    if (!normal.ok) return new RouteRefusal(this.id, normal.code);
    const path = normal.path;
    const question = path.indexOf("?");
    const pathname = question < 0 ? path : path.slice(0, question);
    for (let group = this.#hosts.first(head.authority); group !== null; group = group.lessSpecific) {
      const rule = group.paths.find(head, path, pathname);
      if (rule !== undefined) return new RouteDecision(this.id, rule, head, path);
    }
    return new RouteRefusal(this.id, "ROUTER_NO_MATCH");
  }
}

/**
 * Compiles a route table: checks every rule, sorts them by Gateway API's precedence and indexes them.
 *
 * Precedence: the most specific host name first (exact, longest wildcard, "*"), then what `comparePrecedence` says. As the
 * specification gives precedence to rules, not to hosts, a host name none of whose rules match hands on to the next
 * less specific one.
 *
 * @throws WeftError ROUTER_INVALID_TABLE naming route, rule, value and what was expected
 */
export function compileRouteTable(config: RouteTableConfig): RouteTable {
  checkTable(config);
  const sorted = config.rules.map(precedenceOf).sort(comparePrecedence);
  const rules = sorted.map(({ rule }, order) => new CompiledRule(rule, order));
  return new RouteTable(config.name, rules);
}
