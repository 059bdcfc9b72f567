import { isDeepStrictEqual } from "node:util";
import type { ClusterConfig, PickContext, RouteSubset } from "@weft/contract";
import { type Clock, type Random, TimerEntry, type TimerOwner, type TimerWheel } from "@weft/kernel";
import type { Host } from "./host.ts";
import { HostGroup } from "./host-group.ts";
import {
  createShardPlan,
  type ProxyIdentity,
  type ShardCause,
  type ShardPlan,
  type ShardRole,
} from "./level-shards.ts";
import { SHARD_LINGER_MS, SHARD_LOAD_PERIOD_MS } from "./limits.ts";
import { type Subset, SubsetIndex, type SubsetOutcome, type SubsetQuery } from "./subset/index.ts";

/** The labels that a request asks for: compiled once per object. */
export type SubsetLabels = RouteSubset["labels"];

/** Why members of a shard changed: another policy, other hosts, another size, or a member's health. */
export type ShardMoveCause = ShardCause | "policy";

/** The cluster, as its groups see it. */
export interface GroupsOwner {
  /** Groups are about to be rebuilt: effective weights are to be brought up to date. */
  refreshWeights(): void;
  /** Hosts joined or left the shards, or a host outside of them changed: others are to be checked from now on. */
  onMembersChanged(): void;
  /** Hosts that are not among these have not been for `SHARD_LINGER_MS`: connections to them are to drain. */
  releaseHostsBut(members: ReadonlySet<string>): void;
}

/** What groups need of a worker. */
export interface GroupsContext {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly identity: () => ProxyIdentity;
}

/** How a cluster's shards stand; figures of this worker. */
export interface ShardFacts {
  /** Hosts that have a place, usable or not, over all levels and subsets in use. */
  readonly size: number;
  /** Hosts that have their place, that stand in for others, and that are not usable and have their place kept. */
  readonly members: number;
  readonly substitutes: number;
  readonly absent: number;
  readonly clientId: string;
  readonly requestsPerSecond: number;
}

const TIMER_SETTLE = 0;
const TIMER_RELEASE = 1;
const TIMER_LOAD = 2;

const NO_LABELS: SubsetLabels = {};

/**
 * The groups that a cluster's requests are balanced over: all hosts, and every subset that requests asked for. A group is
 * built when it is first picked from, and again when something changed that it depends on; it is not touched otherwise.
 *
 * Groups that are sharded settle by themselves, at most once per burst of changes: which hosts are checked must not wait
 * for the next request. Connections to hosts that left the shards stay for `SHARD_LINGER_MS`, and then drain.
 */
export class HostGroups<Pool> implements TimerOwner {
  /** Hosts that joined or left shards since the cluster is here. */
  readonly moves: Record<ShardMoveCause, number> = { policy: 0, hosts: 0, size: 0, health: 0 };
  /** Picks where requests may choose among hosts, by what served them. */
  readonly subsetPicks: Record<SubsetOutcome<Host>["type"], number> = { subset: 0, default: 0, any: 0, none: 0 };
  readonly #context: GroupsContext;
  readonly #owner: GroupsOwner;
  readonly #settleTimer: TimerEntry;
  readonly #releaseTimer: TimerEntry;
  readonly #loadTimer: TimerEntry;
  #config: ClusterConfig;
  #plan: ShardPlan | null = null;
  #all: HostGroup<Pool>;
  #index: SubsetIndex<Host<Pool>> | null = null;
  readonly #subsets: Map<Subset<Host<Pool>>, HostGroup<Pool>> = new Map();
  #queries: WeakMap<SubsetLabels, SubsetQuery> = new WeakMap();
  #hosts: readonly Host<Pool>[] = [];
  /** Grows with everything that groups depend on. */
  #version: number = 0;
  #weightsVersion: number = -1;
  /** Members under the policy before, until the first rebuild under the new one; null between policies. */
  #membersBefore: ReadonlySet<string> | null = null;
  #measuredMs: number = 0;
  #isClosed: boolean = false;

  constructor(config: ClusterConfig, context: GroupsContext, owner: GroupsOwner) {
    this.#context = context;
    this.#owner = owner;
    this.#settleTimer = new TimerEntry(this, TIMER_SETTLE);
    this.#releaseTimer = new TimerEntry(this, TIMER_RELEASE);
    this.#loadTimer = new TimerEntry(this, TIMER_LOAD);
    this.#config = config;
    this.#all = this.#divide();
  }

  get isSharded(): boolean {
    return this.#plan !== null;
  }

  /** Hosts with a place in this proxy's shards, or that take one. */
  get memberCount(): number {
    return this.#memberKeys().size;
  }

  /** Labels that tell apart hosts which are meant to be different: the keys of the shortest selector. */
  get peerKeys(): readonly string[] {
    const selectors = this.#config.subsets?.selectors ?? [];
    return selectors.toSorted((a, b) => a.keys.length - b.keys.length)[0]?.keys ?? [];
  }

  /** Subsets that requests asked for and that are kept built. */
  get subsetsBuilt(): number {
    return this.#subsets.size;
  }

  /** Priority levels of any group that ignore health at present. */
  get panickingLevels(): readonly number[] {
    this.#refreshUsed();
    const levels = this.#usedGroups().flatMap((group) => group.panickingLevels);
    return [...new Set(levels)].toSorted((a, b) => a - b);
  }

  /** Null where the cluster is not sharded. */
  get shardFacts(): ShardFacts | null {
    if (this.#plan === null) return null;
    this.#refreshUsed();
    const groups = this.#usedGroups();
    const roles: Record<ShardRole, number> = { member: 0, substitute: 0, absent: 0, outside: 0 };
    for (const host of this.#hosts) roles[this.roleOf(host) ?? "outside"]++;
    return {
      size: roles.member + roles.absent,
      members: roles.member,
      substitutes: roles.substitute,
      absent: roles.absent,
      clientId: this.#plan.client.key,
      requestsPerSecond: groups.reduce((sum, group) => sum + group.requestsPerSecond, 0),
    };
  }

  /** What a host is to this proxy; null where the cluster is not sharded. */
  roleOf(host: Host<Pool>): ShardRole | null {
    if (this.#plan === null) return null;
    const roles = new Set(this.#usedGroups().map((group) => group.shards?.roleOf(host) ?? "outside"));
    return (["member", "substitute", "absent"] as const).find((role) => roles.has(role)) ?? "outside";
  }

  /**
   * Hosts whose health is to be known: all, or where the cluster is sharded its members, and those that checks keep
   * from being members. One worker checks for all: which subsets requests asked others for it does not know.
   */
  checkedHosts(): readonly Host<Pool>[] {
    const usesUnknown = this.#index !== null && this.#context.identity().workers > 1;
    if (this.#plan === null || usesUnknown) return this.#hosts;
    const members = this.#memberKeys();
    return this.#hosts.filter((host) => host.verdict === "unhealthy" || members.has(host.key));
  }

  /** Takes over another configuration; groups that it concerns are built anew. */
  configure(config: ClusterConfig): void {
    const before = this.#config;
    this.#config = config;
    const isSame =
      isDeepStrictEqual(before.balancing, config.balancing) &&
      isDeepStrictEqual(before.sharding, config.sharding) &&
      isDeepStrictEqual(before.subsets, config.subsets);
    if (isSame) return;
    this.#membersBefore = this.#plan === null ? null : this.#memberKeys();
    this.#all = this.#divide();
    this.#changed();
  }

  /** Hosts came or went, or what is configured of them changed. The list must not change afterwards. */
  setHosts(hosts: readonly Host<Pool>[]): void {
    this.#hosts = hosts;
    this.#index?.update(hosts);
    this.#changed();
    if (this.#plan !== null && !this.#isClosed) this.#refreshUsed();
  }

  /** Health or weights of hosts changed. */
  markStale(): void {
    this.#changed();
    if (this.#plan !== null && !this.#isClosed && !this.#settleTimer.isScheduled) {
      this.#context.wheel.schedule(this.#settleTimer, 0);
    }
  }

  /** A host for a request that asks for `labels`, or for none; undefined where there is none. */
  pick(context: PickContext, labels: SubsetLabels | null): Host<Pool> | undefined {
    const group = this.#index === null ? this.#all : this.#choose(this.#index, labels ?? NO_LABELS);
    if (group === undefined) return undefined;
    if (group.version !== this.#version) this.#rebuild(group);
    group.picks++;
    return group.pick(context);
  }

  /** False where no host has these labels and nothing else may serve in their place: health has no part in it. */
  hasHosts(labels: SubsetLabels | null): boolean {
    if (this.#index === null) return this.#hosts.length > 0;
    return this.#index.find(this.#queryOf(this.#index, labels ?? NO_LABELS)).type !== "none";
  }

  /** Ends every timer. */
  close(): void {
    this.#isClosed = true;
    for (const timer of [this.#settleTimer, this.#releaseTimer, this.#loadTimer]) this.#context.wheel.cancel(timer);
  }

  /** @internal */
  onTimer(entry: TimerEntry): void {
    if (entry.kind === TIMER_SETTLE) {
      this.#refreshUsed();
      // Also when nobody moved: a host that is well again outside of the shards need not be checked any more.
      this.#owner.onMembersChanged();
    } else if (entry.kind === TIMER_RELEASE) {
      this.#refreshUsed();
      if (this.#plan !== null) this.#owner.releaseHostsBut(this.#memberKeys());
    } else {
      this.#measureLoad();
    }
  }

  /** Makes groups for the present configuration; returns the one of all hosts. */
  #divide(): HostGroup<Pool> {
    const { balancing, sharding, subsets } = this.#config;
    const { clock, wheel, random, identity } = this.#context;
    this.#plan = sharding === null ? null : createShardPlan(sharding, balancing.zone, identity());
    this.#subsets.clear();
    this.#queries = new WeakMap();
    this.#index = subsets === null ? null : new SubsetIndex(subsets, (subset) => this.#forget(subset));
    this.#index?.update(this.#hosts);
    wheel.cancel(this.#loadTimer);
    if (sharding?.size.type === "automatic") {
      this.#measuredMs = clock.nowMs();
      wheel.schedule(this.#loadTimer, SHARD_LOAD_PERIOD_MS);
    }
    return new HostGroup(balancing, this.#plan, null, random, clock);
  }

  #choose(index: SubsetIndex<Host<Pool>>, labels: SubsetLabels): HostGroup<Pool> | undefined {
    const { type, subset } = index.find(this.#queryOf(index, labels));
    this.subsetPicks[type]++;
    if (type === "none") return undefined;
    if (type === "any") return this.#all;
    return this.#subsets.get(subset) ?? this.#createSubset(subset);
  }

  #queryOf(index: SubsetIndex<Host<Pool>>, labels: SubsetLabels): SubsetQuery {
    let query = this.#queries.get(labels);
    if (query === undefined) {
      query = index.compile(labels);
      this.#queries.set(labels, query);
    }
    return query;
  }

  #createSubset(subset: Subset<Host<Pool>>): HostGroup<Pool> {
    const { random, clock } = this.#context;
    const group = new HostGroup<Pool>(this.#config.balancing, this.#plan, subset, random, clock);
    this.#subsets.set(subset, group);
    return group;
  }

  #forget(subset: Subset<Host<Pool>>): void {
    this.#subsets.delete(subset);
    if (this.#plan !== null) this.#scheduleRelease();
  }

  #changed(): void {
    this.#version++;
  }

  /** A group is in use from its first pick on; that of all hosts is from the start where requests cannot choose. */
  #usedGroups(): HostGroup<Pool>[] {
    const groups = [...this.#subsets.values()];
    return this.#index === null || this.#all.version >= 0 ? [this.#all, ...groups] : groups;
  }

  #refreshUsed(): void {
    for (const group of this.#usedGroups()) if (group.version !== this.#version) this.#rebuild(group);
  }

  #rebuild(group: HostGroup<Pool>): void {
    if (this.#weightsVersion !== this.#version) {
      this.#owner.refreshWeights();
      this.#weightsVersion = this.#version;
    }
    const isFirst = group.version < 0;
    const { cause, joined, left } = group.rebuild(this.#hosts, this.#version);
    if (this.#plan === null) return;
    if (this.#membersBefore !== null && group === this.#all) this.#countPolicy(this.#membersBefore, group.memberKeys);
    else if (!isFirst) this.moves[cause] += joined + left;
    if (group === this.#all) this.#membersBefore = null;
    if (joined + left === 0) return;
    this.#scheduleRelease();
    if (!this.#settleTimer.isScheduled && !this.#isClosed) this.#context.wheel.schedule(this.#settleTimer, 0);
  }

  #countPolicy(before: ReadonlySet<string>, after: ReadonlySet<string>): void {
    const kept = [...after].filter((key) => before.has(key)).length;
    this.moves.policy += before.size + after.size - 2 * kept;
  }

  #memberKeys(): ReadonlySet<string> {
    return new Set(this.#usedGroups().flatMap((group) => [...group.memberKeys]));
  }

  #scheduleRelease(): void {
    if (this.#isClosed || this.#releaseTimer.isScheduled) return;
    this.#context.wheel.schedule(this.#releaseTimer, SHARD_LINGER_MS);
  }

  #measureLoad(): void {
    const nowMs = this.#context.clock.nowMs();
    const elapsedSeconds = Math.max(1, nowMs - this.#measuredMs) / 1000;
    this.#measuredMs = nowMs;
    const { workers } = this.#context.identity();
    let isOther = false;
    for (const group of this.#usedGroups()) isOther = group.measure(elapsedSeconds, workers) || isOther;
    if (isOther) this.markStale();
    this.#context.wheel.schedule(this.#loadTimer, SHARD_LOAD_PERIOD_MS);
  }
}
