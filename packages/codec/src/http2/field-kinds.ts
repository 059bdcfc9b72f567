/**
 * What a field means to HTTP/2 itself. Found once per table entry, so that reading a header block is a walk over small
 * integers. Numbers 1 to 7 are pseudo fields.
 */
export const KIND_REGULAR = 0;
export const KIND_METHOD = 1;
export const KIND_SCHEME = 2;
export const KIND_AUTHORITY = 3;
export const KIND_PATH = 4;
export const KIND_PROTOCOL = 5;
export const KIND_STATUS = 6;
/** A pseudo field that nobody defined. */
export const KIND_PSEUDO_UNKNOWN = 7;
export const KIND_HOST = 8;
export const KIND_CONTENT_LENGTH = 9;
export const KIND_TE = 10;
export const KIND_COOKIE = 11;
export const KIND_EXPECT = 12;
/** Connection-specific: malformed in HTTP/2 (RFC 9113 section 8.2.2). */
export const KIND_CONNECTION = 13;
/** A name or value with forbidden characters (RFC 9113 section 8.2.1). */
export const KIND_INVALID = 14;

/** Regular, with an underscore in its name: some servers take it for a dash, so edges refuse it. */
export const KIND_UNDERSCORE = 15;

/** True for the kinds of pseudo fields. */
export function isPseudo(kind: number): boolean {
  return kind >= KIND_METHOD && kind <= KIND_PSEUDO_UNKNOWN;
}

const KINDS: ReadonlyMap<string, number> = new Map([
  [":method", KIND_METHOD],
  [":scheme", KIND_SCHEME],
  [":authority", KIND_AUTHORITY],
  [":path", KIND_PATH],
  [":protocol", KIND_PROTOCOL],
  [":status", KIND_STATUS],
  ["host", KIND_HOST],
  ["content-length", KIND_CONTENT_LENGTH],
  ["te", KIND_TE],
  ["cookie", KIND_COOKIE],
  ["expect", KIND_EXPECT],
  ["connection", KIND_CONNECTION],
  ["keep-alive", KIND_CONNECTION],
  ["proxy-connection", KIND_CONNECTION],
  ["transfer-encoding", KIND_CONNECTION],
  ["upgrade", KIND_CONNECTION],
]);

/** 1: lower-case token character; 2: allowed inside a field value. */
const NAME_BYTE = 1;
const VALUE_BYTE = 2;

function classifyBytes(): Uint8Array {
  const classes = new Uint8Array(256);
  for (let code = 0x20; code < 256; code++) if (code !== 0x7f) classes[code] = VALUE_BYTE;
  classes[0x09] = VALUE_BYTE;
  for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
    classes[character.charCodeAt(0)] = NAME_BYTE | VALUE_BYTE;
  }
  return classes;
}

const CLASSES: Uint8Array = classifyBytes();

/** True for a token (RFC 9110 section 5.6.2) without upper-case letters. */
export function isFieldName(name: string): boolean {
  const length = name.length;
  for (let index = 0; index < length; index++) {
    if (((CLASSES[name.charCodeAt(index)] ?? 0) & NAME_BYTE) === 0) return false;
  }
  return length > 0;
}

/** True for visible characters, spaces and tabs, with no white space at the ends; control characters are refused. */
export function isFieldValue(value: string): boolean {
  const length = value.length;
  if (length === 0) return true;
  for (let index = 0; index < length; index++) {
    if (((CLASSES[value.charCodeAt(index)] ?? 0) & VALUE_BYTE) === 0) return false;
  }
  return !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(length - 1));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** The kind that a name alone decides. */
export function nameKind(name: string): number {
  const kind = KINDS.get(name);
  if (kind !== undefined) return kind;
  if (name.charCodeAt(0) === 0x3a) return KIND_PSEUDO_UNKNOWN;
  if (!isFieldName(name)) return KIND_INVALID;
  return name.includes("_") ? KIND_UNDERSCORE : KIND_REGULAR;
}

/** The kind of a whole field: that of its name, unless the value breaks the rules. */
export function fieldKind(kindOfName: number, value: string): number {
  return isFieldValue(value) ? kindOfName : KIND_INVALID;
}
