/** Most selectors of one cluster: every host that comes or goes is looked up once in each. */
export const SELECTORS_MAX = 64;

/** Most keys of one selector: as many sets of hosts are intersected when a subset is built. */
export const SELECTOR_KEYS_MAX = 16;

/**
 * Most subsets of one cluster that are kept built (12 KB each for 100,000 hosts, so 50 MB at worst); beyond it the one
 * that was not asked for the longest is forgotten, and built again when it is. Clients choose values: without a bound
 * they choose how much memory is used.
 */
export const SUBSETS_MAX = 4096;

/** Hosts up to which a set is a list: a value that one host has must not cost a bit for every other. */
export const FEW_HOSTS_MAX = 32;

/** Hosts that are spliced into a list at once; where more changed the list is written anew. */
export const REPLACED_MAX = 1024;
