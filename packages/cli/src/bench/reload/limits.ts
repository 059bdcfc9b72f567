/** A request of a client that watches has so many milliseconds for its answer: more than any pause that users would bear. */
export const REQUEST_MS_MAX = 10_000;

/** How long opening a connection may take, in milliseconds. */
export const OPEN_MS_MAX = 10_000;

/** How long a change may take until every client has seen it, in milliseconds; it takes a tenth of a second. */
export const CHANGE_SEEN_MS_MAX = 15_000;

/** How long a successor, of a killed worker or of the proxy, may take to serve, in milliseconds, on a machine that is busy. */
export const REPLACE_MS_MAX = 60_000;

/** How long a proxy may take to leave after SIGTERM, in milliseconds: its drain deadline and as much again. */
export const LEAVE_MS_MAX = 20_000;

/** How often something that is waited for is looked at, in milliseconds. */
export const WATCH_POLL_MS = 10;

/** Failures of one client that are kept with port and reason; further ones are only counted. */
export const FAILURES_KEPT_MAX = 2_000;

/** Bytes of one answer that a client holds before its end; the backend's have a tenth of that. */
export const ANSWER_BYTES_MAX = 4_096;
