import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** Fields that concern one connection only (RFC 9110, section 7.6.1). */
const CONNECTION_FIELDS = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** The fields that a proxy passes on. */
export function withoutConnectionFields(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = {};
  for (const name of Object.keys(headers)) {
    if (!CONNECTION_FIELDS.has(name)) passed[name] = headers[name];
  }
  return passed;
}
