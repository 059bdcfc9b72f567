import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isIP, isIPv6 } from "node:net";

/** The header that an action must carry where no token is configured: no form and no link of a web page can send it. */
export const ADMIN_ACTION_HEADER = "x-weft-admin";

/** True for addresses that only this machine reaches. */
export function isLoopback(address: string): boolean {
  if (address === "localhost" || address === "::1") return true;
  return isIP(address) === 4 && address.startsWith("127.");
}

/**
 * Whether a Host header names this server. A web page that was loaded from a name which then resolves to loopback
 * ("DNS rebinding") sends that name; only addresses, localhost and the configured address itself are taken.
 */
export function isHostAllowed(host: string | undefined, address: string): boolean {
  const name = hostNameOf(host ?? "");
  if (name === null) return false;
  if (name === address || isLoopback(name)) return true;
  const isWildcard = address === "0.0.0.0" || address === "::";
  return isWildcard && isIP(name) !== 0;
}

/** The name of "name:port" or "[v6]:port", in lower case; null if it is neither. */
function hostNameOf(host: string): string | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::\d{1,5})?$/.exec(host);
  if (match === null) return null;
  const [, ipv6, name] = match;
  if (ipv6 !== undefined) return isIPv6(ipv6) ? ipv6.toLowerCase() : null;
  return (name ?? "").toLowerCase();
}

/** How a server was started, as far as its guard must know. */
export interface GuardOptions {
  readonly address: string;
  /** "" for none. */
  readonly token: string;
}

/**
 * Why reading (GET, HEAD) is refused; null if it may be done. On loopback everybody may read; beyond it the token is asked
 * for, also as the password of Basic authentication, which is what browsers can send. `isOpen`: what anybody may read.
 */
export function refuseReading(headers: IncomingHttpHeaders, options: GuardOptions, isOpen: boolean): string | null {
  if (isOpen || isLoopback(options.address)) return null;
  if (options.token === "") return "a server that listens beyond loopback shows it to nobody without a token";
  const given = bearerOf(headers) ?? passwordOf(headers) ?? "";
  return isSameSecret(given, options.token) ? null : "it lacks the token (Authorization: Bearer ...)";
}

/**
 * Why an action (POST) is refused; null if it may be done. With a token that token is asked for. Without one, actions
 * are for loopback alone and need a header that a web page cannot send without asking us first.
 */
export function refuseAction(headers: IncomingHttpHeaders, options: GuardOptions): string | null {
  const origin = headers.origin;
  if (origin !== undefined && origin !== `http://${headers.host}`) return `it comes from the web page ${origin}`;
  if (options.token !== "") {
    return isSameSecret(bearerOf(headers) ?? "", options.token)
      ? null
      : "it lacks the token (Authorization: Bearer ...)";
  }
  if (!isLoopback(options.address)) return "a server that listens beyond loopback needs a token for actions";
  return headers[ADMIN_ACTION_HEADER] === undefined ? `it lacks the header ${ADMIN_ACTION_HEADER}` : null;
}

function bearerOf({ authorization = "" }: IncomingHttpHeaders): string | undefined {
  return /^bearer (.*)$/i.exec(authorization)?.[1];
}

/** RFC 7617; the name does not matter. */
function passwordOf({ authorization = "" }: IncomingHttpHeaders): string | undefined {
  const encoded = /^basic (.*)$/i.exec(authorization)?.[1];
  const text = encoded === undefined ? "" : Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : text.slice(colon + 1);
}

/** The field that an action must carry here; null where actions are refused whatever they carry. */
function actionField({ address, token }: GuardOptions): string | null {
  if (token !== "") return "authorization: Bearer TOKEN";
  return isLoopback(address) ? `${ADMIN_ACTION_HEADER}: 1` : null;
}

/**
 * The command that does an action, to be typed as it is (but for the token); null where actions are refused. `host` is
 * a Host header that `isHostAllowed` has taken, `body` the JSON that the action wants, "" for none.
 */
export function actionCommand(options: GuardOptions, host: string, path: string, body: string): string | null {
  const field = actionField(options);
  if (field === null) return null;
  return `curl -X POST -H '${field}'${body === "" ? "" : ` -d '${body}'`} http://${host}${path}`;
}

/** Compares in a time that tells nothing, of the length neither. */
function isSameSecret(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
