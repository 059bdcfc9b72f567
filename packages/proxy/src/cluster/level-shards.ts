import type { BalancingConfig, ShardAlgorithm, ShardingConfig } from "@weft/contract";
import type { Host } from "./host.ts";
import { type ShardAlgorithm as ShardOrderName, type ShardClient, ShardSizer, ShardView } from "./shard/index.ts";

/** The orders of preference by the words of configurations. */
const ORDERS: Readonly<Record<ShardAlgorithm, ShardOrderName>> = {
  balanced: "draft",
  "consistent-hash": "ring",
  rendezvous: "rendezvous",
  deterministic: "rounds",
};

/** Who this proxy is where a policy does not say; the same in all of its workers. */
export interface ProxyIdentity {
  /** Stable over restarts and unlike that of other proxies. */
  readonly id: string;
  /** Processes that share the proxy's requests evenly. */
  readonly workers: number;
}

/** What a host is to this proxy: a member, one that stands in, one whose place is kept for it, or none of these. */
export type ShardRole = "member" | "substitute" | "absent" | "outside";

/** How one proxy shards the hosts of a cluster, or of a subset of it. */
export interface ShardPlan {
  readonly config: ShardingConfig;
  readonly client: ShardClient;
  readonly zone: BalancingConfig["zone"];
}

/** Puts together what a cluster's configuration and the proxy's identity say about sharding. */
export function createShardPlan(
  config: ShardingConfig,
  zone: BalancingConfig["zone"],
  identity: ProxyIdentity,
): ShardPlan {
  const key = config.clientId === "" ? identity.id : config.clientId;
  return { config, client: { key, index: config.clientIndex, zone: zone?.own ?? "" }, zone };
}

/** The shard of one priority level, with the list of hosts that it was last worked out for. */
class LevelShard<Pool> {
  readonly view: ShardView<Host<Pool>>;
  readonly sizer: ShardSizer;
  hosts: readonly Host<Pool>[] = [];
  #weights: readonly number[] = [];
  #zones: readonly string[] = [];
  size: number = 0;

  constructor({ config, client, zone }: ShardPlan) {
    this.view = new ShardView({ algorithm: ORDERS[config.algorithm], client, isZoneAware: zone !== null });
    this.sizer = new ShardSizer(config.size);
  }

  /** Keeps the list it has where nothing of it changed: shards take the same list for no change. True if it changed. */
  setHosts(hosts: readonly Host<Pool>[]): boolean {
    const isSame =
      hosts.length === this.hosts.length &&
      hosts.every(
        (host, index) =>
          host === this.hosts[index] &&
          host.configuredWeight === this.#weights[index] &&
          host.zone === this.#zones[index],
      );
    if (isSame) return false;
    this.hosts = hosts;
    this.#weights = hosts.map((host) => host.configuredWeight);
    this.#zones = hosts.map((host) => host.zone);
    return true;
  }
}

/** Why shards changed. */
export type ShardCause = "hosts" | "size" | "health";

/**
 * The part of the hosts that this proxy connects to: one shard per priority level, so that there is somebody to turn to
 * when a level fails. Follows hosts, their health and the size that is wanted.
 */
export class LevelShards<Pool> {
  readonly plan: ShardPlan;
  readonly #levels: Map<number, LevelShard<Pool>> = new Map();
  #keys: ReadonlySet<string> = new Set();

  constructor(plan: ShardPlan) {
    this.plan = plan;
  }

  /** Every host that has a place or takes one. */
  get keys(): ReadonlySet<string> {
    return this.#keys;
  }

  /** Works all shards out again. @returns why they are to change, the weightiest reason first */
  update(hosts: readonly Host<Pool>[], requestsPerSecond: number): ShardCause {
    const byPriority = Map.groupBy(hosts, ({ priority }) => priority);
    let cause: ShardCause = "health";
    for (const priority of this.#levels.keys()) if (!byPriority.has(priority)) this.#levels.delete(priority);
    for (const [priority, levelHosts] of byPriority) {
      const known = this.#levels.get(priority);
      const level = known ?? new LevelShard<Pool>(this.plan);
      this.#levels.set(priority, level);
      const isOther = level.setHosts(levelHosts);
      const size = this.#sizeOf(level, requestsPerSecond);
      if (isOther) cause = "hosts";
      else if (size !== level.size && cause === "health") cause = "size";
      level.size = size;
      const spillBelow = this.plan.zone?.spillBelow ?? 0;
      level.view.update({ hosts: level.hosts, isUsable, size, zoneClients: null, spillBelow });
    }
    this.#keys = new Set(
      [...this.#levels.values()].flatMap(({ view }) =>
        [...view.shard.own, ...view.shard.members].map(({ key }) => key),
      ),
    );
    return cause;
  }

  /** True when some level would have another size under this load. */
  isOtherSize(requestsPerSecond: number): boolean {
    for (const level of this.#levels.values()) {
      if (this.#sizeOf(level, requestsPerSecond) !== level.size) return true;
    }
    return false;
  }

  /** The hosts of a level to balance over; in a panic those that have places, whatever their health. */
  membersOf(priority: number, isPanicking: boolean): readonly Host<Pool>[] {
    const shard = this.#levels.get(priority)?.view.shard;
    if (shard === undefined) return [];
    return isPanicking ? shard.own.filter((host) => !host.isDraining) : shard.members.filter(isUsable);
  }

  roleOf(host: Host<Pool>): ShardRole {
    const shard = this.#levels.get(host.priority)?.view.shard;
    if (shard === undefined || !this.#keys.has(host.key)) return "outside";
    const isMember = shard.members.includes(host);
    if (!shard.own.includes(host)) return isMember ? "substitute" : "outside";
    return host.isUsable ? "member" : "absent";
  }

  #sizeOf(level: LevelShard<Pool>, requestsPerSecond: number): number {
    const { clientCount: clients } = this.plan.config;
    return level.sizer.resolve(level.hosts.length, { requestsPerSecond, clients });
  }
}

function isUsable(host: Host): boolean {
  return host.isUsable;
}
