/**
 * The leaves that schemas are made of: each says in its message what was expected, as the end of a sentence.
 *
 * All of them import zod as a namespace: of the object `z` that it exports, too, bundles keep everything, 560 KB of texts in
 * fifty languages among it, which each process then reads.
 */
import { RE2JS } from "re2js";
import * as z from "zod";
import { parseDuration } from "../load/duration.ts";
import { REGEX_CHARS_MAX } from "../limits.ts";

/** What the message of an unknown-field issue holds, as JSON: `toFindings` makes one sentence per field of it. */
export interface UnknownFieldHint {
  readonly known: readonly string[];
  /** Fields that exist elsewhere but not here, and why. */
  readonly unsupported: Readonly<Record<string, string>>;
}

/** A mapping with exactly these fields. `unsupported` names fields of the specification that Weft does not have. */
export function object<Shape extends z.ZodRawShape>(
  shape: Shape,
  unsupported: Readonly<Record<string, string>> = {},
): z.ZodObject<Shape, z.core.$strict> {
  const hint: UnknownFieldHint = { known: Object.keys(shape), unsupported };
  const unknownField = JSON.stringify(hint);
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? unknownField : "a mapping of fields to values"),
  });
}

/** A field that may be absent (but not null). */
export function optional<Schema extends z.ZodType>(schema: Schema): z.ZodExactOptional<Schema> {
  return z.exactOptional(schema);
}

/** A list with `min` to `max` entries. */
export function list<Item extends z.ZodType>(item: Item, max: number, min: number = 0): z.ZodArray<Item> {
  const range = min === 0 ? `at most ${max} entries` : `${min} to ${max} entries`;
  const expected = `a list of ${max === 1 && min === 1 ? "exactly one entry" : range}`;
  return z.array(item, { error: expected }).min(min, { error: expected }).max(max, { error: expected });
}

/** A whole number in a range. */
export function integer(min: number, max: number): z.ZodType<number> {
  const error = `an integer from ${min} to ${max}`;
  return z.number({ error }).refine((value) => Number.isInteger(value) && value >= min && value <= max, { error });
}

/** A number in a range, fractions allowed. */
export function decimal(min: number, max: number): z.ZodType<number> {
  const error = `a number from ${min} to ${max}`;
  return z.number({ error }).refine((value) => value >= min && value <= max, { error });
}

/** 0 to 100. */
export const percentage: z.ZodType<number> = decimal(0, 100);

export const boolean: z.ZodType<boolean> = z.boolean({ error: "true or false" });

/** A text of at most `charsMax` characters that `pattern` accepts (default: not empty, no control characters). */
export function text(expected: string, charsMax: number, pattern: RegExp = /^[^\0-\x1f\x7f]+$/): z.ZodType<string> {
  return z
    .string({ error: expected })
    .refine((value) => value.length <= charsMax && pattern.test(value), { error: expected });
}

/** One of several words. */
export function word<const Words extends readonly string[]>(words: Words): z.ZodType<Words[number]> {
  const quoted = words.map((each) => `"${each}"`).join(", ");
  return z.enum(words, { error: words.length === 1 ? quoted : `one of ${quoted}` });
}

/** One of several numbers. */
export function numberOf<const Numbers extends readonly number[]>(numbers: Numbers): z.ZodType<Numbers[number]> {
  return z.literal(numbers, { error: `one of ${numbers.join(", ")}` });
}

/** One of several mappings, told apart by their field `type`. */
export function byType<
  const Options extends readonly [z.core.$ZodTypeDiscriminable, ...z.core.$ZodTypeDiscriminable[]],
>(options: Options, types: readonly string[]): z.ZodDiscriminatedUnion<Options> {
  const expected = `one of ${types.map((each) => `"${each}"`).join(", ")}`;
  return z.discriminatedUnion("type", options, {
    error: (issue) => (issue.code === "invalid_union" ? expected : "a mapping of fields to values"),
  });
}

const LABEL = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?";
const SUBDOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

/** Name of a resource. */
export const objectName: z.ZodType<string> = text(
  "a name of lower-case letters, digits, - and ., at most 253 characters",
  253,
  SUBDOMAIN,
);

/** Name of a namespace. */
export const namespaceName: z.ZodType<string> = text(
  "a namespace of lower-case letters, digits and -, at most 63 characters",
  63,
  new RegExp(`^${LABEL}$`),
);

/** Name of a listener, a rule or a port. */
export const sectionName: z.ZodType<string> = text(
  "a section name of lower-case letters, digits, - and ., at most 253 characters",
  253,
  SUBDOMAIN,
);

export const groupName: z.ZodType<string> = text(
  'an API group such as "weft.dev", or ""',
  253,
  new RegExp(`^$|${SUBDOMAIN.source}`),
);

export const kindName: z.ZodType<string> = text(
  'a kind such as "Service"',
  63,
  /^[a-zA-Z](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/,
);

/** Exact, or with "*." as its first label; not an address. */
export const hostname: z.ZodType<string> = text(
  'a lower-case host name such as "shop.example.com" or "*.example.com", not an IP address',
  253,
  new RegExp(`^(?![0-9.]+$)(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`),
);

/** Exact; not an address. */
export const preciseHostname: z.ZodType<string> = text(
  'a lower-case host name such as "shop.example.com", without wildcard and not an IP address',
  253,
  new RegExp(`^(?![0-9.]+$)${LABEL}(?:\\.${LABEL})*$`),
);

export const port: z.ZodType<number> = integer(1, 65535);

/** A port to listen on; 0 lets the system choose. */
export const listenPort: z.ZodType<number> = integer(0, 65535);

export const duration: z.ZodType<string> = z
  .string({ error: 'a duration such as "1m30s" (numbers with h, m, s or ms), at most 24h' })
  .refine((value) => parseDuration(value) !== undefined, {
    error: 'a duration such as "1m30s" (numbers with h, m, s or ms), at most 24h',
  });

/** A duration that is not zero. */
export const positiveDuration: z.ZodType<string> = z
  .string({ error: 'a duration above zero such as "1m30s" (numbers with h, m, s or ms), at most 24h' })
  .refine((value) => (parseDuration(value) ?? 0) > 0, {
    error: 'a duration above zero such as "1m30s" (numbers with h, m, s or ms), at most 24h',
  });

/** A token of RFC 9110. */
export const headerName: z.ZodType<string> = text(
  "a header name of letters, digits and !#$%&'*+-.^_`|~, at most 256 characters",
  256,
  /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/,
);

/** What may stand in a header field: no control characters, no surrounding white space, latin1. */
export const headerValue: z.ZodType<string> = text(
  "a header value of printable characters without white space around it, at most 2048 characters",
  2048,
  /^[!-~\u00a1-\u00ff](?:[\t -~\u00a1-\u00ff]*[!-~\u00a1-\u00ff])?$/,
);

/** Labels by name. */
export const labelMap: z.ZodType<Record<string, string>> = z.record(
  z.string(),
  text("a label: a text of at most 253 characters (quote numbers and true or false)", 253, /^[^\0-\x1f\x7f]*$/),
  { error: "a mapping of names to texts" },
);

/** Annotations and other texts by name. */
export const textMap: z.ZodType<Record<string, string>> = z.record(
  z.string(),
  z.string({ error: "a text (quote numbers and true or false)" }),
  { error: "a mapping of names to texts" },
);

/** A text to compare with: of at most `charsMax` printable characters, bytes above 127 as UTF-8. */
export function plainText(expected: string, charsMax: number): z.ZodType<string> {
  return z
    .string({ error: expected })
    .refine((value) => value !== "" && Buffer.byteLength(value) <= charsMax && !/[\0-\x1f\x7f]/.test(value), {
      error: expected,
    });
}

/** Why `pattern` cannot be used as a regular expression, or undefined if it can. */
export function regexFault(pattern: string): string | undefined {
  if (pattern === "" || pattern.length > REGEX_CHARS_MAX) {
    return `a regular expression of 1 to ${REGEX_CHARS_MAX} characters`;
  }
  if (/[^ -~]/.test(pattern)) return "a regular expression of printable ASCII (bytes above 127 as \\xHH)";
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return `a regular expression in RE2 syntax (${detail})`;
  }
}

const PATH_CHARS = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/;

/** Why `value` cannot be compared with or put in place of a request's path, or undefined if it can. */
export function pathFault(value: string): string | undefined {
  if (!value.startsWith("/")) return 'a path that begins with "/"';
  if (!PATH_CHARS.test(value)) return "a path without query, fragment, spaces and control characters";
  const forbidden = ["//", "/./", "/../", "%2f", "%2F", "%5c", "%5C"].find((part) => value.includes(part));
  if (forbidden !== undefined) return `a path without "${forbidden}"`;
  const ending = ["/..", "/."].find((part) => value.endsWith(part));
  if (ending !== undefined) return `a path that does not end with "${ending}"`;
  let decoded: string;
  try {
    decoded = decodeURIComponent(value);
  } catch {
    return "a path whose escapes are UTF-8";
  }
  if (/[\0-\x1f\x7f]/.test(decoded)) return "a path without control characters";
  // Some servers take "..;x" for "..".
  return /\/\.\.?(?:[;/]|$)/.test(decoded) ? "a path without dot segments" : undefined;
}

/** What a cross-field check reports: where, and what was expected there. */
export type Report = (path: readonly (string | number)[], expected: string) => void;

/** Adds a check over several fields that runs once each of them is right by itself. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  check: (value: z.output<Schema>, report: Report) => void,
): Schema {
  return schema.superRefine((value, context) => {
    check(value, (path, expected) => {
      context.addIssue({ code: "custom", path: [...path], message: expected });
    });
  });
}
