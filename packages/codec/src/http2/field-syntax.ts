/** Decimal content-length; -1 when it is no number or one that cannot be counted exactly. */
export function parseContentLength(text: string): number {
  if (text.length === 0 || text.length > 15) return -1;
  let value = 0;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

const AUTHORITY_BYTES: Uint8Array = new Uint8Array(256);
for (const character of "!$%&'()*+,-.0123456789:;=ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~") {
  AUTHORITY_BYTES[character.charCodeAt(0)] = 1;
}

/** True for a host with an optional port and no user information (RFC 9113 section 8.3.1). */
export function isAuthority(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (AUTHORITY_BYTES[text.charCodeAt(index)] !== 1) return false;
  }
  return text.length > 0 && text.charCodeAt(0) !== 0x3a;
}

/** True for what may stand in `:path`: "*" or an absolute path, without spaces, fragments and control characters. */
export function isPath(text: string, method: string): boolean {
  if (text.charCodeAt(0) !== 0x2f) return text === "*" && method === "OPTIONS";
  for (let index = 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 0x20 || code === 0x7f || code === 0x23) return false;
  }
  return true;
}

/** True for a URI scheme in lower case (RFC 3986 section 3.1). */
export function isScheme(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const isLetter = code >= 0x61 && code <= 0x7a;
    const isOther = (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e;
    if (!isLetter && (index === 0 || !isOther)) return false;
  }
  return text.length > 0;
}

/** True for a method: an RFC 9110 token, in any case. */
export function isMethod(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    if (!isLetter && !METHOD_OTHERS.includes(text.charAt(index))) return false;
  }
  return text.length > 0;
}

const METHOD_OTHERS = "!#$%&'*+-.^_`|~0123456789";

/** 100 to 599 from exactly three digits; 0 for anything else. */
export function parseStatus(text: string): number {
  if (text.length !== 3) return 0;
  const status = parseContentLength(text);
  return status >= 100 && status <= 599 ? status : 0;
}

/** Names that HTTP/2 never carries (RFC 9113 section 8.2.2), and Host, which is `:authority` here. */
const OMITTED_NAMES: ReadonlySet<string> = new Set([
  "connection",
  "host",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** True for a field of a neutral head that must not be written to an HTTP/2 peer. */
export function isOmitted(name: string): boolean {
  return name.charCodeAt(0) === 0x3a || OMITTED_NAMES.has(name);
}

/** True when a TE field says that trailers are welcome, among whatever else. */
export function acceptsTrailers(value: string): boolean {
  return value
    .toLowerCase()
    .split(",")
    .some((coding) => coding.trim() === "trailers");
}
