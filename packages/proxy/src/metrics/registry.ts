import type { Clock } from "@weft/kernel";
import { CLUSTER_SHAPE, type CLUSTER_METRICS, type ClusterStats } from "./cluster-stats.ts";
import { HOST_SHAPE, type HOST_METRICS, type HostStats } from "./host-stats.ts";
import { METRICS_CLUSTERS_MAX, METRICS_HOSTS_MAX, METRICS_LISTENERS_MAX, METRICS_RULES_MAX } from "./limits.ts";
import { LISTENER_SHAPE, type LISTENER_METRICS, type ListenerStats } from "./listener-stats.ts";
import { createProcessStats, PROCESS_SHAPE, type ProcessStats, refreshUsage } from "./process-stats.ts";
import { ROUTE_SHAPE, type ROUTE_METRICS, type RouteStats } from "./route-stats.ts";
import { type MetricsSnapshot, SnapshotBuilder } from "./snapshot.ts";
import { SeriesBudget, StatsTable } from "./stats-table.ts";

/** How many names of a kind may have series of their own; the defaults are those of limits.ts. */
export interface MetricsBounds {
  readonly listeners: number;
  /** Over all routes. */
  readonly rules: number;
  readonly clusters: number;
  /** Over all clusters. */
  readonly hosts: number;
}

/** The names that the configuration in force has. */
export interface NamesInUse {
  readonly listeners: Iterable<string>;
  readonly rules: Iterable<readonly [route: string, rule: string]>;
  readonly clusters: Iterable<string>;
}

const DEFAULT_BOUNDS: MetricsBounds = {
  listeners: METRICS_LISTENERS_MAX,
  rules: METRICS_RULES_MAX,
  clusters: METRICS_CLUSTERS_MAX,
  hosts: METRICS_HOSTS_MAX,
};

/**
 * Owns what a worker counts. Stations ask for their stats object by name once, when configuration is applied, and then
 * increment its fields; a name always leads to the same object while it is in use.
 *
 * @example
 * const registry = new MetricsRegistry(systemClock);
 * const stats = registry.route("shop/checkout", "rules[0]");
 * countAnswer(stats, 200, 1_250, 0, 4_096);
 * process.stdout.write(renderOpenMetrics(registry.snapshot()));
 */
export class MetricsRegistry {
  /** What holds for the whole worker. */
  readonly process: ProcessStats;
  readonly #clock: Clock;
  readonly #listenerBudget: SeriesBudget;
  readonly #ruleBudget: SeriesBudget;
  readonly #clusterBudget: SeriesBudget;
  readonly #hostBudget: SeriesBudget;
  readonly #listeners: StatsTable<typeof LISTENER_METRICS>;
  readonly #rules: StatsTable<typeof ROUTE_METRICS>;
  readonly #clusters: StatsTable<typeof CLUSTER_METRICS>;
  /** By the label of their cluster. */
  readonly #hosts: Map<string, StatsTable<typeof HOST_METRICS>> = new Map();

  constructor(clock: Clock, bounds: MetricsBounds = DEFAULT_BOUNDS) {
    this.process = createProcessStats(clock.wallMs());
    this.#clock = clock;
    this.#listenerBudget = new SeriesBudget(bounds.listeners);
    this.#ruleBudget = new SeriesBudget(bounds.rules);
    this.#clusterBudget = new SeriesBudget(bounds.clusters);
    this.#hostBudget = new SeriesBudget(bounds.hosts);
    this.#listeners = new StatsTable(LISTENER_SHAPE, this.#listenerBudget, clock);
    this.#rules = new StatsTable(ROUTE_SHAPE, this.#ruleBudget, clock);
    this.#clusters = new StatsTable(CLUSTER_SHAPE, this.#clusterBudget, clock, ([label = ""]) => {
      this.#hosts.get(label)?.clear();
      this.#hosts.delete(label);
    });
  }

  listener(name: string): ListenerStats {
    return this.#listeners.get(name).stats;
  }

  /** One rule of a route: its own name, or its place in the route. */
  route(route: string, rule: string): RouteStats {
    return this.#rules.get(route, rule).stats;
  }

  cluster(name: string): ClusterStats {
    return this.#clusters.get(name).stats;
  }

  /** The host "address:port" of a cluster. */
  host(cluster: string, key: string): HostStats {
    return this.#hostsOf(cluster).get(cluster, key).stats;
  }

  /** Tells which hosts a cluster has: the series of others disappear after a while. */
  keepHosts(cluster: string, keys: Iterable<string>): void {
    this.#hostsOf(cluster).keep(Array.from(keys, (key) => [cluster, key]));
  }

  /** After a configuration was applied: the series of names that are gone disappear after a while. */
  keep({ listeners, rules, clusters }: NamesInUse): void {
    this.#listeners.keep(Array.from(listeners, (name) => [name]));
    this.#rules.keep(rules);
    this.#clusters.keep(Array.from(clusters, (name) => [name]));
  }

  /** Everything as plain data, for a scrape or for the supervisor. */
  snapshot(): MetricsSnapshot {
    const builder = new SnapshotBuilder();
    this.#listeners.addTo(builder);
    this.#rules.addTo(builder);
    this.#clusters.addTo(builder);
    for (const hosts of this.#hosts.values()) hosts.addTo(builder);
    refreshUsage(this.process);
    const { overflows } = this.process;
    overflows.listener = this.#listenerBudget.overflows;
    overflows.rule = this.#ruleBudget.overflows;
    overflows.cluster = this.#clusterBudget.overflows;
    overflows.host = this.#hostBudget.overflows;
    PROCESS_SHAPE.addTo(builder, [], this.process);
    return builder.build(this.#clock.wallMs());
  }

  #hostsOf(cluster: string): StatsTable<typeof HOST_METRICS> {
    const [label = ""] = this.#clusters.get(cluster).labels;
    let hosts = this.#hosts.get(label);
    if (hosts === undefined) {
      hosts = new StatsTable(HOST_SHAPE, this.#hostBudget, this.#clock);
      this.#hosts.set(label, hosts);
    }
    return hosts;
  }
}
