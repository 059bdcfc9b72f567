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

const children = new Map<ChildProcess, boolean>();

/** Ends one child, with its whole process group if it leads one. */
function endChild(child: ChildProcess, isGroup: boolean, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(isGroup ? -child.pid : child.pid, signal);
  } catch {
    // It is gone already.
  }
}

function onSignal(signal: NodeJS.Signals): void {
  for (const [child, isGroup] of children) endChild(child, isGroup, isGroup ? "SIGKILL" : "SIGTERM");
  process.exit(128 + constants.signals[signal]);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => onSignal(signal));

function runChild(command: string, args: readonly string[], options: SpawnOptions): Promise<ProcessResult> {
  const isGroup = options.detached === true;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    children.set(child, isGroup);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", (error) => {
      children.delete(child);
      reject(error);
    });
    child.once("close", (code, signal) => {
      children.delete(child);
      // The leader is gone; what it could not end goes with it.
      if (isGroup) endChild(child, true, "SIGKILL");
      const status = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      resolve({ status, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

/** Runs a program to its end and returns what it printed. */
export function runCaptured(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<ProcessResult> {
  return runChild(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs a program to its end as the leader of a process group; it prints where this process prints. Nothing of the group survives. */
export function runAsGroup(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<ProcessResult> {
  return runChild(command, args, { ...options, detached: true, stdio: ["ignore", "inherit", "inherit"] });
}
