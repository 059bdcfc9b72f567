export { Heartbeat } from "./heartbeat.ts";
export { HostWatch, PulseBudget } from "./host-watch.ts";
export type { HostWatchDeps } from "./host-watch.ts";
export { keepAliveByTcp } from "./tcp-keepalive.ts";
export { UpstreamConnection } from "./upstream-connection.ts";
export type { GreetingWaiter, UpstreamOwner } from "./upstream-connection.ts";
export type { UpstreamDeps } from "./upstream-deps.ts";
export { createTlsOptions, createTransportOpener, createUpstreamOpener } from "./upstream-opener.ts";
export type { ClientSessionFactory, OpenHostTransport, UpstreamAddress } from "./upstream-opener.ts";
