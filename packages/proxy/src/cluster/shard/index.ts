export type { ShardClient, ShardHost } from "./order.ts";
export { ShardSizer } from "./shard-size.ts";
export type { AutomaticSize, ShardLoad, ShardSizeRule } from "./shard-size.ts";
export { ShardView } from "./shard-view.ts";
export type { Shard, ShardAlgorithm, ShardOptions, ShardWorld } from "./shard-view.ts";
export type { ZoneClients } from "./zone-split.ts";
