import { type Fields, fieldValues } from "@weft/contract";
import type { Random } from "@weft/kernel";
import { TRACESTATE_CHARS_MAX, TRACESTATE_MEMBERS_MAX } from "./limits.ts";

/** What a caller says of the trace that its request belongs to. */
export interface TraceContext {
  /** 32 hex digits, not all 0. */
  readonly traceId: string;
  /** 16 hex digits, not all 0: the caller's span. */
  readonly parentId: string;
  readonly isSampled: boolean;
  /** The trace id's last 7 bytes are random (Level 2); passed on as it came. */
  readonly isRandom: boolean;
}

const SAMPLED = 1;
const RANDOM = 2;

/*
 *     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *     |  |                                |                |
 *     0  3 trace id                       36 parent id     53 flags
 */
const TRACE_ID_AT = 3;
const PARENT_ID_AT = 36;
const FLAGS_AT = 53;
const VERSION_00_LENGTH = 55;
const DASH = 45;

/**
 * Reads a traceparent field (W3C Trace Context, section 3.2). Null for what the specification calls invalid: a new
 * trace is begun then, as if it were absent. A later version than 00 is read by its first four parts.
 */
export function parseTraceparent(value: string): TraceContext | null {
  const flags = readTraceFlags(value);
  if (flags < 0) return null;
  return {
    traceId: value.slice(TRACE_ID_AT, PARENT_ID_AT - 1),
    parentId: value.slice(PARENT_ID_AT, FLAGS_AT - 1),
    isSampled: (flags & SAMPLED) !== 0,
    isRandom: (flags & RANDOM) !== 0,
  };
}

/** Whether a valid traceparent asks not to be sampled: what most requests carry, so it is told without an allocation. */
export function isUnsampled(value: string): boolean {
  const flags = readTraceFlags(value);
  return flags >= 0 && (flags & SAMPLED) === 0;
}

/** The flags of a valid traceparent, -1 for an invalid one. */
function readTraceFlags(value: string): number {
  const { length } = value;
  if (length < VERSION_00_LENGTH) return -1;
  if (value.charCodeAt(2) !== DASH || value.charCodeAt(35) !== DASH || value.charCodeAt(52) !== DASH) return -1;
  const version = hexBits(value, 0, 2);
  if (version < 0 || (value.charCodeAt(0) === LETTER_F && value.charCodeAt(1) === LETTER_F)) return -1;
  if (length > VERSION_00_LENGTH && (version === 0 || value.charCodeAt(VERSION_00_LENGTH) !== DASH)) return -1;
  if (hexBits(value, TRACE_ID_AT, PARENT_ID_AT - 1) <= 0) return -1;
  if (hexBits(value, PARENT_ID_AT, FLAGS_AT - 1) <= 0) return -1;
  const flags = hexBits(value, FLAGS_AT, VERSION_00_LENGTH);
  return flags < 0 ? -1 : hexDigit(value.charCodeAt(FLAGS_AT + 1));
}

const LETTER_F = 102;

/** All digits of `value[start, end)` or-ed together, so 0 only if all are 0; -1 if one is no lower-case hex digit. */
function hexBits(value: string, start: number, end: number): number {
  let bits = 0;
  for (let index = start; index < end; index++) bits |= hexDigit(value.charCodeAt(index));
  return bits;
}

/** -1 has all bits set: it survives being or-ed. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= LETTER_F ? code - 87 : -1;
}

/** Writes the traceparent of a sampled trace, version 00. */
export function formatTraceparent(traceId: string, spanId: string, isRandom: boolean): string {
  return `00-${traceId}-${spanId}-0${SAMPLED | (isRandom ? RANDOM : 0)}`;
}

/** The traceparent of a new trace that nobody records: its id is for logs. */
export function createUnsampledTraceparent(random: Random): string {
  return `00-${createTraceId(random)}-${createSpanId(random)}-0${RANDOM}`;
}

/** The id of the trace that a request's fields name; "" where they name none that is valid. */
export function traceIdOf(fields: Fields): string {
  const value = traceparentOf(fields);
  return value === undefined || readTraceFlags(value) < 0 ? "" : value.slice(TRACE_ID_AT, PARENT_ID_AT - 1);
}

/** The one traceparent of a request; undefined when there is none, and when there are several. */
export function traceparentOf(fields: Fields): string | undefined {
  let value: string | undefined;
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== "traceparent") continue;
    if (value !== undefined) return undefined;
    value = fields[index + 1];
  }
  return value;
}

const KEY = /^(?:[a-z0-9][_0-9a-z\-*/]{0,255}|[a-z0-9][_0-9a-z\-*/]{0,240}@[a-z][_0-9a-z\-*/]{0,13})$/;
const VALUE = /^[\u0020-\u002b\u002d-\u003c\u003e-\u007e]{0,255}[\u0021-\u002b\u002d-\u003c\u003e-\u007e]$/;

/** Whether the tracestate among `fields` may be passed on (section 3.3); also when there is none. */
export function isTracestateValid(fields: Fields): boolean {
  const value = fieldValues(fields, "tracestate");
  if (value === undefined) return true;
  if (value.length > TRACESTATE_CHARS_MAX) return false;
  const keys = new Set<string>();
  let members = 0;
  for (const part of value.split(",")) {
    const member = trimBlanks(part);
    if (member === "") continue;
    const equals = member.indexOf("=");
    const key = member.slice(0, equals);
    if (equals < 1 || ++members > TRACESTATE_MEMBERS_MAX || keys.has(key)) return false;
    if (!KEY.test(key) || !VALUE.test(member.slice(equals + 1))) return false;
    keys.add(key);
  }
  return true;
}

/** Optional white space is blanks and tabs; `trim` would take more. */
function trimBlanks(text: string): string {
  return text.replace(/^[\t ]+/, "").replace(/[\t ]+$/, "");
}

/** A new trace id: 16 random bytes, not all 0. */
export function createTraceId(random: Random): string {
  const id = hex(random) + hex(random) + hex(random) + hex(random);
  return hexBits(id, 0, id.length) === 0 ? createTraceId(random) : id;
}

/** A new span id: 8 random bytes, not all 0. */
export function createSpanId(random: Random): string {
  const id = hex(random) + hex(random);
  return hexBits(id, 0, id.length) === 0 ? createSpanId(random) : id;
}

function hex(random: Random): string {
  return random.uint32().toString(16).padStart(8, "0");
}
