export { LISTENER_ERRORS } from "./errors.ts";
export { Listener } from "./listener.ts";
export type { ListenerDeps } from "./listener.ts";
export type { TunnelDeps } from "./tcp-tunnel.ts";
