/**
 * Longest delay, in milliseconds, that a clock accepts: Node's timers hold 31 bits (24.8 days) and
 * fire at once beyond that. Longer deadlines belong on a `TimerWheel`.
 */
export const CLOCK_DELAY_MS_MAX = 2_147_483_647;

/**
 * Timers that one `FakeClock.advance` may fire before it gives up: a timer that re-arms itself must
 * fail the test instead of hanging it.
 */
export const FAKE_CLOCK_FIRINGS_MAX = 10_000_000;

/** Default resolution of a timer wheel: deadlines here are network timeouts, for which 10 ms is fine. */
export const TIMER_WHEEL_TICK_MS = 10;

/** Slots per level of a timer wheel: one bit each in a 32-bit occupancy mask. */
export const TIMER_WHEEL_SLOTS = 32;

/** Levels of a timer wheel: 32^6 ticks of 10 ms are 124 days; longer delays wrap and wait again. */
export const TIMER_WHEEL_LEVELS = 6;

/**
 * Longest delay on a timer wheel, in milliseconds (about 31 years): keeps tick arithmetic exact and
 * catches a delay computed in the wrong unit.
 */
export const TIMER_WHEEL_DELAY_MS_MAX = 1_000_000_000_000;

/** Counters per octave of a histogram: 16 keep the relative error of a quantile at 3.1 % or less. */
export const HISTOGRAM_BUCKETS_PER_OCTAVE = 16;

/** Largest value that a histogram tells apart, in microseconds (71 minutes); larger ones count here. */
export const HISTOGRAM_VALUE_US_MAX = 4_294_967_295;

/** Counters of a histogram at full range: 464 * 4 bytes stay below 2 KB per host. */
export const HISTOGRAM_BUCKETS_MAX = 464;

/** A histogram grows by so many counters at once: 4 octaves, so it grows at most 8 times in its life. */
export const HISTOGRAM_BUCKETS_GROWTH = 64;

/** Most items that a `Ring` holds: its slots are allocated up front, so a larger one is a mistake. */
export const RING_CAPACITY_MAX = 16_777_216;

/** Most bits of a `Bitmap` (2 MB): a hundred times the largest list of hosts that is planned for. */
export const BITMAP_BITS_MAX = 16_777_216;

/** Smallest slab of a pool: below that, pooling costs more than allocating. */
export const SLAB_BYTES_MIN = 64;

/** Largest slab of a pool: one buffer never holds more than a large frame with its surroundings. */
export const SLAB_BYTES_MAX = 67_108_864;

/** Most buckets of a sliding window: finer steps than 1/1024 of a window change no decision. */
export const SLIDING_WINDOW_BUCKETS_MAX = 1024;

/** Most columns of a sliding window: one per outcome that is told apart. */
export const SLIDING_WINDOW_COLUMNS_MAX = 64;

/** Longest back-off, in milliseconds (1 day): a peer that recovers is noticed the same day. */
export const BACKOFF_MS_MAX = 86_400_000;

/** Bytes of one output slab: a turn's output of a busy connection; an answer of 64 KiB fits with its head. */
export const OUTPUT_SLAB_BYTES = 73_728;

/** Bytes of a small output slab: a turn's output of a connection that carries a small answer. */
export const OUTPUT_SMALL_SLAB_BYTES = 4096;

/** Most free small output slabs kept for reuse by a worker (16 MiB): as many connections may be busy in one turn. */
export const OUTPUT_FREE_SMALL_SLABS_MAX = 4096;

/** Most free output slabs kept for reuse by a worker (16 MiB). */
export const OUTPUT_FREE_SLABS_MAX = 256;

/** Output that waits for a slow peer above this marks the connection as congested: body producers stop. */
export const OUTPUT_CONGESTED_BYTES = 262_144;

/**
 * Bytes taken from a socket in one read: one system call for a typical turn of a busy connection. Bodies come in
 * powers of two and with a head before them: 8 KiB above 64 KiB spare such an answer a second read and a second slab,
 * a tenth of its cost.
 */
export const READ_BUFFER_BYTES = 73_728;

/** Seconds between the questions of TCP keepalive once one is not answered. */
export const KEEPALIVE_INTERVAL_SECONDS = 1;

/** Characters of one message between two processes that pass connections on: a connection's unread bytes several times over. */
export const CHANNEL_LINE_BYTES_MAX = 67_108_864;
