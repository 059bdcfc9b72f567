/**
 * Runs test files, each in a process of its own, with node's runner and its `spec` reporter. `tools/test.ts` starts this file as
 * the leader of a process group: what is left in the group when all files are done was left behind by a test.
 *
 * Arguments: a JSON object, {@link RunnerOptions}. The summary of node's runner is the last thing printed.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { repositoryRoot } from "./sources.ts";

/** What the runner is started with. */
export interface RunnerOptions {
  /** Absolute paths. */
  readonly files: readonly string[];
  /** A regular expression for test names. */
  readonly namePattern?: string;
  /** What is to be said again just before the summary. */
  readonly notes: readonly string[];
  /** Instead of {@link TEST_TIMEOUT_MS}, {@link FILE_TIMEOUT_MS} and {@link LEFTOVER_GRACE_MS}. */
  readonly testTimeoutMs?: number;
  readonly fileTimeoutMs?: number;
  readonly leftoverGraceMs?: number;
}

/** One test: longer than any of ours takes on a busy machine with two cores. */
const TEST_TIMEOUT_MS = 120_000;
/** One file, after which its process is killed: more than a test, so that a hung test is reported by its own name first. */
const FILE_TIMEOUT_MS = 300_000;
/** How often the process files are looked at. */
const WATCH_INTERVAL_MS = 500;
/** What a test started may need this long to end after its file is done. */
const LEFTOVER_GRACE_MS = 2_000;
/** Tests wait a lot, so two files at a time suit even one core; more than four make timing tests unsteady. */
const CONCURRENCY = Math.min(4, Math.max(2, availableParallelism()));

/** Kills test processes that outlive `fileTimeoutMs`; returns what ends the watch. */
function watchProcesses(folder: string, fileTimeoutMs: number, killed: string[]): () => void {
  const firstSeenMs = new Map<string, number>();
  const timer = setInterval(() => {
    for (const pid of readdirSync(folder)) {
      const sinceMs = firstSeenMs.get(pid) ?? Date.now();
      firstSeenMs.set(pid, sinceMs);
      if (Date.now() - sinceMs < fileTimeoutMs) continue;
      const file = relative(repositoryRoot, readFileSync(join(folder, pid), "utf8"));
      rmSync(join(folder, pid), { force: true });
      killed.push(`${file} did not end within ${fileTimeoutMs / 1000} s and was killed (process ${pid})`);
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It ended by itself in this very moment.
      }
    }
  }, WATCH_INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** The other live processes of this process group, as `[pid, command]`; empty where the system has no /proc. */
function listGroup(): [pid: number, command: string][] {
  const members: [number, string][] = [];
  let pids: string[];
  try {
    pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return members;
  }
  for (const pid of pids) {
    if (Number(pid) === process.pid) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(group) !== process.pid || state === "Z") continue;
      members.push([Number(pid), readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()]);
    } catch {
      // The process ended between the listing and the reading.
    }
  }
  return members;
}

/** Ends what tests left running, each by its id, and says what it was. */
async function endLeftovers(graceMs: number): Promise<string[]> {
  const deadlineMs = Date.now() + graceMs;
  let left = listGroup();
  while (left.length > 0 && Date.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    left = listGroup();
  }
  for (const [pid] of left) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone by itself.
    }
  }
  return left.map(([pid, command]) => `a test left a process behind: ${pid} ${command.slice(0, 200)}`);
}

const SUMMARY_START = /^(?:\u001B\[\d+m)*ℹ tests \d+/mu;
const SUMMARY_LINE = /^(?:\u001B\[\d+m)*ℹ /u;

/** Prints all but the summary, as it comes, and returns the rest, from the summary on. */
async function printUntilSummary(output: AsyncIterable<string | Buffer>): Promise<string> {
  let held = "";
  let isSummary = false;
  for await (const chunk of output) {
    held += String(chunk);
    if (isSummary) continue;
    const start = SUMMARY_START.exec(held)?.index;
    isSummary = start !== undefined;
    const printed = start ?? held.lastIndexOf("\n") + 1;
    process.stdout.write(held.slice(0, printed));
    held = held.slice(printed);
  }
  return held;
}

async function main(options: RunnerOptions): Promise<boolean> {
  const { files, namePattern, notes } = options;
  const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
  process.env["WEFT_TEST_PROCESSES"] = folder;
  process.once("SIGINT", () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  });
  const killed: string[] = [];
  const stopWatch = watchProcesses(folder, options.fileTimeoutMs ?? FILE_TIMEOUT_MS, killed);
  let isSuccess = true;
  let count = 0;
  try {
    const events = run({
      files: [...files],
      cwd: repositoryRoot,
      concurrency: CONCURRENCY,
      timeout: options.testTimeoutMs ?? TEST_TIMEOUT_MS,
      execArgv: ["-C", "source", "--import", join(import.meta.dirname, "test-hook.ts")],
      ...(namePattern !== undefined && { testNamePatterns: [new RegExp(namePattern)] }),
    });
    events.on("test:summary", ({ file, success }) => {
      if (file === undefined) isSuccess &&= success;
    });
    // A file without a test that matches is reported as one test with the file's name.
    const countTest = ({ name }: { name: string }): void => void (count += files.includes(name) ? 0 : 1);
    events.on("test:pass", countTest);
    events.on("test:fail", countTest);
    const output = events.compose(new spec()) as unknown as AsyncIterable<Buffer>;
    const lines = (await printUntilSummary(output)).split("\n");
    // The reporter repeats the failures after its summary; here they come before it, so that the summary ends the output.
    process.stdout.write(
      `${lines
        .filter((line) => !SUMMARY_LINE.test(line))
        .join("\n")
        .trimEnd()}\n`,
    );
    const problems = [...killed, ...(await endLeftovers(options.leftoverGraceMs ?? LEFTOVER_GRACE_MS))];
    if (count === 0) problems.push(`no test matches ${JSON.stringify(namePattern ?? "")}`);
    for (const problem of [...notes, ...problems]) console.log(`✖ ${problem}`);
    process.stdout.write(`${lines.filter((line) => SUMMARY_LINE.test(line)).join("\n")}\n`);
    return isSuccess && problems.length === 0;
  } finally {
    stopWatch();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = (await main(JSON.parse(process.argv[2] ?? "{}") as RunnerOptions)) ? 0 : 1;
