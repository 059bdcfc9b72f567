import type { World } from "@weft/contract";
import type { Log } from "@weft/proxy";
import type { ListenerAddress } from "./message.ts";
import type { RoleHost } from "./role-host.ts";
import type { WorkerRole } from "./worker.ts";

/** A role in this very process: no worker, no sharing of ports. */
export class SingleHost implements RoleHost {
  readonly workers: number = 0;
  readonly #role: WorkerRole;
  readonly #log: Log;

  constructor(role: WorkerRole, log: Log) {
    this.#role = role;
    this.#log = log;
  }

  start(world: World): Promise<readonly ListenerAddress[]> {
    return this.#role.start({ slot: 0, isPortShared: false, checksHealth: true, world });
  }

  async apply(world: World): Promise<void> {
    const { revision } = world;
    try {
      await this.#role.apply(world);
      this.#log.info("configuration applied", { revision });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.error("configuration refused; the last one stays", { revision, reason });
    }
  }

  async askAll(topic: string, argument: unknown): Promise<readonly unknown[]> {
    return [await this.#role.answer(topic, argument)];
  }

  restartWorkers(): Promise<void> {
    this.#log.warn("there are no workers to restart: this proxy is a single process");
    return Promise.resolve();
  }

  reopenLogs(): void {
    this.#role.reopenLogs();
  }

  async drain(): Promise<void> {
    this.#log.info("drain ended", { outcome: await this.#role.drain() });
  }

  kill(): void {
    // The process itself is about to end, and everything of the role with it.
  }
}
