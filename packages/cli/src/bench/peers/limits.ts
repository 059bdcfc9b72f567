/** Connections that a proxy must hold: 15,000 idle ones and some that come and go. */
export const PEER_CONNECTIONS_MAX = 16_000;

/** Idle connections to the backend that every peer keeps: 1,000 clients at once need no new one. */
export const PEER_IDLE_UPSTREAM_MAX = 1_024;
