import { type BoundClient, BoundPool } from "./bound-pool.ts";
import type { ClusterRuntime } from "./cluster-runtime.ts";
import type { Host } from "./cluster/index.ts";
import type { HostPool } from "./pool/index.ts";

/** The connections to hosts that belong to one connection of a client, at most one per cluster. */
export class BoundPools {
  readonly #client: BoundClient;
  readonly #pools: Map<string, BoundPool> = new Map();

  constructor(client: BoundClient) {
    this.#client = client;
  }

  /** The host that calls of the client go to; undefined while there is none. */
  hostOf(cluster: ClusterRuntime): Host<HostPool> | undefined {
    return this.#pools.get(cluster.cluster.name)?.host;
  }

  /** The pool of the client's own connection to `host`. */
  poolOf(cluster: ClusterRuntime, host: Host<HostPool>): HostPool {
    const { name } = cluster.cluster;
    const present = this.#pools.get(name);
    if (present?.host === host) return present.pool;
    const forget = (gone: BoundPool): void => {
      if (this.#pools.get(name) === gone) this.#pools.delete(name);
    };
    const bound = new BoundPool(host, cluster.poolOf(host), this.#client, cluster.createBoundPool, forget);
    this.#pools.set(name, bound);
    return bound.pool;
  }

  /** The client has gone. */
  close(): void {
    for (const bound of this.#pools.values()) bound.close();
  }
}
