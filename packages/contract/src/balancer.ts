/**
 * A host as balancers see it. The cluster owns and updates it; balancers only read. Weights are effective weights:
 * configured weight times slow start, at least 1.
 */
export interface BalancedHost {
  /** "address:port", unique within a cluster. */
  readonly key: string;
  readonly weight: number;
  /** Requests in flight from this worker. */
  readonly activeRequests: number;
  /** Peak EWMA of the answer time in milliseconds, decayed to `nowMs`; 0 before the first answer. */
  latencyMs(nowMs: number): number;
}

/** What a balancer may know of a request. */
export interface PickContext {
  /** Hash of the route's hash key; meaningful for hashing balancers only. */
  readonly hash: number;
  /** Hosts that failed this request already; avoided while others exist. */
  readonly tried: readonly BalancedHost[];
}

/**
 * Chooses among the usable hosts of one priority and zone. Rebuilt (`update`) when membership, health or weights
 * change; `pick` runs per request and allocates nothing.
 */
export interface Balancer<H extends BalancedHost = BalancedHost> {
  /** The hosts to choose from, in a stable order. */
  update(hosts: readonly H[]): void;
  /** A host, or undefined when there is none. */
  pick(context: PickContext): H | undefined;
}
