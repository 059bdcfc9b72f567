export { DownstreamConnection } from "./downstream-connection.ts";
export type { RequestAcceptor } from "./downstream-connection.ts";
export type {
  CloseCause,
  HandedOver,
  ListenerRoutes,
  ListenerRuntime,
  OpenConnection,
  PeerFacts,
  TlsHostTable,
} from "./listener-runtime.ts";
export type { ServerSessionFactory } from "./server-session-factory.ts";
