/** A certificate that ends within so many days is worth a warning: time to have another issued. */
export const CERTIFICATE_DAYS_MIN = 14;

/** Of certificates that live shorter the warning comes with this share of their life left: their issuer should have acted. */
export const CERTIFICATE_SHARE_MIN = 0.3;

/** File descriptors of a worker besides its connections: logs, timers, the channel to its supervisor, listening sockets. */
export const DESCRIPTORS_BESIDES = 64;

/** Findings of one check that are named; further ones are counted. */
export const FINDINGS_SHOWN_MAX = 5;

/** How long, in milliseconds, the collector of spans may take to answer: it is near, and has nothing to take. */
export const OTLP_ANSWER_MS_MAX = 3_000;
