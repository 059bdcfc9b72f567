export { HostPool } from "./host-pool.ts";
export type { PoolGuest, PoolRefusal, PoolWaiter } from "./host-pool.ts";
export { RetiredPools } from "./retired-pools.ts";
