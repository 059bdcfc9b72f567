import type { FigureTable } from "../report/figure-table.ts";
import type { ConnectionsRow } from "./connections-row.ts";
import type { NoticeTimes } from "./notice.ts";

/** Long connections of data planes that differ in their heartbeats. */
export function createConnectionsTable(
  scenario: string,
  rows: readonly ConnectionsRow[],
  format: (value: number | null) => string,
): FigureTable {
  const share = (cores: number): string => format(100 * cores);
  const times = (noticed: NoticeTimes | null | undefined): string =>
    noticed === null || noticed === undefined ? "-" : [noticed.p50, noticed.p99, noticed.max].map(format).join(" / ");
  return {
    scenario: `${scenario} (CPU in % of a core; noticed after seconds, p50 / p99 / max)`,
    head: [
      "heartbeats",
      "connections",
      "beats/s",
      "beats CPU",
      "idle CPU",
      "beats/s, traffic",
      "CPU, traffic",
      "RSS MB",
      "KB each",
      "frozen",
      "cut off",
      "frozen, traffic",
      "frozen, recent traffic",
    ],
    rows: rows.map((row) => [
      row.heartbeat,
      String(row.connections),
      format(row.quiet_heartbeats_per_second),
      row.heartbeat === "off" ? "-" : share(row.quiet_heartbeat_cores),
      share(row.quiet_cores),
      format(row.traffic_heartbeats_per_second),
      share(row.traffic_cores),
      format(row.rss_mb),
      format(row.rss_kb_per_connection),
      times(row.noticed_seconds?.frozen),
      times(row.noticed_seconds?.cut),
      times(row.noticed_seconds?.busy),
      times(row.noticed_seconds?.recent),
    ]),
    bars: rows.map(({ heartbeat: peer, quiet_cores: value }) => ({ peer, value: 100 * value })),
    barUnit: "CPU while nothing is called, % of a core",
  };
}
