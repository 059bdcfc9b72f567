import type { RouteDecision } from "./decision.ts";
import { rewritePath } from "./rewrite.ts";

const PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * The Location of a rule's redirect (Gateway API HTTPRequestRedirectFilter): what the redirect leaves open comes from
 * the request and from the listener, `listenerScheme` being "http" or "https" and `listenerPort` the port that clients
 * see, 0 if unknown. The port is left out where the scheme implies it. A request without authority (HTTP/1.0) gets a
 * path only, unless the redirect names a host.
 *
 * Only call it for a decision whose rule redirects; for others it names the request's own URL.
 */
export function redirectLocation(decision: RouteDecision, listenerScheme: string, listenerPort: number): string {
  const { rule, head } = decision;
  const redirect = rule.config.redirect;
  const path = rewritePath(decision.path, rule.redirectPath, rule.path.length);
  const target = path.startsWith("/") ? path : "/";
  const hostname = redirect === null || redirect.hostname === "" ? hostnameOf(head.authority) : redirect.hostname;
  if (hostname === "") return target;
  const configuredScheme = redirect?.scheme ?? "";
  const scheme = configuredScheme === "" ? listenerScheme : configuredScheme;
  const configuredPort = redirect?.port ?? 0;
  const impliedPort = configuredScheme === "" ? listenerPort : (PORTS[configuredScheme] ?? listenerPort);
  const port = configuredPort === 0 ? impliedPort : configuredPort;
  const isImplied = port === 0 || port === PORTS[scheme];
  return `${scheme}://${hostname}${isImplied ? "" : `:${port}`}${target}`;
}

/** The authority without its port, as the client wrote it. */
function hostnameOf(authority: string): string {
  return authority.replace(/:[0-9]*$/, "");
}
