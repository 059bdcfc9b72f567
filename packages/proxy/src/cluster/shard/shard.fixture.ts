import type { ShardHost } from "./order.ts";
import { type Shard, type ShardAlgorithm, ShardView } from "./shard-view.ts";

/** "10.0.0.0:80" and so on, of weight 1 unless told otherwise. */
export function shardHosts(
  count: number,
  weightOf = (_: number): number => 1,
  zoneOf = (_: number): string => "",
): ShardHost[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `10.0.${index >> 8}.${index & 255}:80`,
    configuredWeight: weightOf(index),
    zone: zoneOf(index),
  }));
}

/** A view of the client with this number. */
export function viewOf(algorithm: ShardAlgorithm, index: number, zone?: string): ShardView<ShardHost> {
  const client = { key: `client-${zone ?? ""}-${index}`, index, zone: zone ?? "" };
  return new ShardView({ algorithm, client, isZoneAware: zone !== undefined });
}

/** Tells a view of hosts of which some are down. */
export function tell(
  view: ShardView<ShardHost>,
  hosts: readonly ShardHost[],
  size: number,
  down: ReadonlySet<string> = new Set(),
): Shard<ShardHost> {
  return view.update({ hosts, size, isUsable: (host) => !down.has(host.key), zoneClients: null, spillBelow: 0 });
}

/** Keys of a shard's members. */
export function keysOf(shard: Shard<ShardHost>): string[] {
  return shard.members.map(({ key }) => key);
}

/** The members of all clients, by the client's number. */
export function shardsOfAll(
  algorithm: ShardAlgorithm,
  clients: number,
  hosts: readonly ShardHost[],
  size: number,
): ReadonlySet<string>[] {
  return Array.from({ length: clients }, (_, index) => new Set(keysOf(tell(viewOf(algorithm, index), hosts, size))));
}

/** Connections per host, in the order of hosts. */
export function connectionsOf(shards: readonly ReadonlySet<string>[], hosts: readonly ShardHost[]): number[] {
  const counts = new Map<string, number>();
  for (const shard of shards) for (const key of shard) counts.set(key, (counts.get(key) ?? 0) + 1);
  return hosts.map(({ key }) => counts.get(key) ?? 0);
}

/** Connections that are opened from one state to the next. */
export function countOpened(before: readonly ReadonlySet<string>[], after: readonly ReadonlySet<string>[]): number {
  return after.reduce(
    (sum, shard, index) => sum + [...shard].filter((key) => before[index]?.has(key) !== true).length,
    0,
  );
}
