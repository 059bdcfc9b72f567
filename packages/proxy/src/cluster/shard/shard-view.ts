import { hashString } from "@weft/kernel";
import { createDraftOrder } from "./draft-order.ts";
import type { ShardClient, ShardHost, ShardOrder } from "./order.ts";
import { createRendezvousOrder } from "./rendezvous-order.ts";
import { createRingOrder } from "./ring-order.ts";
import { createRoundsOrder } from "./rounds-order.ts";
import { roundSplit, splitByZone, type ZoneClients } from "./zone-split.ts";

/** Which rule gives every client its hosts; docs/SHARDING.md compares them. */
export type ShardAlgorithm = "draft" | "rendezvous" | "ring" | "rounds";

const CREATE_ORDER: Readonly<Record<ShardAlgorithm, <H extends ShardHost>(client: ShardClient) => ShardOrder<H>>> = {
  draft: createDraftOrder,
  rendezvous: createRendezvousOrder,
  ring: createRingOrder,
  rounds: createRoundsOrder,
};

/** How one client shards one cluster. */
export interface ShardOptions {
  readonly algorithm: ShardAlgorithm;
  readonly client: ShardClient;
  /** Whether the client prefers hosts of its own zone, as far as these suffice. */
  readonly isZoneAware: boolean;
}

/** What a client is to connect to. */
export interface Shard<H extends ShardHost> {
  /** In the order of preference, best first. As long as the cluster has enough usable hosts, all of them are usable. */
  readonly members: readonly H[];
  /** The shard as names alone make it: who has a place in it, usable or not. */
  readonly own: readonly H[];
  /** Members that stand in for others which are not usable; they go when these are back. */
  readonly substitutes: number;
  /** Hosts that are members now and were not before, and the other way round. */
  readonly joined: readonly H[];
  readonly left: readonly H[];
}

/** What changed in the world; all of it is told every time. */
export interface ShardWorld<H extends ShardHost> {
  /** Every host of the cluster (of one priority level), usable or not. The same array counts as unchanged. */
  readonly hosts: readonly H[];
  readonly isUsable: (host: H) => boolean;
  /** How many members are wanted, from 0; see `ShardSizer`. */
  readonly size: number;
  readonly zoneClients: ZoneClients;
  /**
   * Healthy share of a zone below which hosts of other zones stand in, too, so that no host of it carries more than
   * 1 / `spillBelow` of what it would in full health; 0: as long as any host of the zone is usable.
   */
  readonly spillBelow: number;
}

/** The order of preference within one zone, or of all hosts where zones do not count. */
interface ZoneOrder<H extends ShardHost> {
  readonly order: ShardOrder<H>;
  /** The client's shard in this zone. */
  own: readonly H[];
}

/**
 * One client's shard of one cluster, kept up to date. The shard follows from names alone; health only decides who stands
 * in: a member that is not usable is replaced by the next usable host in the client's own order of preference, and comes
 * back when it recovers. One host that fails or recovers so moves one connection, and no other client's. Where fewer
 * hosts are usable than wanted, the shard's own members fill the places, so that there is somebody to panic with.
 *
 * @example
 * const view = new ShardView<Host>({ algorithm: "draft", client: { key: "10.0.0.7", index: 12, zone: "" }, isZoneAware: false });
 * const { members } = view.update({ hosts, isUsable: (host) => host.isUsable, size: 20, zoneClients: null });
 */
export class ShardView<H extends ShardHost> {
  readonly #options: ShardOptions;
  /** As orders of preference see it: without zones all clients are numbered in one row. */
  readonly #client: ShardClient;
  readonly #zones: Map<string, ZoneOrder<H>> = new Map();
  #hosts: readonly H[] = [];
  #size: number = -1;
  #zoneClients: ZoneClients = null;
  #shard: Shard<H> = { members: [], own: [], substitutes: 0, joined: [], left: [] };

  /** @throws WeftError KERNEL_INVALID_ARGUMENT when the client's index is not a uint32 */
  constructor(options: ShardOptions) {
    this.#options = options;
    this.#client = options.isZoneAware ? options.client : { ...options.client, zone: "" };
    CREATE_ORDER[options.algorithm](this.#client);
  }

  /** As the last `update` left it. */
  get shard(): Shard<H> {
    return this.#shard;
  }

  /** Works out the shard again. Cheap when only health changed; else see docs/SHARDING.md for what it costs. */
  update(world: ShardWorld<H>): Shard<H> {
    const size = Math.min(world.size, world.hosts.length);
    const isSame = world.hosts === this.#hosts && size === this.#size && world.zoneClients === this.#zoneClients;
    if (!isSame) {
      this.#hosts = world.hosts;
      this.#size = size;
      this.#zoneClients = world.zoneClients;
      this.#order(size);
    }
    const before = new Map(this.#shard.members.map((host) => [host.key, host]));
    const own = this.#zonesByPreference().flatMap((zone) => zone.own);
    const { members, substitutes } = this.#choose(own, size, world);
    const joined = members.filter((host) => !before.delete(host.key));
    this.#shard = { members, own, substitutes, joined, left: [...before.values()] };
    return this.#shard;
  }

  /** Brings every zone's order of preference up to date. */
  #order(size: number): void {
    const { isZoneAware, algorithm } = this.#options;
    const client = this.#client;
    const groups = groupByZone(this.#hosts, isZoneAware);
    const zones = groups.map(({ zone, members, weight }) => ({ zone, hosts: members.length, weight }));
    const split = splitByZone(zones, client.zone, this.#zoneClients, size);
    const counts = roundSplit(split, phaseOf(client));
    for (const zone of this.#zones.keys()) {
      if (!groups.some((group) => group.zone === zone)) this.#zones.delete(zone);
    }
    groups.forEach(({ zone, members }, index) => {
      const entry = this.#zones.get(zone) ?? { order: CREATE_ORDER[algorithm]<H>(client), own: [] };
      // All clients of a zone draft for the same size, rounded up; who is due one less leaves out its last choice.
      const sizeInZone = Math.min(members.length, Math.max(1, Math.ceil((split[index] ?? 0) - 1e-9)));
      entry.own = entry.order.update(members, sizeInZone).slice(0, counts[index]);
      this.#zones.set(zone, entry);
    });
  }

  #choose(
    own: readonly H[],
    size: number,
    { isUsable, spillBelow }: ShardWorld<H>,
  ): { members: readonly H[]; substitutes: number } {
    const zones = this.#zonesByPreference();
    const usable = own.filter(isUsable);
    if (usable.length === size) return { members: usable, substitutes: 0 };
    const members: H[] = [];
    let missing = 0;
    // A zone's own hosts stand in first, then those of others; those of a zone that is at its limit come last.
    const spare = zones.map(({ order, own: wanted }) => {
      const all = order.all();
      const alive = all.filter(isUsable);
      const health = alive.length / Math.max(1, all.length);
      const carried = health >= spillBelow ? 1 : health / spillBelow;
      const taken = Math.min(alive.length, Math.ceil(wanted.length * carried - 1e-9));
      members.push(...alive.slice(0, taken));
      missing += wanted.length - taken;
      return { hosts: alive.slice(taken), isAtLimit: carried < 1 };
    });
    for (const { hosts } of spare.toSorted((a, b) => Number(a.isAtLimit) - Number(b.isAtLimit))) {
      const substitutes = hosts.slice(0, missing);
      members.push(...substitutes);
      missing -= substitutes.length;
    }
    const failed = own.filter((host) => !isUsable(host)).slice(0, missing);
    return { members: [...members, ...failed], substitutes: members.length - usable.length };
  }

  /** The own zone first, then the others by name. */
  #zonesByPreference(): ZoneOrder<H>[] {
    const { zone } = this.#client;
    const others = [...this.#zones.keys()].filter((name) => name !== zone).toSorted();
    return [zone, ...others].map((name) => this.#zones.get(name)).filter((entry) => entry !== undefined);
  }
}

interface ZoneGroup<H extends ShardHost> {
  readonly zone: string;
  readonly members: readonly H[];
  readonly weight: number;
}

/** Zones by name; one group of all hosts where zones do not count. */
function groupByZone<H extends ShardHost>(hosts: readonly H[], isZoneAware: boolean): ZoneGroup<H>[] {
  if (!isZoneAware) {
    return hosts.length === 0 ? [] : [{ zone: "", members: hosts, weight: hosts.length }];
  }
  const groups = new Map<string, { readonly zone: string; readonly members: H[]; weight: number }>();
  for (const host of hosts) {
    const { zone } = host;
    let group = groups.get(zone);
    if (group === undefined) {
      group = { zone, members: [], weight: 0 };
      groups.set(zone, group);
    }
    group.members.push(host);
    group.weight += host.configuredWeight;
  }
  return [...groups.values()].toSorted((a, b) => (a.zone < b.zone ? -1 : 1));
}

/** Spreads the rounding of clients: numbered ones as evenly as can be (van der Corput), others by chance. */
function phaseOf({ index, key }: ShardClient): number {
  if (index === null) return hashString(key) / 4_294_967_296;
  let [phase, step] = [0, 0.5];
  for (let rest = index; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) phase += step;
    step /= 2;
  }
  return phase;
}
