/** What an error code promises to the person who meets it; docs/ERRORS.md is written from these. */
export interface ErrorCatalogEntry {
  /** What happened, in one sentence. */
  readonly meaning: string;
  /** What the reader can do about it, in one sentence. */
  readonly action: string;
}

/** All error codes of one room. Each room exports one such constant from its `errors.ts`. */
export type ErrorCatalog = Readonly<Record<string, ErrorCatalogEntry>>;

/**
 * The one error class of the project: a stable code, a message for people, and details for programs.
 *
 * The message reads `[CODE] action that failed: current state, wanted state`. Expected outcomes on
 * the hot path are returned as unions, never thrown; this class is for everything else.
 *
 * @example
 * throw new WeftError("ROUTER_NO_MATCH", `Cannot route request: no route matches path "/y"`, { path: "/y" });
 */
export class WeftError<Code extends string = string> extends Error {
  static {
    // On the prototype and not enumerable, as for the built-in errors: prints no extra field.
    Object.defineProperty(this.prototype, "name", { value: "WeftError", configurable: true, writable: true });
  }

  /** Stable and upper-case, listed in docs/ERRORS.md; programs match on it, never on the message. */
  readonly code: Code;
  /** The values behind the message, by name. */
  readonly details: Readonly<Record<string, unknown>>;

  /** `message` comes without the code; the constructor puts `[code] ` before it. */
  constructor(code: Code, message: string, details: Record<string, unknown> = {}, options?: { cause?: unknown }) {
    super(`[${code}] ${message}`, options);
    this.code = code;
    this.details = details;
  }
}

/**
 * True when `value` is a `WeftError`, and, if `code` is given, one with exactly that code.
 *
 * @example
 * if (isWeftError(error, "KERNEL_WAIT_ABORTED")) return;
 */
export function isWeftError<Code extends string = string>(value: unknown, code?: Code): value is WeftError<Code> {
  return value instanceof WeftError && (code === undefined || value.code === code);
}
