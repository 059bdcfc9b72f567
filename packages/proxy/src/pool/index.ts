export { ConnectionPlaces } from "./connection-places.ts";
export { HostPool } from "./host-pool.ts";
export type { PoolGuest, PoolRefusal, PoolShape, PoolWaiter } from "./host-pool.ts";
export { RetiredPools } from "./retired-pools.ts";
