import { type Fields, FORBIDDEN_TRAILERS, type RequestHead, type ResponseHead } from "@weft/contract";
import type { OutputBuffer } from "@weft/kernel";
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  BODY_TUNNEL,
  BODY_UNTIL_CLOSE,
  IS_TARGET,
  IS_TOKEN,
  isAllOf,
  type BodyFraming,
} from "./frame.ts";
import { hasNoBody } from "./framing.ts";
import { statusLine } from "./status.ts";

/** Stands in `http1Bytes` for a head that was sent once: the second time its bytes are kept. */
const SENT_ONCE: Buffer = Buffer.alloc(0);

/** Fields that the encoder writes itself, from what it knows, or not at all. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "sec-websocket-key",
  "te",
  "transfer-encoding",
  "upgrade",
]);

const INVALID_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** What an answer's head says about its connection, besides what is in the head. */
export type ConnectionOption = "" | "close" | "keep-alive";

/**
 * Writes the head of a final answer. `extra` are further field lines ("name: value\r\n"...), "" for none. Returns false,
 * and writes nothing, when the head holds something that must not go on the wire.
 *
 * What is kept on the head are its bytes as most clients get them: framed by length or chunks, without connection
 * options. For everyone else the last CR LF is replaced.
 */
export function encodeResponseHead(
  output: OutputBuffer,
  head: ResponseHead,
  framing: BodyFraming,
  connection: ConnectionOption,
  extra: string,
): boolean {
  const isUsual = extra === "" && isUsualFraming(head, framing);
  const kept = head.http1Bytes;
  if (isUsual && kept !== null && kept !== SENT_ONCE) {
    writeKept(output, kept, connection);
    return true;
  }
  const text = responseText(head, framing, extra);
  if (text === null) return false;
  if (isUsual) {
    if (kept === null) head.http1Bytes = SENT_ONCE;
    else head.http1Bytes = Buffer.from(`${text}\r\n`, "latin1");
  }
  output.writeLatin1(connection === "" ? `${text}\r\n` : `${text}connection: ${connection}\r\n\r\n`);
  return true;
}

/** True when the head's bytes under `framing` are the ones that are kept. */
function isUsualFraming(head: ResponseHead, framing: BodyFraming): boolean {
  if (hasNoBody(head.status)) return framing === BODY_NONE;
  // To HEAD, a known length is told in the same bytes.
  if (head.contentLength >= 0) return framing === BODY_LENGTH || framing === BODY_NONE;
  return framing === BODY_CHUNKED;
}

function writeKept(output: OutputBuffer, kept: Buffer, connection: ConnectionOption): void {
  const at = output.reserve(kept.length);
  if (connection === "") {
    kept.copy(output.bytes, at);
    output.position = at + kept.length;
    return;
  }
  kept.copy(output.bytes, at, 0, kept.length - 2);
  output.position = at + kept.length - 2;
  output.writeLatin1(`connection: ${connection}\r\n\r\n`);
}

function responseText(head: ResponseHead, framing: BodyFraming, extra: string): string | null {
  const line = statusLine(head.status);
  if (line === undefined) return null;
  const fields = fieldLines(head.fields);
  if (fields === null) return null;
  return line + fields + responseFramingLine(head, framing) + extra;
}

function responseFramingLine(head: ResponseHead, framing: BodyFraming): string {
  const { contentLength, status } = head;
  switch (framing) {
    case BODY_LENGTH:
      return `content-length: ${Math.max(0, contentLength)}\r\n`;
    case BODY_CHUNKED:
      return "transfer-encoding: chunked\r\n";
    case BODY_NONE:
      // An answer to HEAD and 304 tell the length that the body would have (RFC 9110 section 8.6).
      if (status === 204 || status < 200) return "";
      return contentLength >= 0 ? `content-length: ${contentLength}\r\n` : "";
    case BODY_UNTIL_CLOSE:
    case BODY_TUNNEL:
      return "";
  }
}

/** Writes a 1xx answer. False as for `encodeResponseHead`. */
export function encodeInformational(output: OutputBuffer, head: ResponseHead): boolean {
  const line = statusLine(head.status);
  const fields = fieldLines(head.fields);
  if (line === undefined || fields === null) return false;
  output.writeLatin1(`${line}${fields}\r\n`);
  return true;
}

/**
 * Writes the head of a request. `websocketKey` is sent with the handshake of a WebSocket. Returns false, and writes
 * nothing, when the head holds something that must not go on the wire.
 */
export function encodeRequestHead(
  output: OutputBuffer,
  head: RequestHead,
  framing: BodyFraming,
  websocketKey: string,
): boolean {
  const isUsual = framing === usualRequestFraming(head);
  const kept = head.http1Bytes;
  if (isUsual && kept !== null && kept !== SENT_ONCE) {
    const at = output.reserve(kept.length);
    kept.copy(output.bytes, at);
    output.position = at + kept.length;
    return true;
  }
  const text = requestText(head, framing, websocketKey);
  if (text === null) return false;
  if (isUsual) head.http1Bytes = kept === null ? SENT_ONCE : Buffer.from(text, "latin1");
  output.writeLatin1(text);
  return true;
}

/** The framing for which a request's bytes are kept; -1 for those that hold something new each time. */
function usualRequestFraming(head: RequestHead): number {
  if (head.upgrade !== "" || head.method === "CONNECT") return -1;
  if (head.contentLength < 0) return BODY_CHUNKED;
  return head.contentLength === 0 ? BODY_NONE : BODY_LENGTH;
}

function requestText(head: RequestHead, framing: BodyFraming, websocketKey: string): string | null {
  const line = requestLine(head);
  if (line === null) return null;
  const fields = fieldLines(head.fields);
  if (fields === null || INVALID_VALUE.test(head.authority)) return null;
  let text = `${line}host: ${head.authority}\r\n${fields}`;
  if (framing === BODY_LENGTH) text += `content-length: ${head.contentLength}\r\n`;
  else if (framing === BODY_CHUNKED) text += "transfer-encoding: chunked\r\n";
  else if (framing === BODY_NONE && saysEmptyBody(head.method)) text += "content-length: 0\r\n";
  if (head.expectsContinue && (framing === BODY_LENGTH || framing === BODY_CHUNKED)) text += "expect: 100-continue\r\n";
  return text + requestConnectionLines(head, websocketKey);
}

/** Connection, Upgrade and TE, which belong together, and the empty line. */
function requestConnectionLines(head: RequestHead, websocketKey: string): string {
  const hasTrailersOption = acceptsTrailers(head.fields);
  let lines = hasTrailersOption ? "te: trailers\r\n" : "";
  if (head.upgrade !== "") {
    lines += `connection: upgrade${hasTrailersOption ? ", te" : ""}\r\nupgrade: ${head.upgrade}\r\n`;
    if (websocketKey !== "") lines += `sec-websocket-key: ${websocketKey}\r\n`;
  } else if (hasTrailersOption) {
    lines += "connection: te\r\n";
  }
  return `${lines}\r\n`;
}

function acceptsTrailers(fields: Fields): boolean {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] === "te" && fields[index + 1] === "trailers") return true;
  }
  return false;
}

function requestLine(head: RequestHead): string | null {
  if (head.upgrade !== "") {
    // Over HTTP/2 an upgrade comes as an extended CONNECT; in HTTP/1.1 it is a GET.
    const method = head.method === "CONNECT" ? "GET" : head.method;
    return isToken(method) && isToken(head.upgrade.replace("/", "")) && isTarget(head.path)
      ? `${method} ${head.path} HTTP/1.1\r\n`
      : null;
  }
  if (head.method === "CONNECT") return isTarget(head.authority) ? `CONNECT ${head.authority} HTTP/1.1\r\n` : null;
  return isToken(head.method) && isTarget(head.path) ? `${head.method} ${head.path} HTTP/1.1\r\n` : null;
}

function isToken(text: string): boolean {
  return text !== "" && isAllOf(text, IS_TOKEN);
}

function isTarget(text: string): boolean {
  return text !== "" && isAllOf(text, IS_TARGET);
}

/** Methods whose requests are expected to have a body: an empty one is said to be empty (RFC 9110 section 8.6). */
function saysEmptyBody(method: string): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}

/** Field lines without those that the encoder itself writes; null when one is not valid. */
function fieldLines(fields: Fields): string | null {
  let lines = "";
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    const value = fields[index + 1] ?? "";
    if (OWN_FIELDS.has(name)) continue;
    if (!isToken(name) || INVALID_VALUE.test(value)) return null;
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** The end of a chunked body with trailers; forbidden and invalid ones are left out. */
export function encodeTrailers(output: OutputBuffer, fields: Fields): void {
  let text = "0\r\n";
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    const value = fields[index + 1] ?? "";
    if (FORBIDDEN_TRAILERS.has(name) || !isToken(name) || INVALID_VALUE.test(value)) continue;
    text += `${name}: ${value}\r\n`;
  }
  output.writeLatin1(`${text}\r\n`);
}
