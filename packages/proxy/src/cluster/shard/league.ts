import { LEAGUE_CLIENTS_MAX, LEAGUE_CONNECTIONS_MIN, LEAGUE_SLACK_FACTOR } from "./limits.ts";

/** Makes sums of rounded numbers whole again where they should be. */
const EPSILON = 1e-9;

/**
 * How many clients make a league: the smallest power of two that gives every host of mean weight at least
 * `LEAGUE_CONNECTIONS_MIN` connections, at most `LEAGUE_CLIENTS_MAX`. A power of two, so that it stays while hosts come
 * and go.
 */
export function leagueClients(hostCount: number, size: number): number {
  const wanted = (LEAGUE_CONNECTIONS_MIN * hostCount) / size;
  let clients = 1;
  while (clients < wanted && clients < LEAGUE_CLIENTS_MAX) clients *= 2;
  return clients;
}

/**
 * The most connections that a host may get from a league of `clients`, when its even share is `share` connections per
 * client (0 to 1): `LEAGUE_SLACK_FACTOR` times what is even in whole connections, but never so few that not all fit.
 */
export function hostLimit(clients: number, share: number): number {
  const even = clients * share;
  const limit = Math.max(Math.ceil(even - EPSILON), Math.floor(even * LEAGUE_SLACK_FACTOR + EPSILON));
  return Math.min(clients, Math.max(1, limit));
}

/**
 * The even share of each host in a client's connections: in proportion to weights, but no host gets more than one
 * connection of a client; what is more is left to the others. The shares add up to `size`.
 */
export function evenShares(weights: readonly number[], size: number): number[] {
  const shares = weights.map(() => 0);
  let open = weights.map((_, index) => index);
  let rest = size;
  for (;;) {
    const total = open.reduce((sum, index) => sum + (weights[index] ?? 0), 0);
    const factor = total === 0 ? 0 : rest / total;
    const full = open.filter((index) => (weights[index] ?? 0) * factor >= 1);
    if (full.length === 0 || full.length === open.length) {
      for (const index of open) shares[index] = Math.min(1, (weights[index] ?? 0) * factor);
      return shares;
    }
    for (const index of full) shares[index] = 1;
    rest -= full.length;
    open = open.filter((index) => (weights[index] ?? 0) * factor < 1);
  }
}
