import type { World } from "@weft/contract";
import {
  type ChannelAddress,
  type Clock,
  isWeftError,
  type Random,
  systemClock,
  systemRandom,
  type TimerHandle,
} from "@weft/kernel";
import type { Log, WorkerStatus } from "@weft/proxy";
import { HAND_OVER_PATIENCE_MS, PORT_RETRY_MS, WORKER_ANSWER_MS_MAX, WORKER_START_MS_MAX } from "../limits.ts";
import type { MoveReport } from "./hand-over-message.ts";
import type { HostVerdict, ListenerAddress, WorkerMessage, WorkerStart } from "./message.ts";
import type { RoleHost } from "./role-host.ts";
import { findTakenPorts, renderTakenPort, type TakenPort } from "./port-guard.ts";
import { type ChosenPort, SharedPorts } from "./shared-ports.ts";
import { WorkerGroup } from "./worker-group.ts";
import type { WorkerProcess, WorkerProgram } from "./worker-process.ts";

/** How a supervisor is made. */
export interface SupervisorOptions {
  readonly workers: number;
  readonly program: WorkerProgram;
  readonly log: Log;
  /** Workers wait for those of the version before, which hand over what they have: `prepare` and `takeOver` instead of `start`. */
  readonly awaitsHandOver?: boolean;
  /** Others may listen on the same ports; default: a listener whose port another process has is refused. */
  readonly sharesPorts?: boolean;
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
  readonly #sharesPorts: boolean;
  #awaitsHandOver: boolean;
  /** Where workers wait for those of the version before, by slot. */
  readonly #doors = new Map<number, ChannelAddress>();
  #onDoor: () => void = () => {};
  #started: Promise<readonly ListenerAddress[]> = Promise.resolve([]);
  /** What workers that have left in order had counted, until it is asked for. */
  readonly #finalMetrics: unknown[] = [];
  #world: World | null = null;
  /** When the present revision was handed out, and to how many workers it is new. */
  #sentMs: number = 0;
  #pending: number = 0;
  /** The worker that asks hosts for their health, for all: the one that has served longest. */
  #checker: WorkerProcess | null = null;
  /** The revision that the latest worker of each slot started with. */
  readonly #startRevisions = new Map<number, number>();
  /** Configurations are handed out one after the other. */
  #applying: Promise<void> = Promise.resolve();
  /** The configuration that was asked for last, with listeners that are refused. */
  #wanted: World | null = null;
  /** While a listener is refused because another process has its port. */
  #retry: TimerHandle | null = null;

  constructor(options: SupervisorOptions) {
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#workerCount = options.workers;
    this.#sharesPorts = options.sharesPorts ?? false;
    this.#awaitsHandOver = options.awaitsHandOver ?? false;
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

  // ---- the version after this one ----

  /** Ports that the system chose, for the next version to choose the same. */
  get chosenPorts(): readonly ChosenPort[] {
    return this.#ports.chosen;
  }

  /** How many workers have something to hand over. */
  get giverCount(): number {
    return this.#group.ready.length;
  }

  /** What is known of hosts. */
  async verdicts(): Promise<readonly HostVerdict[]> {
    const checker = this.#checker;
    if (checker === null) return [];
    return (await checker.ask("verdicts", null, WORKER_ANSWER_MS_MAX)) as readonly HostVerdict[];
  }

  /** Every worker sends its listening sockets to workers of the next version. No worker is replaced from now on. */
  async giveSockets(targets: readonly (readonly ChannelAddress[])[]): Promise<void> {
    this.#group.holdRestarts(true);
    await this.#askGivers((worker, index) => worker.ask("give-sockets", targets[index] ?? [], WORKER_START_MS_MAX));
  }

  /** Every worker gives its connections away; resolves when those that can go soon have gone. */
  async moveConnections(): Promise<MoveReport> {
    const timeoutMs = HAND_OVER_PATIENCE_MS + WORKER_START_MS_MAX;
    const reports = await this.#askGivers((worker) => worker.ask("move-connections", null, timeoutMs));
    const sum = { moved: 0, waiting: 0 };
    for (const report of reports as MoveReport[]) {
      sum.moved += report.moved;
      sum.waiting += report.waiting;
    }
    return sum;
  }

  /** There will be no next version for now: all goes on as before. */
  async keepConnections(): Promise<void> {
    await this.#askGivers((worker) => worker.ask("keep-connections", null, WORKER_ANSWER_MS_MAX)).catch(() => {});
    this.#group.holdRestarts(false);
  }

  /** One that dies meanwhile has nothing left to give; what else goes wrong is thrown. */
  async #askGivers(ask: (worker: WorkerProcess, index: number) => Promise<unknown>): Promise<unknown[]> {
    const answers = await Promise.allSettled(this.#group.ready.map(ask));
    return answers.flatMap((answer) => {
      if (answer.status === "fulfilled") return [answer.value];
      if (isWeftError(answer.reason, "CLI_WORKER_GONE")) return [];
      throw answer.reason;
    });
  }

  // ---- the version before this one ----

  /** Starts all workers, which are not to serve yet; resolves when all could. */
  async prepare(world: World, ports: readonly ChosenPort[]): Promise<void> {
    this.#ports.inherit(ports);
    this.#world = await this.#ports.resolve(world);
    const prepared = new Promise<void>((resolve) => {
      this.#onDoor = () => void (this.#doors.size === this.#workerCount && resolve());
    });
    this.#started = this.#group.start().finally(() => this.#ports.release());
    await Promise.race([prepared, this.#started]);
  }

  /** Where each of so many workers of the version before is to send what it has. */
  targetsFor(givers: number): readonly (readonly ChannelAddress[])[] {
    const doors = [...this.#doors].sort(([one], [other]) => one - other).map(([, door]) => door);
    return Array.from({ length: givers }, (_, giver) =>
      givers >= doors.length
        ? doors.filter((_door, index) => index === giver % doors.length)
        : doors.filter((_door, index) => index % givers === giver),
    );
  }

  /** Lets the workers of the version before in; resolves with the listeners when all workers accept connections. */
  async takeOver(givers: number, verdicts: readonly HostVerdict[]): Promise<readonly ListenerAddress[]> {
    const targets = this.targetsFor(givers);
    for (const worker of this.#group.workers) {
      const door = this.#doors.get(worker.slot);
      const expected = targets.filter((doors) => door !== undefined && doors.includes(door)).length;
      // One that dies fails the start.
      void worker.ask("expect-givers", expected, WORKER_ANSWER_MS_MAX).catch(() => {});
    }
    const listeners = await this.#started;
    this.#awaitsHandOver = false;
    this.#group.broadcast({ type: "verdicts", verdicts });
    return listeners;
  }

  /** Nobody hands anything over any more: what has not come is not waited for. */
  expectNoGivers(): void {
    for (const worker of this.#group.workers) {
      // One that dies is replaced.
      void worker.ask("expect-givers", 0, WORKER_ANSWER_MS_MAX).catch(() => {});
    }
  }

  // ---- configurations ----

  apply(world: World): Promise<void> {
    this.#wanted = world;
    this.#applying = this.#applying
      .then(() => this.#handOut(world))
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#log.error("configuration refused; the last one stays", { revision: world.revision, reason });
      });
    return this.#applying;
  }

  async #handOut(world: World): Promise<void> {
    const resolved = await this.#ports.resolve(await this.#withoutTaken(world));
    this.#world = resolved;
    this.#sentMs = this.#clock.nowMs();
    this.#pending = this.#group.ready.length;
    this.#group.broadcast({ type: "world", world: resolved });
  }

  /**
   * Refuses listeners that are new on a port which another process has, until it is free; where a listener of that name runs
   * elsewhere it goes on there.
   */
  async #withoutTaken(world: World): Promise<World> {
    const present = this.#world?.listeners ?? [];
    const taken = await this.#takenBy(world);
    const refused = new Set(taken.map(({ name }) => name));
    for (const port of taken) {
      const { name: listener } = port;
      this.#log.error("a listener is refused; the others are served", { listener, reason: renderTakenPort(port) });
    }
    if (taken.length === 0) return world;
    this.#retry ??= this.#clock.setTimer(() => this.#tryAgain(taken.length), PORT_RETRY_MS);
    const kept = present.filter(({ name }) => refused.has(name));
    return { ...world, listeners: [...world.listeners.filter(({ name }) => !refused.has(name)), ...kept] };
  }

  /** Listeners of this configuration that do not run yet and whose port another process has. */
  async #takenBy({ listeners }: World): Promise<readonly TakenPort[]> {
    const present = this.#world?.listeners ?? [];
    const added = listeners.filter(
      ({ address, port }) => !present.some((other) => other.address === address && other.port === port),
    );
    if (this.#sharesPorts || added.length === 0) return [];
    return await findTakenPorts(added, new Set(this.status().map(({ pid }) => pid)));
  }

  /** Hands the configuration out again when fewer of its ports are taken than before. */
  #tryAgain(takenBefore: number): void {
    this.#retry = null;
    const world = this.#wanted;
    if (world === null) return;
    this.#applying = this.#applying.then(async () => {
      if (this.#wanted !== world || this.#retry !== null) return;
      const { length } = await this.#takenBy(world);
      if (length < takenBefore) void this.apply(world);
      else this.#retry = this.#clock.setTimer(() => this.#tryAgain(takenBefore), PORT_RETRY_MS);
    });
  }

  #stopRetry(): void {
    this.#wanted = null;
    if (this.#retry !== null) this.#clock.clearTimer(this.#retry);
    this.#retry = null;
  }

  async askAll(topic: string, argument: unknown): Promise<readonly unknown[]> {
    const answers = await this.#group.askAll(topic, argument, WORKER_ANSWER_MS_MAX);
    return topic === "metrics" ? [...answers, ...this.#finalMetrics.splice(0)] : answers;
  }

  async drain(isMoving: boolean = false): Promise<void> {
    this.#stopRetry();
    await this.#group.drain(this.#world?.settings.drainDeadlineMs ?? 0, isMoving);
    this.#log.info("all workers are gone");
  }

  kill(): void {
    this.#stopRetry();
    this.#group.kill();
  }

  #startOf(slot: number): WorkerStart {
    const world = this.#world;
    if (world === null) throw new Error("a worker starts after the first configuration");
    this.#startRevisions.set(slot, world.revision);
    const workerCount = this.#workerCount;
    const awaitsHandOver = this.#awaitsHandOver;
    return { slot, isPortShared: true, workerCount, awaitsHandOver, world };
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
      case "prepared":
        this.#doors.set(slot, message.address);
        this.#onDoor();
        return;
      case "drained":
        this.#finalMetrics.push(message.metrics);
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
    if (worker === this.#checker) this.#appointChecker();
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
