import { accessSync, constants, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { suggest } from "@weft/control/client";
import { isWeftError } from "@weft/kernel";
import { Command, InvalidArgumentError } from "commander";
import { SECONDS_MAX } from "../bench/limits.ts";
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
  readonly seconds?: number;
  readonly strict?: boolean;
}

const NAME_WIDTH = Math.max(...SUITES.map(({ name }) => name.length));
const SUITE_LIST = SUITES.map(({ name, summary }) => `  ${name.padEnd(NAME_WIDTH)}  ${summary}`).join("\n");

/** `weft bench`: benchmarks. */
export function createCommand(): Command {
  return new Command("bench")
    .description("measure side by side with other proxies, or what changes under load do to requests")
    .argument("[suite]", "what to measure")
    .option("--json <file>", "write the report as JSON, and as HTML beside it")
    .option("--html <file>", "write the report as HTML with plots")
    .option("--quick", "shorter and fewer rounds: done within 5 minutes")
    .option("--seconds <count>", "length of each round or phase, instead of the usual one", parseSeconds)
    .option("--only <text>", "only the scenarios whose name has this text; targets of others count as not measured")
    .option("--strict", "exit status 1 when a target is missed")
    .addHelpText("after", `\nSuites:\n${SUITE_LIST}`)
    .action(async (name: string | undefined, options: BenchOptions, command: Command) => {
      const fail = (message: string): never => command.error(message, { exitCode: EXIT_CODE.usage });
      const suite = SUITES.find((candidate) => candidate.name === name) ?? fail(describeMissingSuite(name));
      if (!suite.scenarios.some((scenario) => scenario.includes(options.only ?? ""))) {
        fail(describeMissingScenario(suite, options.only ?? ""));
      }
      const htmlPath = options.html ?? options.json?.replace(/(?:\.json)?$/, ".html");
      for (const path of [options.json, htmlPath]) {
        if (path !== undefined && !canWrite(path)) fail(`weft: Cannot write ${path}: its folder cannot be written`);
      }
      process.exitCode = await run(suite, options, htmlPath);
    });
}

function describeMissingSuite(name: string | undefined): string {
  const meant =
    name === undefined
      ? undefined
      : suggest(
          name,
          SUITES.map((suite) => suite.name),
        );
  const what = name === undefined ? "a suite is missing" : `there is no suite "${name}"`;
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  return `weft: Cannot run a benchmark: ${what}${hint}\nSuites:\n${SUITE_LIST}`;
}

function describeMissingScenario({ name, scenarios }: Suite, only: string): string {
  const list = scenarios.map((scenario) => `  ${scenario}`).join("\n");
  return `weft: Cannot run a benchmark: no scenario of ${name} has "${only}" in its name\nScenarios:\n${list}`;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= SECONDS_MAX) return seconds;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${SECONDS_MAX}.`);
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
      mode: options.quick === true ? "quick" : "full",
      seconds: options.seconds ?? null,
      isWanted: (scenario) => scenario.includes(only),
      signal: interrupt.signal,
      onStep: (scenario, detail) => progress.step(scenario, detail),
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
