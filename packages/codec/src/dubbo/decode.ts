import { type Fields, fieldValue, NO_FIELDS, RequestHead, ResponseHead, RPC_FIELDS } from "@weft/contract";
import type { Attachments } from "./attachments.ts";
import type { DubboErrorCode } from "./errors.ts";
import {
  type AttachmentsPlace,
  DubboFrame,
  FLAG_EVENT,
  FLAG_REQUEST,
  FLAG_TWO_WAY,
  HEADER_BYTES,
  MAGIC_HIGH,
  MAGIC_LOW,
  readInt32,
  SERIALIZATION_HESSIAN2,
  SERIALIZATION_MASK,
} from "./frame.ts";
import type { HessianScanner } from "./hessian-scanner.ts";
import { httpStatusOf, STATUS_OK } from "./status.ts";

/** A version that Dubbo writes where there is none. */
const NO_VERSION = "0.0.0";
/** The number 0 in hessian2, whose small numbers are one byte each. */
const HESSIAN_ZERO = 0x90;

/** The fixed header of one frame, as numbers. One per session, written over by each frame. */
export class DubboHeader {
  flags: number = 0;
  status: number = 0;
  /** The id as two halves of 32 bits. */
  idHigh: number = 0;
  idLow: number = 0;
  bodyBytes: number = 0;

  /**
   * Reads the fixed header at `at`. Returns the bytes of the whole frame, 0 while too little of it is here, or the code of
   * what is wrong; that is told as early as it can be.
   */
  read(bytes: Buffer, at: number, end: number): number | DubboErrorCode {
    if (bytes[at] !== MAGIC_HIGH || (end > at + 1 && bytes[at + 1] !== MAGIC_LOW)) return "DUBBO_INVALID_MAGIC";
    if (end - at < HEADER_BYTES) return 0;
    this.flags = bytes[at + 2] ?? 0;
    this.status = bytes[at + 3] ?? 0;
    this.idHigh = readInt32(bytes, at + 4) >>> 0;
    this.idLow = readInt32(bytes, at + 8) >>> 0;
    this.bodyBytes = readInt32(bytes, at + 12);
    return this.bodyBytes < 0 ? "DUBBO_INVALID_LENGTH" : HEADER_BYTES + this.bodyBytes;
  }

  get isRequest(): boolean {
    return (this.flags & FLAG_REQUEST) !== 0;
  }

  get isTwoWay(): boolean {
    return (this.flags & FLAG_TWO_WAY) !== 0;
  }

  get isEvent(): boolean {
    return (this.flags & FLAG_EVENT) !== 0;
  }
}

/** What a request's body says about what is called: the same for each body with the same prefix and attachments. */
export interface DubboTarget {
  readonly authority: string;
  readonly path: string;
  readonly fields: Fields;
  readonly timeoutMs: number;
  /** The same bytes say the same in every body. */
  readonly isPlain: boolean;
}

/** What is known of a request whose body is not hessian2 or not what it should be. */
export const OPAQUE_TARGET: DubboTarget = {
  authority: "",
  path: "/",
  fields: NO_FIELDS,
  timeoutMs: 0,
  isPlain: false,
};

/**
 * Goes from the start of a hessian2 request body to its attachments: dubbo version, path, version, method and types of the
 * arguments (the prefix), then the arguments. Returns where the prefix ends, or -1 when there is none; the scanner is lost
 * when the arguments cannot be passed.
 */
export function scanToAttachments(scanner: HessianScanner): number {
  if (!scanner.isAtText) return -1;
  for (let words = 0; words < 4; words++) scanner.skipValue();
  const types = scanner.readText();
  if (scanner.isLost) return -1;
  const prefixEnd = scanner.at;
  for (let left = countTypes(types); left > 0 && !scanner.isLost; left--) scanner.skipValue();
  return prefixEnd;
}

/** Reads the prefix at the scanner's position; `attachments` is what was read of them, null for nothing. */
export function decodeTarget(scanner: HessianScanner, attachments: Attachments | null): DubboTarget {
  scanner.readText();
  const path = scanner.readText();
  const version = scanner.readText();
  const method = scanner.readText();
  if (scanner.isLost || !isWord(path) || !isWord(method) || !isWord(version)) return OPAQUE_TARGET;
  const fields = attachments === null ? [] : attachments.fields;
  const authority = fieldValue(fields, "interface") ?? path;
  addFact(fields, RPC_FIELDS.version, version === NO_VERSION ? "" : version);
  addFact(fields, RPC_FIELDS.group, fieldValue(fields, "group"));
  addFact(fields, RPC_FIELDS.caller, fieldValue(fields, "remote.application") ?? fieldValue(fields, "application"));
  const target = method === "" ? `/${authority}` : `/${authority}/${method}`;
  const timeoutMs = attachments === null ? 0 : attachments.timeoutMs;
  return { authority, path: target, fields, timeoutMs, isPlain: attachments !== null && attachments.isPlain };
}

function addFact(fields: string[], name: string, value: string | undefined): void {
  if (value !== undefined && value !== "") fields.push(name, value);
}

/** True for what can stand in a path or an authority: no white space and no control character. */
function isWord(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 32 || code === 127) return false;
  }
  return true;
}

/** How many arguments a type description has: "ILjava/lang/String;[B" has three. */
export function countTypes(types: string): number {
  let count = 0;
  for (let at = 0; at < types.length; at++) {
    const char = types[at];
    if (char === "[") continue;
    count++;
    if (char !== "L") continue;
    const end = types.indexOf(";", at);
    if (end < 0) break;
    at = end;
  }
  return count;
}

/** The head of a request; `header` is its fixed header. */
export function createRequestHead(
  header: DubboHeader,
  target: DubboTarget,
  attachments: AttachmentsPlace | null,
): RequestHead {
  const { authority, path, fields, timeoutMs } = target;
  const frame = new DubboFrame(header.flags, header.status, timeoutMs, fields, attachments);
  return new RequestHead("POST", "dubbo", authority, path, fields, header.bodyBytes, "", false, frame);
}

/** The head of a response, whose body stays opaque. */
export function createResponseHead(header: DubboHeader): ResponseHead {
  const frame = new DubboFrame(header.flags, header.status, 0, NO_FIELDS, null);
  return new ResponseHead(httpStatusOf(header.status), NO_FIELDS, header.bodyBytes, frame);
}

/**
 * True for a response that brings what the service threw: such a call has succeeded as far as Dubbo goes, and all of it
 * stays opaque but the number that the body begins with (DubboCodec: RESPONSE_WITH_EXCEPTION, or 3 with attachments).
 */
export function isException({ flags, status, bodyBytes }: DubboHeader, bytes: Buffer, at: number): boolean {
  if (status !== STATUS_OK || bodyBytes === 0 || (flags & SERIALIZATION_MASK) !== SERIALIZATION_HESSIAN2) return false;
  const first = bytes[at + HEADER_BYTES];
  return first === HESSIAN_ZERO || first === HESSIAN_ZERO + 3;
}

/**
 * True when a connection whose first bytes are `bytes[start, end)` speaks Dubbo: no HTTP method, TLS record or other RPC
 * protocol begins so. "more" while that cannot be told.
 */
export function looksLikeDubbo(bytes: Buffer, start: number, end: number): boolean | "more" {
  if (start === end) return "more";
  if (bytes[start] !== MAGIC_HIGH) return false;
  if (end - start === 1) return "more";
  if (bytes[start + 1] !== MAGIC_LOW) return false;
  if (end - start === 2) return "more";
  return ((bytes[start + 2] ?? 0) & FLAG_REQUEST) !== 0;
}
