export { encodeProxyHeader } from "./proxy-header.ts";
export { UpstreamConnection } from "./upstream-connection.ts";
export type { UpstreamOwner } from "./upstream-connection.ts";
export type { UpstreamDeps } from "./upstream-deps.ts";
export { createTlsOptions, createUpstreamOpener } from "./upstream-opener.ts";
export type { ClientSessionFactory, UpstreamAddress } from "./upstream-opener.ts";
