import { type Fields, RequestHead, type RouteBackend, type RouteRule, type RouteTableConfig } from "@weft/contract";
import { compileRouteTable, type RouteTable } from "./table.ts";

/** A rule for every request on every host with no backend, but for what `overrides` says. */
export function ruleFixture(overrides: Partial<RouteRule> = {}): RouteRule {
  return {
    route: "default/route",
    rule: 0,
    matchIndex: 0,
    hostnames: ["*"],
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
    ...overrides,
  };
}

export function backendFixture(cluster: string, overrides: Partial<RouteBackend> = {}): RouteBackend {
  return { cluster, weight: 1, requestHeaders: null, responseHeaders: null, ...overrides };
}

export function tableFixture(...rules: readonly RouteRule[]): RouteTable {
  const config: RouteTableConfig = { name: "table", rules };
  return compileRouteTable(config);
}

export function headFixture(authority: string, path: string, fields: Fields = [], method: string = "GET"): RequestHead {
  return new RequestHead(method, "http", authority, path, fields, 0);
}
