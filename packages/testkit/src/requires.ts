import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where servers are, even if the path of an ordinary user leaves it out. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The absolute path of an installed program; undefined if there is none of that name. */
export function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_FOLDERS]) {
    if (folder === "") continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * The `skip` option of a test that needs installed programs: false if all are there, else the reason, which names those that are not.
 *
 * @example
 * test("decode() accepts what nginx sends", { skip: requireProgram("nginx", "curl") }, async () => {});
 */
export function requireProgram(...names: string[]): string | false {
  const missing = names.filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? false : `not installed: ${missing.join(", ")}`;
}
