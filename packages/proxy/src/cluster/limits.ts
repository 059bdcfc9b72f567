/** Most clusters of one proxy: a mesh of 10,000 services, each seen as several clusters, with room to spare. */
export const CLUSTERS_MAX = 100_000;

/** Most hosts of one cluster: ten times the largest service that is planned for. */
export const HOSTS_PER_CLUSTER_MAX = 100_000;

/** Most priority levels of one cluster; Envoy's bound is 128, and nobody was seen to use more than a handful. */
export const PRIORITY_MAX = 127;

/** A level carries all of its load while (healthy share * 1.4) is at least 1: Envoy's overprovisioning factor. */
export const OVERPROVISIONING_FACTOR = 1.4;

/**
 * Effective weights are configured ones times 100: whole numbers, and still a hundredth of them is at least 1 so that
 * slow start can lower a weight of 1.
 */
export const WEIGHT_SCALE = 100;

/** Largest configured weight: times `WEIGHT_SCALE`, and summed over all hosts, it stays an exact number. */
export const WEIGHT_MAX = 1_000_000;

/** Share of its weight at which a host begins its slow start (Envoy's minimum): some traffic must warm it. */
export const SLOW_START_SHARE_MIN = 0.1;

/** Steps in which slow start raises weights: each rebuilds the balancers of the host's level. */
export const SLOW_START_STEPS = 10;

/** Shortest time between two steps of slow start, in milliseconds. */
export const SLOW_START_STEP_MS_MIN = 100;

/** Time constant of a host's latency estimate, in milliseconds, where the balancer does not name one. */
export const LATENCY_DECAY_MS = 10_000;

/** A failed request counts at least as slow as this, in milliseconds: a host that fails fast must not look fast. */
export const FAILURE_LATENCY_MS_MIN = 100;

/** Failures in a row double a host's latency estimate up to this, in milliseconds. */
export const FAILURE_LATENCY_MS_MAX = 60_000;

/** Retries that are always allowed, whatever the retry budget: else a quiet cluster could never retry. */
export const RETRY_BUDGET_FLOOR = 3;

/**
 * Fewest hosts with enough requests for a judgement by success rate: with fewer, no host can lie 1.9 standard
 * deviations below the mean (at most the root of n - 1 is possible).
 */
export const SUCCESS_RATE_HOSTS_MIN = 5;

/** Fewest hosts with enough requests for a judgement by latency: of two, neither is the odd one. */
export const LATENCY_HOSTS_MIN = 3;

/** A median closer than this to the cluster's, in milliseconds, is no outlier: on fast hosts a factor is noise. */
export const LATENCY_GAP_MS_MIN = 5;

/** Longest interval or time of a cluster's settings, in milliseconds (30 days): catches a value in the wrong unit. */
export const DURATION_MS_MAX = 2_592_000_000;
