import { type Backoff, type Clock, createBackoff, type Random, type TimerHandle } from "@weft/kernel";
import type { Log, WorkerStatus } from "@weft/proxy";
import {
  WORKER_CRASHES_IN_LOOP,
  WORKER_LEAVE_MS_MAX,
  WORKER_RESTART_MS_MAX,
  WORKER_RESTART_MS_MIN,
  WORKER_STABLE_MS,
} from "../limits.ts";
import type { ListenerAddress, SupervisorMessage, WorkerMessage, WorkerStart } from "./message.ts";
import { OrphanGuard } from "./orphan-guard.ts";
import { type WorkerHandler, WorkerProcess, type WorkerProgram } from "./worker-process.ts";

/** What a group of workers is told by the role that owns it. */
export interface WorkerGroupOptions {
  readonly count: number;
  readonly program: WorkerProgram;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What a worker is to begin with, asked anew for each that starts. */
  startOf(slot: number): WorkerStart;
  onMessage(worker: WorkerProcess, message: WorkerMessage): void;
  /** A worker serves: the first of its slot or a replacement. */
  onReady(worker: WorkerProcess): void;
  /** A worker that served is gone. */
  onLost(worker: WorkerProcess): void;
}

interface Slot {
  readonly index: number;
  readonly backoff: Backoff;
  worker: WorkerProcess | null;
  restart: TimerHandle | null;
  crashes: number;
  /** Since the start of the role. */
  restarts: number;
}

/**
 * N worker processes that are alike. One that dies is replaced, after pauses that grow while it goes on dying; the others
 * are never touched.
 */
export class WorkerGroup implements WorkerHandler {
  readonly #options: WorkerGroupOptions;
  readonly #slots: readonly Slot[];
  readonly #exitListeners = new Set<() => void>();
  readonly #guard = new OrphanGuard();
  #isStarting: boolean = false;
  #isStopping: boolean = false;
  #isHeld: boolean = false;

  constructor(options: WorkerGroupOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.count }, (_, index) => ({
      index,
      backoff: createBackoff({
        baseMs: WORKER_RESTART_MS_MIN,
        maxMs: WORKER_RESTART_MS_MAX,
        random: options.random,
      }),
      worker: null,
      restart: null,
      crashes: 0,
      restarts: 0,
    }));
  }

  /** The workers that serve, by slot. */
  get ready(): readonly WorkerProcess[] {
    return this.#living().filter(({ state }) => state === "ready");
  }

  /** Every process that lives, those on their way out included. */
  status(): readonly WorkerStatus[] {
    return this.#living().map((worker) => {
      const { slot: id, pid, startedAtMs, revision } = worker;
      const state = worker.state === "gone" ? "draining" : worker.state;
      return { id, pid, state, startedAtMs, revision, restarts: this.#slots[id]?.restarts ?? 0 };
    });
  }

  /**
   * Starts all workers; resolves with the listeners' addresses when all serve.
   *
   * @throws WeftError CLI_WORKER_START_FAILED when one could not start; the others are ended then
   */
  async start(): Promise<readonly ListenerAddress[]> {
    this.#isStarting = true;
    const starts = await Promise.allSettled(this.#slots.map((slot) => this.#launch(slot)));
    this.#isStarting = false;
    for (const start of starts) {
      if (start.status === "fulfilled") continue;
      this.kill();
      await this.#allGone();
      await this.#guard.close();
      throw start.reason;
    }
    // One may have died while others were still starting.
    for (const slot of this.#slots) if (slot.worker === null) this.#restartLater(slot, "an early death");
    const [first] = starts;
    return first?.status === "fulfilled" ? first.value : [];
  }

  /** Sends a message to every worker that serves; one that starts gets the present state with its start. */
  broadcast(message: SupervisorMessage, except?: WorkerProcess): void {
    for (const worker of this.ready) if (worker !== except) worker.send(message);
  }

  /** Every worker that lives and is not about to leave. */
  get workers(): readonly WorkerProcess[] {
    return this.#slots.flatMap(({ worker }) => (worker === null ? [] : [worker]));
  }

  /** While `isHeld`, one that dies is not replaced: what it did is about to be another version's. Afterwards it is. */
  holdRestarts(isHeld: boolean): void {
    this.#isHeld = isHeld;
    for (const slot of this.#slots) {
      if (slot.worker !== null) continue;
      if (isHeld && slot.restart !== null) {
        this.#options.clock.clearTimer(slot.restart);
        slot.restart = null;
      } else if (!isHeld && slot.restart === null && !this.#isStopping) this.#restartLater(slot, "it died meanwhile");
    }
  }

  /** Asks every worker that serves; those that do not answer in time are left out and reported. */
  async askAll(topic: string, argument: unknown, timeoutMs: number): Promise<readonly unknown[]> {
    const answers = await Promise.allSettled(this.ready.map((worker) => worker.ask(topic, argument, timeoutMs)));
    return answers.flatMap((answer) => {
      if (answer.status === "fulfilled") return [answer.value];
      this.#options.log.warn(String(answer.reason instanceof Error ? answer.reason.message : answer.reason));
      return [];
    });
  }

  /** Lets every worker finish what it has in flight, at most so long; then all are gone. */
  async drain(deadlineMs: number, isMoving: boolean = false): Promise<void> {
    this.#stopRestarts();
    for (const worker of this.#living()) worker.drain(isMoving);
    const timer = this.#options.clock.setTimer(() => this.kill(), deadlineMs + WORKER_LEAVE_MS_MAX);
    await this.#allGone();
    this.#options.clock.clearTimer(timer);
    await this.#guard.close();
  }

  /** Ends every worker at once. */
  kill(): void {
    this.#stopRestarts();
    for (const worker of this.#living()) worker.kill();
  }

  onWorkerMessage(worker: WorkerProcess, message: WorkerMessage): void {
    this.#options.onMessage(worker, message);
  }

  onWorkerExit(worker: WorkerProcess, how: string): void {
    const { clock } = this.#options;
    this.#guard.remove(worker.pid);
    if (worker.hasServed && !this.#isStopping) this.#options.onLost(worker);
    const slot = this.#slots[worker.slot];
    if (slot?.worker === worker) {
      slot.worker = null;
      if (clock.nowMs() - worker.startedMs >= WORKER_STABLE_MS) {
        slot.backoff.reset();
        slot.crashes = 0;
      }
      if (!this.#isStarting && !this.#isStopping && !this.#isHeld) this.#restartLater(slot, how, worker.pid);
    }
    for (const listener of this.#exitListeners) listener();
  }

  async #launch(slot: Slot): Promise<readonly ListenerAddress[]> {
    const { program, clock, log } = this.#options;
    const worker = new WorkerProcess(slot.index, program, clock, this);
    slot.worker = worker;
    if (worker.pid !== 0) this.#guard.add(worker.pid);
    const listeners = await worker.start({ type: "start", start: this.#options.startOf(slot.index) });
    log.info("worker ready", {
      slot: slot.index,
      workerPid: worker.pid,
      startMs: Math.round(clock.nowMs() - worker.startedMs),
    });
    this.#options.onReady(worker);
    return listeners;
  }

  #restartLater(slot: Slot, how: string, pid: number = 0): void {
    const { log, clock } = this.#options;
    slot.crashes++;
    slot.restarts++;
    const delayMs = slot.backoff.nextMs();
    const fields = { slot: slot.index, workerPid: pid, how, restartInMs: Math.round(delayMs) };
    if (slot.crashes >= WORKER_CRASHES_IN_LOOP) {
      log.error("a worker dies again and again", { ...fields, crashes: slot.crashes });
    } else log.error("a worker died and is replaced", fields);
    slot.restart = clock.setTimer(() => {
      slot.restart = null;
      // A failure to start ends the process: its exit is logged and handled like any other.
      this.#launch(slot).catch(() => {});
    }, delayMs);
  }

  #stopRestarts(): void {
    this.#isStopping = true;
    for (const slot of this.#slots) {
      if (slot.restart !== null) this.#options.clock.clearTimer(slot.restart);
      slot.restart = null;
    }
  }

  #living(): readonly WorkerProcess[] {
    return this.workers.filter(({ state }) => state !== "gone");
  }

  #allGone(): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#living().length > 0) return;
        this.#exitListeners.delete(check);
        resolve();
      };
      this.#exitListeners.add(check);
      check();
    });
  }
}
