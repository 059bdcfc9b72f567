export { HostPool } from "./host-pool.ts";
export type { OpenUpstream, PoolLimits, PoolRefusal, PoolResult, PoolWaiter } from "./host-pool.ts";
