import { CLUSTER_SHAPE } from "./cluster-stats.ts";
import { HOST_SHAPE } from "./host-stats.ts";
import { LISTENER_SHAPE } from "./listener-stats.ts";
import { PROCESS_SHAPE } from "./process-stats.ts";
import { RELOAD_SHAPE } from "./reload-metrics.ts";
import { ROUTE_SHAPE } from "./route-stats.ts";
import type { MetricDefinition } from "./stats-shape.ts";

/** The parts that metrics are named after: the stations of a request's way, then what is around them. */
export const METRIC_PARTS = [
  "listener",
  "downstream",
  "filter",
  "router",
  "cluster",
  "balancer",
  "pool",
  "upstream",
  "config",
  "access_log",
  "tracing",
  "metrics",
  "process",
] as const;

/** Every metric of the proxy, in the order of `METRIC_PARTS`. They are spelled where they are counted. */
export const METRIC_CATALOG: readonly MetricDefinition[] = [
  LISTENER_SHAPE,
  ROUTE_SHAPE,
  CLUSTER_SHAPE,
  HOST_SHAPE,
  PROCESS_SHAPE,
  RELOAD_SHAPE,
]
  .flatMap(({ definitions }) => definitions)
  .toSorted((a, b) => partOf(a) - partOf(b));

const definitions: ReadonlyMap<string, MetricDefinition> = new Map(
  METRIC_CATALOG.map((definition) => [definition.name, definition]),
);

/** The definition of a metric; undefined for a name that is not (or no longer) in the catalog. */
export function definitionOf(name: string): MetricDefinition | undefined {
  return definitions.get(name);
}

function partOf({ name }: MetricDefinition): number {
  return METRIC_PARTS.findIndex((part) => name.startsWith(`weft_${part}_`));
}
