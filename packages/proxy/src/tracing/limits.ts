/** Spans that wait for the collector; more are dropped and counted. */
export const TRACING_QUEUE_SPANS_MAX = 8_192;

/** Characters of the texts in waiting spans (two bytes each at worst): bounds what hostile clients can make us keep. */
export const TRACING_QUEUE_CHARS_MAX = 8_388_608;

/** Spans in one delivery: OpenTelemetry's default. */
export const TRACING_BATCH_SPANS_MAX = 512;

/** How long spans gather before they are delivered, in milliseconds. */
export const TRACING_FLUSH_MS = 1_000;

/** How long one delivery may take, in milliseconds: OpenTelemetry's default. */
export const TRACING_EXPORT_TIMEOUT_MS = 10_000;

/** Deliveries of one batch after the first; then it is dropped and counted. */
export const TRACING_RETRIES_MAX = 5;

/** First wait between deliveries of a batch, in milliseconds: a collector that restarts is back soon. */
export const TRACING_RETRY_BASE_MS = 500;

/** Longest wait between deliveries of a batch, in milliseconds; a Retry-After is honoured up to this. */
export const TRACING_RETRY_MAX_MS = 30_000;

/** Bytes of a collector's answer that are read: enough for what it says of rejected spans. */
export const TRACING_ANSWER_BYTES_MAX = 65_536;

/** How long, in milliseconds, closing waits for the collector. */
export const TRACING_CLOSE_MS = 5_000;

/** At most one message about a failing collector in so many milliseconds. */
export const TRACING_WARN_PERIOD_MS = 60_000;

/** Characters of one attribute; longer ones are cut. */
export const TRACING_TEXT_CHARS_MAX = 1_024;

/** Retry events on one server span; the tries themselves have spans of their own. */
export const TRACING_EVENTS_MAX = 32;

/** Members of a tracestate (W3C Trace Context, section 3.3.1.1). */
export const TRACESTATE_MEMBERS_MAX = 32;

/** Characters of a tracestate that we pass on; the specification asks for at least 512. */
export const TRACESTATE_CHARS_MAX = 2_048;
