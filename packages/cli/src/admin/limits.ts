/** How long an admin server may take to answer, in milliseconds: longer than its own patience with its workers. */
export const ADMIN_ANSWER_MS_MAX = 8_000;

/** How long an admin server at a usual address may take to say that it is there, in milliseconds: it is on this machine. */
export const ADMIN_SEARCH_MS_MAX = 1_000;

/** Pause before a live view that was cut off is asked for again, in milliseconds. */
export const ADMIN_RETRY_MS = 1_000;

/** Characters of one event of an admin server's live view; it sends at most 500 routes. */
export const ADMIN_EVENT_BYTES_MAX = 1_048_576;

/** Seconds that the figures of a live view are about: at gentle traffic one alone says little. */
export const VIEW_WINDOW_SECONDS = 10;

/** How often, in milliseconds, an admin server is asked what has become of an upgrade. */
export const UPGRADE_POLL_MS = 100;

/** How long no admin server may answer while a proxy is upgraded, in milliseconds: one that dies in the middle leaves a gap. */
export const UPGRADE_AWAY_MS_MAX = 10_000;
