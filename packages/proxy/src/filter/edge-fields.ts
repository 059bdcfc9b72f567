/** Counts the proxies of this mesh that a request passed. */
export const HOPS_FIELD = "x-weft-hops";

/** Carries the colour of a request, unless its Colour names another field. */
export const COLOUR_FIELD = "x-weft-colour";

/** What only a proxy at the edge may say; clients that send these are not believed. */
const EDGE_FIELDS: ReadonlySet<string> = new Set(["forwarded", "x-real-ip"]);
const EDGE_PREFIXES: readonly string[] = ["x-forwarded-", "x-envoy-"];

export function isEdgeField(name: string): boolean {
  return EDGE_FIELDS.has(name) || EDGE_PREFIXES.some((prefix) => name.startsWith(prefix));
}
