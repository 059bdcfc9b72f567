import type { ListenerConfig, ResourceProblem, World } from "@weft/contract";
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
import {
  HAND_OVER_PATIENCE_MS,
  PORT_RETRY_MS,
  REFUSED_RETRY_MS,
  WORKER_ANSWER_MS_MAX,
  WORKER_START_MS_MAX,
  WORKER_TRIAL_MS_MAX,
} from "../limits.ts";
import { reasonOf } from "./generation-message.ts";
import type { MoveReport } from "./hand-over-message.ts";
import type { HostVerdict, ListenerAddress, WorkerMessage, WorkerStart } from "./message.ts";
import type { RoleHost } from "./role-host.ts";
import { findTakenPorts, renderTakenPort, type TakenPort } from "./port-guard.ts";
import { problemOf, ReloadRecord, type RoleReloads } from "./reload-record.ts";
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

/** A configuration that was asked for. */
interface Wanted {
  readonly world: World;
  onApplied(): void;
}

/** A listener whose port another process has. */
interface TakenListener {
  readonly config: ListenerConfig;
  readonly port: TakenPort;
}

/** What came of handing a configuration out. */
interface Outcome {
  /** Why it is not in force; empty when it is. */
  readonly problems: readonly ResourceProblem[];
  /** The reasons may pass by themselves: another try has sense. */
  readonly mayPass: boolean;
}

const TAKEN_BY_ALL: Outcome = { problems: [], mayPass: false };

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
  /** The last configuration that all workers have taken: what one that starts is given. */
  #world: World | null = null;
  readonly #record: ReloadRecord;
  /** The worker that asks hosts for their health, for all: the one that has served longest. */
  #checker: WorkerProcess | null = null;
  /** The revision that the latest worker of each slot started with. */
  readonly #startRevisions = new Map<number, number>();
  /** Configurations are handed out one after the other. */
  #applying: Promise<void> = Promise.resolve();
  /** What was asked for last; null before and while nothing more is taken. */
  #wanted: Wanted | null = null;
  /** While that, or a listener of it, waits for what the machine does not give at present. */
  #retry: TimerHandle | null = null;

  constructor(options: SupervisorOptions) {
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#workerCount = options.workers;
    this.#sharesPorts = options.sharesPorts ?? false;
    this.#awaitsHandOver = options.awaitsHandOver ?? false;
    this.#record = new ReloadRecord(this.#clock, options.log);
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

  get reloads(): RoleReloads {
    return this.#record.reloads;
  }

  status(): readonly WorkerStatus[] {
    return this.#group.status();
  }

  async start(world: World): Promise<readonly ListenerAddress[]> {
    this.#world = await this.#ports.resolve(world);
    try {
      const listeners = await this.#group.start();
      this.#record.accept();
      return listeners;
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
    this.#record.accept();
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

  apply(world: World, onApplied: () => void): Promise<void> {
    const wanted = { world, onApplied };
    this.#stopRetry();
    this.#wanted = wanted;
    return this.#enqueue(async () => {
      if (this.#wanted !== wanted) return;
      this.#record.begin();
      await this.#handOut(wanted, await this.#takenBy(world));
    });
  }

  /** Configurations are handed out one after the other; whatever goes wrong with one, the last one stays. */
  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#applying = this.#applying.then(task).catch((error: unknown) => {
      const expected = `a configuration that can be handed out (${reasonOf(error)})`;
      this.#record.refuse(this.#wanted?.world.revision ?? 0, [problemOf("", "", expected)]);
    });
    return this.#applying;
  }

  /** First all workers try what may not be had on this machine; only when none finds an obstacle they take it. */
  async #handOut(wanted: Wanted, taken: readonly TakenListener[]): Promise<void> {
    const { world } = wanted;
    const resolved = await this.#ports.resolve(this.#without(world, taken));
    let outcome = await this.#tryOut(resolved);
    if (outcome.problems.length === 0) outcome = await this.#putInForce(resolved);
    if (outcome.problems.length > 0) this.#record.refuse(world.revision, outcome.problems);
    else {
      this.#record.accept(
        taken.map(({ port, config: { protocol, tls } }) => ({
          ...port,
          protocol,
          isTls: tls !== null,
          reason: renderTakenPort(port),
        })),
      );
      wanted.onApplied();
    }
    this.#ports.release();
    if (this.#wanted !== wanted) return;
    if (outcome.mayPass) this.#retryLater(wanted, REFUSED_RETRY_MS, Infinity);
    else if (outcome.problems.length === 0 && taken.length > 0) this.#retryLater(wanted, PORT_RETRY_MS, taken.length);
  }

  async #tryOut({ settings, listeners }: World): Promise<Outcome> {
    if (this.#group.ready.length === 0) {
      return { problems: [problemOf("", "", "a worker that serves, to try the configuration")], mayPass: true };
    }
    const demands = { settings, listeners };
    const answers = await this.#group.askAll("find-obstacles", demands, WORKER_TRIAL_MS_MAX);
    // They find the same, being on one machine.
    const byText = new Map(
      (answers as ResourceProblem[][]).flat().map((problem) => [JSON.stringify(problem), problem]),
    );
    return { problems: [...byText.values()], mayPass: byText.size > 0 };
  }

  /** All workers take it, or those that have go back to the one before. */
  async #putInForce(world: World): Promise<Outcome> {
    const startMs = this.#clock.nowMs();
    const workers = this.#group.ready;
    const answers = await Promise.allSettled(workers.map((worker) => this.#give(worker, world)));
    const reasons = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as unknown] : []));
    const refusals = reasons.filter((reason) => !isWeftError(reason, "CLI_WORKER_GONE"));
    if (refusals.length > 0 || reasons.length === workers.length) {
      const before = this.#world;
      const hasTaken = (worker: WorkerProcess): boolean => worker.revision === world.revision;
      if (before !== null) await Promise.all(workers.filter(hasTaken).map((worker) => this.#bringUp(worker, before)));
      const texts = new Set((refusals.length > 0 ? refusals : reasons).map(reasonOf));
      const problems = [...texts].map((text) => problemOf("", "", `a configuration that every worker takes (${text})`));
      return { problems, mayPass: false };
    }
    this.#world = world;
    // Those that started meanwhile have begun with the one before.
    for (const worker of this.#group.ready) if (!workers.includes(worker)) void this.#bringUp(worker, world);
    const tookMs = Math.round((this.#clock.nowMs() - startMs) * 10) / 10;
    this.#log.info("configuration applied by all workers", { revision: world.revision, tookMs });
    return TAKEN_BY_ALL;
  }

  async #give(worker: WorkerProcess, world: World): Promise<void> {
    await worker.ask("apply", world, WORKER_START_MS_MAX);
    worker.revision = world.revision;
  }

  /** Gives a worker what others have taken already. */
  async #bringUp(worker: WorkerProcess, world: World): Promise<void> {
    try {
      await this.#give(worker, world);
    } catch (error) {
      if (isWeftError(error, "CLI_WORKER_GONE")) return;
      const { slot, pid: workerPid } = worker;
      const fields = { slot, workerPid, revision: world.revision, reason: reasonOf(error) };
      this.#log.error("a worker does not take what the others have", fields);
    }
  }

  /** Without listeners that are taken; where a listener of that name runs elsewhere it goes on there. */
  #without(world: World, taken: readonly TakenListener[]): World {
    if (taken.length === 0) return world;
    const refused = new Set(taken.map(({ config }) => config.name));
    for (const { port } of taken) this.#record.leaveOut(port.name, renderTakenPort(port));
    const kept = (this.#world?.listeners ?? []).filter(({ name }) => refused.has(name));
    return { ...world, listeners: [...world.listeners.filter(({ name }) => !refused.has(name)), ...kept] };
  }

  /** Listeners of this configuration that do not run yet and whose port another process has. */
  async #takenBy({ listeners }: World): Promise<readonly TakenListener[]> {
    const present = this.#world?.listeners ?? [];
    const added = listeners.filter(
      ({ address, port }) => !present.some((other) => other.address === address && other.port === port),
    );
    if (this.#sharesPorts || added.length === 0) return [];
    const taken = await findTakenPorts(added, new Set(this.status().map(({ pid }) => pid)));
    return added.flatMap((config) => {
      const port = taken.find(({ name }) => name === config.name);
      return port === undefined ? [] : [{ config, port }];
    });
  }

  /** Hands the configuration out again, when fewer of its ports are taken than before. */
  #retryLater(wanted: Wanted, delayMs: number, takenBefore: number): void {
    this.#retry = this.#clock.setTimer(() => {
      this.#retry = null;
      void this.#enqueue(async () => {
        if (this.#wanted !== wanted) return;
        const taken = await this.#takenBy(wanted.world);
        if (taken.length < takenBefore) await this.#handOut(wanted, taken);
        else if (this.#wanted === wanted) this.#retryLater(wanted, delayMs, takenBefore);
      });
    }, delayMs);
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

  /** A worker may have started with a world that was replaced meanwhile. */
  #onReady(worker: WorkerProcess): void {
    worker.revision = this.#startRevisions.get(worker.slot) ?? 0;
    const world = this.#world;
    if (world !== null && world.revision !== worker.revision) void this.#bringUp(worker, world);
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
