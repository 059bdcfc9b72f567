import type { ListenerConfig, ServerSession, ServerSessionHandler, SessionProtocol } from "@weft/contract";
import type { Transport } from "@weft/kernel";
import type { ListenerStats } from "../metrics/index.ts";

/** Makes the server engine of a protocol, with the limits of its listener; what it sees is counted in `stats`. */
export interface ServerSessionFactory {
  create(
    protocol: SessionProtocol,
    transport: Transport,
    handler: ServerSessionHandler,
    config: ListenerConfig,
    stats: ListenerStats,
  ): ServerSession;
}
