/** What one algorithm does in one scenario. Ratios of connections are to the mean over servers. */
export interface ShardingRow {
  readonly scenario: string;
  /** The algorithm. */
  readonly peer: string;
  readonly max_connections_ratio: number;
  readonly p99_connections_ratio: number;
  readonly min_connections_ratio: number;
  /** Connections opened when a server goes (or closed when it comes back), to those that it had: less cannot be. */
  readonly moved_one_server_ratio: number;
  readonly moved_tenth_of_servers_ratio: number;
  /** Connections that change when a client goes, to those that it had. */
  readonly moved_one_client_ratio: number;
  /** For one client, when a server comes or goes, and from nothing. */
  readonly update_us: number;
  readonly build_us: number;
}

/** What the subset index costs; times are CPU time. */
export interface SubsetRow {
  readonly scenario: string;
  readonly peer: string;
  readonly full_build_ms: number;
  readonly full_build_kb: number;
  readonly one_host_ms: number;
  readonly one_host_kb: number;
  readonly one_host_ratio: number;
}
