/** Connections to the admin server; scrapers and people need few, and each costs a file descriptor of the data plane. */
export const ADMIN_CONNECTIONS_MAX = 64;

/** Live views (`/api/events`) at once. */
export const ADMIN_STREAMS_MAX = 16;

/** Bytes of a request's head. */
export const ADMIN_HEAD_BYTES_MAX = 16_384;

/** Bytes of a request's body: a log level is all that is ever sent. */
export const ADMIN_BODY_BYTES_MAX = 4_096;

/** Header fields that one `/api/explain` may give. */
export const ADMIN_EXPLAIN_FIELDS_MAX = 64;

/** How long, in milliseconds, a client may take to send the head of its first request. */
export const ADMIN_REQUEST_MS_MAX = 10_000;

/** How long, in milliseconds, a client may take to send a body and read an answer that has an end. */
export const ADMIN_RESPONSE_MS_MAX = 30_000;

/** How long, in milliseconds, the workers may take to say what is asked of them. */
export const ADMIN_SOURCE_MS_MAX = 5_000;

/** How long, in milliseconds, a connection is kept for a further request. */
export const ADMIN_IDLE_MS_MAX = 15_000;

/** Time between two events of a live view, in milliseconds. */
export const ADMIN_EVENT_PERIOD_MS = 1_000;

/** Bytes that a live view's client may be behind; one that reads slower is cut off. */
export const ADMIN_EVENT_BACKLOG_BYTES_MAX = 1_048_576;

/** Routes in one event of a live view, the busiest. */
export const ADMIN_EVENT_ROUTES_MAX = 500;

/** Rows of each table on the page; the API has the rest. */
export const ADMIN_PAGE_ROWS_MAX = 500;

/** Connections that `/api/connections` lists. */
export const ADMIN_CONNECTION_ROWS_MAX = 10_000;

/** How long a client of an admin server that has handed over may take to ask what it connected for, in milliseconds. */
export const ADMIN_RETIRE_GRACE_MS = 250;
