/** How many ports of a kind are tried, from the preferred one on, before the system is asked for any. */
export const PORT_TRIES_MAX = 8;

/** From one port of a kind to the next; beyond the span of one mesh, so that meshes do not interleave. */
export const PORT_STEP = 1_000;

/** How often the mesh is started on other ports after another program took one of its own meanwhile. */
export const MESH_RETRIES_MAX = 2;

/** All processes of the demo must be ready within so many milliseconds, also on a slow machine. */
export const MESH_START_MS_MAX = 60_000;

/** A process of the demo that died is started again after so many milliseconds: time to see the mesh do without it. */
export const MESH_RESTART_MS = 5_000;

/** A process that has not left so many milliseconds after it was asked to is killed. */
export const MESH_STOP_MS_MAX = 3_000;

/** Requests per second of the gentle traffic, over all routes. */
export const TRAFFIC_REQUESTS_PER_SECOND = 20;

/** Requests of the gentle traffic that may be open at a time; beyond, a turn is skipped. */
export const TRAFFIC_OPEN_MAX = 40;

/** A request of the gentle traffic that takes longer, in milliseconds, counts as failed. */
export const TRAFFIC_REQUEST_MS_MAX = 5_000;

/** How often the live view is drawn, in milliseconds. */
export const VIEW_PERIOD_MS = 1_000;

/** How often a line is printed where the output is no terminal, in milliseconds. */
export const VIEW_LINE_PERIOD_MS = 5_000;

/** Events of the mesh that the live view shows. */
export const VIEW_EVENTS_MAX = 5;

/** Bytes of a log that are shown when its process failed. */
export const LOG_TAIL_BYTES = 4_096;

/** A request of `weft up --check` that takes longer, in milliseconds, has failed. */
export const CHECK_REQUEST_MS_MAX = 10_000;

/** Bytes of the large body that `weft up --check` sends up and down. */
export const CHECK_BODY_BYTES = 100_000_000;

/** How long a large body may take, in milliseconds. */
export const CHECK_BODY_MS_MAX = 30_000;

/** How often the proxies' memory is read meanwhile, in milliseconds. */
export const CHECK_MEMORY_PERIOD_MS = 200;

/** A proxy that grows by more bytes than this while a second large body passes holds it in memory. */
export const CHECK_MEMORY_GROWTH_BYTES_MAX = 32_000_000;

/**
 * How often a large body is sent at most to see whether it makes a proxy grow: what the collector has not given back yet
 * looks like growth on a busy machine (38 MB were seen), but not each time.
 */
export const CHECK_MEMORY_PASSES_MAX = 3;

/** Loops of requests that run while the mesh changes. */
export const CHECK_LOOPS = 8;

/** How often the routes are rewritten under load. */
export const CHECK_CHANGES = 20;

/** Pause between two changes of the configuration, in milliseconds. */
export const CHECK_CHANGE_PERIOD_MS = 100;

/** The load runs so many milliseconds before an instance is killed: connections to it are warm by then. */
export const CHECK_KILL_AFTER_MS = 1_000;

/** The load runs so many milliseconds after an instance was killed: outlier ejection has acted by then. */
export const CHECK_KILL_LOAD_MS = 2_000;

/** An instance that was killed must serve again within so many milliseconds: restart, health check, ejection. */
export const CHECK_BACK_MS_MAX = 20_000;
