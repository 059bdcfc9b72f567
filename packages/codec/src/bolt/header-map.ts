import { NO_FIELDS, type Fields } from "@weft/contract";
import { FieldChanges, fieldNameOf, isFieldValue } from "../rpc/fields.ts";
import type { BoltErrorCode } from "./errors.ts";
import { HEADER_PAIRS_MAX } from "./limits.ts";

/*
 * A header map (sofa-rpc: SimpleMapSerializer), one character per byte:
 *
 *     i32 key length, key, i32 value length, value, ...        a negative length is null and has no bytes
 *
 * Java drops pairs with a null; they are shown to nobody here and go out again as they came.
 */

/** The pair at which a `HeaderMapReader` stands. */
class Pair {
  keyStart: number = 0;
  keyEnd: number = 0;
  valueStart: number = 0;
  valueEnd: number = 0;
  isNull: boolean = false;

  /** Reads the pair at `at`; returns where the next one begins, or -1 when it does not end within the map. */
  read(head: string, at: number): number {
    const keyBytes = int32At(head, at);
    this.keyStart = at + 4;
    this.keyEnd = this.keyStart + Math.max(0, keyBytes);
    // One comparison per length: adding lengths below 2^31 cannot overflow a number.
    if (this.keyEnd + 4 > head.length) return -1;
    const valueBytes = int32At(head, this.keyEnd);
    this.valueStart = this.keyEnd + 4;
    this.valueEnd = this.valueStart + Math.max(0, valueBytes);
    this.isNull = keyBytes < 0 || valueBytes < 0;
    return this.valueEnd > head.length ? -1 : this.valueEnd;
  }

  /** The field name that the key is shown as; "" for a pair that is shown to nobody. */
  nameIn(head: string): string {
    if (this.isNull) return "";
    const name = fieldNameOf(head.substring(this.keyStart, this.keyEnd));
    return name === "" || !isFieldValue(head.substring(this.valueStart, this.valueEnd)) ? "" : name;
  }
}

/** Used by one call at a time. */
const pair = new Pair();

/** The fields of the header map at the end of `head`, from `start` on. */
export function decodeHeaderMap(head: string, start: number): Fields | BoltErrorCode {
  if (start === head.length) return NO_FIELDS;
  const fields: string[] = [];
  let pairs = 0;
  for (let at = start; at < head.length;) {
    const next = pair.read(head, at);
    if (next < 0) return "BOLT_INVALID_HEADER_MAP";
    if (++pairs > HEADER_PAIRS_MAX) return "BOLT_HEAD_TOO_LARGE";
    const name = pair.nameIn(head);
    if (name !== "") fields.push(name, head.substring(pair.valueStart, pair.valueEnd));
    at = next;
  }
  return fields;
}

/** The header map from `start` on with `fields` instead: pairs that stay keep their key's spelling and their place. */
export function changeHeaderMap(head: string, start: number, fields: Fields): string {
  const changes = new FieldChanges(fields);
  let changed = "";
  for (let at = start; at < head.length;) {
    const next = pair.read(head, at);
    if (next < 0) break;
    const name = pair.nameIn(head);
    if (name === "") {
      changed += head.substring(at, next);
    } else {
      const value = changes.take(name);
      if (value !== undefined) changed += encodePair(head.substring(pair.keyStart, pair.keyEnd), value);
    }
    at = next;
  }
  const added = changes.added();
  for (let index = 0; index < added.length; index += 2)
    changed += encodePair(added[index] ?? "", added[index + 1] ?? "");
  return changed;
}

/** One pair of a header map. */
export function encodePair(key: string, value: string): string {
  return int32Text(key.length) + key + int32Text(value.length) + value;
}

function int32At(text: string, at: number): number {
  return (
    (text.charCodeAt(at) << 24) |
    (text.charCodeAt(at + 1) << 16) |
    (text.charCodeAt(at + 2) << 8) |
    text.charCodeAt(at + 3)
  );
}

function int32Text(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}
