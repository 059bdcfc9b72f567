import type { ResourceProblem, World } from "@weft/contract";
import { type ChannelAddress, systemClock } from "@weft/kernel";
import { createWorldFeeds, type WorldFeeds } from "@weft/control/client";
import {
  type AdminSource,
  createProxy,
  type Demands,
  type LogLevel,
  type Proxy,
  type WorkerMetrics,
} from "@weft/proxy";
import type { ProcessLog } from "../log.ts";
import { HandOverGiver } from "./hand-over-giver.ts";
import { HandOverTaker } from "./hand-over-taker.ts";
import type { HostVerdict, ListenerAddress, WorkerStart } from "./message.ts";
import type { WorkerObserver, WorkerRole } from "./worker.ts";

/** The data plane as a role: what a worker of `weft proxy` does, or the whole of it where there is one process. */
export class ProxyRole implements WorkerRole {
  readonly #log: ProcessLog;
  readonly #feeds: WorldFeeds = createWorldFeeds();
  #proxy: Proxy | null = null;
  #slot: number = 0;
  /** While this worker's connections go to the next version. */
  #giver: HandOverGiver | null = null;
  #isDraining: boolean = false;
  #taker: HandOverTaker | null = null;

  constructor(log: ProcessLog) {
    this.#log = log;
  }

  async start(start: WorkerStart, observer: WorkerObserver): Promise<readonly ListenerAddress[]> {
    const { slot, world, isPortShared, workerCount = 1, awaitsHandOver = false } = start;
    const log = this.#log;
    this.#slot = slot;
    this.#feeds.publish(world);
    const proxy = createProxy({
      feeds: this.#feeds,
      log,
      isPortShared,
      awaitsSockets: awaitsHandOver,
      workerCount,
      checksHealth: false,
      onVerdict: (cluster, host, verdict, reason) => observer.onVerdict({ cluster, host, verdict, reason }),
      logLevel: { get: () => log.level, set: (level) => void (log.level = level) },
    });
    this.#proxy = proxy;
    await proxy.ready();
    if (awaitsHandOver) await this.#takeOver(proxy, observer);
    return proxy.listeners();
  }

  /** Resolves when the sockets of the workers before are listened on; where there are none, sockets of its own. */
  async #takeOver(proxy: Proxy, observer: WorkerObserver): Promise<void> {
    this.#taker = new HandOverTaker(proxy);
    observer.onPrepared(this.#taker.address);
    await this.#taker.ready;
    await proxy.listen();
  }

  async findObstacles(demands: Demands): Promise<readonly ResourceProblem[]> {
    return (await this.#proxy?.findObstacles(demands)) ?? [];
  }

  /** Whole or not at all: when a part cannot be taken, all parts go back to what they were. */
  async apply(world: World): Promise<void> {
    const before = this.#feeds.world;
    this.#feeds.publish(world);
    try {
      await this.#proxy?.settled();
    } catch (error) {
      if (before !== null) await this.#goBack(before);
      throw error;
    }
  }

  async #goBack(world: World): Promise<void> {
    this.#feeds.publish(world);
    try {
      await this.#proxy?.settled();
    } catch (error) {
      this.#log.error("the configuration before could not be restored in full", { error: String(error) });
    }
  }

  async answer(topic: string, argument: unknown): Promise<unknown> {
    const proxy = this.#proxy;
    if (proxy === null) throw new Error("the proxy has not started");
    switch (topic) {
      case "metrics":
        return { pid: process.pid, snapshot: proxy.metrics() } satisfies WorkerMetrics;
      case "listeners":
        return await proxy.admin.listeners();
      case "clusters":
        return await proxy.admin.clusters();
      case "connections":
        return (await proxy.admin.connections()).map((connection) => ({ ...connection, worker: this.#slot }));
      case "verdicts":
        return proxy.verdicts();
      case "explain":
        return await proxy.admin.explain(argument as Parameters<AdminSource["explain"]>[0]);
      case "expect-givers":
        this.#taker?.expect(argument as number);
        return null;
      case "give-sockets":
        this.#giver = new HandOverGiver(proxy.handOver(), systemClock, () => this.#onTakerLost());
        await this.#giver.begin(argument as readonly ChannelAddress[]);
        return null;
      case "move-connections":
        return await this.#giver?.move();
      case "keep-connections":
        this.#giver?.stop();
        this.#giver = null;
        return null;
      case "reopen-logs":
        await proxy.reopenLogs();
        return null;
      case "set-log-level":
        this.#log.level = argument as LogLevel;
        return null;
      default:
        throw new Error(`nothing is known of ${topic}`);
    }
  }

  setChecksHealth(isOn: boolean): void {
    this.#proxy?.setChecksHealth(isOn);
  }

  takeVerdicts(verdicts: readonly HostVerdict[]): void {
    for (const { cluster, host, verdict, reason } of verdicts) this.#proxy?.setVerdict(cluster, host, verdict, reason);
  }

  async drain(isMoving: boolean): Promise<"drained" | "deadline"> {
    this.#isDraining = true;
    const outcome = await this.#proxy?.drain(isMoving && this.#giver !== null);
    await this.#giver?.settle();
    return outcome ?? "drained";
  }

  /** What was to move stays: if it was only waited for, it is asked to end now. */
  #onTakerLost(): void {
    this.#log.warn("the process that takes connections over is gone; those that are left are served here");
    this.#giver = null;
    if (this.#isDraining) void this.#proxy?.drain(false);
  }
}
