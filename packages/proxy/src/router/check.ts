import type { RouteRule } from "@weft/contract";
import { WeftError } from "@weft/kernel";
import type { RouterErrorCode } from "./errors.ts";
import { renderMatch } from "./rule-text.ts";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Checks values of one rule and says precisely what is wrong with the first that is not valid. */
export class Check {
  readonly #table: string;
  readonly #rule: RouteRule | null;

  constructor(table: string, rule: RouteRule | null) {
    this.#table = table;
    this.#rule = rule;
  }

  /** @throws WeftError ROUTER_INVALID_TABLE, always */
  fail(field: string, value: unknown, expected: string, cause?: unknown): never {
    const rule = this.#rule;
    // Without the name, which may be what is wrong.
    const where = rule === null ? field : `${renderMatch({ ...rule, ruleName: "" })}: ${field}`;
    throw new WeftError<RouterErrorCode>(
      "ROUTER_INVALID_TABLE",
      `Cannot compile route table "${this.#table}": ${where} is ${shown(value)}, expected ${expected}`,
      {
        table: this.#table,
        ...(rule !== null && { route: rule.route, rule: rule.rule, matchIndex: rule.matchIndex }),
        field,
        value,
        expected,
      },
      cause === undefined ? undefined : { cause },
    );
  }

  number(field: string, value: number, min: number, max: number): void {
    if (!(value >= min && value <= max)) this.fail(field, value, `a number from ${min} to ${max}`);
  }

  integer(field: string, value: number, min: number, max: number): void {
    if (!Number.isInteger(value)) this.fail(field, value, `an integer from ${min} to ${max}`);
    if (value < min || value > max) this.fail(field, value, `an integer from ${min} to ${max}`);
  }

  count(field: string, list: readonly unknown[], min: number, max: number): void {
    if (list.length < min || list.length > max) this.fail(field, list.length, `${min} to ${max} entries`);
  }

  /** A text of `min` to `max` bytes without control characters. */
  text(field: string, value: string, min: number, max: number): void {
    const byteCount = Buffer.byteLength(value);
    if (byteCount < min || byteCount > max) this.fail(field, value, `${min} to ${max} bytes`);
    if (/[\0-\x08\n-\x1f\x7f]/.test(value))
      this.fail(field, value, "a text without CR, LF, NUL or other control characters");
  }

  /** A name as RFC 9110 section 5.6.2 defines tokens: methods, field names. */
  token(field: string, value: string): void {
    if (!TOKEN.test(value) || value.length > 256) this.fail(field, value, "a token of 1 to 256 characters");
  }

  lowerToken(field: string, value: string): void {
    this.token(field, value);
    if (/[A-Z]/.test(value)) this.fail(field, value, "a name in lower case");
  }

  oneOf<T extends string | number>(field: string, value: T, allowed: readonly T[]): void {
    if (!allowed.includes(value)) this.fail(field, value, `one of ${allowed.join(", ")}`);
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 200 ? `${text.slice(0, 200)}... (${text.length} characters)` : text;
}
