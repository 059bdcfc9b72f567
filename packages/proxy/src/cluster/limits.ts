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
 * Retries that a cluster's requests may save up for a burst, each adding the retry budget's share: as many as are open
 * on a busy host when it dies, and still nothing beside the requests that a cluster gets while it fails as a whole.
 */
export const RETRY_BURST_MAX = 100;

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

/** Shortest time between two questions for one name, in milliseconds, whatever its TTL and `ttlMsMin` say. */
export const DNS_REFRESH_MS_MIN = 500;

/** First back-off after a DNS failure, in milliseconds; it grows from there. */
export const DNS_RETRY_MS_BASE = 1000;

/** Longest back-off after DNS failures, in milliseconds: a name server that is back is noticed within this. */
export const DNS_RETRY_MS_MAX = 30_000;

/** How often it is said again that a name is not resolved, in milliseconds: a broken zone must not fill the log. */
export const DNS_NOTICE_PERIOD_MS = 60_000;

/**
 * How long the last good addresses are kept, in milliseconds, while the answer is that the name has none: a zone that
 * is briefly empty during a change must not take a service down, and a name that is gone must not live on for ever.
 */
export const DNS_EMPTY_GRACE_MS = 60_000;

/** Most addresses taken from one answer: 16 for each of the few dozen that fit an ordinary answer. */
export const DNS_ADDRESSES_MAX = 1000;

/** A question for a name is given up after this, in milliseconds, with CNAME loops and silent servers in mind. */
export const DNS_TIMEOUT_MS = 5000;

/** First wait for one name server, in milliseconds, before the question is asked again. */
export const DNS_SERVER_TIMEOUT_MS = 1500;

/** How often a question is asked per name server. */
export const DNS_SERVER_TRIES = 2;

/** Health checks that run at once in one process: each holds a socket, and 20,000 are all a process has. */
export const CHECKS_RUNNING_MAX = 128;

/** Most health checks of one cluster per host. */
export const CHECKS_PER_HOST_MAX = 8;

/** Most bytes of a gRPC health answer: a valid one has 7. */
export const GRPC_HEALTH_BYTES_MAX = 1024;

/** Longest timeout of a health check, in milliseconds (10 minutes): beyond that a check holds its socket for nothing. */
export const CHECK_TIMEOUT_MS_MAX = 600_000;

/** Shortest time between two checks of one host, in milliseconds, whatever interval and jitter say. */
export const CHECK_DELAY_MS_MIN = 10;

/** Verdicts that a cluster keeps on hosts it does not have (yet, or any more): workers learn of hosts at other times. */
export const KEPT_VERDICTS_MAX = 1000;

/**
 * How long the connections to a host that has left this proxy's shard are kept, in milliseconds: a host that is back by
 * then, as one whose check failed once, costs nobody a connection.
 */
export const SHARD_LINGER_MS = 5000;

/** How often the load is measured that an automatic shard follows, in milliseconds. */
export const SHARD_LOAD_PERIOD_MS = 5000;

/** What is left of a past load after one period: half of a peak is forgotten within a minute or so. */
export const SHARD_LOAD_DECAY_FACTOR = 0.95;

/** Characters of a client's identity: longer than any host name, path and port together. */
export const CLIENT_ID_CHARS_MAX = 1024;

/** Most clients of one sharded cluster: numbers of clients are this many uint32s. */
export const CLIENTS_MAX = 4_294_967_295;
