import type { World } from "@weft/contract";
import { createWorldFeeds, type WorldFeeds } from "@weft/control/client";
import { createProxy, type Proxy } from "@weft/proxy";
import type { ProcessLog } from "../log.ts";
import type { ListenerAddress, WorkerStart } from "./message.ts";
import type { WorkerRole } from "./worker.ts";

/** The data plane as a role: what a worker of `weft proxy` does, or the whole of it where there is one process. */
export class ProxyRole implements WorkerRole {
  readonly #log: ProcessLog;
  readonly #feeds: WorldFeeds = createWorldFeeds();
  #proxy: Proxy | null = null;

  constructor(log: ProcessLog) {
    this.#log = log;
  }

  async start({ world, isPortShared, checksHealth }: WorkerStart): Promise<readonly ListenerAddress[]> {
    this.#feeds.publish(world);
    this.#proxy = createProxy({ feeds: this.#feeds, log: this.#log, isPortShared, checksHealth });
    await this.#proxy.ready();
    return this.#proxy.listeners();
  }

  async apply(world: World): Promise<void> {
    this.#feeds.publish(world);
  }

  async answer(topic: string, _argument: unknown): Promise<unknown> {
    if (topic === "metrics") return this.#proxy?.metrics();
    throw new Error(`no answer to ${topic}`);
  }

  setChecksHealth(_isOn: boolean): void {}

  takeVerdicts(_verdicts: unknown): void {}

  reopenLogs(): void {}

  async drain(): Promise<"drained" | "deadline"> {
    return (await this.#proxy?.drain()) ?? "drained";
  }
}
