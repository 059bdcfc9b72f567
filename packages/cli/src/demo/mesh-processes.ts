import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type Clock, type TimerHandle, WeftError } from "@weft/kernel";
import type { CliErrorCode } from "../errors.ts";
import { moduleUrl } from "../module-url.ts";
import { Child, type ChildHandler, type ChildPlan } from "./child.ts";
import { LOG_TAIL_BYTES, MESH_RESTART_MS, MESH_START_MS_MAX } from "./limits.ts";
import { OrphanGuard } from "../process/orphan-guard.ts";
import type { Mesh } from "./mesh.ts";
import type { RunFolder } from "./run-folder.ts";
import type { ApplicationOptions } from "./shop/application.ts";

/** How the processes of the mesh are run. */
export interface MeshProcessesOptions {
  readonly mesh: Mesh;
  readonly folder: RunFolder;
  readonly clock: Clock;
  /** Something that a person watching should know: a process died, or is back. */
  onEvent(text: string): void;
}

/** Details of CLI_MESH_START_FAILED. */
export interface MeshStartDetails {
  readonly reason: string;
  /** Another program listens on a port of the mesh: on other ports it may start. */
  readonly isPortTaken: boolean;
}

/** A module that every process but the applications runs. */
const COMMAND_LINE = moduleUrl("../main.ts", import.meta.url);

/** Every process of the demo: applications, their sidecars and the ingress. One that dies is started again after a while. */
export class MeshProcesses implements ChildHandler {
  readonly children: readonly Child[];
  readonly #options: MeshProcessesOptions;
  readonly #guard = new OrphanGuard();
  readonly #restarts = new Map<Child, TimerHandle>();
  readonly #listeners = new Set<() => void>();
  /** The first process that died before all were ready, and how. */
  #startFailure: Error | null = null;
  #isStarted: boolean = false;
  #isStopping: boolean = false;

  constructor(options: MeshProcessesOptions) {
    this.#options = options;
    this.children = planChildren(options).map((plan) => new Child(plan, options.clock, this.#guard, this));
  }

  /** The process of that name. */
  get(name: string): Child | undefined {
    return this.children.find(({ plan }) => plan.name === name);
  }

  /**
   * Starts everything; resolves when all is ready.
   *
   * @throws WeftError CLI_MESH_START_FAILED with the end of the log of the process that failed
   */
  async start(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (const child of this.children) child.start();
    const timer = clock.setTimer(() => {
      const late = this.children.filter(({ isReady }) => !isReady).map(({ plan }) => plan.name);
      this.#startFailure ??= startError(`${late.join(", ")} not ready after ${MESH_START_MS_MAX} ms`, "");
      this.#changed();
    }, MESH_START_MS_MAX);
    const onAbort = (): void => this.#changed();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#until(
        () => signal.aborted || this.#startFailure !== null || this.children.every(({ isReady }) => isReady),
      );
    } finally {
      clock.clearTimer(timer);
      signal.removeEventListener("abort", onAbort);
    }
    if (this.#startFailure !== null && !signal.aborted) throw this.#startFailure;
    this.#isStarted = true;
  }

  /** Ends everything: the ingress first, so that nobody sees a half-stopped mesh. Resolves when no process is left. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#restarts.values()) this.#options.clock.clearTimer(timer);
    this.#restarts.clear();
    const ingress = this.children.filter(({ plan }) => plan.role === "ingress");
    for (const child of ingress) child.stop();
    await this.#until(() => ingress.every(({ pid }) => pid === 0));
    for (const child of this.children) child.stop();
    await this.#until(() => this.children.every(({ pid }) => pid === 0));
    await this.#guard.close();
  }

  /** Ends everything at once. */
  kill(): void {
    this.#isStopping = true;
    for (const child of this.children) child.kill();
  }

  onChildReady(child: Child): void {
    if (this.#isStarted) this.#options.onEvent(`${child.plan.name} is back as process ${child.pid}`);
    this.#changed();
  }

  onChildExit(child: Child, how: string): void {
    if (!this.#isStarted) {
      this.#startFailure ??= startError(`${child.plan.name} ended with ${how}`, tailOf(child.plan.logPath));
    } else if (!this.#isStopping) {
      this.#options.onEvent(`${child.plan.name} ended with ${how}; it starts again in ${MESH_RESTART_MS / 1000} s`);
      const restart = (): void => {
        this.#restarts.delete(child);
        child.start();
      };
      this.#restarts.set(child, this.#options.clock.setTimer(restart, MESH_RESTART_MS));
    }
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#listeners.delete(check);
        resolve();
      };
      this.#listeners.add(check);
      check();
    });
  }
}

function planChildren({ mesh, folder }: MeshProcessesOptions): ChildPlan[] {
  // A proxy that dies is started again by this process: none needs a supervisor of its own.
  const proxyArgs = (name: string): string[] => ["proxy", "--config", folder.configOf(name), "--single"];
  const plans: ChildPlan[] = mesh.instances.flatMap((instance): ChildPlan[] => {
    const { name, application, applicationPort: port, outboundPort } = instance;
    const options: ApplicationOptions = { instance: name, port, outboundPort };
    const sidecar = `${name} sidecar`;
    return [
      {
        name,
        role: "application",
        module: moduleUrl(`./shop/${application}-entry.ts`, import.meta.url),
        args: [JSON.stringify(options)],
        logPath: folder.logOf(name),
      },
      {
        name: sidecar,
        role: "sidecar",
        module: COMMAND_LINE,
        args: proxyArgs(name),
        logPath: folder.logOf(`${name}-sidecar`),
      },
    ];
  });
  const ingress: ChildPlan = {
    name: "ingress",
    role: "ingress",
    module: COMMAND_LINE,
    args: proxyArgs("ingress"),
    logPath: folder.logOf("ingress"),
  };
  return [...plans, ingress];
}

function startError(reason: string, tail: string): WeftError<CliErrorCode> {
  const words = tail === "" ? "" : `; its last words:\n${tail}`;
  const details: MeshStartDetails = { reason, isPortTaken: /CLI_PORT_TAKEN|EADDRINUSE/.test(tail) };
  return new WeftError("CLI_MESH_START_FAILED", `Cannot start the mesh: ${reason}${words}`, { ...details });
}

/** The end of a log, without the line that is cut. */
function tailOf(path: string): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const start = Math.max(0, size - LOG_TAIL_BYTES);
    const bytes = Buffer.alloc(size - start);
    const length = readSync(file, bytes, 0, bytes.length, start);
    const text = bytes.toString("utf8", 0, length);
    return (start === 0 ? text : text.slice(text.indexOf("\n") + 1)).trimEnd();
  } finally {
    closeSync(file);
  }
}
