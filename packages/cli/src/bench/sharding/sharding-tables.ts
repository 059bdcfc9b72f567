import type { FigureTable } from "../report/figure-table.ts";
import type { ShardingRow, SubsetRow } from "./sharding-row.ts";

/** What makes numbers into texts: the report's own. */
type Format = (value: number | null) => string;

/** One scenario of sharding. */
export function createShardingTable(scenario: string, rows: readonly ShardingRow[], format: Format): FigureTable {
  return {
    scenario: `${scenario} (connections to the mean; moves to what cannot be avoided)`,
    head: ["algorithm", "max", "p99", "min", "1 server", "10 % of servers", "1 client", "update us", "build us"],
    rows: rows.map((row) => [
      row.peer,
      format(row.max_connections_ratio),
      format(row.p99_connections_ratio),
      format(row.min_connections_ratio),
      format(row.moved_one_server_ratio),
      format(row.moved_tenth_of_servers_ratio),
      format(row.moved_one_client_ratio),
      format(row.update_us),
      format(row.build_us),
    ]),
    bars: rows.map(({ peer, max_connections_ratio: value }) => ({ peer, value })),
    barUnit: "Most connections of a server, to the mean",
  };
}

/** What the subset index costs. */
export function createSubsetTable(scenario: string, rows: readonly SubsetRow[], format: Format): FigureTable {
  return {
    scenario,
    head: ["", "full build, CPU ms", "full build KB", "one host, CPU ms", "one host KB", "one host / full"],
    rows: rows.map((row) => [
      row.peer,
      format(row.full_build_ms),
      format(row.full_build_kb),
      format(row.one_host_ms),
      format(row.one_host_kb),
      format(row.one_host_ratio),
    ]),
    bars: rows.flatMap((row) => [
      { peer: "full build", value: row.full_build_ms },
      { peer: "one host", value: row.one_host_ms },
    ]),
    barUnit: "Milliseconds",
  };
}
