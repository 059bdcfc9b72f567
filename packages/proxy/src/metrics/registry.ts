import type { Clock } from "@weft/kernel";
import { ClusterStats } from "./cluster-stats.ts";
import { HostStats } from "./host-stats.ts";
import { METRICS_CLUSTERS_MAX, METRICS_HOSTS_MAX, METRICS_LISTENERS_MAX, METRICS_ROUTES_MAX } from "./limits.ts";
import { ListenerStats } from "./listener-stats.ts";
import { ProcessStats } from "./process-stats.ts";
import { RouteStats } from "./route-stats.ts";
import { type MetricsSnapshot, SnapshotBuilder } from "./snapshot.ts";
import { SeriesBudget, StatsTable } from "./stats-table.ts";

/** How many names of a kind may have series of their own; the defaults are those of limits.ts. */
export interface MetricsBounds {
  readonly listeners: number;
  readonly routes: number;
  readonly clusters: number;
  /** Over all clusters. */
  readonly hosts: number;
}

/** The names that the configuration in force has. */
export interface NamesInUse {
  readonly listeners: ReadonlySet<string>;
  readonly routes: ReadonlySet<string>;
  readonly clusters: ReadonlySet<string>;
}

const DEFAULT_BOUNDS: MetricsBounds = {
  listeners: METRICS_LISTENERS_MAX,
  routes: METRICS_ROUTES_MAX,
  clusters: METRICS_CLUSTERS_MAX,
  hosts: METRICS_HOSTS_MAX,
};

/**
 * Owns what a worker counts. Stations ask for their stats object by name once, when configuration is applied, and then
 * increment its fields; a name always leads to the same object while it is in use.
 *
 * @example
 * const registry = new MetricsRegistry(systemClock);
 * const stats = registry.route("shop/checkout");
 * stats.record(200, 1_250, 0, 4_096);
 * process.stdout.write(renderOpenMetrics(registry.snapshot()));
 */
export class MetricsRegistry {
  /** What holds for the whole worker. */
  readonly process: ProcessStats;
  readonly #clock: Clock;
  readonly #listenerBudget: SeriesBudget;
  readonly #routeBudget: SeriesBudget;
  readonly #clusterBudget: SeriesBudget;
  readonly #hostBudget: SeriesBudget;
  readonly #listeners: StatsTable<ListenerStats>;
  readonly #routes: StatsTable<RouteStats>;
  readonly #clusters: StatsTable<ClusterStats>;

  constructor(clock: Clock, bounds: MetricsBounds = DEFAULT_BOUNDS) {
    this.process = new ProcessStats(clock.wallMs());
    this.#clock = clock;
    this.#listenerBudget = new SeriesBudget(bounds.listeners);
    this.#routeBudget = new SeriesBudget(bounds.routes);
    this.#clusterBudget = new SeriesBudget(bounds.clusters);
    this.#hostBudget = new SeriesBudget(bounds.hosts);
    this.#listeners = new StatsTable(this.#listenerBudget, clock, (name) => new ListenerStats(name));
    this.#routes = new StatsTable(this.#routeBudget, clock, (name) => new RouteStats(name));
    this.#clusters = new StatsTable(
      this.#clusterBudget,
      clock,
      (name) => new ClusterStats(name, new StatsTable(this.#hostBudget, clock, (key) => new HostStats(key))),
      (stats) => stats.close(),
    );
  }

  listener(name: string): ListenerStats {
    return this.#listeners.get(name);
  }

  route(name: string): RouteStats {
    return this.#routes.get(name);
  }

  cluster(name: string): ClusterStats {
    return this.#clusters.get(name);
  }

  /** After a configuration was applied: the series of names that are gone disappear after a while. */
  keep(names: NamesInUse): void {
    this.#listeners.keep(names.listeners);
    this.#routes.keep(names.routes);
    this.#clusters.keep(names.clusters);
  }

  /** Everything as plain data, for a scrape or for the supervisor. */
  snapshot(): MetricsSnapshot {
    const builder = new SnapshotBuilder();
    for (const stats of this.#listeners.live()) stats.addTo(builder);
    for (const stats of this.#routes.live()) stats.addTo(builder);
    for (const stats of this.#clusters.live()) stats.addTo(builder);
    this.process.addTo(builder);
    builder.number("weft_metrics_overflows_total", ["listener"], this.#listenerBudget.overflows);
    builder.number("weft_metrics_overflows_total", ["route"], this.#routeBudget.overflows);
    builder.number("weft_metrics_overflows_total", ["cluster"], this.#clusterBudget.overflows);
    builder.number("weft_metrics_overflows_total", ["host"], this.#hostBudget.overflows);
    return builder.build(this.#clock.wallMs());
  }
}
