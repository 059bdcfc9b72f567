import { type Fields, type HeaderChange, NO_FIELDS, type ResponseHead } from "@weft/contract";

/**
 * What a list of header changes comes to: every field called like one of `dropped` goes, `appended` follows the rest.
 * Any number of changes in a row compose into one.
 */
export interface FieldChange {
  readonly dropped: readonly string[];
  readonly appended: Fields;
}

/** A text of a configuration as it is on the wire: its UTF-8 bytes, one character per byte. */
export function wireText(text: string): string {
  return /[^\0-\x7f]/.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}

/** The change that `remove`, then `set`, then `add` come to; null for none. */
export function compileFieldChange(change: HeaderChange | null): FieldChange | null {
  if (change === null) return null;
  const dropped = new Set(change.remove);
  const appended: string[] = [];
  for (const [name, value] of change.set) {
    // Of several values for one name the last holds: each `set` replaces the one before.
    if (dropped.has(name)) removeByName(appended, name);
    dropped.add(name);
    appended.push(name, wireText(value));
  }
  for (const [name, value] of change.add) appended.push(name, wireText(value));
  return dropped.size === 0 && appended.length === 0 ? null : { dropped: [...dropped], appended };
}

/** The one change that does what `first` and then `second` do. */
export function composeFieldChanges(first: FieldChange | null, second: FieldChange | null): FieldChange | null {
  if (first === null) return second;
  if (second === null) return first;
  const appended = [...first.appended];
  for (const name of second.dropped) removeByName(appended, name);
  return {
    dropped: [...new Set([...first.dropped, ...second.dropped])],
    appended: [...appended, ...second.appended],
  };
}

/**
 * What becomes of trailers where heads are changed: what any of `changes` sets or removes does not come in trailers
 * instead. Null for nothing.
 */
export function trailerChange(changes: readonly (FieldChange | null)[]): FieldChange | null {
  const dropped = new Set(changes.flatMap((change) => change?.dropped ?? []));
  return dropped.size === 0 ? null : { dropped: [...dropped], appended: NO_FIELDS };
}

function removeByName(fields: string[], name: string): void {
  for (let index = fields.length - 2; index >= 0; index -= 2) {
    if (fields[index] === name) fields.splice(index, 2);
  }
}

/** `fields` with `change` applied; the same list when that changes nothing. */
export function changeFields(fields: Fields, change: FieldChange): Fields {
  const { dropped, appended } = change;
  if (appended.length === 0 && !dropped.some((name) => hasField(fields, name))) return fields;
  const changed: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (!dropped.includes(name)) changed.push(name, fields[index + 1] ?? "");
  }
  for (let index = 0; index < appended.length; index++) changed.push(appended[index] ?? "");
  return changed;
}

function hasField(fields: Fields, name: string): boolean {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] === name) return true;
  }
  return false;
}

/** Kept on `ResponseHead.memo`: the change that was applied last, and what it came to. */
class ResponseMemo {
  readonly change: FieldChange;
  readonly head: ResponseHead;

  constructor(change: FieldChange, head: ResponseHead) {
    this.change = change;
    this.head = head;
  }
}

/**
 * `head` with `change` applied; the same object for the same head and change, so that an encoder can reuse its bytes.
 */
export function withResponseChanges(head: ResponseHead, change: FieldChange | null): ResponseHead {
  if (change === null) return head;
  const memo = head.memo as ResponseMemo | null;
  if (memo !== null && memo.change === change) return memo.head;
  const fields = changeFields(head.fields, change);
  const changed = fields === head.fields ? head : head.withFields(fields);
  head.memo = new ResponseMemo(change, changed);
  return changed;
}

/** The change that sets one field. */
export function setField(name: string, value: string): FieldChange {
  return { dropped: [name], appended: [name, wireText(value)] };
}
