import { type ChildProcess, fork } from "node:child_process";
import { type Clock, type TimerHandle, WeftError } from "@weft/kernel";
import type { CliErrorCode } from "../errors.ts";
import { WORKER_QUESTIONS_MAX, WORKER_START_MS_MAX } from "../limits.ts";
import { isMessage, type ListenerAddress, type SupervisorMessage, type WorkerMessage } from "./message.ts";

/** How a worker process is started. */
export interface WorkerProgram {
  /** The module that the process runs. */
  readonly module: URL;
  readonly args: readonly string[];
}

/** Who hears about a worker. */
export interface WorkerHandler {
  /** Everything but the messages that belong to the start and to answers. */
  onWorkerMessage(worker: WorkerProcess, message: WorkerMessage): void;
  /** The process is gone; called once, also when it never became ready. */
  onWorkerExit(worker: WorkerProcess, how: string): void;
}

interface Waiter {
  resolve(value: unknown): void;
  reject(error: Error): void;
  readonly timer: TimerHandle;
}

/** A worker's life: each state leads to the next ones only. */
export type WorkerState = "starting" | "ready" | "draining" | "gone";

/**
 * One worker process as its supervisor sees it. It is told what to do over Node's channel between processes; it ends by
 * itself when that channel closes, so a supervisor that is killed leaves nobody behind.
 */
export class WorkerProcess {
  readonly slot: number;
  readonly startedMs: number;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Of the configuration in force; the supervisor keeps it. */
  revision: number = 0;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #handler: WorkerHandler;
  readonly #questions = new Map<number, Waiter>();
  #state: WorkerState = "starting";
  #nextQuestion: number = 1;
  #onReady: ((listeners: readonly ListenerAddress[]) => void) | null = null;
  #onStartFailed: ((error: Error) => void) | null = null;
  #startMessage: SupervisorMessage | null = null;
  #startTimer: TimerHandle | null = null;
  #exitHow: string = "";
  /** Why we kill it; "" while we do not. */
  #killReason: string = "";
  #hasServed: boolean = false;

  constructor(slot: number, program: WorkerProgram, clock: Clock, handler: WorkerHandler) {
    this.slot = slot;
    this.startedMs = clock.nowMs();
    this.startedAtMs = clock.wallMs();
    this.#clock = clock;
    this.#handler = handler;
    this.#child = fork(program.module, program.args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (message) => {
      if (isMessage(message)) this.#receive(message as WorkerMessage);
    });
    // A process that cannot be started has no exit event; a message that cannot be sent is followed by one.
    this.#child.on("error", (error) => {
      if (this.#child.pid === undefined) this.#gone(error.message);
    });
    this.#child.on("exit", (code, signal) => {
      const how = signal === null ? `status ${code}` : `signal ${signal}`;
      this.#gone(this.#killReason === "" ? how : `${how}: ${this.#killReason}`);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** It was ready once. */
  get hasServed(): boolean {
    return this.#hasServed;
  }

  /** How the process ended; "" while it runs. */
  get exitHow(): string {
    return this.#exitHow;
  }

  /**
   * Resolves with the addresses of its listeners when the worker serves.
   *
   * @throws WeftError CLI_WORKER_START_FAILED
   */
  async start(message: SupervisorMessage): Promise<readonly ListenerAddress[]> {
    this.#startMessage = message;
    this.#startTimer = this.#clock.setTimer(() => {
      this.#killReason = `it was not ready after ${WORKER_START_MS_MAX} ms`;
      this.#failStart(this.#killReason);
      this.kill();
    }, WORKER_START_MS_MAX);
    try {
      return await new Promise((resolve, reject) => {
        this.#onReady = resolve;
        this.#onStartFailed = reject;
        if (this.#state === "gone") this.#failStart(this.#exitHow);
      });
    } finally {
      this.#stopStartTimer();
    }
  }

  /** Sends a message; one to a process that is gone is dropped. */
  send(message: SupervisorMessage): void {
    if (!this.#child.connected) return;
    // An error means that the process is on its way out: the exit event tells the rest.
    this.#child.send(message, () => {});
  }

  /**
   * Asks for something.
   *
   * @throws WeftError CLI_WORKER_GONE, CLI_WORKER_SILENT
   */
  ask(topic: string, argument: unknown, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#state === "gone") {
        reject(this.#goneError());
        return;
      }
      if (this.#questions.size >= WORKER_QUESTIONS_MAX) {
        reject(this.#silentError(topic, `${this.#questions.size} earlier questions wait`));
        return;
      }
      const id = this.#nextQuestion++;
      const timer = this.#clock.setTimer(() => {
        this.#questions.delete(id);
        reject(this.#silentError(topic, `no answer came in ${timeoutMs} ms`));
      }, timeoutMs);
      this.#questions.set(id, { resolve, reject, timer });
      this.send({ type: "ask", question: { id, topic, argument } });
    });
  }

  /** Asks the worker to finish what is in flight and to leave; `isMoving`: but for what goes to the next version. */
  drain(isMoving: boolean = false): void {
    if (this.#state === "gone") return;
    this.#state = "draining";
    this.send({ type: "drain", isMoving });
  }

  /** Ends the process at once. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #receive(message: WorkerMessage): void {
    switch (message.type) {
      case "online":
        if (this.#startMessage !== null) this.send(this.#startMessage);
        return;
      case "prepared":
        // From now on it is others that it waits for.
        this.#stopStartTimer();
        this.#handler.onWorkerMessage(this, message);
        return;
      case "ready":
        if (this.#state === "starting") this.#state = "ready";
        this.#hasServed = true;
        this.#onReady?.(message.listeners);
        return;
      case "answer":
        this.#takeWaiter(message.id)?.resolve(message.value);
        return;
      case "answer-failed":
        this.#takeWaiter(message.id)?.reject(new Error(message.message));
        return;
      default:
        this.#handler.onWorkerMessage(this, message);
    }
  }

  #stopStartTimer(): void {
    if (this.#startTimer !== null) this.#clock.clearTimer(this.#startTimer);
    this.#startTimer = null;
  }

  #takeWaiter(id: number): Waiter | undefined {
    const waiter = this.#questions.get(id);
    if (waiter === undefined) return undefined;
    this.#questions.delete(id);
    this.#clock.clearTimer(waiter.timer);
    return waiter;
  }

  #gone(how: string): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.#exitHow = how;
    for (const id of this.#questions.keys()) this.#takeWaiter(id)?.reject(this.#goneError());
    this.#failStart(`it ended with ${how}`);
    this.#handler.onWorkerExit(this, how);
  }

  #failStart(reason: string): void {
    const details = { slot: this.slot, pid: this.pid, reason };
    const message = `Cannot start worker ${this.slot} (process ${this.pid}): ${reason}`;
    this.#onStartFailed?.(new WeftError<CliErrorCode>("CLI_WORKER_START_FAILED", message, details));
  }

  #goneError(): Error {
    const message = `Cannot ask worker ${this.slot}: its process ${this.pid} ended with ${this.#exitHow}`;
    return new WeftError<CliErrorCode>("CLI_WORKER_GONE", message, { slot: this.slot, pid: this.pid });
  }

  #silentError(topic: string, reason: string): Error {
    const message = `Cannot ask worker ${this.slot} (process ${this.pid}) for ${topic}: ${reason}`;
    return new WeftError<CliErrorCode>("CLI_WORKER_SILENT", message, { slot: this.slot, pid: this.pid, topic });
  }
}
