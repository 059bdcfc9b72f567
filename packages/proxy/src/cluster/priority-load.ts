import { OVERPROVISIONING_FACTOR } from "./limits.ts";

/** The hosts of one priority level, counted. */
export interface LevelCount {
  /** All hosts that are not draining. */
  readonly total: number;
  readonly usable: number;
}

/** What one level is to carry. */
export interface LevelLoad {
  /** Share of the cluster's requests, 0 to 1. All shares sum to 1, or to 0 when no host may be used. */
  readonly share: number;
  /** Health is ignored: all of the level's hosts are used. */
  readonly isPanicking: boolean;
}

/**
 * How requests are shared among priority levels, after Envoy ("Priority levels", "Panic threshold" of its load
 * balancing chapter). A level with health h (usable / total) can carry min(1, 1.4 h) of the load; each level carries
 * what it can of what the levels before it left over. While all levels together cannot carry everything, a level with
 * h below `panicThreshold` panics, and shares are scaled up to 1. A single level panics below the threshold in any
 * case, as there is nowhere else to go. When every level panics, they share by their numbers of hosts.
 *
 * @example
 * computeLevelLoads([{ total: 10, usable: 5 }, { total: 10, usable: 10 }], 0.5); // shares 0.7 and 0.3
 */
export function computeLevelLoads(levels: readonly LevelCount[], panicThreshold: number): LevelLoad[] {
  const health = levels.map(({ total, usable }) => (total === 0 ? 0 : usable / total));
  const capacities = health.map((share) => Math.min(1, share * OVERPROVISIONING_FACTOR));
  const capacity = capacities.reduce((sum, value) => sum + value, 0);
  const mayPanic = capacity < 1 || levels.length === 1;
  const panicking = levels.map(({ total }, index) => mayPanic && total > 0 && (health[index] ?? 0) < panicThreshold);
  const isTotalPanic = levels.every(({ total }, index) => total === 0 || panicking[index] === true);
  if (capacity === 0 || isTotalPanic) return shareByHosts(levels, panicking);
  const scale = Math.min(1, capacity);
  let left = 1;
  return capacities.map((value, index) => {
    const share = Math.min(left, value / scale);
    left -= share;
    return { share, isPanicking: panicking[index] ?? false };
  });
}

/** Health is no guide any more: levels that panic share by their numbers of hosts. */
function shareByHosts(levels: readonly LevelCount[], panicking: readonly boolean[]): LevelLoad[] {
  let hosts = 0;
  levels.forEach(({ total }, index) => (hosts += panicking[index] === true ? total : 0));
  return levels.map(({ total }, index) => {
    const isPanicking = panicking[index] ?? false;
    return { share: isPanicking ? total / hosts : 0, isPanicking };
  });
}
