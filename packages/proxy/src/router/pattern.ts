import { RE2JS } from "re2js";
import { REGEX_INPUT_BYTES_MAX, REGEX_STEPS_MAX } from "./limits.ts";

/**
 * A regular expression (RE2 syntax) that must match a whole text, in time linear in the text's length. Texts are latin1
 * strings, one character per byte; a text that is too long does not match.
 */
export interface Pattern {
  readonly source: string;
  matches(text: string): boolean;
}

class LinearPattern implements Pattern {
  readonly source: string;
  readonly #program: RE2JS;
  readonly #inputLengthMax: number;

  constructor(source: string) {
    this.source = source;
    this.#program = RE2JS.compile(source, RE2JS.DOTALL);
    this.#inputLengthMax = Math.min(REGEX_INPUT_BYTES_MAX, Math.floor(REGEX_STEPS_MAX / this.#program.programSize()));
  }

  matches(text: string): boolean {
    return text.length <= this.#inputLengthMax && this.#program.testExact(text);
  }
}

/** Compiles a pattern. @throws the engine's error for one that is not valid */
export function compilePattern(source: string): Pattern {
  return new LinearPattern(source);
}

const LITERAL = /^\^?((?:[A-Za-z0-9/_~!@#%&=:;,'"<> -]|\\[^A-Za-z0-9])*)([?*{+]?)/;

/**
 * The segments with which every path begins that `pattern` matches ("/users" for "/users/[0-9]+", "" if unknown), so
 * that it need only be tried on such paths.
 */
export function literalSegments(pattern: string): string {
  // An alternative at the top would begin otherwise; telling it from one in a group is not worth a parser.
  if (pattern.includes("|")) return "";
  const [, escaped = "", quantifier = ""] = LITERAL.exec(pattern) ?? [];
  const literal = (quantifier === "" ? escaped : escaped.replace(/\\?.$/, "")).replaceAll("\\", "");
  return literal.startsWith("/") ? literal.slice(0, literal.lastIndexOf("/")) : "";
}
