import type { ReloadStatus, World } from "@weft/contract";
import type { DirectorySource } from "@weft/control/client";
import {
  type AdminSource,
  type LogLevel,
  mergeSnapshots,
  type MetricsSnapshot,
  reloadMetrics,
  type UpgradeStatus,
  type WorkerMetrics,
  type WorkerStatus,
  WorkerTotals,
} from "@weft/proxy";
import type { ProcessLog } from "../log.ts";
import { type ClusterDescription, mergeClusters } from "./merge-clusters.ts";
import { problemOf } from "./reload-record.ts";
import type { RoleHost } from "./role-host.ts";

/** What one of the source's questions is answered with. */
type Answer<Topic extends keyof AdminSource> = Awaited<ReturnType<AdminSource[Topic]>>;
type ListenerStatus = Answer<"listeners">[number];

/** What the admin server can have done to a role as a whole. */
export interface RoleActions {
  /** Begins to drain. */
  drain(): void;
  /** Begins to hand over to the version on disk. */
  upgrade(reason: string): UpgradeStatus;
  upgradeStatus(): UpgradeStatus;
}

/** What the admin server of a role knows: every process of the role is asked, and the answers become one. */
export class RoleAdmin implements AdminSource {
  readonly #host: RoleHost;
  readonly #source: Pick<DirectorySource, "reloads">;
  readonly #log: ProcessLog;
  readonly #totals: WorkerTotals = new WorkerTotals();
  readonly #actions: RoleActions;

  constructor(host: RoleHost, source: Pick<DirectorySource, "reloads">, log: ProcessLog, actions: RoleActions) {
    this.#host = host;
    this.#source = source;
    this.#log = log;
    this.#actions = actions;
  }

  /** Goes on from what the version before has counted. */
  setPredecessorCounts(counts: MetricsSnapshot): void {
    this.#totals.setPredecessor(counts);
  }

  async readiness(): Promise<Answer<"readiness">> {
    const workers = this.#host.status();
    const ready = workers.filter(({ state }) => state === "ready");
    const missing = workers.filter(({ state }) => state !== "ready");
    const reasons = missing.map(({ id, state }) => `worker ${id} is ${state}`);
    const { problems, unopened } = this.#host.reloads;
    if (!this.#source.reloads().isCurrent || problems.length > 0) {
      reasons.push("the configuration on disk is refused; an earlier one runs");
    }
    for (const { name, reason } of unopened) reasons.push(`listener ${name} is not open: ${reason}`);
    return { isReady: ready.length > 0, reasons };
  }

  async world(): Promise<World | null> {
    return this.#host.world;
  }

  async metrics(): Promise<MetricsSnapshot> {
    const answers = (await this.#host.askAll("metrics", null)) as WorkerMetrics[];
    const living = new Set(this.#host.status().map(({ pid }) => pid));
    return mergeSnapshots([this.#totals.add(answers, living), reloadMetrics(await this.reloads(), Date.now())]);
  }

  async reloads(): Promise<ReloadStatus> {
    const disk = this.#source.reloads();
    const { problems, unopened, refused, lost, refusedAtMs, appliedAtMs } = this.#host.reloads;
    const missing = unopened.map(({ name, address, port, reason }) =>
      problemOf(`listener ${name}`, `${address}:${port}`, `a port that is free (${reason})`),
    );
    return {
      isCurrent: disk.isCurrent && problems.length === 0 && unopened.length === 0,
      applied: disk.applied - lost,
      refused: disk.refused + refused,
      appliedAtMs,
      refusedAtMs: Math.max(disk.refusedAtMs, refusedAtMs),
      problems: [...disk.problems, ...problems, ...missing],
    };
  }

  async listeners(): Promise<readonly ListenerStatus[]> {
    const merged = new Map<string, ListenerStatus>();
    for (const listener of (await this.#host.askAll("listeners", null)).flat() as ListenerStatus[]) {
      const present = merged.get(listener.name);
      const connectionsActive = (present?.connectionsActive ?? 0) + listener.connectionsActive;
      merged.set(listener.name, { ...listener, connectionsActive });
    }
    for (const { name, address, port, protocol, isTls, reason } of this.#host.reloads.unopened) {
      const key = merged.has(name) ? `${name} (new)` : name;
      merged.set(key, { name, address, port, protocol, isTls, connectionsActive: 0, problem: reason });
    }
    return [...merged.values()];
  }

  async clusters(): Promise<readonly ClusterDescription[]> {
    return mergeClusters((await this.#host.askAll("clusters", null)) as ClusterDescription[][]);
  }

  async connections(): Promise<Answer<"connections">> {
    return (await this.#host.askAll("connections", null)).flat() as Answer<"connections">[number][];
  }

  async workers(): Promise<readonly WorkerStatus[]> {
    return this.#host.status();
  }

  /** All processes route alike: the first that answers speaks for all. */
  async explain(request: Parameters<AdminSource["explain"]>[0]): Promise<Answer<"explain">> {
    const [first] = (await this.#host.askAll("explain", request)) as Answer<"explain">[];
    return first ?? [];
  }

  async logLevel(): Promise<LogLevel> {
    return this.#log.level;
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    this.#log.level = level;
    await this.#host.askAll("set-log-level", level);
  }

  async drain(): Promise<void> {
    this.#actions.drain();
  }

  async upgradeStatus(): Promise<UpgradeStatus> {
    return this.#actions.upgradeStatus();
  }

  async upgrade(): Promise<UpgradeStatus> {
    return this.#actions.upgrade("the admin server was asked to");
  }
}
