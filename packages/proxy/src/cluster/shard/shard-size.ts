import type { AutomaticShardSize, ShardSize } from "@weft/contract";
import { assertInteger, assertRange } from "@weft/kernel";
import { HOSTS_PER_CLUSTER_MAX } from "../limits.ts";
import { AUTOMATIC_HOSTS_MIN, SIZE_SHRINK_FACTOR, SIZE_STEP_FACTOR } from "./limits.ts";

/** What an automatic size follows. */
export interface ShardLoad {
  /** Of this client to the cluster, smoothed. */
  readonly requestsPerSecond: number;
  /** Null where nobody counts. */
  readonly clients: number | null;
}

/** Checks a rule as it is configured. @throws WeftError KERNEL_INVALID_ARGUMENT */
export function checkShardSize(rule: ShardSize): void {
  if (rule.type === "fixed") {
    assertInteger("hosts", rule.hosts, 1, HOSTS_PER_CLUSTER_MAX);
  } else if (rule.type === "percent") {
    assertRange("percent", rule.percent, 0, 100);
    assertInteger("hostsMin", rule.hostsMin, 1, HOSTS_PER_CLUSTER_MAX);
  } else {
    assertRange("requestsPerConnection", rule.requestsPerConnection, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER);
    assertInteger("hostsMin", rule.hostsMin, AUTOMATIC_HOSTS_MIN, HOSTS_PER_CLUSTER_MAX);
    assertInteger("connectionsPerHostMax", rule.connectionsPerHostMax, 1, Number.MAX_SAFE_INTEGER);
  }
}

/**
 * The size of one client's shard. Fixed and by percentage it follows from the rule and the number of hosts. Automatic, it
 * is what the client's requests fill (`requestsPerSecond / requestsPerConnection`), at most what keeps hosts below
 * `connectionsPerHostMax`, but at least `hostsMin`, whatever the others say: with few members a failure would hit hard.
 * It takes steps of `SIZE_STEP_FACTOR` from `hostsMin` up; it grows at once and shrinks only when the load would do with
 * a size smaller by `SIZE_SHRINK_FACTOR`, so that load that sways does not open and close connections.
 */
export class ShardSizer {
  readonly #rule: ShardSize;
  /** Of the automatic size, before it is cut to the number of hosts. */
  #step: number = 0;

  /** @throws WeftError KERNEL_INVALID_ARGUMENT */
  constructor(rule: ShardSize) {
    checkShardSize(rule);
    this.#rule = rule;
  }

  /** The size among `hostCount` hosts, at most all; 0 where there are none. */
  resolve(hostCount: number, load: ShardLoad): number {
    const rule = this.#rule;
    if (rule.type === "fixed") return Math.min(hostCount, rule.hosts);
    if (rule.type === "percent") {
      return Math.min(hostCount, Math.max(rule.hostsMin, Math.ceil((hostCount * rule.percent) / 100 - 1e-9)));
    }
    // Compared without the floor: the last step down to it is taken like every other.
    const allowed = allowedHosts(rule, hostCount, load);
    const asked = Math.min(hostCount, allowed, Math.ceil(load.requestsPerSecond / rule.requestsPerConnection));
    const wanted = Math.max(rule.hostsMin, asked);
    if (this.#step < wanted || asked * SIZE_SHRINK_FACTOR <= this.#step) this.#step = stepFor(rule.hostsMin, wanted);
    // A step is rounded up, but not beyond what hosts may bear.
    return Math.min(hostCount, this.#step, Math.max(rule.hostsMin, allowed));
  }
}

/** What keeps hosts below their connections, where the number of clients is known. */
function allowedHosts(
  { connectionsPerHostMax }: AutomaticShardSize,
  hostCount: number,
  { clients }: ShardLoad,
): number {
  return clients === null ? hostCount : Math.floor((connectionsPerHostMax * hostCount) / Math.max(1, clients));
}

/** The smallest step that is no less than what is wanted. */
function stepFor(first: number, wanted: number): number {
  let step = first;
  while (step < wanted) step = Math.ceil(step * SIZE_STEP_FACTOR);
  return step;
}
