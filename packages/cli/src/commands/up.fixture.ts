/** What tests of `weft up` share: meshes that end with their test. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { isAlive, spawnCommand, until } from "../test-command.ts";

/** Many processes start for each mesh; on a machine that does other things that takes its time. */
export const TIMEOUT_MS = 100_000;

// Every mesh clears what killed ones have left in the folder for temporary files: those of another test are not ours.
const temporary = mkdtempSync(join(tmpdir(), "weft-up-test-"));
process.env["TMPDIR"] = temporary;
after(() => rmSync(temporary, { recursive: true }));

/** `weft up` in a child process, and what it has printed. */
export interface RunningUp {
  readonly child: ChildProcess;
  output(): string;
}

const started: RunningUp[] = [];

/** Starts a mesh and waits until it is ready. */
export async function up(...args: readonly string[]): Promise<RunningUp> {
  const child = spawnCommand(["up", ...args]);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (piece: string) => void (printed += piece));
  }
  const running = { child, output: () => printed };
  started.push(running);
  await until(() => printed.includes("Three things to try") || child.exitCode !== null);
  assert.equal(child.exitCode, null, printed);
  return running;
}

/** Ends the meshes that a test has left: for `afterEach`. */
export async function endMeshes(): Promise<void> {
  for (const { child } of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const pids = descendants(child.pid ?? 0);
    child.kill("SIGKILL");
    await once(child, "exit");
    await until(() => !pids.some((pid) => isAlive(pid)));
  }
}

/** Every process that a process has started, directly or not. */
export function descendants(root: number): number[] {
  const parents = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = [root];
  for (const parent of found) found.push(...parents.flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid] : [])));
  return found.slice(1);
}

/** The address of a mesh's ingress. */
export function ingressOf({ output }: RunningUp): string {
  const [, address = ""] = /ingress +(http:\/\/[\d.:]+)/.exec(output()) ?? [];
  return address;
}

/** The status that a GET is answered with. */
export async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url);
  await answer.body?.cancel();
  return answer.status;
}
