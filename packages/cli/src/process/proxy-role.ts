import type { World } from "@weft/contract";
import { createWorldFeeds, type WorldFeeds } from "@weft/control/client";
import { type AdminSource, createProxy, type LogLevel, type Proxy, type WorkerMetrics } from "@weft/proxy";
import type { ProcessLog } from "../log.ts";
import type { HostVerdict, ListenerAddress, WorkerStart } from "./message.ts";
import type { WorkerRole } from "./worker.ts";

/** The data plane as a role: what a worker of `weft proxy` does, or the whole of it where there is one process. */
export class ProxyRole implements WorkerRole {
  readonly #log: ProcessLog;
  readonly #feeds: WorldFeeds = createWorldFeeds();
  #proxy: Proxy | null = null;
  #slot: number = 0;

  constructor(log: ProcessLog) {
    this.#log = log;
  }

  async start(start: WorkerStart, onVerdict: (verdict: HostVerdict) => void): Promise<readonly ListenerAddress[]> {
    const { slot, world, isPortShared, workerCount = 1 } = start;
    const log = this.#log;
    this.#slot = slot;
    this.#feeds.publish(world);
    this.#proxy = createProxy({
      feeds: this.#feeds,
      log,
      isPortShared,
      workerCount,
      checksHealth: false,
      onVerdict: (cluster, host, verdict, reason) => onVerdict({ cluster, host, verdict, reason }),
      logLevel: { get: () => log.level, set: (level) => void (log.level = level) },
    });
    await this.#proxy.ready();
    return this.#proxy.listeners();
  }

  async apply(world: World): Promise<void> {
    this.#feeds.publish(world);
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

  async drain(): Promise<"drained" | "deadline"> {
    return (await this.#proxy?.drain()) ?? "drained";
  }
}
