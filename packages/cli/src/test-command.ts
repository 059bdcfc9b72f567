/** What tests of commands share: the command line as a child process. */
import assert from "node:assert/strict";
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { AdminAddress } from "./admin/admin-address.ts";
import type { ListenerAddress } from "./process/message.ts";

const COMMAND_LINE = new URL("main.ts", import.meta.url);

/**
 * Node's options as the launcher has them. Those of a test process are no example: node's runner gives it every option that
 * there is, of which `--report-signal` makes whoever inherits it write a report at SIGUSR2.
 */
export const NODE_ARGS: readonly string[] = ["--max-semi-space-size=8", "-C", "source"];

/** What a command printed, and how it ended. */
export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is added to the environment of a command. */
type Environment = Readonly<Record<string, string>>;

/** Starts the command line without a channel to it, as a shell does; `env` adds to the environment. */
export function spawnCommand(args: readonly string[], env: Environment = {}): ChildProcess {
  const nodeArgs = [...NODE_ARGS, COMMAND_LINE.pathname, ...args];
  return spawn(process.execPath, nodeArgs, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
}

/** Runs a command to its end. */
export async function runCommand(args: readonly string[], env: Environment = {}): Promise<CommandResult> {
  const child = spawnCommand(args, env);
  assert.ok(child.stdout !== null && child.stderr !== null);
  const [[status], stdout, stderr] = await Promise.all([
    once(child, "exit") as Promise<[number | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { status, stdout, stderr };
}

/** Ends processes that a test has started; those that have ended already are left out. */
export async function killAll(children: readonly ChildProcess[]): Promise<void> {
  const ends = children.map(async (child) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  await Promise.all(ends);
}

/** A role that was started by a test, and where it listens. */
export interface RunningRole {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly listeners: readonly ListenerAddress[];
  readonly admin: AdminAddress;
  /** What it has logged so far, line by line. */
  readonly log: readonly Record<string, unknown>[];
}

/** Starts a role; resolves when it serves, rejects with its log when it ends before. */
export async function startRole(args: readonly string[], env: Environment = {}): Promise<RunningRole> {
  const child = fork(COMMAND_LINE, args, {
    execArgv: [...NODE_ARGS],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { ...process.env, ...env },
  });
  const log: Record<string, unknown>[] = [];
  let held = "";
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
    const lines = (held + piece).split("\n");
    held = lines.pop() ?? "";
    for (const line of lines) log.push(parseLine(line));
  });
  const ready = Promise.withResolvers<ReadyMessage>();
  child.on("message", (message: ReadyMessage) => {
    if (message.type === "ready") ready.resolve(message);
  });
  child.on("exit", (code) => ready.reject(new Error(`the role ended with ${code}: ${JSON.stringify(log)} ${held}`)));
  const { listeners, admin } = await ready.promise;
  return { child, pid: child.pid ?? 0, listeners, admin, log };
}

/** What a role tells the process that started it. */
interface ReadyMessage {
  readonly type: string;
  readonly listeners: readonly ListenerAddress[];
  readonly admin: AdminAddress;
}

function parseLine(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return { message: line };
  }
}

/** Whether a process of that id runs; one that ended and was not waited for yet counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves as soon as `condition` holds; fails the test when it does not within a minute. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadlineMs, "what is waited for never happened");
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}
