/** Child processes of the repository's scripts: each one is known by its id and ended when the script is. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { constants } from "node:os";

/** What a finished process left. */
export interface ProcessResult {
  /** The exit code, or 128 plus the number of the signal that ended it. */
  readonly status: number;
  /** Standard output and standard error in the order of arrival; empty where they were inherited. */
  readonly output: string;
}

/** How long children may take to clean up after a signal. */
const END_GRACE_MS = 2_000;

/** Each leads a process group, so that what it started ends with it. */
const children = new Set<ChildProcess>();

function endGroup(leader: ChildProcess, signal: NodeJS.Signals): void {
  if (leader.pid === undefined) return;
  try {
    process.kill(-leader.pid, signal);
  } catch {
    // Nothing of the group is left.
  }
}

/** Asks every child to end, as Ctrl-C would, ends those that do not, and ends this process. */
function onSignal(signal: NodeJS.Signals): void {
  const exit = (): never => {
    for (const child of children) endGroup(child, "SIGKILL");
    process.exit(128 + constants.signals[signal]);
  };
  for (const child of children) {
    child.once("close", () => children.size === 0 && exit());
    endGroup(child, "SIGINT");
  }
  if (children.size === 0) exit();
  setTimeout(exit, END_GRACE_MS);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => onSignal(signal));

function runChild(command: string, args: readonly string[], options: SpawnOptions): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, detached: true });
    children.add(child);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", (error) => {
      children.delete(child);
      reject(error);
    });
    // What the leader could not end goes with it, and lets go of the pipes.
    child.once("exit", () => endGroup(child, "SIGKILL"));
    child.once("close", (code, signal) => {
      children.delete(child);
      const status = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      resolve({ status, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

/** Runs a program to its end and returns what it printed. Nothing that it started survives. */
export function runCaptured(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<ProcessResult> {
  return runChild(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs a program to its end; it prints where this process prints. Nothing that it started survives. */
export function runVisibly(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<ProcessResult> {
  return runChild(command, args, { ...options, stdio: ["ignore", "inherit", "inherit"] });
}
