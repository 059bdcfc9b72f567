import { type Fields, RequestHead, type RouteBackend, type RouteRule, type RouteTableConfig } from "@weft/contract";
import { createBackend, createRule } from "@weft/testkit";
import { compileRouteTable, type RouteTable } from "./table.ts";

/** A rule for every request on every host with no backend, but for what `overrides` says. */
export function ruleFixture(overrides: Partial<RouteRule> = {}): RouteRule {
  return createRule({ route: "default/route", backends: [], ...overrides });
}

export function backendFixture(cluster: string, overrides: Partial<RouteBackend> = {}): RouteBackend {
  return createBackend(cluster, overrides);
}

export function tableFixture(...rules: readonly RouteRule[]): RouteTable {
  const config: RouteTableConfig = { name: "table", rules };
  return compileRouteTable(config);
}

export function headFixture(authority: string, path: string, fields: Fields = [], method: string = "GET"): RequestHead {
  return new RequestHead(method, "http", authority, path, fields, 0);
}
