import type { Balancer, BalancingConfig, PickContext } from "@weft/contract";
import { type Clock, mixUint32, type Random } from "@weft/kernel";
import { createBalancer, isTried } from "../balancer/index.ts";
import type { Host } from "./host.ts";
import type { LevelShards } from "./level-shards.ts";
import { computeLevelLoads } from "./priority-load.ts";

/** Makes the choice of a lane independent of the choice within it, where both follow from a request's hash. */
const LANE_SEED = 0x6c616e65;
const UINT32_COUNT = 4_294_967_296;

/** A balancer with the hosts it was last told, so that it is only told again when they or their weights differ. */
class BalancerSlot<Pool> {
  readonly balancer: Balancer<Host<Pool>>;
  #hosts: readonly Host<Pool>[] = [];
  #weights: readonly number[] = [];

  constructor(balancer: Balancer<Host<Pool>>) {
    this.balancer = balancer;
  }

  update(hosts: readonly Host<Pool>[]): void {
    const weights = this.#weights;
    const isSame =
      hosts.length === this.#hosts.length &&
      hosts.every((host, index) => host === this.#hosts[index] && host.weight === weights[index]);
    if (isSame) return;
    this.#hosts = hosts;
    this.#weights = hosts.map((host) => host.weight);
    this.balancer.update(hosts);
  }
}

/** The hosts of one priority level, sorted by what speaks for them. */
interface Level<Pool> {
  /** All that are not draining. */
  readonly all: Host<Pool>[];
  readonly usable: Host<Pool>[];
  /** The usable ones in this proxy's own zone, and in others. */
  readonly own: Host<Pool>[];
  readonly rest: Host<Pool>[];
  /** How many of `all` are in the own zone. */
  ownTotal: number;
}

/** One group of hosts that is balanced over, and its part of the requests. */
interface Lane<Pool> {
  readonly balancer: Balancer<Host<Pool>>;
  /** Shares of this lane and those before it, summed; a lane in reserve adds nothing and is for retries only. */
  readonly shareUpTo: number;
}

interface LaneDraft<Pool> {
  readonly slot: BalancerSlot<Pool>;
  readonly hosts: readonly Host<Pool>[];
  readonly share: number;
}

/**
 * Chooses a host: first a lane by share (priority level, panic and zone are settled into shares whenever hosts change,
 * never per request), then a host of the lane by the cluster's balancer. Lanes without a share are kept for retries
 * that have tried every host of theirs.
 *
 *     level 0, own zone   0.57 |#################             |
 *     level 0, others     0.33 |                 ##########   |
 *     level 1             0.10 |                           ###|
 */
export class HostSelector<Pool> {
  readonly #config: BalancingConfig;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #isHashing: boolean;
  /** By level and purpose, kept from one rebuild to the next. */
  readonly #slots: Map<string, BalancerSlot<Pool>> = new Map();
  #lanes: readonly Lane<Pool>[] = [];
  #panickingLevels: readonly number[] = [];

  constructor(config: BalancingConfig, random: Random, clock: Clock) {
    this.#config = config;
    this.#random = random;
    this.#clock = clock;
    this.#isHashing = isHashingPolicy(config.policy.type);
  }

  /** Priority levels that ignore health at present. */
  get panickingLevels(): readonly number[] {
    return this.#panickingLevels;
  }

  /**
   * Call when hosts came or went, or their health, priority, zone or weight changed. How the levels stand follows from
   * all hosts, which is what every client sees; with `shards` only members are chosen, and zones are settled in these.
   */
  rebuild(hosts: readonly Host<Pool>[], shards: LevelShards<Pool> | null = null): void {
    const levels = [...sortByLevel(hosts, this.#config.zone?.own ?? "")].toSorted(([a], [b]) => a - b);
    const counts = levels.map(([, level]) => ({ total: level.all.length, usable: level.usable.length }));
    const loads = computeLevelLoads(counts, this.#config.panicThreshold);
    const drafts: LaneDraft<Pool>[] = [];
    const panickingLevels: number[] = [];
    levels.forEach(([priority, level], index) => {
      const share = loads[index]?.share ?? 0;
      if (loads[index]?.isPanicking === true) {
        panickingLevels.push(priority);
        const members = shards === null ? level.all : shards.membersOf(priority, true);
        drafts.push({ slot: this.#slotOf(priority, "all"), hosts: members, share });
      } else if (shards !== null) {
        drafts.push({ slot: this.#slotOf(priority, "all"), hosts: shards.membersOf(priority, false), share });
      } else {
        this.#draftLevel(drafts, priority, level, share);
      }
    });
    const lanes = drafts.filter((draft) => draft.hosts.length > 0);
    this.#panickingLevels = panickingLevels;
    this.#lanes = layLanes(lanes);
    // A slot out of use must not keep hosts that are gone.
    for (const slot of this.#slots.values()) if (!lanes.some((lane) => lane.slot === slot)) slot.update([]);
  }

  /** A host for a request, undefined when none may be used. Allocates nothing. */
  pick(context: PickContext): Host<Pool> | undefined {
    const first = this.#lanes[0];
    if (first === undefined) return undefined;
    const lane = first.shareUpTo >= 1 ? first : this.#chooseLane(context);
    const host = lane?.balancer.pick(context);
    if (context.tried.length === 0 || this.#lanes.length === 1) return host;
    return host !== undefined && isTried(host, context.tried) ? this.#pickElsewhere(context, host) : host;
  }

  #chooseLane(context: PickContext): Lane<Pool> | undefined {
    const lanes = this.#lanes;
    const point = this.#isHashing ? mixUint32(context.hash ^ LANE_SEED) / UINT32_COUNT : this.#random.next();
    for (let index = 0; index < lanes.length; index++) {
      const lane = lanes[index];
      if (lane !== undefined && point < lane.shareUpTo) return lane;
    }
    return lanes[0];
  }

  /** Every host of the request's lane was tried: the first lane with another host. */
  #pickElsewhere(context: PickContext, host: Host<Pool>): Host<Pool> {
    const lanes = this.#lanes;
    for (let index = 0; index < lanes.length; index++) {
      const other = lanes[index]?.balancer.pick(context);
      if (other !== undefined && !isTried(other, context.tried)) return other;
    }
    return host;
  }

  #draftLevel(drafts: LaneDraft<Pool>[], priority: number, level: Level<Pool>, share: number): void {
    if (this.#config.zone === null) {
      drafts.push({ slot: this.#slotOf(priority, "all"), hosts: level.usable, share });
      return;
    }
    const ownShare = ownZoneShare(level, this.#config.zone.spillBelow);
    drafts.push({ slot: this.#slotOf(priority, "own"), hosts: level.own, share: share * ownShare });
    drafts.push({ slot: this.#slotOf(priority, "rest"), hosts: level.rest, share: share * (1 - ownShare) });
  }

  #slotOf(priority: number, purpose: "all" | "own" | "rest"): BalancerSlot<Pool> {
    const key = `${priority} ${purpose}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = new BalancerSlot(createBalancer<Host<Pool>>(this.#config.policy, this.#random, this.#clock));
      this.#slots.set(key, slot);
    }
    return slot;
  }
}

/** True for policies that place requests by their hash: weights must stay put then. */
export function isHashingPolicy(type: BalancingConfig["policy"]["type"]): boolean {
  return type === "ring-hash" || type === "maglev";
}

function sortByLevel<Pool>(hosts: readonly Host<Pool>[], ownZone: string): Map<number, Level<Pool>> {
  const levels = new Map<number, Level<Pool>>();
  for (const host of hosts) {
    if (host.isDraining) continue;
    let level = levels.get(host.priority);
    if (level === undefined) {
      level = { all: [], usable: [], own: [], rest: [], ownTotal: 0 };
      levels.set(host.priority, level);
    }
    const isOwn = ownZone !== "" && host.zone === ownZone;
    level.all.push(host);
    if (isOwn) level.ownTotal++;
    if (!host.isUsable) continue;
    level.usable.push(host);
    (isOwn ? level.own : level.rest).push(host);
  }
  return levels;
}

/**
 * What the own zone keeps of its level's requests: all while its healthy share is at least `spillBelow`; below, in
 * proportion, so that its hosts carry at most 1 / `spillBelow` of what they would in full health.
 */
function ownZoneShare(level: Level<unknown>, spillBelow: number): number {
  if (level.own.length === 0) return 0;
  if (level.rest.length === 0) return 1;
  const health = level.own.length / level.ownTotal;
  return health >= spillBelow ? 1 : health / spillBelow;
}

function layLanes<Pool>(drafts: readonly LaneDraft<Pool>[]): Lane<Pool>[] {
  // Lanes in reserve come last, so that the first one is the only one where there is no choice.
  const ordered = [...drafts.filter((draft) => draft.share > 0), ...drafts.filter((draft) => draft.share <= 0)];
  const lastCarrying = drafts.filter((draft) => draft.share > 0).length - 1;
  let shareUpTo = 0;
  return ordered.map(({ slot, hosts, share }, index) => {
    slot.update(hosts);
    // Rounding must not leave a gap at the end.
    shareUpTo = index === lastCarrying ? 1 : shareUpTo + share;
    return { balancer: slot.balancer, shareUpTo: index > lastCarrying ? 0 : shareUpTo };
  });
}
