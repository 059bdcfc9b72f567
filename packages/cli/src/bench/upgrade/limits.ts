/** Connections that are opened at a time: the accept queue is never the measure. */
export const CONNECT_BATCH = 200;

/** How often, in milliseconds, what has become due is sent: 50 requests at a time at 5,000 in a second. */
export const SEND_TICK_MS = 10;

/** How long the last answers are waited for, in milliseconds; they have failed then. */
export const ANSWER_MS_MAX = 10_000;

/** How long a proxy may take to start, in milliseconds, on a machine that is busy. */
export const PROXY_START_MS_MAX = 60_000;
