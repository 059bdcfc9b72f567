import type { World } from "@weft/contract";
import { type Clock, type Random, systemClock, systemRandom } from "@weft/kernel";
import type { Log } from "@weft/proxy";
import { WORKER_ANSWER_MS_MAX } from "../limits.ts";
import type { ListenerAddress, WorkerMessage, WorkerStart } from "./message.ts";
import type { RoleHost } from "./role-host.ts";
import { SharedPorts } from "./shared-ports.ts";
import { WorkerGroup } from "./worker-group.ts";
import type { WorkerProcess, WorkerProgram } from "./worker-process.ts";

/** How a supervisor is made. */
export interface SupervisorOptions {
  readonly workers: number;
  readonly program: WorkerProgram;
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * A role in several worker processes that listen on the same ports. The supervisor carries no traffic: it hands out the
 * configuration, passes on what one worker finds out about hosts' health, and replaces workers.
 */
export class Supervisor implements RoleHost {
  readonly workers: number;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #group: WorkerGroup;
  readonly #ports: SharedPorts = new SharedPorts();
  #world: World | null = null;
  /** When the present revision was handed out, and to how many workers it is new. */
  #sentMs: number = 0;
  #pending: number = 0;
  /** The revision that the latest worker of each slot started with. */
  readonly #startRevisions = new Map<number, number>();
  /** The slot whose worker checks the health of hosts. */
  #checker: number = 0;
  /** What the checker said last, for workers that start. */
  #verdicts: unknown = null;

  constructor(options: SupervisorOptions) {
    this.workers = options.workers;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#group = new WorkerGroup({
      count: options.workers,
      program: options.program,
      clock: this.#clock,
      random: options.random ?? systemRandom,
      log: options.log,
      startOf: (slot) => this.#startOf(slot),
      onMessage: (worker, message) => this.#receive(worker, message),
      onReady: (worker) => this.#onReady(worker),
      onLost: () => this.#electChecker(),
    });
  }

  /** The workers' process ids, by slot; for status and tests. */
  get pids(): readonly number[] {
    return this.#group.ready.map(({ pid }) => pid);
  }

  async start(world: World): Promise<readonly ListenerAddress[]> {
    this.#world = await this.#ports.resolve(world);
    try {
      return await this.#group.start();
    } finally {
      this.#ports.release();
    }
  }

  async apply(world: World): Promise<void> {
    const resolved = await this.#ports.resolve(world);
    this.#world = resolved;
    this.#sentMs = this.#clock.nowMs();
    this.#pending = this.#group.ready.length;
    this.#group.broadcast({ type: "world", world: resolved });
  }

  askAll(topic: string, argument: unknown): Promise<readonly unknown[]> {
    return this.#group.askAll(topic, argument, WORKER_ANSWER_MS_MAX);
  }

  async restartWorkers(): Promise<void> {
    this.#log.info("workers are restarted one after another");
    await this.#group.restartAll();
  }

  reopenLogs(): void {
    this.#group.broadcast({ type: "reopen-logs" });
  }

  async drain(): Promise<void> {
    await this.#group.drain(this.#world?.settings.drainDeadlineMs ?? 0);
    this.#log.info("all workers are gone");
  }

  kill(): void {
    this.#group.kill();
  }

  #startOf(slot: number): WorkerStart {
    const world = this.#world;
    if (world === null) throw new Error("a worker starts after the first configuration");
    this.#startRevisions.set(slot, world.revision);
    return { slot, isPortShared: true, checksHealth: slot === this.#checker, world };
  }

  #receive(worker: WorkerProcess, message: WorkerMessage): void {
    const { slot, pid: workerPid } = worker;
    switch (message.type) {
      case "applied":
        this.#onApplied(message.revision);
        return;
      case "refused":
        this.#log.error("a worker refused a configuration; the last one stays", {
          slot,
          workerPid,
          revision: message.revision,
          reason: message.message,
        });
        return;
      case "verdicts":
        this.#verdicts = message.verdicts;
        this.#group.broadcast({ type: "verdicts", verdicts: message.verdicts }, worker);
        return;
      case "drained":
        this.#log.info("worker drained", { slot, workerPid, outcome: message.outcome });
        return;
      case "online":
      case "ready":
      case "answer":
      case "answer-failed":
      // The worker's own process object has dealt with these.
    }
  }

  #onApplied(revision: number): void {
    if (revision !== this.#world?.revision) return;
    // One that started meanwhile may say so, too, after all have.
    if (this.#pending === 0 || --this.#pending > 0) return;
    this.#ports.release();
    const tookMs = Math.round((this.#clock.nowMs() - this.#sentMs) * 10) / 10;
    this.#log.info("configuration applied by all workers", { revision, tookMs });
  }

  /** A worker may have started with a world that was replaced meanwhile. */
  #onReady(worker: WorkerProcess): void {
    const world = this.#world;
    if (world !== null && world.revision !== this.#startRevisions.get(worker.slot))
      worker.send({ type: "world", world });
    if (this.#verdicts !== null) worker.send({ type: "verdicts", verdicts: this.#verdicts });
    this.#electChecker();
  }

  /** The health of hosts is checked by one worker that serves; by its successor when it is gone. */
  #electChecker(): void {
    const { ready } = this.#group;
    if (ready.length === 0 || ready.some(({ slot }) => slot === this.#checker)) return;
    const [next] = ready;
    if (next === undefined) return;
    this.#checker = next.slot;
    next.send({ type: "checks-health", isOn: true });
    this.#log.info("another worker checks the health of hosts", { slot: next.slot, workerPid: next.pid });
  }
}
