import { isWeftError } from "@weft/kernel";
import { Command } from "commander";
import type { CheckReport, ProbeResult } from "../demo/check/check.ts";
import { withMesh, type RunningMesh, type UpOptions } from "../demo/up.ts";
import { EXIT_CODE, type ExitCode } from "../exit-code.ts";

interface UpFlags {
  readonly check?: boolean;
  readonly json?: boolean;
  readonly dir?: string;
  readonly keep?: boolean;
}

/** `weft up`: a whole mesh with a demo application on this machine. */
export function createCommand(): Command {
  return new Command("up")
    .description("run a mesh with a demo shop and gentle traffic on this machine, until Ctrl-C")
    .option("--check", "send requests through every path, print a summary and end; status 0 only if all is well")
    .option("--json", "with --check: print the summary as JSON")
    .option("--dir <folder>", "write configuration and logs to this folder, and leave them there")
    .option("--keep", "leave the temporary folder with configuration and logs")
    .action(async (flags: UpFlags, command: Command) => {
      if (flags.json === true && flags.check !== true) command.error("error: option '--json' needs '--check'");
      // Whatever a connection or a timer still holds: the mesh is stopped, and that was all there is to do.
      process.exit(await run(flags).catch(reportFailure));
    });
}

/** What kept the mesh from starting is one message, not a stack. */
function reportFailure(error: unknown): ExitCode {
  console.error(`weft: ${error instanceof Error ? error.message : String(error)}`);
  const isUsage = isWeftError(error, "CLI_FOLDER_NOT_EMPTY") || isWeftError(error, "CLI_FOLDER_UNUSABLE");
  return isUsage ? EXIT_CODE.usage : EXIT_CODE.failed;
}

async function run(flags: UpFlags): Promise<ExitCode> {
  const abort = new AbortController();
  const kill = new AbortController();
  const onSignal = (): void => (abort.signal.aborted ? kill.abort() : abort.abort());
  const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, onSignal);
  // A terminal that was closed, or `weft up | head`: nobody reads any more, so the mesh is stopped in good order.
  process.stdout.on("error", () => abort.abort());
  process.stderr.on("error", () => {});
  const say = flags.json === true ? (): void => {} : (line: string): void => void process.stdout.write(`${line}\n`);
  const events = { onEvent: say };
  const options: UpOptions = {
    folder: flags.dir,
    keepsFiles: flags.keep === true,
    signal: abort.signal,
    killSignal: kill.signal,
    onEvent: (text) => events.onEvent(text),
  };
  say("Starting the mesh ...");
  const use = async (running: RunningMesh): Promise<ExitCode> => {
    if (flags.check === true) return await check(running, flags, abort.signal, say);
    const { watchMesh } = await import("../demo/live.ts");
    await watchMesh(running, abort.signal, (onEvent) => {
      events.onEvent = onEvent;
    });
    say("Stopping ...");
    return EXIT_CODE.done;
  };
  const code = await withMesh(options, use);
  // Ctrl-C is how a mesh is meant to end, but a check that was interrupted has not succeeded.
  return code ?? (flags.check === true ? EXIT_CODE.failed : EXIT_CODE.done);
}

async function check(
  running: RunningMesh,
  { json }: UpFlags,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<ExitCode> {
  const { mesh, processes, readyMs } = running;
  say(`${processes.children.length} processes ready in ${Math.round(readyMs)} ms\n`);
  for (const notice of mesh.notices) say(notice);
  const { checkMesh } = await import("../demo/check/check.ts");
  const report = await checkMesh(running, signal, (result) => say(renderResult(result)));
  if (json === true) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else say(renderVerdict(report));
  return report.ok ? EXIT_CODE.done : EXIT_CODE.failed;
}

/** As wide as the longest name. */
const CHECK_NAME_CHARS = 32;

function renderResult({ name, isOk, detail, durationMs }: ProbeResult): string {
  return `${isOk ? "✔" : "✖"} ${name.padEnd(CHECK_NAME_CHARS)} ${`${durationMs} ms`.padStart(9)}   ${detail}`;
}

function renderVerdict({ ok, checks, durationMs }: CheckReport): string {
  const failed = checks.filter(({ isOk }) => !isOk);
  const seconds = (durationMs / 1000).toFixed(1);
  if (ok) return `\nAll ${checks.length} paths work (${seconds} s).`;
  if (failed.length === 0) return `\nInterrupted after ${checks.length} paths.`;
  return `\n${failed.length} of ${checks.length} paths failed: ${failed.map(({ name }) => name).join(", ")} (${seconds} s).`;
}
