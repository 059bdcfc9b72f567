export { BoundPool } from "./bound-pool.ts";
export type { BoundClient, CreateBoundPool } from "./bound-pool.ts";
export { HostPool } from "./host-pool.ts";
export type { PoolGuest, PoolRefusal, PoolShape, PoolWaiter } from "./host-pool.ts";
export { RetiredPools } from "./retired-pools.ts";
