export { Listener } from "./listener.ts";
export type { ListenerDeps, MovedConnection } from "./listener.ts";
export { checkTls } from "./tls-terminator.ts";
