/**
 * Times a weighted choice is drawn again when it fell on a host that failed this request already, or that it is to be
 * compared with; then the neighbours of a draw are walked. Keeps retries true to the weights without an unbounded loop.
 */
export const REDRAWS_MAX = 8;

/** Most hosts that least-request compares per pick (Envoy's and gRPC's practice is 2; more herds onto one host). */
export const CHOICES_MAX = 16;

/**
 * Virtual time at which a weighted round robin starts over at 0, in turns of a host of weight 1: keeps fractions of a
 * turn exact to 2^-32.
 */
export const VIRTUAL_TIME_MAX = 1_048_576;

/** Most points of a hash ring: 8 Mi points are 64 MiB, the bound that Envoy has too. */
export const RING_SIZE_MAX = 8_388_608;

/** Points of a host of mean weight, as in ketama: its share of the keys then varies by about 8 %. */
export const RING_POINTS_PER_HOST = 160;

/** Points of a ring that are walked for a host that was not tried; then the list of hosts is walked. */
export const RING_STEPS_MAX = 64;

/** Most entries of a Maglev table: a prime near 5 million, the bound that Envoy has too. */
export const MAGLEV_TABLE_SIZE_MAX = 5_000_011;

/** Fewest entries of a Maglev table: the smallest prime with a skip other than 1. */
export const MAGLEV_TABLE_SIZE_MIN = 3;

/** Most hosts of one hash ring: an index has 21 bits beside the 32 of a point's hash in one exact number. */
export const RING_HOSTS_MAX = 2_097_152;

/**
 * Cost that peak EWMA puts on a host that has requests in flight and never answered one, in milliseconds: beyond any
 * real latency, so that a new host gets one request and not a flood until the first answer.
 */
export const UNPROVEN_COST_MS = 1_000_000_000;

/** Longest time constant of a latency estimate, in milliseconds (1 day): what the kernel's averages take. */
export const DECAY_MS_MAX = 86_400_000;
