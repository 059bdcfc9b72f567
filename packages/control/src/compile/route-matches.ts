import {
  type GrpcRouteMatch,
  type HttpNamedMatch,
  type HttpRouteMatch,
  type NamedMatch,
  type PathMatch,
  RPC_FIELDS,
  type RouteMatch,
  type RpcRouteMatch,
} from "@weft/contract";

/** Matches every request. */
export const ANY_MATCH: RouteMatch = { path: { type: "prefix", value: "/" }, method: "", headers: [], queryParams: [] };

/** A match of an HTTPRoute; without a path it matches the prefix "/", as Gateway API says. */
export function httpMatch({ path, method = "", headers = [], queryParams = [] }: HttpRouteMatch): RouteMatch {
  const { type = "PathPrefix", value = "/" } = path ?? {};
  return {
    path: httpPath(type, value),
    method,
    headers: headers.map((header) => namedMatch(header, header.name.toLowerCase())),
    queryParams: queryParams.map((param) => namedMatch(param, param.name)),
  };
}

function httpPath(type: "Exact" | "PathPrefix" | "RegularExpression", value: string): PathMatch {
  if (type === "Exact") return { type: "exact", value };
  if (type === "RegularExpression") return { type: "regex", value };
  // "/a/" and "/a" are the same prefix.
  return { type: "prefix", value: value.length > 1 && value.endsWith("/") ? value.slice(0, -1) : value };
}

function namedMatch({ type = "Exact", value }: HttpNamedMatch, name: string): NamedMatch {
  return { type: type === "Exact" ? "exact" : "regex", name, value };
}

/** A match of a GRPCRoute as one of HTTP/2 requests: POST to /service/method. */
export function grpcMatch({ method, headers = [] }: GrpcRouteMatch): RouteMatch {
  return {
    path: method === undefined ? null : grpcPath(method),
    method: "POST",
    headers: headers.map((header) => namedMatch(header, header.name.toLowerCase())),
    queryParams: [],
  };
}

function grpcPath({ type = "Exact", service, method }: NonNullable<GrpcRouteMatch["method"]>): PathMatch {
  if (type === "Exact") {
    if (service !== undefined && method !== undefined) return { type: "exact", value: `/${service}/${method}` };
    if (service !== undefined) return { type: "prefix", value: `/${service}` };
    return { type: "regex", value: `/[^/]+/${(method ?? "").replaceAll("$", String.raw`\$`)}` };
  }
  return { type: "regex", value: `/(?:${service ?? "[^/]+"})/(?:${method ?? "[^/]+"})` };
}

/** A match of an RpcRoute: codecs say in fields and path what a call is for. */
export function rpcMatch({ type = "Exact", service, method, headers = [], ...facts }: RpcRouteMatch): RouteMatch {
  const conditions: NamedMatch[] = headers.map((header) => namedMatch(header, header.name.toLowerCase()));
  for (const fact of ["version", "group", "application", "caller"] as const) {
    const value = facts[fact];
    if (value !== undefined) conditions.push({ type: "exact", name: RPC_FIELDS[fact], value });
  }
  const callee = { type, ...(service === undefined ? {} : { service }), ...(method === undefined ? {} : { method }) };
  const path = service === undefined && method === undefined ? null : grpcPath(callee);
  return { path, method: "POST", headers: conditions, queryParams: [] };
}
