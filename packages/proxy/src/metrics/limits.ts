/** Listeners with series of their own; more than one proxy serves, yet a bound on what a broken feed can cost. */
export const METRICS_LISTENERS_MAX = 1_000;

/** Rules, over all routes, with series of their own: about 30 lines of scrape each, 300,000 lines in all. */
export const METRICS_RULES_MAX = 10_000;

/** Clusters with series of their own: about 120 lines of scrape each. */
export const METRICS_CLUSTERS_MAX = 10_000;

/** Hosts, over all clusters, with series of their own: twice the largest list of hosts that is planned for. */
export const METRICS_HOSTS_MAX = 16_000;

/** Characters of a label value: a namespace and a name of Kubernetes with room; longer ones are cut and hashed. */
export const METRICS_LABEL_CHARS_MAX = 512;

/** How long the series of a removed rule, cluster or host stay, in milliseconds: several scrapes of any period. */
export const METRICS_RETIRED_KEEP_MS = 300_000;

/** Characters of one piece of a rendered scrape: small enough that no turn of the event loop is held up by it. */
export const METRICS_RENDER_CHUNK_CHARS = 65_536;

/** How often the event loop's lag is measured, in milliseconds: ten wake-ups a second cost nothing that shows. */
export const METRICS_LAG_PERIOD_MS = 100;
