import { WeftError } from "@weft/kernel";

/** What a load generator saw in one round. */
export interface LoadResult {
  /** Answered in full. */
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What went wrong, in words; "" when every answer was 2xx and complete. */
  readonly fault: string;
}

/**
 * The figure that `pattern` finds first.
 *
 * @throws WeftError BENCH_GENERATOR_FAILED
 */
export function readFigure(output: string, pattern: RegExp, what: string): string {
  const found = pattern.exec(output)?.[1];
  if (found === undefined) throw unreadable(`it reported no ${what}`, output);
  return found;
}

/** The error for output that cannot be read. */
export function unreadable(why: string, output: string): WeftError {
  const message = `Cannot read a load generator's report: ${why}. ${output.trim().slice(0, 500)}`;
  return new WeftError("BENCH_GENERATOR_FAILED", message, { why });
}

/** Answers that were counted may still have been cut short; the bytes tell. */
export function checkBytes(bytes: number, requests: number, bodyBytes: number): string {
  const expected = requests * bodyBytes;
  return bytes < expected ? `${requests} answers had ${bytes} bytes of ${expected}` : "";
}
