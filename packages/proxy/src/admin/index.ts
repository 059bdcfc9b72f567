export { createAdminServer } from "./admin-server.ts";
export type { AdminServer, AdminServerOptions } from "./admin-server.ts";
export type {
  AdminSource,
  ConnectionStatus,
  ExplainRequest,
  ListenerStatus,
  Readiness,
  WorkerStatus,
} from "./admin-source.ts";
export { ADMIN_ERRORS } from "./errors.ts";
export type { AdminErrorCode } from "./errors.ts";
export { ADMIN_ACTION_HEADER } from "./guard.ts";
export type { LiveEvent } from "./live-feed.ts";
