import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const OWNER_FILE = "owner.pid";

/**
 * Makes an empty folder for a run, and removes those of runs that were killed before they could do it themselves. `prefix`
 * begins the folder's name.
 */
export function createRunFolder(prefix: string): string {
  for (const name of readdirSync(tmpdir())) {
    if (name.startsWith(prefix)) removeIfStale(join(tmpdir(), name));
  }
  const path = mkdtempSync(join(tmpdir(), prefix));
  writeFileSync(join(path, OWNER_FILE), String(process.pid));
  return path;
}

function removeIfStale(path: string): void {
  try {
    const owner = Number(readFileSync(join(path, OWNER_FILE), "utf8"));
    if (!Number.isSafeInteger(owner) || owner <= 0 || isAlive(owner)) return;
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Another user's, or one that is being made or removed right now.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
