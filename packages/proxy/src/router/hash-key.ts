import type { HashKey, RequestHead } from "@weft/contract";
import { hashString, type Random } from "@weft/kernel";
import { headerText } from "./condition.ts";
import { queryValue } from "./query.ts";
import type { CompiledRule } from "./rule.ts";

/**
 * The hash by which hashing balancers choose a host: of the first of the rule's hash keys that the request has, by
 * chance if it has none, so that such requests spread evenly. A uint32.
 *
 * `sourceIp` is the client's address, which the proxy knows.
 */
export function requestHash(rule: CompiledRule, head: RequestHead, sourceIp: string, random: Random): number {
  const keys = rule.hashKeys;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index];
    const value = key === undefined ? undefined : keyValue(key, head, sourceIp);
    if (value !== undefined) return hashString(value);
  }
  return random.uint32();
}

function keyValue(key: HashKey, head: RequestHead, sourceIp: string): string | undefined {
  switch (key.type) {
    case "header":
      return headerText(head, key.name);
    case "query":
      return queryValue(head.path, key.name);
    case "cookie":
      return cookieValue(headerText(head, "cookie"), key.name);
    case "source-ip":
      return sourceIp === "" ? undefined : sourceIp;
  }
}

/** The value of cookie `name` in a Cookie field (RFC 6265 section 5.4), or undefined. */
function cookieValue(cookies: string | undefined, name: string): string | undefined {
  if (cookies === undefined) return undefined;
  let start = 0;
  while (start < cookies.length) {
    while (cookies.charCodeAt(start) === 0x20) start++;
    let end = cookies.indexOf(";", start);
    if (end < 0) end = cookies.length;
    if (cookies.startsWith(name, start) && cookies.charAt(start + name.length) === "=" && start + name.length < end) {
      return cookies.slice(start + name.length + 1, end);
    }
    start = end + 1;
  }
  return undefined;
}
