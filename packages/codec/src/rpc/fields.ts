import { type Fields, RPC_FIELDS } from "@weft/contract";
import { IS_TOKEN, isAllOf } from "../http1/frame.ts";
import { KNOWN_NAMES_MAX } from "./limits.ts";

/** Field names that are ours and never go out on the wire, beside those that begin with x-forwarded-. */
const OWN_NAMES: ReadonlySet<string> = new Set([...Object.values(RPC_FIELDS), "x-weft-hops"]);

const knownNames: Map<string, string> = new Map();

/** True for a field that states a fact of ours: it is neither read from the wire nor written to it. */
export function isOwnName(name: string): boolean {
  return OWN_NAMES.has(name) || name.startsWith("x-forwarded-");
}

/** The field name of a key, in lower case; "" for a key that is shown to nobody, because it is no field name or is ours. */
export function fieldNameOf(key: string): string {
  const known = knownNames.get(key);
  if (known !== undefined) return known;
  const lower = key.toLowerCase();
  const name = key === "" || !isAllOf(key, IS_TOKEN) || isOwnName(lower) ? "" : lower;
  // The first names are the common ones: whoever makes up names later fills no memory.
  if (knownNames.size < KNOWN_NAMES_MAX) knownNames.set(Buffer.from(key, "latin1").toString("latin1"), name);
  return name;
}

/** Keys whose field names are remembered. */
export function knownNameCount(): number {
  return knownNames.size;
}

/** True when a value can stand in a field: no control character, no white space at its ends. */
export function isFieldValue(value: string): boolean {
  const { length } = value;
  if (length === 0) return true;
  if (value.charCodeAt(0) === 32 || value.charCodeAt(length - 1) === 32) return false;
  for (let index = 0; index < length; index++) {
    const code = value.charCodeAt(index);
    if (code < 32 || code === 127) return false;
  }
  return true;
}

/** True when `fields` say on the wire what `original` say: whatever was added is ours. */
export function isSameOnWire(fields: Fields, original: Fields): boolean {
  if (fields === original) return true;
  if (fields.length < original.length) return false;
  for (let index = 0; index < original.length; index++) if (fields[index] !== original[index]) return false;
  for (let index = original.length; index < fields.length; index += 2) {
    if (!isOwnName(fields[index] ?? "")) return false;
  }
  return true;
}

/** Fields that replace others: each value is taken once, so that a map is written again in its own order. */
export class FieldChanges {
  readonly #fields: Fields;
  readonly #isTaken: boolean[];

  constructor(fields: Fields) {
    this.#fields = fields;
    this.#isTaken = new Array<boolean>(fields.length / 2).fill(false);
  }

  /** The next value of `name` that was not taken; undefined when there is none: the pair was removed. */
  take(name: string): string | undefined {
    const fields = this.#fields;
    for (let index = 0; index < fields.length; index += 2) {
      if (fields[index] !== name || this.#isTaken[index / 2] === true) continue;
      this.#isTaken[index / 2] = true;
      return fields[index + 1];
    }
    return undefined;
  }

  /** Name, value, ... of what was not taken: the pairs that were added. */
  added(): string[] {
    const added: string[] = [];
    const fields = this.#fields;
    for (let index = 0; index < fields.length; index += 2) {
      const name = fields[index] ?? "";
      if (this.#isTaken[index / 2] !== true && !isOwnName(name)) added.push(name, fields[index + 1] ?? "");
    }
    return added;
  }
}
