/** Most rules of one route table: a hundred thousand take some 100 MB, a table beyond that is a mistake of whoever made it. */
export const TABLE_RULES_MAX = 100_000;

/** Most host names of one rule; Gateway API allows 16 per route, a route with every name of a large site stays below. */
export const RULE_HOSTNAMES_MAX = 256;

/** Most header and most query conditions of one match, each; Gateway API allows 16. */
export const MATCH_CONDITIONS_MAX = 64;

/** Most backends, and most mirrors, of one rule; Gateway API allows 16. */
export const RULE_BACKENDS_MAX = 64;

/** Largest weight of a backend, as in Gateway API: sums stay exact. */
export const BACKEND_WEIGHT_MAX = 1_000_000;

/** Most fields that one header change sets, adds and removes together. */
export const HEADER_CHANGE_FIELDS_MAX = 128;

/** Longest header value, path, body type or other text in a rule, in bytes. */
export const RULE_TEXT_BYTES_MAX = 4096;

/** Longest body of a direct response, in bytes: it is kept in memory and sent whole. */
export const DIRECT_RESPONSE_BYTES_MAX = 65_536;

/** Most entries of each list of a CORS policy; Gateway API allows 64 origins. */
export const CORS_ENTRIES_MAX = 128;

/** Most wildcards in one CORS origin: each costs a search through the request's origin. */
export const CORS_WILDCARDS_MAX = 4;

/** Longest `Origin` of a request that is compared, in bytes: a scheme, a host name of 253 and a port fit. */
export const ORIGIN_BYTES_MAX = 300;

/** Most hash keys of one rule: they are tried in turn for each request. */
export const HASH_KEYS_MAX = 16;

/** Most tries after the first that a rule may ask for: more only multiplies an outage. */
export const RETRIES_MAX = 16;

/** Longest time in a rule, in milliseconds (1 day): catches a time in the wrong unit. */
export const RULE_TIME_MS_MAX = 86_400_000;

/** Longest regular expression, in characters (what Istio allows). */
export const REGEX_PATTERN_LENGTH_MAX = 1024;

/** Longest text that a regular expression is tried on, in bytes; a longer one does not match. */
export const REGEX_INPUT_BYTES_MAX = 4096;

/**
 * Bound on program size times text length of one regular expression: a large program is tried on shorter texts only.
 * The engine takes some 20 ns per step where it is slowest, so one match costs at most about 10 ms.
 */
export const REGEX_STEPS_MAX = 524_288;

/**
 * Most rules with a regular expression as path of one host name: those with the same literal beginning are tried one
 * after the other (about 1 us each), and the engine keeps at most 8 MB of states for each.
 */
export const HOST_REGEXES_MAX = 1000;

/** Longest host that is looked up, in characters: DNS names have at most 253; a longer one only matches "*". */
export const HOST_LENGTH_MAX = 255;

/** Candidates that one explanation lists, so that the answer for a table of thousands stays readable. */
export const EXPLAIN_CANDIDATES_MAX = 200;

/** Rules that nearly matched which one explanation lists: beyond, they are no help. */
export const EXPLAIN_NEAR_MISSES_MAX = 5;

/** Rules that one explanation looks at in search of them: 20,000 take about 20 ms, in which no request is served. */
export const EXPLAIN_RULES_MAX = 20_000;

/** Host names of a rule that a reason names; further ones are counted. */
export const EXPLAIN_HOSTNAMES_MAX = 4;

/** Rules for one path from which on an index by a header is made: up to there trying them in turn is as fast. */
export const RULE_LIST_INDEX_MIN = 8;
