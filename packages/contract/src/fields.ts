/**
 * Header fields as a flat list: name, value, name, value, ... Names are lower case, values have no leading or
 * trailing white space and hold no CR, LF or NUL; both are latin1 strings (one character per byte).
 */
export type Fields = readonly string[];

/** No fields. */
export const NO_FIELDS: Fields = [];

/** The value of the first field called `name` (lower case), or undefined. */
export function fieldValue(fields: Fields, name: string): string | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] === name) return fields[index + 1];
  }
  return undefined;
}

/** All values of `name` joined with ", " as RFC 9110 section 5.3 allows, or undefined. */
export function fieldValues(fields: Fields, name: string): string | undefined {
  let joined: string | undefined;
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== name) continue;
    const value = fields[index + 1] ?? "";
    joined = joined === undefined ? value : `${joined}, ${value}`;
  }
  return joined;
}

/**
 * Trailers that must not change what was already decided from the head (RFC 9110 section 6.5.1): framing, routing,
 * modifiers, authentication and what tells how the body is read. Codecs drop them, from clients and from hosts.
 */
export const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expect",
  "expires",
  "host",
  "http2-settings",
  "keep-alive",
  "location",
  "max-forwards",
  "pragma",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "range",
  "retry-after",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "vary",
  "www-authenticate",
]);
