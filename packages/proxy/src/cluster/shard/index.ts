export type { ShardClient, ShardHost } from "./order.ts";
export { checkShardSize, ShardSizer } from "./shard-size.ts";
export type { ShardLoad } from "./shard-size.ts";
export { ShardView } from "./shard-view.ts";
export type { Shard, ShardAlgorithm, ShardOptions, ShardWorld } from "./shard-view.ts";
export type { ZoneClients } from "./zone-split.ts";
