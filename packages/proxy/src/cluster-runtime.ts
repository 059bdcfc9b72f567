import type { ClusterConfig } from "@weft/contract";
import type { Clock } from "@weft/kernel";
import type { CreateBoundPool } from "./bound-pool.ts";
import type { CircuitBreaker, Cluster, Host } from "./cluster/index.ts";
import type { ClusterStats } from "./metrics/index.ts";
import type { ConnectionPlaces, HostPool } from "./pool/index.ts";
import type { OpenHostTransport } from "./upstream/index.ts";

/** A cluster with what a worker keeps beside it: its counters and how its pools are made. */
export interface ClusterRuntime {
  readonly cluster: Cluster<HostPool>;
  readonly breaker: CircuitBreaker;
  /** The places for connections that the breaker allows. */
  readonly places: ConnectionPlaces;
  readonly stats: ClusterStats;
  readonly clock: Clock;
  readonly config: ClusterConfig;
  /** The pool of `host`; made at the first request. */
  poolOf(host: Host<HostPool>): HostPool;
  /** Every connection of a client has a connection of its own to a host. */
  readonly isBound: boolean;
  readonly createBoundPool: CreateBoundPool;
  /** Opens a connection to a host as the cluster's TLS and PROXY protocol settings say. */
  readonly openTransport: OpenHostTransport;
}

/** Finds clusters by name. */
export interface ClusterDirectory {
  get(name: string): ClusterRuntime | undefined;
}
