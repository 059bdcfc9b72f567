import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { ORPHAN_GRACE_SECONDS } from "../limits.ts";

/**
 * What the guard's shell does: it remembers the last line, a list of processes, and when no more lines can come because
 * whoever wrote them is gone, it ends what is left of these. A terminal's signals are not meant for it.
 */
const SCRIPT = `trap '' INT TERM HUP
pids=
while read -r line; do pids=$line; done
[ -z "$pids" ] || { sleep ${ORPHAN_GRACE_SECONDS}; kill -9 $pids; } 2>/dev/null`;

/**
 * Ends child processes when this one was killed and could not. A child sees its channel close and ends by itself, unless its
 * event loop is stuck or it had just begun; a shell that costs a megabyte makes sure. Where there is no shell, the children
 * are on their own.
 */
export class OrphanGuard {
  readonly #pids = new Set<number>();
  #shell: ChildProcess | null = null;

  /** From now on the child ends with this process. */
  add(pid: number): void {
    this.#pids.add(pid);
    if (!this.#isRunning()) this.#shell = startShell();
    this.#tell();
  }

  /** The child is gone; its id may soon be another process's. */
  remove(pid: number): void {
    if (this.#pids.delete(pid)) this.#tell();
  }

  /** Called when no child is left: resolves when the guard has ended. It starts again with the next child. */
  async close(): Promise<void> {
    const shell = this.#shell;
    if (shell === null || !this.#isRunning()) return;
    shell.ref();
    const exit = once(shell, "exit");
    shell.stdin?.end();
    await exit;
  }

  #tell(): void {
    this.#shell?.stdin?.write(`${[...this.#pids].join(" ")}\n`);
  }

  #isRunning(): boolean {
    const shell = this.#shell;
    return shell?.pid !== undefined && shell.exitCode === null && shell.signalCode === null;
  }
}

/** It keeps nobody from ending, and whether it can be started, or has been killed, changes nothing here. */
function startShell(): ChildProcess {
  const shell = spawn("sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"] });
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  shell.unref();
  return shell;
}
