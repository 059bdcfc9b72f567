import { HOST_LENGTH_MAX } from "./limits.ts";

/** Characters that make an authority take the slow way: upper case, port or IPv6 literal, trailing dot. */
const NOT_CANONICAL = /[A-Z:[]|\.$/;

/**
 * The host of an authority in the form that host names of rules have: lower case, without port, without one trailing
 * dot, IPv6 literals in brackets and in their shortest form. "" for what no name can match (too long, no valid IPv6).
 *
 * @example
 * canonicalHost("Shop.Example.COM.:8443"); // "shop.example.com"
 */
export function canonicalHost(authority: string): string {
  if (authority.length > HOST_LENGTH_MAX + 7) return "";
  if (!NOT_CANONICAL.test(authority)) return authority.length > HOST_LENGTH_MAX ? "" : authority;
  if (authority.startsWith("[")) return canonicalIpv6(authority);
  const colon = authority.indexOf(":");
  let host = colon < 0 ? authority : authority.slice(0, colon);
  if (host.endsWith(".")) host = host.slice(0, -1);
  return host.length > HOST_LENGTH_MAX ? "" : host.toLowerCase();
}

function canonicalIpv6(authority: string): string {
  const bracket = authority.indexOf("]");
  if (!/^(?::[0-9]*)?$/.test(authority.slice(bracket + 1)) || bracket < 0) return "";
  const literal = authority.slice(0, bracket + 1);
  const parsed = URL.parse(`http://${literal}/`);
  return parsed?.hostname ?? "";
}
