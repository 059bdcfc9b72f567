export { PROXY_ERRORS } from "./errors.ts";
export type { ProxyErrorCode } from "./errors.ts";
export { silentLog } from "./log.ts";
export type { Log, LogLevel } from "./log.ts";
export { createProxy } from "./proxy.ts";
export type { ListeningAddress, Proxy, ProxyOptions } from "./proxy.ts";
