/** `./weft test [pattern]`: the static checks, then every test file, in processes of their own. */
import { join } from "node:path";
import { printChecks, runChecks } from "./check.ts";
import { runVisibly } from "./process.ts";
import { provision } from "./provision.ts";
import { listSources, readText, repositoryRoot } from "./sources.ts";
import type { RunnerOptions } from "./test-runner.ts";

/**
 * The test files that a pattern selects by path; if it selects none, the pattern is one for test names, and the files are those
 * that can have such a test: the name is in their text, or put together at run time.
 */
export function selectTests(
  paths: readonly string[],
  pattern?: string,
  read: (path: string) => string = readText,
): { files: string[]; namePattern?: string } {
  const tests = paths.filter((path) => path.endsWith(".test.ts"));
  if (pattern === undefined) return { files: tests };
  const files = tests.filter((path) => path.includes(pattern));
  if (files.length > 0) return { files };
  const named = tests.filter((path) => read(path).includes(pattern));
  const composed = tests.filter((path) => /\b(?:test|it|describe|suite)\(\s*[^"'\s]/.test(read(path)));
  return { files: named.length > 0 ? [...new Set([...named, ...composed])] : tests, namePattern: pattern };
}

/** Why a text is no regular expression; undefined where it is one. */
function patternFault(pattern: string): string | undefined {
  try {
    new RegExp(pattern).test("");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Runs everything, or without the static checks what the pattern selects; the result is the exit code. */
export async function runTests(pattern?: string): Promise<number> {
  const notes: string[] = [];
  const { files, ...rest } = selectTests(listSources(), pattern);
  const fault = rest.namePattern === undefined ? undefined : patternFault(rest.namePattern);
  if (fault !== undefined) {
    console.error(
      `weft: Cannot run tests: no test file has "${pattern}" in its path, and for names it is wrong: ${fault}`,
    );
    return 2;
  }
  if (pattern === undefined) {
    const results = await runChecks();
    printChecks(results);
    const failed = results.filter((result) => !result.isOk).map((result) => result.name);
    if (failed.length > 0) notes.push(`static checks failed, see the start of this output: ${failed.join(", ")}`);
  }
  await provision();
  const options: RunnerOptions = { files: files.map((file) => join(repositoryRoot, file)), ...rest, notes };
  const runner = join(import.meta.dirname, "test-runner.ts");
  const { status } = await runVisibly(process.execPath, ["-C", "source", runner, JSON.stringify(options)]);
  return status === 0 && notes.length === 0 ? 0 : 1;
}
