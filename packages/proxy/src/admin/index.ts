export { createAdminServer } from "./admin-server.ts";
export type { AdminServer, AdminServerOptions } from "./admin-server.ts";
export type {
  AdminSource,
  ConnectionStatus,
  ExplainRequest,
  HeartbeatStatus,
  ListenerStatus,
  Readiness,
  TableExplanation,
  UpgradeStatus,
  WorkerStatus,
} from "./admin-source.ts";
export { isLoopback } from "./guard.ts";
export type { ShownReloads } from "./show-reloads.ts";
