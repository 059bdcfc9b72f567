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
