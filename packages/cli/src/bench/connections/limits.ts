/** A data plane with all its workers may take so long to start, in milliseconds: three start at once. */
export const PLANE_START_MS_MAX = 60_000;

/** An admin server may take so long to answer with its metrics, in milliseconds, while connections are opened. */
export const METRICS_MS_MAX = 30_000;

/** Connections may take so long to open, in milliseconds: 180,000 of them with four processes at each end. */
export const OPEN_MS_MAX = 600_000;

/** How often it is looked at whether all connections are open, in milliseconds. */
export const OPEN_POLL_MS = 500;

/** How often it is looked at who has noticed, in milliseconds: as precise as the times that are reported. */
export const NOTICE_POLL_MS = 200;

/** Watching goes on for so long beyond what the heartbeats' times allow, in milliseconds. */
export const NOTICE_EXTRA_MS = 15_000;

/** Calls per second, through each data plane, with which connections are opened: each call opens one at most. */
export const OPENING_CALLS_PER_SECOND = 2000;

/** Connections of a load generator, over which its calls are spread: each worker of a data plane gets some. */
export const LOAD_CONNECTIONS = 256;

/** How long the load generator waits for answers after its last call, in milliseconds. */
export const LAST_ANSWERS_MS_MAX = 5000;

/** A process that was frozen is left alone for so long before it is called again, in milliseconds. */
export const THAW_MS = 5000;
