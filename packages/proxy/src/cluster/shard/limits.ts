/**
 * Factor by which a host may exceed its even share of a full league: what balance is promised. Closer to 1 more clients
 * have to give way, and a host that leaves moves more connections (measured for 20 of 100: 1.05 moves 2.7 times the
 * unavoidable minimum, 1.10 moves 1.7 times).
 */
export const LEAGUE_SLACK_FACTOR = 1.1;

/** Fewest connections that a host of mean weight gets from one league: with 10, whole numbers can keep to the slack. */
export const LEAGUE_CONNECTIONS_MIN = 10;

/** Most clients of one league: bounds what a client computes and keeps (about 200 bytes per host at the usual sizes). */
export const LEAGUE_CLIENTS_MAX = 4096;

/** Hosts that a list of preferences holds beyond those that are wanted, as a share of these, so that it lasts. */
export const PREFERENCE_SPARE_RATIO = 0.5;

/** Fewest hosts that a list of preferences holds beyond those that are wanted: clients give way to each other. */
export const PREFERENCE_SPARE_MIN = 16;

/** Largest number of a client: bits of it are reversed as a uint32. */
export const CLIENT_INDEX_MAX = 4_294_967_295;

/** Growth from one automatic size to the next, as a factor: few sizes, so that clients of like load have the same. */
export const SIZE_STEP_FACTOR = 1.5;

/** An automatic size falls when the wanted one is smaller by this factor: load that sways must not move connections. */
export const SIZE_SHRINK_FACTOR = 2;

/**
 * Fewest hosts that an automatic size gives: when one of five fails, the others take a quarter more, which is what hosts
 * are usually given in reserve.
 */
export const AUTOMATIC_HOSTS_MIN = 5;
