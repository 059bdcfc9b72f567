export { Listener } from "./listener.ts";
export type { ListenerDeps } from "./listener.ts";
export { checkTls } from "./tls-terminator.ts";
