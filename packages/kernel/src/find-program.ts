import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where servers are, even if the path of an ordinary user leaves it out. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/**
 * The absolute path of an installed program; null if there is none of that name. `searchPath` is the environment's PATH:
 * its folders first, then those of the system.
 */
export function findProgram(name: string, searchPath: string): string | null {
  for (const folder of [...searchPath.split(delimiter), ...SYSTEM_FOLDERS]) {
    if (folder === "") continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}
