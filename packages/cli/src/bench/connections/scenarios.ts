/** To how many of the hosts each data plane connects. */
export interface ConnectionsScenario {
  readonly name: string;
  readonly shardPercent: number;
}

/** What targets are about. */
export const ALL_TO_ALL: ConnectionsScenario = { name: "to every host", shardPercent: 100 };

/** In the order of the report. */
export const CONNECTIONS_SCENARIOS: readonly ConnectionsScenario[] = [
  ALL_TO_ALL,
  { name: "to half of the hosts", shardPercent: 50 },
  { name: "to a tenth of the hosts", shardPercent: 10 },
];
