export { createAdminServer, isLoopback } from "./admin/index.ts";
export type {
  AdminServer,
  AdminServerOptions,
  AdminSource,
  ShownReloads,
  TableExplanation,
  UpgradeStatus,
  WorkerStatus,
} from "./admin/index.ts";
export { createDnsResolver } from "./cluster/index.ts";
export type { DnsAnswer, HealthVerdict } from "./cluster/index.ts";
export { ShardSizer, ShardView } from "./cluster/shard/index.ts";
export type {
  Shard,
  ShardAlgorithm,
  ShardClient,
  ShardHost,
  ShardLoad,
  ShardOptions,
  ShardWorld,
  ZoneClients,
} from "./cluster/shard/index.ts";
export { SUBSETS_MAX, SubsetIndex } from "./cluster/subset/index.ts";
export type { LabelledHost, Labels, Subset, SubsetOutcome, SubsetQuery } from "./cluster/subset/index.ts";
export { PROXY_ERRORS } from "./errors.ts";
export type { ProxyErrorCode } from "./errors.ts";
export type { HandOver, ListeningPlace, ListeningSocket, MovingConnection } from "./hand-over.ts";
export type { Demands } from "./obstacles.ts";
export type { MovedConnection } from "./listener/index.ts";
export { silentLog } from "./log.ts";
export type { Log, LogLevel } from "./log.ts";
export { mergeSnapshots, reloadMetrics, renderOpenMetrics, summarise, WorkerTotals } from "./metrics/index.ts";
export type { ClusterRetries, MetricsSnapshot, RouteSummary, RouteTraffic, WorkerMetrics } from "./metrics/index.ts";
export type { LogLevelControl } from "./proxy-admin.ts";
export { renderMatch } from "./router/index.ts";
export { createProxy } from "./proxy.ts";
export type { ListeningAddress, Proxy, ProxyOptions } from "./proxy.ts";
export { OtlpClient } from "./tracing/index.ts";
