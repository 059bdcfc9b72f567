import { IS_HOST, IS_TARGET, isAllOf } from "./frame.ts";

/** A request target taken apart, or the wrong form for its method. */
export interface Target {
  /** "http", "https", or "" where the target does not say. */
  readonly scheme: string;
  /** "" where the target does not say. */
  readonly authority: string;
  readonly path: string;
}

const ABSOLUTE_FORM = /^(https?):\/\/([^/?]*)(.*)$/i;

/** Takes the request target of `method` apart (RFC 9112 section 3.2); null when it is malformed. */
export function decodeTarget(method: string, target: string): Target | null {
  if (!isAllOf(target, IS_TARGET)) return null;
  if (method === "CONNECT") {
    return isAuthority(target, true) ? { scheme: "", authority: target, path: "" } : null;
  }
  if (target.startsWith("/")) return { scheme: "", authority: "", path: target };
  if (target === "*") return method === "OPTIONS" ? { scheme: "", authority: "", path: "*" } : null;
  const match = ABSOLUTE_FORM.exec(target);
  if (match === null) return null;
  const [, scheme = "", authority = "", rest = ""] = match;
  if (!isAuthority(authority, false)) return null;
  return { scheme: scheme.toLowerCase(), authority, path: absolutePath(method, rest) };
}

function absolutePath(method: string, rest: string): string {
  if (rest === "") return method === "OPTIONS" ? "*" : "/";
  return rest.startsWith("?") ? `/${rest}` : rest;
}

/**
 * True for host and optional port without user information: a name, an IPv4 address or an IPv6 address in brackets.
 * Narrower than RFC 3986, whose sub-delimiters and percent-encoding in host names nobody uses but attackers.
 */
export function isAuthority(text: string, needsPort: boolean): boolean {
  const isBracketed = text.startsWith("[");
  const hostEnd = isBracketed ? text.indexOf("]") + 1 : text.indexOf(":");
  const host = hostEnd <= 0 ? text : text.substring(0, hostEnd);
  const port = text.substring(host.length);
  if (port === "") {
    if (needsPort) return false;
  } else if (!/^:\d{1,5}$/.test(port) || Number(port.substring(1)) > 65_535) {
    return false;
  }
  if (isBracketed) return /^\[[0-9A-Fa-f:.]{2,45}\]$/.test(host);
  return host !== "" && isAllOf(host, IS_HOST);
}

/** True when a Host field and the authority of the request target mean the same. */
export function isSameAuthority(host: string, target: Target): boolean {
  const named = host.toLowerCase();
  const meant = target.authority.toLowerCase();
  if (named === meant) return true;
  if (target.scheme !== "") return withoutPort(named, target.scheme) === withoutPort(meant, target.scheme);
  // CONNECT must name a port; some clients leave it out of Host.
  return meant.startsWith(named) && /^:\d+$/.test(meant.substring(named.length));
}

function withoutPort(authority: string, scheme: string): string {
  const port = scheme === "https" ? ":443" : ":80";
  return authority.endsWith(port) ? authority.slice(0, -port.length) : authority;
}
