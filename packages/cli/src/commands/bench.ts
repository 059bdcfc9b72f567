import { accessSync, constants, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isWeftError } from "@weft/kernel";
import { Command } from "commander";
import { FULL_PLAN, QUICK_PLAN } from "../bench/plan.ts";
import { Progress } from "../bench/progress.ts";
import type { BenchReport } from "../bench/report/bench-report.ts";
import { renderHtml } from "../bench/report/html.ts";
import { renderText } from "../bench/report/text.ts";
import { type Suite, SUITES } from "../bench/suites.ts";
import { EXIT_CODE, type ExitCode } from "../exit-code.ts";

interface BenchOptions {
  readonly json?: string;
  readonly html?: string;
  readonly quick?: boolean;
  readonly only?: string;
  readonly strict?: boolean;
}

const SUITE_LIST = SUITES.map(({ name, summary }) => `  ${name}  ${summary}`).join("\n");

/** `weft bench`: side-by-side benchmarks. */
export function createCommand(): Command {
  return new Command("bench")
    .description("measure side by side with other proxies: the same backend, load and machine, in alternating rounds")
    .argument("[suite]", "what to measure")
    .option("--json <file>", "write the report as JSON, and as HTML beside it")
    .option("--html <file>", "write the report as HTML with plots")
    .option("--quick", "shorter and fewer rounds: done within 5 minutes")
    .option("--only <text>", "only the scenarios whose name has this text; targets of others count as not measured")
    .option("--strict", "exit status 1 when a target is missed")
    .addHelpText("after", `\nSuites:\n${SUITE_LIST}`)
    .action(async (name: string | undefined, options: BenchOptions, command: Command) => {
      const suite = SUITES.find((candidate) => candidate.name === name);
      if (suite === undefined) {
        const what = name === undefined ? "a suite is missing" : `there is no suite "${name}"`;
        command.error(`weft: Cannot run a benchmark: ${what}. Suites:\n${SUITE_LIST}`, { exitCode: EXIT_CODE.usage });
      }
      const htmlPath = options.html ?? options.json?.replace(/(?:\.json)?$/, ".html");
      for (const path of [options.json, htmlPath]) {
        if (path !== undefined && !canWrite(path)) {
          command.error(`weft: Cannot write ${path}: its folder cannot be written`, { exitCode: EXIT_CODE.usage });
        }
      }
      process.exitCode = await run(suite, options, htmlPath);
    });
}

/** Asked before the measurement, which takes long. Folders that are missing are made when the report is written. */
function canWrite(path: string): boolean {
  let folder = dirname(resolve(path));
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
    return statSync(folder).isDirectory();
  } catch {
    return false;
  }
}

async function run(suite: Suite, options: BenchOptions, htmlPath: string | undefined): Promise<ExitCode> {
  const { only = "" } = options;
  const interrupt = new AbortController();
  const abort = (): void => interrupt.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, abort);
  const progress = new Progress(process.stderr);
  try {
    const report = await suite.run({
      plan: options.quick === true ? QUICK_PLAN : FULL_PLAN,
      isWanted: (scenario) => scenario.includes(only),
      signal: interrupt.signal,
      onStep: (scenario, peer, round) => progress.step(scenario, peer, round),
    });
    progress.end();
    process.stdout.write(renderText(report));
    writeReport(report, options.json, htmlPath);
    return options.strict === true && !report.targets.every(({ ok }) => ok) ? EXIT_CODE.failed : EXIT_CODE.done;
  } catch (error) {
    progress.end();
    if (!isWeftError(error)) throw error;
    console.error(`weft: ${error.message}`);
    return EXIT_CODE.failed;
  } finally {
    for (const signal of signals) process.off(signal, abort);
  }
}

function writeReport(report: BenchReport, jsonPath: string | undefined, htmlPath: string | undefined): void {
  if (jsonPath !== undefined) writeText(jsonPath, `${JSON.stringify(report, null, 2)}\n`);
  if (htmlPath !== undefined) writeText(htmlPath, renderHtml(report));
}

function writeText(path: string, text: string): void {
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, text);
  console.log(`Written: ${path}`);
}
