export { HostPool } from "./host-pool.ts";
export type { PoolRefusal, PoolWaiter } from "./host-pool.ts";
