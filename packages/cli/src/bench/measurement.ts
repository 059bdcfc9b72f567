/** One peer in one round of a scenario under load. */
export interface LoadRound {
  readonly scenario: string;
  readonly peer: string;
  /** From 1. */
  readonly round: number;
  readonly requests: number;
  readonly requests_per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly cpu_us_per_request: number;
  readonly rss_mb: number;
}

/** One peer in one round of a scenario about memory. */
export interface MemoryRound {
  readonly scenario: string;
  readonly peer: string;
  /** From 1. */
  readonly round: number;
  /** While the process has done nothing yet. */
  readonly empty_mb: number;
  /** With all connections open, or at most while the body streamed. */
  readonly rss_mb: number;
  /** Per idle connection, above the empty process; null for bodies. */
  readonly connection_kb: number | null;
  /** Above the process before the body came; null for idle connections. */
  readonly growth_mb: number | null;
}

/** What did not work: that peer's figures of that round are in no row. */
export interface BenchFault {
  readonly scenario: string;
  readonly peer: string;
  /** 0: the peer could not take part in the scenario at all. */
  readonly round: number;
  readonly reason: string;
}

/** Everything that was measured. */
export interface Measurements {
  readonly load: readonly LoadRound[];
  readonly memory: readonly MemoryRound[];
  readonly faults: readonly BenchFault[];
}
