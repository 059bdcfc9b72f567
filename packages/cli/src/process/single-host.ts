import type { World } from "@weft/contract";
import type { Log, WorkerStatus } from "@weft/proxy";
import type { ListenerAddress } from "./message.ts";
import type { RoleHost } from "./role-host.ts";
import type { WorkerObserver, WorkerRole } from "./worker.ts";

/** There are no other processes to tell. */
const NOBODY: WorkerObserver = { onVerdict: () => {}, onPrepared: () => {} };

/** A role in this very process: no worker, no sharing of ports. */
export class SingleHost implements RoleHost {
  readonly #role: WorkerRole;
  readonly #log: Log;
  readonly #startedAtMs: number = Date.now();
  #world: World | null = null;
  #state: WorkerStatus["state"] = "starting";

  constructor(role: WorkerRole, log: Log) {
    this.#role = role;
    this.#log = log;
  }

  get world(): World | null {
    return this.#world;
  }

  status(): readonly WorkerStatus[] {
    const revision = this.#world?.revision ?? 0;
    const { pid } = process;
    return [{ id: 0, pid, state: this.#state, startedAtMs: this.#startedAtMs, revision, restarts: 0 }];
  }

  async start(world: World): Promise<readonly ListenerAddress[]> {
    const listeners = await this.#role.start({ slot: 0, isPortShared: false, world }, NOBODY);
    this.#role.setChecksHealth(true);
    this.#world = world;
    this.#state = "ready";
    return listeners;
  }

  async apply(world: World): Promise<void> {
    const { revision } = world;
    try {
      await this.#role.apply(world);
      this.#world = world;
      this.#log.info("configuration applied", { revision });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.error("configuration refused; the last one stays", { revision, reason });
    }
  }

  async askAll(topic: string, argument: unknown): Promise<readonly unknown[]> {
    return [await this.#role.answer(topic, argument)];
  }

  async drain(): Promise<void> {
    this.#state = "draining";
    this.#log.info("drain ended", { outcome: await this.#role.drain(false) });
  }

  kill(): void {
    // The process itself is about to end, and everything of the role with it.
  }
}
