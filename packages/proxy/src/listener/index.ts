export { Listener } from "./listener.ts";
export type { ListenerDeps } from "./listener.ts";
