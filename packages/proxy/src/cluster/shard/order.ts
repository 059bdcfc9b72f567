/** A host as sharding sees it. All of it is configuration: health and slow start must not move connections. */
export interface ShardHost {
  /** "address:port", unique within a cluster. */
  readonly key: string;
  /** As configured, at least 1, without slow start. */
  readonly configuredWeight: number;
  /** "" for none. */
  readonly zone: string;
}

/** Who shards: one proxy, with all its workers, towards one cluster. */
export interface ShardClient {
  /** Stable over restarts and unlike that of other clients, such as the proxy's address. */
  readonly key: string;
  /**
   * The client's number among those of the cluster (of the same zone, where zones count), from 0, where a registry deals
   * them out: the smallest that is free to each that comes. Null where nobody counts.
   */
  readonly index: number | null;
  /** "" for none. */
  readonly zone: string;
}

/**
 * One client's order of preference among hosts. Follows from names alone: every process computes the same for a client,
 * whatever it computed before and in whatever order hosts were told.
 */
export interface ShardOrder<H extends ShardHost> {
  /** Takes over all hosts. @returns the `size` (from 1) that the client likes best, or all: its shard */
  update(hosts: readonly H[], size: number): readonly H[];
  /** All hosts, the shard first; the others take places in this order. Computed only when somebody asks. */
  all(): readonly H[];
}
