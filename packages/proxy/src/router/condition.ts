import type { Fields, NamedMatch, RequestHead } from "@weft/contract";
import { wireText } from "./field-change.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { queryValue } from "./query.ts";

/** A condition on a header field or a query parameter, ready to be tested. */
export class Condition {
  readonly type: NamedMatch["type"];
  /** In lower case for header fields. */
  readonly name: string;
  readonly value: string;
  readonly pattern: Pattern | null;

  constructor(match: NamedMatch) {
    this.type = match.type;
    this.name = wireText(match.name);
    this.value = wireText(match.value);
    this.pattern = match.type === "regex" ? compilePattern(match.value) : null;
  }

  /** Whether `value`, undefined if there is none, fulfils the condition. */
  accepts(value: string | undefined): boolean {
    if (value === undefined) return false;
    switch (this.type) {
      case "exact":
        return value === this.value;
      case "prefix":
        return value.startsWith(this.value);
      case "regex":
        return this.pattern !== null && this.pattern.matches(value);
      case "present":
        return true;
    }
  }

  acceptsHeader(head: RequestHead): boolean {
    return this.accepts(headerText(head, this.name));
  }

  acceptsQuery(path: string): boolean {
    return this.accepts(queryValue(path, this.name));
  }
}

/** Conditions of a match. Of several for one name only the first counts, as Gateway API asks. */
export function compileConditions(matches: readonly NamedMatch[]): readonly Condition[] {
  const names = new Set<string>();
  const conditions: Condition[] = [];
  for (const match of matches) {
    if (!names.has(match.name)) conditions.push(new Condition(match));
    names.add(match.name);
  }
  return conditions;
}

/**
 * What conditions and hash keys see of header `name`: all its values joined with "," (cookies with "; ", which is how
 * HTTP/2 splits them), or the authority for "host".
 */
export function headerText(head: RequestHead, name: string): string | undefined {
  return name === "host" ? head.authority : joinedValue(head.fields, name);
}

function joinedValue(fields: Fields, name: string): string | undefined {
  let joined: string | undefined;
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== name) continue;
    const value = fields[index + 1] ?? "";
    joined = joined === undefined ? value : `${joined}${name === "cookie" ? "; " : ","}${value}`;
  }
  return joined;
}
