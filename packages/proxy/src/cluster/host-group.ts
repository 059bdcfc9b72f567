import type { BalancingConfig, PickContext } from "@weft/contract";
import type { Clock, Random } from "@weft/kernel";
import type { Host } from "./host.ts";
import { HostSelector } from "./host-selector.ts";
import { LevelShards, type ShardCause, type ShardPlan } from "./level-shards.ts";
import { SHARD_LOAD_DECAY_FACTOR } from "./limits.ts";
import type { Subset } from "./subset/index.ts";

const NOBODY: ReadonlySet<string> = new Set();

/** What a rebuild did to the hosts that a group connects to. */
export interface GroupMoves {
  readonly cause: ShardCause;
  readonly joined: number;
  readonly left: number;
}

/**
 * Hosts that requests are balanced over together: all of a cluster, or a subset that requests choose. Health, panic,
 * zones and shards are settled within the group.
 */
export class HostGroup<Pool> {
  /** Null connects to every host. */
  readonly shards: LevelShards<Pool> | null;
  readonly #selector: HostSelector<Pool>;
  /** Null for all hosts. */
  readonly #subset: Subset<Host<Pool>> | null;
  #subsetHosts: readonly Host<Pool>[] = [];
  /** Of the subset, when `#subsetHosts` were taken from it. */
  #subsetVersion: number = -1;
  /** Of the cluster's state that this group was built from; -1 before the first time. */
  version: number = -1;
  /** Picks since the load was last measured. */
  picks: number = 0;
  /** Peak of late, decayed; of all workers. */
  #requestsPerSecond: number = 0;

  constructor(
    balancing: BalancingConfig,
    plan: ShardPlan | null,
    subset: Subset<Host<Pool>> | null,
    random: Random,
    clock: Clock,
  ) {
    this.#subset = subset;
    this.shards = plan === null ? null : new LevelShards(plan);
    this.#selector = new HostSelector(balancing, random, clock);
  }

  /** Priority levels that ignore health at present. */
  get panickingLevels(): readonly number[] {
    return this.#selector.panickingLevels;
  }

  /** Hosts with a place in the group's shards; none where it is not sharded. */
  get memberKeys(): ReadonlySet<string> {
    return this.shards?.keys ?? NOBODY;
  }

  get requestsPerSecond(): number {
    return this.#requestsPerSecond;
  }

  /**
   * Call when hosts came or went, or their health, priority, zone or weight changed. `all` are the cluster's hosts, the
   * same list while none came or went.
   */
  rebuild(all: readonly Host<Pool>[], version: number): GroupMoves {
    const before = this.memberKeys;
    const hosts = this.#subset === null ? all : this.#hostsOf(this.#subset);
    const cause = this.shards?.update(hosts, this.#requestsPerSecond) ?? "hosts";
    this.#selector.rebuild(hosts, this.shards);
    this.version = version;
    const after = this.memberKeys;
    let kept = 0;
    for (const key of after) if (before.has(key)) kept++;
    return { cause, joined: after.size - kept, left: before.size - kept };
  }

  pick(context: PickContext): Host<Pool> | undefined {
    return this.#selector.pick(context);
  }

  #hostsOf(subset: Subset<Host<Pool>>): readonly Host<Pool>[] {
    if (this.#subsetVersion !== subset.version) {
      this.#subsetHosts = subset.hosts();
      this.#subsetVersion = subset.version;
    }
    return this.#subsetHosts;
  }

  /** Takes the picks since the last call for the load. True when the shards are to have another size for it. */
  measure(elapsedSeconds: number, workers: number): boolean {
    const now = (this.picks * workers) / elapsedSeconds;
    this.picks = 0;
    // Up at once, down slowly: a pause between two bursts must not close what the next one needs.
    this.#requestsPerSecond = Math.max(now, this.#requestsPerSecond * SHARD_LOAD_DECAY_FACTOR);
    return this.shards?.isOtherSize(this.#requestsPerSecond) ?? false;
  }
}
