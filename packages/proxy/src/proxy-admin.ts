import {
  type ClusterConfig,
  type ListenerConfig,
  type ProxySettings,
  type ReloadStatus,
  RequestHead,
  type RouteTableConfig,
  type World,
} from "@weft/contract";
import type { Clock } from "@weft/kernel";
import type {
  AdminSource,
  ConnectionStatus,
  ExplainRequest,
  HeartbeatStatus,
  ListenerStatus,
  Readiness,
  TableExplanation,
  UpgradeStatus,
  WorkerStatus,
} from "./admin/index.ts";
import type { ClusterStation } from "./cluster-station.ts";
import { type ClusterDescription, describeCluster, hostKey } from "./cluster/index.ts";
import { acceptedHead, explainAnswer, UNDERSCORE_ANSWER } from "./explain-answer.ts";
import type { Listener } from "./listener/index.ts";
import type { LogLevel } from "./log.ts";
import type { MetricsSnapshot } from "./metrics/index.ts";
import type { Heartbeat } from "./upstream/index.ts";
import { explainMatch, type RouteTable } from "./router/index.ts";

/** How the level of the process log is read and changed. */
export interface LogLevelControl {
  get(): LogLevel;
  set(level: LogLevel): void;
}

/** The configuration parts in force; each is replaced as its feed brings a new one. */
export interface WorldInForce {
  revision: number;
  settings: ProxySettings | null;
  listeners: readonly ListenerConfig[];
  routeTables: readonly RouteTableConfig[];
  clusters: readonly ClusterConfig[];
}

/** What the admin answers of one process are made from. */
export interface ProxyAdminDeps {
  readonly clock: Clock;
  readonly clusters: ClusterStation;
  readonly listeners: () => Iterable<Listener>;
  readonly tables: () => Iterable<RouteTable>;
  readonly world: WorldInForce;
  readonly metrics: () => MetricsSnapshot;
  readonly logLevel: LogLevelControl;
  readonly drain: () => void;
  readonly isDraining: () => boolean;
  readonly isReady: () => boolean;
}

/** The admin answers of one process. A supervisor merges those of its workers. */
export class ProxyAdmin implements AdminSource {
  readonly #deps: ProxyAdminDeps;
  readonly #startedAtMs: number;

  constructor(deps: ProxyAdminDeps) {
    this.#deps = deps;
    this.#startedAtMs = deps.clock.wallMs();
  }

  async readiness(): Promise<Readiness> {
    const reasons: string[] = [];
    if (!this.#deps.isReady()) reasons.push("no configuration is in force yet");
    if (this.#deps.isDraining()) reasons.push("draining");
    return { isReady: reasons.length === 0, reasons };
  }

  async world(): Promise<World | null> {
    const { settings, ...parts } = this.#deps.world;
    return settings === null ? null : { ...parts, settings };
  }

  async reloads(): Promise<ReloadStatus | null> {
    return null;
  }

  async metrics(): Promise<MetricsSnapshot> {
    return this.#deps.metrics();
  }

  async listeners(): Promise<readonly ListenerStatus[]> {
    return Array.from(this.#deps.listeners(), (listener) => ({
      name: listener.config.name,
      address: listener.config.address,
      port: listener.port,
      protocol: listener.config.protocol,
      isTls: listener.config.tls !== null,
      connectionsActive: listener.connectionCount,
      problem: "",
    }));
  }

  async clusters(): Promise<readonly ClusterDescription[]> {
    const nowMs = this.#deps.clock.nowMs();
    return Array.from(this.#deps.clusters.values(), ({ cluster }) =>
      describeCluster(cluster, nowMs, (pool) => pool.connectionCount),
    );
  }

  async connections(): Promise<readonly ConnectionStatus[]> {
    const nowMs = this.#deps.clock.nowMs();
    const worker = process.pid;
    const statuses: ConnectionStatus[] = [];
    for (const listener of this.#deps.listeners()) {
      for (const { peer, activeStreams, openedAtMs, heartbeat: schedule } of listener.connections()) {
        const heartbeat = heartbeatStatus(schedule, nowMs);
        const address = hostKey(peer.address, peer.port);
        const owner = listener.config.name;
        const ageMs = nowMs - openedAtMs;
        const { protocol } = peer;
        statuses.push({
          side: "downstream",
          owner,
          peer: address,
          protocol,
          ageMs,
          activeStreams,
          heartbeat,
          worker,
        });
      }
    }
    for (const { cluster } of this.#deps.clusters.values()) {
      for (const host of cluster.hosts.values()) {
        for (const { activeStreams, openedAtMs, protocol, heartbeat } of host.pool?.connections() ?? []) {
          const ageMs = nowMs - openedAtMs;
          statuses.push({
            side: "upstream",
            owner: cluster.name,
            peer: host.key,
            protocol,
            ageMs,
            activeStreams,
            heartbeat: heartbeatStatus(heartbeat, nowMs),
            worker,
          });
        }
      }
    }
    return statuses;
  }

  async workers(): Promise<readonly WorkerStatus[]> {
    const state = this.#deps.isDraining() ? "draining" : this.#deps.isReady() ? "ready" : "starting";
    const { revision } = this.#deps.world;
    return [{ id: 0, pid: process.pid, state, startedAtMs: this.#startedAtMs, revision, restarts: 0 }];
  }

  async explain(request: ExplainRequest): Promise<readonly TableExplanation[]> {
    const { method, authority, path, fields } = request;
    const head = new RequestHead(method, "", authority, path, fields, 0);
    const explanations: TableExplanation[] = [];
    for (const table of this.#deps.tables()) {
      if (request.table !== "" && request.table !== table.name) continue;
      const listeners = Array.from(this.#deps.listeners()).filter(({ config }) => config.routeTable === table.name);
      explanations.push(...explainTable(table, listeners, head));
    }
    return explanations;
  }

  async logLevel(): Promise<LogLevel> {
    return this.#deps.logLevel.get();
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    this.#deps.logLevel.set(level);
  }

  async drain(): Promise<void> {
    this.#deps.drain();
  }

  async upgradeStatus(): Promise<UpgradeStatus> {
    return { generation: 1, state: "none", reason: "", tookMs: 0, handOverMs: 0, moved: 0, waiting: 0 };
  }

  /** Nobody is there who could start another version beside this process. */
  async upgrade(): Promise<UpgradeStatus> {
    const status = await this.upgradeStatus();
    return { ...status, state: "refused", reason: "this proxy is a single process" };
  }
}

/** One explanation for all listeners of a table that treat the request alike, mostly one for all. */
function explainTable(table: RouteTable, listeners: readonly Listener[], head: RequestHead): TableExplanation[] {
  if (listeners.length === 0) return [{ ...explainMatch(table, head), answer: null, listeners: [] }];
  const byTreatment = new Map<string, TableExplanation>();
  for (const listener of listeners) {
    const accepted = acceptedHead(listener.config, head);
    const seen = accepted ?? head;
    const answer = accepted === null ? UNDERSCORE_ANSWER : explainAnswer(listener.config, seen, table.match(seen));
    const key = JSON.stringify([answer, seen.fields]);
    const known = byTreatment.get(key) ?? { ...explainMatch(table, seen), answer, listeners: [] };
    const status = answer?.status ?? known.status;
    byTreatment.set(key, { ...known, status, listeners: [...known.listeners, describeListener(listener)] });
  }
  return [...byTreatment.values()];
}

function heartbeatStatus(heartbeat: Heartbeat | null, nowMs: number): HeartbeatStatus | null {
  if (heartbeat === null) return null;
  const { periodMs, heardMs, isOpen, cause } = heartbeat;
  return { periodMs, silentMs: nowMs - heardMs, suspicion: isOpen ? cause : "" };
}

function describeListener({ config, port }: Listener): TableExplanation["listeners"][number] {
  return { name: config.name, address: config.address, port, isTls: config.tls !== null };
}
