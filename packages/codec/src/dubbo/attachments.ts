import { isUtf8 } from "node:buffer";
import type { Fields } from "@weft/contract";
import { sliceLatin1 } from "@weft/kernel";
import { FieldChanges, fieldNameOf, isFieldValue } from "../rpc/fields.ts";
import type { AttachmentsPlace } from "./frame.ts";
import { HessianScanner, TAG_END, TAG_MAP_TYPED, TAG_MAP_UNTYPED, TAG_NULL } from "./hessian-scanner.ts";
import { ATTACHMENTS_MAX } from "./limits.ts";

/*
 * The attachments of a request: a hessian2 map behind the arguments.
 *
 *     'H' | 'M' type     key value, key value, ...     'Z'            or 'N' for none
 *
 * Pairs of two strings are shown as fields. All others, objects for example, go out again as they came; so do numbers of
 * references, since only strings come and go, which nothing can refer to.
 */

/** The longest string of one chunk. */
const STRING_UNITS_MAX = 65_535;

/** Used by one call at a time. */
const scanner = new HessianScanner(Buffer.alloc(0));

/** Attachments that say how long the caller waits, Dubbo's own since 2.7.9 first. */
const TIMEOUT_KEYS: readonly string[] = ["_TO", "timeout"];

/** The pair at which a walk over a map stands; positions are in the body's bytes. */
interface Pair {
  readonly key: string;
  /** The field name that the key is shown as; "" for a pair that is shown to nobody. */
  readonly name: string;
  readonly value: string;
  /** A value that is an int; NaN for any other. */
  readonly number: number;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** Walks over the map at the scanner's position, and behind it; false when there is none or it is malformed. */
function walkPairs(scanner: HessianScanner, onPair: (pair: Pair) => void): boolean {
  const { tag } = scanner;
  if (tag === TAG_NULL) {
    scanner.at++;
    return true;
  }
  if (tag !== TAG_MAP_UNTYPED && tag !== TAG_MAP_TYPED) return false;
  scanner.at++;
  // A type is a string, or the number of an earlier one: both are values.
  if (tag === TAG_MAP_TYPED) scanner.skipValue();
  for (let pairs = 0; !scanner.isLost && scanner.tag !== TAG_END; pairs++) {
    if (pairs === ATTACHMENTS_MAX) return false;
    const start = scanner.at;
    let key = "";
    if (scanner.isAtText) key = scanner.readText();
    else scanner.skipValue();
    const valueStart = scanner.at;
    const isText = scanner.isAtText;
    const number = scanner.peekInt();
    let value = "";
    if (isText) value = scanner.readText();
    else scanner.skipValue();
    if (scanner.isLost) return false;
    const name = isText && isFieldValue(value) ? fieldNameOf(key) : "";
    onPair({ key, name, value, number, start, valueStart, end: scanner.at });
  }
  if (scanner.isLost) return false;
  scanner.at++;
  return true;
}

/** What the attachments of a request say. */
export class Attachments {
  readonly fields: string[] = [];
  timeoutMs: number = 0;
  /** They are strings alone, so that the same bytes say the same in every body. */
  isPlain: boolean = true;

  /** Reads the map at the position of `scanner`; false when it cannot be read. */
  read(scanner: HessianScanner): boolean {
    if (scanner.tag === TAG_MAP_TYPED) this.isPlain = false;
    return walkPairs(scanner, (pair) => {
      const { name, key, value, number } = pair;
      if (name !== "") this.fields.push(name, value);
      else this.isPlain = false;
      if (this.timeoutMs > 0 && key !== TIMEOUT_KEYS[0]) return;
      if (!TIMEOUT_KEYS.includes(key)) return;
      const timeoutMs = Number.isNaN(number) && /^\d{1,9}$/.test(value) ? Number(value) : number;
      if (timeoutMs > 0) this.timeoutMs = timeoutMs;
    });
  }
}

/** The map at `place` of the body that begins at `bytes[bodyStart]`, with `fields` instead; null when it cannot be written. */
export function changeAttachments(
  bytes: Buffer,
  bodyStart: number,
  place: AttachmentsPlace,
  fields: Fields,
): string | null {
  scanner.begin(bytes, bodyStart + place.start, bodyStart + place.end, place.classes);
  const changes = new FieldChanges(fields);
  let text = "";
  let from = scanner.at;
  let isWritable = true;
  const isRead = walkPairs(scanner, ({ name, value, start, valueStart, end }) => {
    if (name === "") return;
    const wanted = changes.take(name);
    if (wanted === value) return;
    // What was not changed since the last change goes out as it came.
    text += sliceLatin1(bytes, from, wanted === undefined ? start : valueStart);
    from = end;
    if (wanted === undefined) return;
    const encoded = encodeText(wanted);
    if (encoded === null) isWritable = false;
    else text += encoded;
  });
  if (!isRead) return null;
  const isNull = bytes[bodyStart + place.start] === TAG_NULL;
  text += isNull ? "H" : sliceLatin1(bytes, from, bodyStart + place.end - 1);
  const added = changes.added();
  for (const word of added) {
    const encoded = encodeText(word);
    if (encoded === null) isWritable = false;
    else text += encoded;
  }
  return isWritable ? `${text}Z` : null;
}

/** A hessian2 string of one chunk; null for a text that is too long for one. `text` is UTF-8, or else latin1. */
export function encodeText(text: string): string | null {
  const encoded = isAscii(text) ? text : toJavaUtf8(text);
  const units = encoded === text ? text.length : unitsOf(encoded);
  if (units > STRING_UNITS_MAX) return null;
  if (units < 0x20) return String.fromCharCode(units) + encoded;
  if (units < 0x400) return String.fromCharCode(0x30 + (units >>> 8), units & 255) + encoded;
  return `S${String.fromCharCode(units >>> 8, units & 255)}${encoded}`;
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return false;
  return true;
}

/** UTF-8, one character per byte, with each surrogate by itself: Java peers know no sequences of four bytes. */
function toJavaUtf8(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  const decoded = isUtf8(bytes) ? bytes.toString("utf8") : text;
  let encoded = "";
  for (let index = 0; index < decoded.length; index++) {
    const code = decoded.charCodeAt(index);
    if (code < 0x80) encoded += String.fromCharCode(code);
    else if (code < 0x800) encoded += String.fromCharCode(0xc0 | (code >>> 6), 0x80 | (code & 63));
    else encoded += String.fromCharCode(0xe0 | (code >>> 12), 0x80 | ((code >>> 6) & 63), 0x80 | (code & 63));
  }
  return encoded;
}

/** UTF-16 code units of what `toJavaUtf8` wrote. */
function unitsOf(encoded: string): number {
  let units = 0;
  for (let index = 0; index < encoded.length; index++) if ((encoded.charCodeAt(index) & 0xc0) !== 0x80) units++;
  return units;
}
