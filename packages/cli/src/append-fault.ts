import { accessSync, closeSync, constants, openSync, statSync, unlinkSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { AccessLogSettings } from "@weft/contract";

/** The file that the access log is written to; null where nothing is logged, or to standard output. */
export function accessLogFile({ target, rules }: AccessLogSettings): string | null {
  const isWritten = target !== "" && target !== "stdout" && rules.some(({ sample }) => sample > 0);
  return isWritten ? resolve(target) : null;
}

/**
 * Why a file cannot be opened for appending; null if it can. What is there is opened and left as it is; where nothing is,
 * a file of another name is made beside it for a moment. A pipe is asked for its rights alone: to open and close it would
 * tell its reader that the log has ended.
 */
export function appendFault(path: string): string | null {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return newFileFault(path);
    if (stats.isDirectory()) return "it is a folder";
    if (stats.isFile()) closeSync(openSync(path, constants.O_WRONLY | constants.O_APPEND));
    else accessSync(path, constants.W_OK);
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

function newFileFault(path: string): string | null {
  const folder = dirname(path);
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats?.isDirectory() !== true)
    return `the folder ${folder} ${stats === undefined ? "does not exist" : "is none"}`;
  const probe = join(folder, `.${basename(path).slice(0, PROBE_NAME_CHARS)}.weft-${process.pid}`);
  closeSync(openSync(probe, "wx", 0o600));
  unlinkSync(probe);
  return null;
}

/** So many characters of a file's name leave room for the rest in any file system. */
const PROBE_NAME_CHARS = 32;

const REASONS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "permission denied"],
  ["EPERM", "permission denied"],
  ["EROFS", "its file system is read-only"],
  ["ENOSPC", "its file system is full"],
  ["ELOOP", "its links form a loop"],
]);

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return REASONS.get(code) ?? (error instanceof Error ? error.message : String(error));
}
