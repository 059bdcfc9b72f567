import { findProgram as findProgramIn } from "@weft/kernel";

/** The absolute path of an installed program; undefined if there is none of that name. */
export function findProgram(name: string): string | undefined {
  return findProgramIn(name, process.env["PATH"] ?? "") ?? undefined;
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
