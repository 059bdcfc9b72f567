import { type Fields, FORBIDDEN_TRAILERS, RequestHead, ResponseHead } from "@weft/contract";
import { DecodedRequest, DecodedResponse } from "./decoded-head.ts";
import type { Http1ErrorCode } from "./errors.ts";
import { FieldScan, scanFields, withoutForbidden } from "./fields.ts";
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  BODY_TUNNEL,
  BYTE_CLASSES,
  IS_TOKEN,
  isAllOf,
  LF,
  SP,
  type BodyFraming,
} from "./frame.ts";
import type { Http1ReadOptions, Http1RequestReadOptions } from "./read-options.ts";
import { decodeTarget, isAuthority, isSameAuthority, type Target } from "./target.ts";
import { isWebsocketKey } from "./websocket.ts";

/** Decoding is synchronous and calls nobody, so one scan serves every head of the process. */
const scan: FieldScan = new FieldScan();

const TRANSFER_ENCODING_WITH_TAB = /\r\ntransfer-encoding:[^\r]*\t/i;

/** Where the parts of a request line end that was judged last; shared like `scan`. */
const line: { methodEnd: number; targetEnd: number; end: number } = { methodEnd: 0, targetEnd: 0, end: 0 };

/** Upgrades that would hide requests from us or that a proxy must not pass on (RFC 9113 section 3.1 on h2c). */
const IGNORED_UPGRADE = /^(h2c?|http|tls)(\/|$)/;

/**
 * Decodes a request head: `text` holds its bytes from the first of the method to the end of the empty line.
 * Returns the code of what is wrong with it, if anything is.
 */
export function decodeRequest(text: string, options: Http1RequestReadOptions): DecodedRequest | Http1ErrorCode {
  const version = scanRequestLine(text, options.targetBytesMax);
  if (typeof version === "string") return version;
  const { methodEnd, targetEnd } = line;
  const problem = scanFields(text, line.end + 2, options, scan);
  if (problem !== null) return problem;

  const method = text.substring(0, methodEnd);
  const target = decodeTarget(method, text.substring(methodEnd + 1, targetEnd));
  if (target === null) return "HTTP1_INVALID_TARGET";
  const isHttp11 = version > 0;
  const authority = decodeAuthority(scan.host, target, isHttp11);
  if (authority === null) return "HTTP1_INVALID_HOST";
  const framing = bodyFraming(text, isHttp11);
  if (typeof framing === "string") return framing;
  return completeRequest(method, target, authority, framing, isHttp11);
}

/** What is wrong with a request's first line, `text` to its line feed; null for nothing that only the fields could tell. */
export function judgeRequestLine(text: string, targetBytesMax: number): Http1ErrorCode | null {
  const version = scanRequestLine(text, targetBytesMax);
  return typeof version === "string" ? version : null;
}

/** The version, as `decodeVersion` says it, of the request line that `text` begins with; fills `line`. */
function scanRequestLine(text: string, targetBytesMax: number): 0 | 1 | Http1ErrorCode {
  const methodEnd = tokenEnd(text);
  if (methodEnd === 0 || text.charCodeAt(methodEnd) !== SP) return lineError(text, "HTTP1_INVALID_REQUEST_LINE");
  const targetEnd = text.indexOf(" ", methodEnd + 1);
  const lineEnd = text.indexOf("\r", methodEnd);
  if (text.charCodeAt(lineEnd + 1) !== LF) return "HTTP1_INVALID_LINE_END";
  if (targetEnd < 0 || targetEnd > lineEnd || targetEnd === methodEnd + 1) {
    return lineError(text, "HTTP1_INVALID_REQUEST_LINE");
  }
  const version = decodeVersion(text, targetEnd + 1, lineEnd);
  if (typeof version === "string") return lineError(text, version);
  if (targetEnd - methodEnd - 1 > targetBytesMax) return "HTTP1_TARGET_TOO_LONG";
  line.methodEnd = methodEnd;
  line.targetEnd = targetEnd;
  line.end = lineEnd;
  return version;
}

function completeRequest(
  method: string,
  target: Target,
  authority: string,
  framing: BodyFraming,
  isHttp11: boolean,
): DecodedRequest | Http1ErrorCode {
  const hasBody = framing === BODY_CHUNKED || (framing === BODY_LENGTH && scan.contentLength > 0);
  let expectsContinue = false;
  if (scan.expect !== "" && isHttp11) {
    if (scan.expect.toLowerCase() !== "100-continue") return "HTTP1_UNSUPPORTED_EXPECTATION";
    expectsContinue = hasBody;
  }
  const isConnect = method === "CONNECT";
  const upgrade = isHttp11 && !isConnect ? wantedUpgrade() : "";
  const isTunnel = isConnect || upgrade !== "";
  if (isTunnel && hasBody) return "HTTP1_INVALID_UPGRADE";
  let websocketKey = "";
  if (upgrade === "websocket") {
    if (method !== "GET" || !isWebsocketKey(scan.websocketKey)) return "HTTP1_INVALID_UPGRADE";
    websocketKey = scan.websocketKey;
  }
  const contentLength = isTunnel || framing === BODY_CHUNKED ? -1 : Math.max(0, scan.contentLength);
  const head = new RequestHead(
    method,
    target.scheme,
    authority,
    target.path,
    scan.fields,
    contentLength,
    upgrade,
    expectsContinue,
  );
  const isPersistent = isPersistentConnection(isHttp11);
  if (isTunnel) return new DecodedRequest(head, BODY_TUNNEL, isHttp11, isPersistent, websocketKey);
  return new DecodedRequest(head, hasBody ? framing : BODY_NONE, isHttp11, isPersistent, "");
}

/** Decodes the head of an answer, as `decodeRequest` does for requests. */
export function decodeResponse(text: string, options: Http1ReadOptions): DecodedResponse | Http1ErrorCode {
  const versionEnd = text.indexOf(" ");
  const lineEnd = text.indexOf("\r");
  if (text.charCodeAt(lineEnd + 1) !== LF) return "HTTP1_INVALID_LINE_END";
  if (versionEnd < 0 || versionEnd > lineEnd) return lineError(text, "HTTP1_INVALID_STATUS_LINE");
  const version = decodeVersion(text, 0, versionEnd);
  if (version === "HTTP1_UNSUPPORTED_VERSION") return lineError(text, version);
  if (typeof version === "string") return lineError(text, "HTTP1_INVALID_STATUS_LINE");
  const status = decodeStatus(text, versionEnd + 1, lineEnd);
  if (status < 0) return lineError(text, "HTTP1_INVALID_STATUS_LINE");
  const problem = scanFields(text, lineEnd + 2, options, scan);
  if (problem !== null) return problem;
  const isHttp11 = version > 0;
  const framing = bodyFraming(text, isHttp11);
  if (typeof framing === "string") return framing;
  const upgrade = status === 101 && scan.hasConnectionOption("upgrade") ? scan.upgrade.toLowerCase() : "";
  const head = new ResponseHead(status, scan.fields, scan.contentLength);
  const isPersistent = isPersistentConnection(isHttp11);
  return new DecodedResponse(head, framing === BODY_CHUNKED, isPersistent, upgrade, scan.websocketAccept);
}

/** Decodes a trailer section, `text` ending with the empty line; forbidden fields are dropped. */
export function decodeTrailers(text: string, options: Http1ReadOptions): Fields | Http1ErrorCode {
  const problem = scanFields(text, 0, options, scan);
  if (problem !== null) return problem;
  return withoutForbidden(scan.fields, FORBIDDEN_TRAILERS);
}

/** Length of the token that `text` begins with. */
function tokenEnd(text: string): number {
  let at = 0;
  while (((BYTE_CLASSES[text.charCodeAt(at)] as number) & IS_TOKEN) !== 0) at++;
  return at;
}

/** A first line that ends wrongly is told as that: whatever else seems wrong with it follows from it. */
function lineError(text: string, code: Http1ErrorCode): Http1ErrorCode {
  const at = text.search(/[\r\n]/);
  return text.startsWith("\r\n", at) ? code : "HTTP1_INVALID_LINE_END";
}

/** 0 for HTTP/1.0, 1 for HTTP/1.1 and later minor versions, or what is wrong with `text[at, end)` as a version. */
function decodeVersion(text: string, at: number, end: number): 0 | 1 | Http1ErrorCode {
  if (end === at + 8 && text.startsWith("HTTP/1.1", at)) return 1;
  const match = /^HTTP\/(\d)\.(\d)$/.exec(text.substring(at, end));
  if (match === null) return "HTTP1_INVALID_REQUEST_LINE";
  if (match[1] !== "1") return "HTTP1_UNSUPPORTED_VERSION";
  return match[2] === "0" ? 0 : 1;
}

/** The status in `text[at, end)`, or -1. A missing reason phrase is fine, also without the space before it. */
function decodeStatus(text: string, at: number, end: number): number {
  const digits = text.substring(at, at + 3);
  if (!/^[1-5]\d\d$/.test(digits) || at + 3 > end) return -1;
  if (at + 3 < end && text.charCodeAt(at + 3) !== SP) return -1;
  for (let index = at + 3; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code < SP && code !== 9) return -1;
  }
  return Number(digits);
}

/** The one authority of a request, or null when there is none, a malformed one, or two different ones. */
function decodeAuthority(host: string | null, target: Target, isHttp11: boolean): string | null {
  if (host === null) return isHttp11 ? null : target.authority;
  if (host === "" && !isHttp11) return target.authority;
  if (!isAuthority(host, false)) return null;
  if (target.authority === "") return host;
  return isSameAuthority(host, target) ? target.authority : null;
}

function bodyFraming(text: string, isHttp11: boolean): BodyFraming | Http1ErrorCode {
  if (!scan.hasTransferEncoding) return scan.contentLength < 0 ? BODY_NONE : BODY_LENGTH;
  if (!isHttp11 || TRANSFER_ENCODING_WITH_TAB.test(text)) return "HTTP1_INVALID_TRANSFER_ENCODING";
  if (scan.contentLength >= 0) return "HTTP1_CONFLICTING_LENGTH";
  return BODY_CHUNKED;
}

function isPersistentConnection(isHttp11: boolean): boolean {
  if (scan.hasConnectionOption("close")) return false;
  return isHttp11 || scan.hasConnectionOption("keep-alive");
}

/** The protocol that an HTTP/1.1 client asks to switch to, lower case; "" when we do as if it had not asked. */
function wantedUpgrade(): string {
  if (scan.upgrade === "" || !scan.hasConnectionOption("upgrade")) return "";
  for (const part of scan.upgrade.toLowerCase().split(",")) {
    const protocol = part.trim();
    if (protocol === "" || !isAllOf(protocol.replace("/", ""), IS_TOKEN)) continue;
    if (!IGNORED_UPGRADE.test(protocol)) return protocol;
  }
  return "";
}
