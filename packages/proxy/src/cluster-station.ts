import type { ClusterConfig } from "@weft/contract";
import type { Clock, Random, TimerWheel } from "@weft/kernel";
import type { ClusterDirectory, ClusterRuntime } from "./cluster-runtime.ts";
import { type Cluster, type ClusterObserver, ClusterStore, type Host, type HostHealth } from "./cluster/index.ts";
import type { Log } from "./log.ts";
import type { ClusterStats, MetricsRegistry } from "./metrics/index.ts";
import { HostPool } from "./pool/index.ts";
import {
  type ClientSessionFactory,
  createUpstreamOpener,
  type UpstreamAddress,
  type UpstreamConnection,
  type UpstreamDeps,
  type UpstreamOwner,
} from "./upstream/index.ts";

/** What the cluster station of a worker is made of. */
export interface ClusterStationDeps extends UpstreamDeps {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly metrics: MetricsRegistry;
  readonly sessions: ClientSessionFactory;
  readonly log: Log;
}

/** All clusters of a worker with their pools: where routes end and connections begin. */
export class ClusterStation implements ClusterDirectory, ClusterObserver<HostPool> {
  readonly #deps: ClusterStationDeps;
  readonly #store: ClusterStore<HostPool>;
  readonly #runtimes: Map<string, ClusterUnit> = new Map();

  constructor(deps: ClusterStationDeps) {
    this.#deps = deps;
    this.#store = new ClusterStore({ clock: deps.clock, wheel: deps.wheel, random: deps.random, observer: this });
  }

  get(name: string): ClusterRuntime | undefined {
    return this.#runtimes.get(name);
  }

  values(): IterableIterator<ClusterRuntime> {
    return this.#runtimes.values();
  }

  /**
   * Makes the clusters be these; open requests go on.
   *
   * @throws WeftError CLUSTER_* when one is invalid; nothing has changed then
   */
  apply(configs: readonly ClusterConfig[]): void {
    const changes = this.#store.apply(configs);
    for (const name of changes.removed) this.#runtimes.delete(name);
    for (const name of [...changes.added, ...changes.updated]) {
      const cluster = this.#store.get(name);
      if (cluster === undefined) continue;
      const stats = this.#deps.metrics.cluster(name);
      stats.keepHosts(new Set(cluster.hosts.keys()));
      this.#runtimes.set(name, new ClusterUnit(cluster, stats, this.#deps));
    }
  }

  /** Closes every pool at once: the worker ends. */
  close(): void {
    for (const unit of this.#runtimes.values()) {
      for (const host of unit.cluster.hosts.values()) host.pool?.close();
    }
    this.#runtimes.clear();
    this.#store.close();
  }

  onHostAdded(cluster: Cluster<HostPool>, host: Host<HostPool>): void {
    this.#deps.log.debug("host added", { cluster: cluster.name, host: host.key });
  }

  onHostRemoved(cluster: Cluster<HostPool>, host: Host<HostPool>): void {
    this.#deps.log.debug("host removed", { cluster: cluster.name, host: host.key });
  }

  onPoolRetired(_cluster: Cluster<HostPool>, _host: Host<HostPool>, pool: HostPool): void {
    pool.drain();
  }

  onHostHealth(cluster: Cluster<HostPool>, host: Host<HostPool>, health: HostHealth, reason: string): void {
    this.#deps.log.info("host health changed", { cluster: cluster.name, host: host.key, health, reason });
  }
}

/** One cluster with its counters; replaced when the cluster's configuration changes, while hosts and pools stay. */
class ClusterUnit implements ClusterRuntime {
  readonly cluster: Cluster<HostPool>;
  readonly stats: ClusterStats;
  readonly clock: Clock;
  readonly config: ClusterConfig;
  readonly #open: (address: UpstreamAddress, owner: UpstreamOwner) => UpstreamConnection;

  constructor(cluster: Cluster<HostPool>, stats: ClusterStats, deps: ClusterStationDeps) {
    this.cluster = cluster;
    this.stats = stats;
    this.clock = deps.clock;
    this.config = cluster.config;
    this.#open = createUpstreamOpener(cluster.config, deps, deps.sessions);
  }

  get breaker(): Cluster<HostPool>["breaker"] {
    return this.cluster.breaker;
  }

  poolOf(host: Host<HostPool>): HostPool {
    host.pool ??= new HostPool(this.config.pool, this.config.protocol === "http2", this.breaker, (owner) =>
      this.#open(host, owner),
    );
    return host.pool;
  }
}
