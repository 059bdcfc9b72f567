/** Records that wait to be written; a tenth of a second of all a busy worker does. More are dropped and counted. */
export const ACCESS_LOG_PENDING_RECORDS_MAX = 16_384;

/** Characters of the texts in waiting records (two bytes each at worst): bounds what hostile clients can make us keep. */
export const ACCESS_LOG_PENDING_CHARS_MAX = 8_388_608;

/** Records that are serialised in one turn of the event loop: about half a millisecond's work. */
export const ACCESS_LOG_BATCH_RECORDS_MAX = 256;

/** How long records gather before they are written, in milliseconds: one write for many, yet `tail -f` feels live. */
export const ACCESS_LOG_FLUSH_MS = 50;

/** Characters of one text in a line; longer ones end in an ellipsis. */
export const ACCESS_LOG_TEXT_CHARS_MAX = 2_048;

/** How long to wait, in milliseconds, when a pipe is full. */
export const ACCESS_LOG_RETRY_MS = 10;

/** How long, in milliseconds, closing waits for a pipe whose reader is stuck. */
export const ACCESS_LOG_CLOSE_MS = 5_000;

/** At most one message about a failing log in so many milliseconds. */
export const ACCESS_LOG_WARN_PERIOD_MS = 60_000;
