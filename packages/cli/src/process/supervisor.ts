import type { World } from "@weft/contract";
import { type Clock, type Random, systemClock, systemRandom } from "@weft/kernel";
import type { Log, WorkerStatus } from "@weft/proxy";
import { WORKER_ANSWER_MS_MAX } from "../limits.ts";
import type { HostVerdict, ListenerAddress, WorkerMessage, WorkerStart } from "./message.ts";
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
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #group: WorkerGroup;
  readonly #workerCount: number;
  readonly #ports: SharedPorts = new SharedPorts();
  #world: World | null = null;
  /** When the present revision was handed out, and to how many workers it is new. */
  #sentMs: number = 0;
  #pending: number = 0;
  /** The worker that asks hosts for their health, for all: the one that has served longest. */
  #checker: WorkerProcess | null = null;
  /** The revision that the latest worker of each slot started with. */
  readonly #startRevisions = new Map<number, number>();

  constructor(options: SupervisorOptions) {
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#workerCount = options.workers;
    this.#group = new WorkerGroup({
      count: options.workers,
      program: options.program,
      clock: this.#clock,
      random: options.random ?? systemRandom,
      log: options.log,
      startOf: (slot) => this.#startOf(slot),
      onMessage: (worker, message) => this.#receive(worker, message),
      onReady: (worker) => this.#onReady(worker),
      onLost: (worker) => this.#onLost(worker),
    });
  }

  get world(): World | null {
    return this.#world;
  }

  status(): readonly WorkerStatus[] {
    return this.#group.status();
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
    return { slot, isPortShared: true, workerCount: this.#workerCount, world };
  }

  #receive(worker: WorkerProcess, message: WorkerMessage): void {
    const { slot, pid: workerPid } = worker;
    switch (message.type) {
      case "applied":
        worker.revision = message.revision;
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
      case "verdict":
        this.#group.broadcast({ type: "verdicts", verdicts: [message.verdict] }, worker);
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
    worker.revision = this.#startRevisions.get(worker.slot) ?? 0;
    const world = this.#world;
    if (world !== null && world.revision !== worker.revision) worker.send({ type: "world", world });
    if (this.#checker === null) this.#appointChecker();
    else void this.#spreadVerdicts(this.#checker, [worker]);
  }

  /** Hosts are not left unchecked: the worker that has served longest takes over at once, with what it was told. */
  #onLost(worker: WorkerProcess): void {
    if (worker !== this.#checker) return;
    worker.send({ type: "checks-health", isOn: false });
    this.#appointChecker();
  }

  #appointChecker(): void {
    const others = this.#group.ready;
    const [oldest] = others.toSorted((one, other) => one.startedMs - other.startedMs);
    this.#checker = oldest ?? null;
    if (oldest === undefined) return;
    oldest.send({ type: "checks-health", isOn: true });
    this.#log.info("worker checks health", { slot: oldest.slot, workerPid: oldest.pid });
    void this.#spreadVerdicts(oldest, others);
  }

  /**
   * Tells workers what one knows of hosts: those that start, and all when the checks move, because the one before may have
   * died on the way. What becomes known later they hear as it comes.
   */
  async #spreadVerdicts(from: WorkerProcess, to: readonly WorkerProcess[]): Promise<void> {
    if (to.length === 0) return;
    try {
      const verdicts = (await from.ask("verdicts", null, WORKER_ANSWER_MS_MAX)) as readonly HostVerdict[];
      for (const worker of to) if (worker !== from) worker.send({ type: "verdicts", verdicts });
    } catch (error) {
      // If it died the checks move, and all are told then.
      this.#log.warn(error instanceof Error ? error.message : String(error));
    }
  }
}
