import { existsSync } from "node:fs";
import { Command } from "commander";
import { EXIT_CODE } from "../exit-code.ts";

/** The repository's test runner; it is no part of the published package. */
const RUNNER = new URL("../../../../tools/test.ts", import.meta.url);

/** What the runner exports. */
interface Runner {
  runTests(pattern?: string): Promise<number>;
}

/** `weft test [pattern]`: everything that has to hold in a clone of the repository. */
export function createCommand(): Command {
  return new Command("test")
    .description("run all checks and tests; with a pattern, only the tests whose file path or else name matches it")
    .argument("[pattern]", "a part of a test file's path, or a regular expression for test names")
    .action(async (pattern?: string) => {
      if (!existsSync(RUNNER)) {
        console.error("weft: Cannot run tests: this is an installed package, tests are in a clone of the repository.");
        process.exitCode = EXIT_CODE.failed;
        return;
      }
      const runner = (await import(RUNNER.href)) as Runner;
      process.exitCode = await runner.runTests(pattern);
    });
}
