/** So many clients that each connect to `size` of so many servers. */
export interface ShardingScenario {
  readonly name: string;
  readonly clients: number;
  readonly servers: number;
  readonly size: number;
}

function scenario(clients: number, servers: number, size: number): ShardingScenario {
  return { name: `${clients} clients, ${size} of ${servers} servers each`, clients, servers, size };
}

/** The one that a target names. */
export const TARGET_SCENARIO: ShardingScenario = scenario(1000, 100, 20);

/** In the order of the report; quick runs leave out what has more than 200 servers. */
export const SHARDING_SCENARIOS: readonly ShardingScenario[] = [
  scenario(200, 20, 10),
  TARGET_SCENARIO,
  scenario(1000, 100, 10),
  scenario(1000, 100, 50),
  scenario(5000, 100, 20),
  scenario(2000, 500, 20),
];

/** Most servers of a scenario in a quick run. */
export const QUICK_SERVERS_MAX = 200;
