import type { CircuitBreakerConfig } from "@weft/contract";
import { assert } from "@weft/kernel";
import { RETRY_BUDGET_FLOOR, RETRY_BURST_MAX } from "./limits.ts";

/** Why a circuit breaker said no: the error code that the answer carries. */
export type BreakerRefusal =
  | "CLUSTER_REQUESTS_FULL"
  | "CLUSTER_PENDING_FULL"
  | "CLUSTER_CONNECTIONS_FULL"
  | "CLUSTER_RETRIES_FULL"
  | "CLUSTER_RETRY_BUDGET_SPENT";

/** What is in use of a breaker's limits, and how often each refused. Plain data. */
export interface BreakerUse {
  readonly requests: number;
  readonly pending: number;
  readonly connections: number;
  readonly retries: number;
  readonly trips: Readonly<Record<BreakerRefusal, number>>;
}

/**
 * The limits of one cluster in one worker, as counts of what is in use. Whoever acquires releases, exactly once. All
 * limits hold at once: a request takes one of `requests`, and one of `pending` while it waits for a connection.
 *
 * @example
 * const verdict = breaker.tryAcquireRequest();
 * if (verdict !== "acquired") return answer(verdict);
 */
export class CircuitBreaker {
  #config: CircuitBreakerConfig;
  #requests: number = 0;
  #pending: number = 0;
  #connections: number = 0;
  #retries: number = 0;
  /** What requests have saved up for retries; starts as NaN so that it is a double in place from the start. */
  #savedRetries: number = Number.NaN;
  #requestTrips: number = 0;
  #pendingTrips: number = 0;
  #connectionTrips: number = 0;
  #retryTrips: number = 0;
  #budgetTrips: number = 0;

  constructor(config: CircuitBreakerConfig) {
    this.#config = config;
    this.#savedRetries = 0;
  }

  /** New limits from now on. What is in use beyond a lower one stays; it only takes nobody new. */
  configure(config: CircuitBreakerConfig): void {
    this.#config = config;
  }

  get activeRequests(): number {
    return this.#requests;
  }

  /** A request begins. It holds its place over all of its tries. */
  tryAcquireRequest(): "acquired" | "CLUSTER_REQUESTS_FULL" {
    if (this.#requests >= this.#config.requestsMax) {
      this.#requestTrips++;
      return "CLUSTER_REQUESTS_FULL";
    }
    this.#requests++;
    this.#savedRetries = Math.min(RETRY_BURST_MAX, this.#savedRetries + this.#config.retryBudget);
    return "acquired";
  }

  releaseRequest(): void {
    assert(this.#requests > 0, "a request that was acquired is released");
    this.#requests--;
  }

  /** A request must wait for a connection. */
  tryAcquirePending(): "acquired" | "CLUSTER_PENDING_FULL" {
    if (this.#pending >= this.#config.pendingMax) {
      this.#pendingTrips++;
      return "CLUSTER_PENDING_FULL";
    }
    this.#pending++;
    return "acquired";
  }

  releasePending(): void {
    assert(this.#pending > 0, "a pending place that was acquired is released");
    this.#pending--;
  }

  get hasConnectionPlace(): boolean {
    return this.#connections < this.#config.connectionsMax;
  }

  /** A connection is about to be opened; it counts until it is closed. */
  tryAcquireConnection(): "acquired" | "CLUSTER_CONNECTIONS_FULL" {
    if (!this.hasConnectionPlace) {
      this.#connectionTrips++;
      return "CLUSTER_CONNECTIONS_FULL";
    }
    this.#connections++;
    return "acquired";
  }

  releaseConnection(): void {
    assert(this.#connections > 0, "a connection that was acquired is released");
    this.#connections--;
  }

  /**
   * A request is about to be tried again. Two limits: a fixed number, and a share, which keeps retries from multiplying
   * the load of a cluster that fails as a whole. The share is one of the requests in flight, or of the requests that
   * went before as far as their retries were not used: a host that dies takes everything that is open on it at once.
   */
  tryAcquireRetry(): "acquired" | "CLUSTER_RETRIES_FULL" | "CLUSTER_RETRY_BUDGET_SPENT" {
    if (this.#retries >= this.#config.retriesMax) {
      this.#retryTrips++;
      return "CLUSTER_RETRIES_FULL";
    }
    const isWithinShare = this.#retries < Math.floor(this.#requests * this.#config.retryBudget) + RETRY_BUDGET_FLOOR;
    if (!isWithinShare && this.#savedRetries < 1) {
      this.#budgetTrips++;
      return "CLUSTER_RETRY_BUDGET_SPENT";
    }
    this.#savedRetries = Math.max(0, this.#savedRetries - 1);
    this.#retries++;
    return "acquired";
  }

  releaseRetry(): void {
    assert(this.#retries > 0, "a retry that was acquired is released");
    this.#retries--;
  }

  /** The present state as plain data. */
  use(): BreakerUse {
    return {
      requests: this.#requests,
      pending: this.#pending,
      connections: this.#connections,
      retries: this.#retries,
      trips: {
        CLUSTER_REQUESTS_FULL: this.#requestTrips,
        CLUSTER_PENDING_FULL: this.#pendingTrips,
        CLUSTER_CONNECTIONS_FULL: this.#connectionTrips,
        CLUSTER_RETRIES_FULL: this.#retryTrips,
        CLUSTER_RETRY_BUDGET_SPENT: this.#budgetTrips,
      },
    };
  }
}
