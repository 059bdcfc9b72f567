import type { RouteTableConfig } from "@weft/contract";
import { assert } from "@weft/kernel";
import type { ListenerRoutes } from "./downstream/index.ts";
import type { MetricsRegistry, RouteStats } from "./metrics/index.ts";
import { type CompiledRule, compileRouteTable, type RouteTable } from "./router/index.ts";

/** A compiled table with the counters of its rules, looked up once. */
export class CompiledRoutes implements ListenerRoutes {
  readonly config: RouteTableConfig;
  readonly table: RouteTable;
  /** Of every rule, several times where it has several matches. */
  readonly names: readonly (readonly [route: string, rule: string])[];
  readonly #stats: readonly RouteStats[];

  /** @throws WeftError ROUTER_INVALID_TABLE */
  constructor(config: RouteTableConfig, metrics: MetricsRegistry) {
    this.config = config;
    this.table = compileRouteTable(config);
    this.names = this.table.rules.map((rule) => [rule.route, rule.label]);
    this.#stats = this.names.map(([route, rule]) => metrics.route(route, rule));
  }

  statsOf(rule: CompiledRule): RouteStats {
    const stats = this.#stats[rule.order];
    assert(stats !== undefined, "a rule belongs to the table that found it");
    return stats;
  }
}
