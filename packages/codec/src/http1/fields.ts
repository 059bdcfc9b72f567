import type { Fields } from "@weft/contract";
import type { Http1ErrorCode } from "./errors.ts";
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_DROPPED,
  FIELD_EXPECT,
  FIELD_HOST,
  FIELD_PLAIN,
  FIELD_TE,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
  FIELD_WEBSOCKET_ACCEPT,
  FIELD_WEBSOCKET_KEY,
  hashFieldNameByte,
  knownFieldName,
} from "./field-names.ts";
import { BYTE_CLASSES, CR, HTAB, IS_TOKEN, IS_UPPER, IS_VALUE, isAllOf, LF, SP } from "./frame.ts";
import { CONNECTION_OPTIONS_MAX, CONTENT_LENGTH_DIGITS_MAX } from "./limits.ts";
import type { Http1ReadOptions } from "./read-options.ts";

const COLON = 58;

/** What the field lines of one head say. One instance is reused for every head that is decoded. */
export class FieldScan {
  /** Fields to pass on; a new array for each head. */
  fields: string[] = [];
  host: string | null = null;
  /** -1 without the field. */
  contentLength: number = -1;
  hasTransferEncoding: boolean = false;
  /** Options of all Connection fields, lower case; null without the field. */
  connection: string[] | null = null;
  upgrade: string = "";
  expect: string = "";
  websocketKey: string = "";
  websocketAccept: string = "";

  reset(): void {
    this.fields = [];
    this.host = null;
    this.contentLength = -1;
    this.hasTransferEncoding = false;
    this.connection = null;
    this.upgrade = "";
    this.expect = "";
    this.websocketKey = "";
    this.websocketAccept = "";
  }

  hasConnectionOption(option: string): boolean {
    return this.connection !== null && this.connection.includes(option);
  }
}

/**
 * Reads the field lines of `text` from `at` to its final empty line into `scan`. Returns null, or the code of what is
 * wrong. `text` ends with an empty line, so no check against its length is needed; and were it missing, a NaN from
 * charCodeAt has no class.
 */
export function scanFields(
  text: string,
  at: number,
  options: Http1ReadOptions,
  scan: FieldScan,
): Http1ErrorCode | null {
  scan.reset();
  let count = 0;
  let nameStart = at;
  for (;;) {
    const first = text.charCodeAt(nameStart);
    if (first === CR) {
      // The head was cut at its first CRLF CRLF, so a line that begins with CR is the last or has a bare CR.
      if (nameStart + 2 !== text.length) return "HTTP1_INVALID_LINE_END";
      return removeNominated(scan);
    }
    if (first === SP || first === HTAB) return "HTTP1_FOLDED_FIELD";
    if (++count > options.headersMax) return "HTTP1_TOO_MANY_FIELDS";

    let classes = 0;
    let hash = 0;
    let index = nameStart;
    let code = first;
    while (code !== COLON) {
      const bits = BYTE_CLASSES[code] as number;
      if ((bits & IS_TOKEN) === 0) return invalidNameByte(text, index);
      classes |= bits;
      hash = hashFieldNameByte(hash, code);
      code = text.charCodeAt(++index);
    }
    if (index === nameStart) return "HTTP1_INVALID_FIELD_NAME";
    const name = text.substring(nameStart, index);

    // Value without the white space around it.
    do code = text.charCodeAt(++index);
    while (code === SP || code === HTAB);
    const valueStart = index;
    while (((BYTE_CLASSES[code] as number) & IS_VALUE) !== 0) code = text.charCodeAt(++index);
    if (code !== CR) return code === LF ? "HTTP1_INVALID_LINE_END" : "HTTP1_INVALID_FIELD_VALUE";
    if (text.charCodeAt(index + 1) !== LF) return "HTTP1_INVALID_LINE_END";
    let valueEnd = index;
    while (valueEnd > valueStart && isBlank(text.charCodeAt(valueEnd - 1))) valueEnd--;
    nameStart = index + 2;

    const problem = addField(scan, name, hash, classes, text.substring(valueStart, valueEnd), options);
    if (problem !== null) return problem;
  }
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}

function invalidNameByte(text: string, index: number): Http1ErrorCode {
  const code = text.charCodeAt(index);
  const isBareEnd = code === LF || (code === CR && text.charCodeAt(index + 1) !== LF);
  return isBareEnd ? "HTTP1_INVALID_LINE_END" : "HTTP1_INVALID_FIELD_NAME";
}

function addField(
  scan: FieldScan,
  name: string,
  hash: number,
  classes: number,
  value: string,
  options: Http1ReadOptions,
): Http1ErrorCode | null {
  let known = knownFieldName(name, hash);
  if (known === undefined) {
    if (options.underscores !== "allow" && name.includes("_")) {
      return options.underscores === "reject" ? "HTTP1_UNDERSCORE_IN_FIELD_NAME" : null;
    }
    let lower = name;
    if ((classes & IS_UPPER) !== 0) {
      lower = name.toLowerCase();
      known = knownFieldName(lower);
    }
    if (known === undefined) {
      scan.fields.push(lower, value);
      return null;
    }
  }
  if (known.kind === FIELD_PLAIN) {
    scan.fields.push(known.lower, value);
    return null;
  }
  return addSpecialField(scan, known.kind, known.lower, value);
}

function addSpecialField(scan: FieldScan, kind: number, name: string, value: string): Http1ErrorCode | null {
  switch (kind) {
    case FIELD_DROPPED:
      return null;
    case FIELD_HOST:
      if (scan.host !== null) return "HTTP1_INVALID_HOST";
      scan.host = value;
      return null;
    case FIELD_CONTENT_LENGTH:
      if (scan.contentLength >= 0) return "HTTP1_INVALID_CONTENT_LENGTH";
      scan.contentLength = decodeContentLength(value);
      return scan.contentLength < 0 ? "HTTP1_INVALID_CONTENT_LENGTH" : null;
    case FIELD_TRANSFER_ENCODING:
      if (scan.hasTransferEncoding) return "HTTP1_INVALID_TRANSFER_ENCODING";
      scan.hasTransferEncoding = true;
      return checkTransferEncoding(value);
    case FIELD_CONNECTION:
      return addConnectionOptions(scan, value);
    case FIELD_UPGRADE:
      scan.upgrade = scan.upgrade === "" ? value : `${scan.upgrade},${value}`;
      return null;
    case FIELD_TE:
      // Of all that TE may say, "trailers" alone is an end-to-end matter (gRPC needs it).
      if (/(^|,)[ \t]*trailers[ \t]*(,|$)/i.test(value)) scan.fields.push(name, "trailers");
      return null;
    case FIELD_EXPECT:
      scan.expect = scan.expect === "" ? value : `${scan.expect},${value}`;
      return null;
    case FIELD_WEBSOCKET_KEY:
      scan.websocketKey = scan.websocketKey === "" ? value : "repeated";
      return null;
    case FIELD_WEBSOCKET_ACCEPT:
      scan.websocketAccept = value;
      return null;
    default:
      return null;
  }
}

/** A Content-Length value as a number, or -1 unless it is plain digits, few enough to be exact. */
export function decodeContentLength(value: string): number {
  if (value.length === 0 || value.length > CONTENT_LENGTH_DIGITS_MAX) return -1;
  let length = 0;
  for (let index = 0; index < value.length; index++) {
    const digit = value.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** Null for "chunked", the one coding that we read; what else there is was used to smuggle requests more than once. */
function checkTransferEncoding(value: string): Http1ErrorCode | null {
  if (value === "chunked" || value.toLowerCase() === "chunked") return null;
  const codings = value.toLowerCase().split(",");
  const seen = new Set<string>();
  for (const [index, coding] of codings.entries()) {
    const token = coding.trim();
    const isLast = index === codings.length - 1;
    if (token === "" || !isAllOf(token, IS_TOKEN) || seen.has(token)) return "HTTP1_INVALID_TRANSFER_ENCODING";
    if (token === "chunked" && !isLast) return "HTTP1_INVALID_TRANSFER_ENCODING";
    seen.add(token);
  }
  return "HTTP1_UNSUPPORTED_TRANSFER_ENCODING";
}

function addConnectionOptions(scan: FieldScan, value: string): Http1ErrorCode | null {
  scan.connection ??= [];
  if (scan.connection.length === 0 && (value === "keep-alive" || value === "close")) {
    scan.connection.push(value);
    return null;
  }
  for (const part of value.split(",")) {
    const option = part.trim().toLowerCase();
    if (option === "") continue;
    if (!isAllOf(option, IS_TOKEN)) return "HTTP1_INVALID_CONNECTION_OPTION";
    if (scan.connection.length === CONNECTION_OPTIONS_MAX) return "HTTP1_INVALID_CONNECTION_OPTION";
    scan.connection.push(option);
  }
  return null;
}

/** Drops the fields that Connection names: they were meant for us alone. TE is kept in the form given above. */
function removeNominated(scan: FieldScan): null {
  const { connection } = scan;
  if (connection === null) return null;
  let hasNominated = false;
  for (const option of connection) {
    if (option !== "close" && option !== "keep-alive" && option !== "upgrade" && option !== "te") hasNominated = true;
  }
  if (!hasNominated) return null;
  const kept: string[] = [];
  for (let index = 0; index < scan.fields.length; index += 2) {
    const name = scan.fields[index] ?? "";
    if (name !== "te" && connection.includes(name)) continue;
    kept.push(name, scan.fields[index + 1] ?? "");
  }
  scan.fields = kept;
  return null;
}

/** Fields of a trailer section without those that are forbidden there. */
export function withoutForbidden(fields: Fields, forbidden: ReadonlySet<string>): Fields {
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (!forbidden.has(name)) kept.push(name, fields[index + 1] ?? "");
  }
  return kept;
}
