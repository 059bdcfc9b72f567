/** Bytes of one resource file: more than etcd lets a Kubernetes object have, and parsed within two seconds or so. */
export const RESOURCE_FILE_BYTES_MAX = 2_097_152;

/** Bytes of one PEM file that a Certificate names: hundreds of certificates; more is the wrong file. */
export const CERTIFICATE_FILE_BYTES_MAX = 1_048_576;

/** Files below one configuration folder: far above any mesh that is kept in files, and read in a second or two. */
export const RESOURCE_FILES_MAX = 4096;

/** Folders that are followed below the configuration folder, one within the other; deeper is a loop or a mistake. */
export const FOLDER_DEPTH_MAX = 16;

/** YAML documents in one file. */
export const FILE_DOCUMENTS_MAX = 10_000;

/** Levels of lists and mappings in one document: the deepest field of any kind lies at level 11. */
export const DOCUMENT_DEPTH_MAX = 32;

/** Nodes that the aliases of one document may repeat: anchors for convenience pass, alias bombs do not. */
export const DOCUMENT_ALIASES_MAX = 100;

/** Problems that one load reports; the first thousand are enough to start with. */
export const PROBLEMS_MAX = 1000;

/** Characters of a value that a problem shows. */
export const PROBLEM_VALUE_CHARS_MAX = 80;

/** Characters of a regular expression: what Gateway API allows in a path match. */
export const REGEX_CHARS_MAX = 1024;

/** Longest duration in milliseconds (1 day): what a request or connection waits for is over by then. */
export const DURATION_MS_MAX = 86_400_000;

/** Longest timeout of a health check in milliseconds (10 minutes): beyond that it holds a socket for nothing. */
export const CHECK_TIMEOUT_MS_MAX = 600_000;

/** Hosts of one Service in a file: more than twice the scale that the balancers are measured at. */
export const SERVICE_HOSTS_MAX = 20_000;

/** Bytes of a direct response: it is kept in memory and sent whole; more is a file to serve. */
export const DIRECT_RESPONSE_BYTES_MAX = 65_536;

/** Characters of a DNS name; longer names of Services are not routed. */
export const HOST_CHARS_MAX = 253;

/** Host names of one compiled rule; a route on many listeners becomes several rules. */
export const RULE_HOSTNAMES_MAX = 256;

/** Hash keys of one rule, gathered from the policies of its backends; they are tried in turn for each request. */
export const RULE_HASH_KEYS_MAX = 16;

/** Rules of one route table: what the router takes. */
export const TABLE_RULES_MAX = 100_000;

/** Rules of one host that match paths by regular expression: what the router takes; they are tried one by one. */
export const HOST_REGEXES_MAX = 1000;

/** Characters of a name that gets a suggestion, and edits up to which a suggestion is made. */
export const SUGGESTION_CHARS_MAX = 64;

/** See `SUGGESTION_CHARS_MAX`: beyond three edits a suggestion confuses more than it helps. */
export const SUGGESTION_EDITS_MAX = 3;

/** Quiet time in milliseconds after a change before files are read: editors write a file in several steps. */
export const WATCH_QUIET_MS = 50;

/** Longest time in milliseconds for which changes that do not pause put reading off. */
export const WATCH_DELAY_MS_MAX = 500;

/** Period in milliseconds of the look at all files that finds what file events have missed. */
export const WATCH_POLL_MS = 2000;

/** Files younger than this, in milliseconds, are read again at the next look: their time stamp may hide a change. */
export const WATCH_FRESH_MS = 2000;

/**
 * How long, in milliseconds, a certificate and a key that do not fit, or one that is gone, wait for the other half of their
 * renewal before the version is refused, and links that have come to lead nowhere for the end of a swap: who makes a key, has
 * it signed and copies both takes a second or two.
 */
export const CERTIFICATE_GRACE_MS = 3000;

/** How often files are looked at meanwhile, in milliseconds. */
export const CERTIFICATE_GRACE_STEP_MS = 100;

/** Times in a row that files which change while they are read are read anew before that is a problem. */
export const WATCH_UNSTABLE_READS_MAX = 20;

/** Clients of a sharded Service: numbers of clients are uint32s. */
export const CLIENTS_MAX = 4_294_967_295;

/** Selectors of a Service's subsets: every host that comes or goes is looked up once in each. */
export const SUBSET_SELECTORS_MAX = 64;

/** Keys of one selector of subsets: as many sets of hosts are intersected when a subset is built. */
export const SUBSET_KEYS_MAX = 16;

/** Subsets of a Service that a proxy keeps built, as many as its index takes. */
export const SUBSETS_BUILT_MAX = 4096;
