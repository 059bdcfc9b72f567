import type { FigureTable } from "../report/figure-table.ts";
import type { UpgradeRow } from "./upgrade-row.ts";

/** Upgrades in the order in which they were made. */
export function createUpgradeTable(
  scenario: string,
  rows: readonly UpgradeRow[],
  format: (value: number | null) => string,
): FigureTable {
  return {
    scenario,
    head: [
      "upgrade",
      "took ms",
      "hand-over ms",
      "moved",
      "busy",
      "requests",
      "failed",
      "closed",
      "longest ms, calm",
      "longest ms, upgrade",
    ],
    rows: rows.map((row) => [
      String(row.upgrade),
      format(row.took_ms),
      format(row.hand_over_ms),
      String(row.moved),
      String(row.busy),
      String(row.requests),
      String(row.failed),
      String(row.closed),
      format(row.calm_longest_ms),
      format(row.longest_ms),
    ]),
    bars: rows.map(({ upgrade, longest_ms: value }) => ({ peer: `upgrade ${upgrade}`, value })),
    barUnit: "ms, the longest that a request took",
  };
}
