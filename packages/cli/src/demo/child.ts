import { type ChildProcess, fork } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Clock, TimerHandle } from "@weft/kernel";
import type { OrphanGuard } from "../process/orphan-guard.ts";
import { MESH_STOP_MS_MAX } from "./limits.ts";

/** What a process of the demo is. */
export interface ChildPlan {
  /** "cart-v1" or "cart-v1 sidecar". */
  readonly name: string;
  readonly role: "application" | "sidecar" | "ingress";
  readonly module: URL;
  readonly args: readonly string[];
  /** What it says goes here. */
  readonly logPath: string;
}

/** Who hears about a child. */
export interface ChildHandler {
  onChildReady(child: Child): void;
  onChildExit(child: Child, how: string): void;
}

/**
 * One process of the demo mesh. It holds the other end of a channel: when this process is gone, however it went, the child
 * sees the channel close and ends, and where it cannot, the guard ends it.
 */
export class Child {
  readonly plan: ChildPlan;
  readonly #clock: Clock;
  readonly #guard: OrphanGuard;
  readonly #handler: ChildHandler;
  #process: ChildProcess | null = null;
  #isReady: boolean = false;
  #isStopping: boolean = false;
  #killTimer: TimerHandle | null = null;

  constructor(plan: ChildPlan, clock: Clock, guard: OrphanGuard, handler: ChildHandler) {
    this.plan = plan;
    this.#clock = clock;
    this.#guard = guard;
    this.#handler = handler;
  }

  /** 0 while there is no process. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    const log = openSync(this.plan.logPath, "a");
    const child = fork(this.plan.module, this.plan.args, { stdio: ["ignore", log, log, "ipc"] });
    closeSync(log);
    this.#process = child;
    if (child.pid !== undefined) this.#guard.add(child.pid);
    child.on("message", (message) => {
      if (typeof message !== "object" || message === null || !("type" in message)) return;
      if (message.type !== "ready" || this.#isReady) return;
      this.#isReady = true;
      this.#handler.onChildReady(this);
    });
    child.on("error", (error) => {
      if (child.pid === undefined) this.#gone(error.message);
    });
    child.on("exit", (code, signal) => this.#gone(signal === null ? `status ${code}` : signal));
  }

  /** Asks the process to leave, and makes it if it does not. */
  stop(): void {
    if (this.#process === null || this.#isStopping) return;
    this.#isStopping = true;
    this.#process.kill("SIGTERM");
    this.#killTimer = this.#clock.setTimer(() => this.#process?.kill("SIGKILL"), MESH_STOP_MS_MAX);
  }

  /** Ends the process at once. */
  kill(): void {
    this.#process?.kill("SIGKILL");
  }

  #gone(how: string): void {
    if (this.#process === null) return;
    if (this.#process.pid !== undefined) this.#guard.remove(this.#process.pid);
    if (this.#killTimer !== null) this.#clock.clearTimer(this.#killTimer);
    this.#killTimer = null;
    this.#process = null;
    this.#isReady = false;
    this.#isStopping = false;
    this.#handler.onChildExit(this, how);
  }
}
