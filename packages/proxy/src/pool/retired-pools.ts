import { TimerEntry, type TimerOwner, type TimerWheel } from "@weft/kernel";
import type { HostPool } from "./host-pool.ts";
import { POOL_DRAIN_MS_MAX } from "./limits.ts";

/**
 * Pools that get no request any more and finish what is open, within `POOL_DRAIN_MS_MAX` where their hosts are gone or
 * reached in another way now.
 */
export class RetiredPools {
  readonly #wheel: TimerWheel;
  readonly #pools: Set<RetiredPool> = new Set();

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /** Pools that still have something open. */
  get size(): number {
    return this.#pools.size;
  }

  /** `pool` ends as soon as nothing is open on it, and when its time is up. */
  add(pool: HostPool): void {
    const retired = new RetiredPool(pool);
    this.#pools.add(retired);
    this.#wheel.schedule(retired.deadline, POOL_DRAIN_MS_MAX);
    pool.drain(() => {
      this.#wheel.cancel(retired.deadline);
      this.#pools.delete(retired);
    });
  }

  /** As `add`, but without a time: nothing is wrong with the host, only its place is another's now. */
  addPatient(pool: HostPool): void {
    const retired = new RetiredPool(pool);
    this.#pools.add(retired);
    pool.drain(() => void this.#pools.delete(retired));
  }

  /** Closes every pool at once. */
  close(): void {
    for (const { pool, deadline } of this.#pools) {
      this.#wheel.cancel(deadline);
      pool.close();
    }
  }
}

class RetiredPool implements TimerOwner {
  readonly pool: HostPool;
  readonly deadline: TimerEntry;

  constructor(pool: HostPool) {
    this.pool = pool;
    this.deadline = new TimerEntry(this);
  }

  onTimer(): void {
    this.pool.cutOff();
  }
}
