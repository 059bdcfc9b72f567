import type { DurationText } from "@weft/contract";
import { DURATION_MS_MAX } from "../limits.ts";

const DURATION = /^(?:[0-9]{1,5}(?:h|ms|m|s)){1,4}$/;
const PART = /([0-9]{1,5})(h|ms|m|s)/g;
const UNIT_MS = new Map([
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]);

/**
 * Milliseconds of a duration of Gateway API (GEP-2257), or undefined where `text` is none or longer than
 * `DURATION_MS_MAX`.
 *
 * @example
 * parseDuration("1m30s"); // 90000
 */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, digits = "", unit = ""] of text.matchAll(PART)) total += Number(digits) * (UNIT_MS.get(unit) ?? 0);
  return total <= DURATION_MS_MAX ? total : undefined;
}

/** Milliseconds of a duration that was validated before, or `fallbackMs` where there is none. */
export function durationMs(text: DurationText | undefined, fallbackMs: number): number {
  if (text === undefined) return fallbackMs;
  return parseDuration(text) ?? fallbackMs;
}
