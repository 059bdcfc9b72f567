import type { PathRewrite } from "@weft/contract";

/**
 * `path` (with its query) with the matched prefix or the whole path replaced, by the table in Gateway API's
 * HTTPPathModifier. `prefixLength` is the length of the rule's prefix without trailing slash.
 */
export function rewritePath(path: string, rewrite: PathRewrite | null, prefixLength: number): string {
  // "*" (OPTIONS) and "" (CONNECT) name no resource of which a part could be replaced.
  if (rewrite === null || !path.startsWith("/")) return path;
  const question = path.indexOf("?");
  const end = question < 0 ? path.length : question;
  const rest = rewrite.type === "full" ? "" : path.slice(prefixLength, end);
  const replaced = rewrite.value + rest;
  return (replaced === "" ? "/" : replaced) + path.slice(end);
}
