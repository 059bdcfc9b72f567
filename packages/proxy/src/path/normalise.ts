import type { PathErrorCode } from "../router/errors.ts";

/** A path in normal form, or why there is none. */
export type NormalisedPath =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly code: PathErrorCode };

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const DOT = 0x2e;
const QUESTION = 0x3f;
const HASH = 0x23;
const DELETE = 0x7f;

/** For each ASCII code: what a character in a path asks of us. */
const PLAIN = 0;
/** Not allowed in a URI (RFC 3986), yet sent by some clients: percent-encoded. */
const ENCODE = 1;
/** Plays a part: slash, backslash, percent, question mark. */
const SPECIAL = 2;
/** Space, control characters, fragment. */
const FORBIDDEN = 3;

const CLASSES = createClasses();
/** Characters that mean the same encoded and plain (RFC 3986 section 2.3). */
const UNRESERVED = createUnreserved();
const HEX_DIGITS = "0123456789ABCDEF";

function createClasses(): Uint8Array {
  const classes = new Uint8Array(128);
  for (let code = 0; code <= 0x20; code++) classes[code] = FORBIDDEN;
  classes[DELETE] = FORBIDDEN;
  classes[HASH] = FORBIDDEN;
  for (const character of '"<>[]^`{|}') classes[character.charCodeAt(0)] = ENCODE;
  for (const character of "/\\%?") classes[character.charCodeAt(0)] = SPECIAL;
  return classes;
}

function createUnreserved(): Uint8Array {
  const unreserved = new Uint8Array(128);
  for (let code = 0; code < 128; code++) {
    if (/[A-Za-z0-9\-._~]/.test(String.fromCharCode(code))) unreserved[code] = 1;
  }
  return unreserved;
}

/**
 * The one form of a request's path that is matched, authorised and forwarded, so that no later reader can see another
 * path than we did. `path` is a latin1 string, with or without a query. In this order, as Istio does:
 *
 * 1. `%2F`, `%5C` and `\` become `/`: a backend that decodes them must not find segments that we did not see.
 * 2. RFC 3986 section 6.2.2: unreserved characters are decoded, other escapes get upper-case digits; characters that a
 *    URI may not hold plain (`"<>[]^{|}` and bytes above 127) are encoded.
 * 3. Dot segments are removed (section 5.2.4; `..` at the root stays at the root).
 * 4. Slashes in a row become one.
 *
 * Refused: fragments, spaces, control characters and NUL (plain or encoded), bad escapes, and bytes that are not valid
 * UTF-8 (overlong forms, surrogates). Path parameters (`;x=1`) are an ordinary part of their segment, so `/a;x` is not
 * `/a`; only dot segments with a parameter (`..;`) are refused, because some servers climb on them. The query stays as
 * it is, but may not hold spaces, control characters or a fragment. `*` and the empty path of CONNECT pass.
 *
 * Normalising twice changes nothing. A path without suspicious characters is returned as it came, after one scan.
 *
 * @example
 * normalisePath("/a/%7Eb/../c//d?x=/../y"); // { ok: true, path: "/a/c/d?x=/../y" }
 */
export function normalisePath(path: string): NormalisedPath {
  const length = path.length;
  if (length === 0 || path.charCodeAt(0) !== SLASH) {
    if (length === 0 || path === "*") return { ok: true, path };
    return rewrite(path);
  }
  for (let index = 0; index < length; index++) {
    const code = path.charCodeAt(index);
    if (code < 128 && CLASSES[code] === PLAIN) continue;
    if (code === SLASH) {
      const next = path.charCodeAt(index + 1);
      if (next !== SLASH && next !== DOT) continue;
    } else if (code === QUESTION) {
      const error = checkQuery(path, index + 1);
      return error === null ? { ok: true, path } : { ok: false, code: error };
    }
    return rewrite(path);
  }
  return { ok: true, path };
}

function checkQuery(path: string, start: number): PathErrorCode | null {
  for (let index = start; index < path.length; index++) {
    const code = path.charCodeAt(index);
    if (code > 0x23 && code !== DELETE) continue;
    if (code === HASH) return "ROUTER_PATH_FRAGMENT";
    if (code <= 0x20 || code === DELETE) return "ROUTER_PATH_CONTROL_CHARACTER";
  }
  return null;
}

/** The path of one `rewrite`: segments that are done, and the one that is being read. */
class PathBuilder {
  readonly segments: string[] = [];
  segment: string = "";
  /** What a continuation byte of the UTF-8 sequence that is being read must lie between; count 0 outside of one. */
  continuationCount: number = 0;
  continuationMin: number = 0x80;
  continuationMax: number = 0xbf;

  /** Appends an escape; its byte is an ASCII character that stays encoded, or part of a longer character. */
  addEscape(byte: number): void {
    this.segment += `%${HEX_DIGITS.charAt(byte >> 4)}${HEX_DIGITS.charAt(byte & 15)}`;
  }

  /** Appends a byte above 127; false when it cannot come here in UTF-8 (Unicode table 3-7). */
  addHighByte(byte: number): boolean {
    if (this.continuationCount > 0) {
      if (byte < this.continuationMin || byte > this.continuationMax) return false;
      this.continuationCount--;
      this.continuationMin = 0x80;
      this.continuationMax = 0xbf;
    } else if (byte >= 0xc2 && byte <= 0xdf) {
      this.continuationCount = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
      this.continuationCount = 2;
      if (byte === 0xe0) this.continuationMin = 0xa0;
      if (byte === 0xed) this.continuationMax = 0x9f;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      this.continuationCount = 3;
      if (byte === 0xf0) this.continuationMin = 0x90;
      if (byte === 0xf4) this.continuationMax = 0x8f;
    } else {
      return false;
    }
    this.addEscape(byte);
    return true;
  }

  /** Ends the segment at a slash, or at the end of the path. */
  endSegment(isLast: boolean): PathErrorCode | null {
    const segment = this.segment;
    this.segment = "";
    if (segment.charCodeAt(0) === DOT) {
      if (segment === "." || segment === "..") {
        if (segment === "..") this.segments.pop();
        if (isLast) this.segments.push("");
        return null;
      }
      if (/^\.\.?(?:;|%3B)/.test(segment)) return "ROUTER_PATH_DOT_PARAMETER";
    }
    this.segments.push(segment);
    return null;
  }

  /** What was read, without the empty segments between slashes in a row; an empty last one is the slash at the end. */
  pathname(): string {
    const last = this.segments.length - 1;
    return `/${this.segments.filter((segment, index) => segment !== "" || index === last).join("/")}`;
  }
}

function rewrite(path: string): NormalisedPath {
  const first = path.charCodeAt(0);
  if (first !== SLASH && first !== BACKSLASH) return { ok: false, code: "ROUTER_PATH_NOT_ABSOLUTE" };
  const question = path.indexOf("?");
  const end = question < 0 ? path.length : question;
  const builder = new PathBuilder();
  const error = readSegments(path, end, builder) ?? (question < 0 ? null : checkQuery(path, question + 1));
  if (error !== null) return { ok: false, code: error };
  const normal = builder.pathname();
  return { ok: true, path: question < 0 ? normal : normal + path.slice(question) };
}

function readSegments(path: string, end: number, builder: PathBuilder): PathErrorCode | null {
  for (let index = 0; index < end; index++) {
    let code = path.charCodeAt(index);
    let isEscape = false;
    if (code === PERCENT) {
      code = hexByte(path, index + 1, end);
      if (code < 0) return "ROUTER_PATH_BAD_PERCENT";
      index += 2;
      isEscape = true;
    }
    if (code >= 128) {
      if (code > 255 || !builder.addHighByte(code)) return "ROUTER_PATH_BAD_UTF8";
      continue;
    }
    if (builder.continuationCount > 0) return "ROUTER_PATH_BAD_UTF8";
    const isSlash = code === SLASH || code === BACKSLASH;
    const error = isSlash ? builder.endSegment(false) : readCharacter(code, isEscape, builder);
    if (error !== null) return error;
  }
  if (builder.continuationCount > 0) return "ROUTER_PATH_BAD_UTF8";
  return builder.endSegment(true);
}

function readCharacter(code: number, isEscape: boolean, builder: PathBuilder): PathErrorCode | null {
  if (isEscape) {
    if (code < 0x20 || code === DELETE) return "ROUTER_PATH_CONTROL_CHARACTER";
    if (UNRESERVED[code] === 1) builder.segment += String.fromCharCode(code);
    else builder.addEscape(code);
    return null;
  }
  const kind = CLASSES[code];
  if (kind === FORBIDDEN) return code === HASH ? "ROUTER_PATH_FRAGMENT" : "ROUTER_PATH_CONTROL_CHARACTER";
  if (kind === ENCODE) builder.addEscape(code);
  else builder.segment += String.fromCharCode(code);
  return null;
}

/** The byte of the two hexadecimal digits at `index`, or -1. */
function hexByte(path: string, index: number, end: number): number {
  if (index + 1 >= end) return -1;
  const high = hexDigit(path.charCodeAt(index));
  const low = hexDigit(path.charCodeAt(index + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
