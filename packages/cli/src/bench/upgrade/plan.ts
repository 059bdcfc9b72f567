/** How much is asked of how many connections, and how often the proxy is upgraded meanwhile. */
export interface UpgradePlan {
  readonly connections: number;
  readonly requestsPerSecond: number;
  readonly upgrades: number;
  /** Before each upgrade and after the last: what is normal is measured, and what comes late has come. */
  readonly calmSeconds: number;
}

/** About two minutes: figures to publish. */
export const FULL_UPGRADE_PLAN: UpgradePlan = {
  connections: 10_000,
  requestsPerSecond: 5_000,
  upgrades: 3,
  calmSeconds: 10,
};

/** Less than one: figures to look at while working. */
export const QUICK_UPGRADE_PLAN: UpgradePlan = {
  connections: 1_000,
  requestsPerSecond: 1_000,
  upgrades: 3,
  calmSeconds: 2,
};
