import type { ListenerConfig, ServerSession, ServerSessionHandler, SessionProtocol } from "@weft/contract";
import type { Transport } from "@weft/kernel";

/** Makes the server engine of a protocol, with the limits of its listener. */
export interface ServerSessionFactory {
  create(
    protocol: SessionProtocol,
    transport: Transport,
    handler: ServerSessionHandler,
    config: ListenerConfig,
  ): ServerSession;
}
