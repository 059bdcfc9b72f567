import type { World } from "@weft/contract";
import { systemClock, type TimerHandle } from "@weft/kernel";
import type { Log, WorkerStatus } from "@weft/proxy";
import { REFUSED_RETRY_MS } from "../limits.ts";
import { reasonOf } from "./generation-message.ts";
import type { ListenerAddress } from "./message.ts";
import { problemOf, ReloadRecord, type RoleReloads } from "./reload-record.ts";
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
  readonly #record: ReloadRecord;
  /** Configurations are taken one after the other. */
  #applying: Promise<void> = Promise.resolve();
  /** What was asked for last; null before and while nothing more is taken. */
  #wanted: World | null = null;
  #retry: TimerHandle | null = null;

  constructor(role: WorkerRole, log: Log) {
    this.#role = role;
    this.#log = log;
    this.#record = new ReloadRecord(systemClock, log);
  }

  get world(): World | null {
    return this.#world;
  }

  get reloads(): RoleReloads {
    return this.#record.reloads;
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
    this.#record.accept();
    this.#state = "ready";
    return listeners;
  }

  apply(world: World, onApplied: () => void): Promise<void> {
    this.#stopRetry();
    this.#wanted = world;
    this.#applying = this.#applying.then(async () => {
      if (this.#wanted !== world) return;
      this.#record.begin();
      await this.#attempt(world, onApplied);
    });
    return this.#applying;
  }

  async #attempt(world: World, onApplied: () => void): Promise<void> {
    const { revision } = world;
    const problems = await this.#role.findObstacles({ settings: world.settings, listeners: world.listeners });
    if (problems.length > 0) {
      this.#record.refuse(revision, problems);
      this.#retryLater(world, onApplied);
      return;
    }
    try {
      await this.#role.apply(world);
    } catch (error) {
      const expected = `a configuration that can be taken (${reasonOf(error)})`;
      this.#record.refuse(revision, [problemOf("", "", expected)]);
      return;
    }
    this.#world = world;
    this.#record.accept();
    this.#log.info("configuration applied", { revision });
    onApplied();
  }

  /** Files and addresses come late. */
  #retryLater(world: World, onApplied: () => void): void {
    if (this.#wanted !== world) return;
    this.#retry = systemClock.setTimer(() => {
      this.#retry = null;
      this.#applying = this.#applying.then(async () => {
        if (this.#wanted === world) await this.#attempt(world, onApplied);
      });
    }, REFUSED_RETRY_MS);
  }

  #stopRetry(): void {
    this.#wanted = null;
    if (this.#retry !== null) systemClock.clearTimer(this.#retry);
    this.#retry = null;
  }

  async askAll(topic: string, argument: unknown): Promise<readonly unknown[]> {
    return [await this.#role.answer(topic, argument)];
  }

  async drain(): Promise<void> {
    this.#stopRetry();
    this.#state = "draining";
    this.#log.info("drain ended", { outcome: await this.#role.drain(false) });
  }

  kill(): void {
    this.#stopRetry();
    // The process itself is about to end, and everything of the role with it.
  }
}
