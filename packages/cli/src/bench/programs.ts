import { execFile } from "node:child_process";
import { findProgram as findProgramIn, WeftError } from "@weft/kernel";
import { VERSION_MS_MAX } from "./limits.ts";

/** The absolute path of an installed program; null if there is none of that name. */
export function findProgram(name: string): string | null {
  return findProgramIn(name, process.env["PATH"] ?? "");
}

/**
 * The paths of programs that nothing works without.
 *
 * @throws WeftError BENCH_PROGRAM_MISSING
 */
export function requirePrograms(names: readonly string[]): void {
  const missing = names.filter((name) => findProgram(name) === null);
  if (missing.length === 0) return;
  const message = `Cannot run the benchmark: ${missing.join(", ")} not found (Debian: nginx, wrk, nghttp2-client)`;
  throw new WeftError("BENCH_PROGRAM_MISSING", message, { missing });
}

/** The first version number in what the program prints, e.g. "1.22.1"; null when it is not installed. */
export function readProgramVersion(name: string, argument: string): Promise<string | null> {
  const path = findProgram(name);
  if (path === null) return Promise.resolve(null);
  return new Promise((resolve) => {
    // Some print their version with an error status, and some to standard error.
    execFile(path, [argument], { timeout: VERSION_MS_MAX }, (_error, stdout, stderr) => {
      resolve(/\d+\.\d+(?:\.\d+)?/.exec(`${stdout}\n${stderr}`)?.[0] ?? "unknown");
    });
  });
}
