import type { ListenerConfig, ServerSession, ServerSessionHandler } from "@weft/contract";
import type { Transport } from "@weft/kernel";

/** Makes the server engine of a protocol, with the limits of its listener. */
export interface ServerSessionFactory {
  createHttp1(transport: Transport, handler: ServerSessionHandler, config: ListenerConfig): ServerSession;
  createHttp2(transport: Transport, handler: ServerSessionHandler, config: ListenerConfig): ServerSession;
}
