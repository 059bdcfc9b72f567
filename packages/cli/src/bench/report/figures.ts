import { cpuByRound, OWN_PEER } from "../targets.ts";
import { createConnectionsTable } from "../connections/connections-table.ts";
import { createShardingTable, createSubsetTable } from "../sharding/sharding-tables.ts";
import { medianRatio } from "../statistics.ts";
import type { LoadRound } from "../measurement.ts";
import type { PhaseRow } from "../reload/phase-row.ts";
import { createUpgradeTable } from "../upgrade/upgrade-table.ts";
import type { FigureTable } from "./figure-table.ts";
import {
  type BenchReport,
  isConnectionsRow,
  isLoadRow,
  isMemoryRow,
  isPhaseRow,
  isShardingRow,
  isSubsetRow,
  isUpgradeRow,
  type LoadRow,
  type MemoryRow,
} from "./bench-report.ts";

/** Three digits that mean something; thousands with a gap. */
export function formatFigure(value: number | null): string {
  if (value === null || Number.isNaN(value)) return "-";
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en").replaceAll(",", " ");
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/** The tables of a report, one per scenario; ratios are ours / theirs, medians over pairs of rounds. */
export function createTables(report: BenchReport): readonly FigureTable[] {
  const scenarios = [...new Set(report.rows.map(({ scenario }) => scenario))];
  return scenarios.map((scenario) => {
    const rows = report.rows.filter((row) => row.scenario === scenario);
    const load = rows.filter(isLoadRow);
    if (load.length > 0) return createLoadTable(scenario, load, report.rounds?.load ?? []);
    const sharding = rows.filter(isShardingRow);
    if (sharding.length > 0) return createShardingTable(scenario, sharding, formatFigure);
    const connections = rows.filter(isConnectionsRow);
    if (connections.length > 0) return createConnectionsTable(scenario, connections, formatFigure);
    const upgrades = rows.filter(isUpgradeRow);
    if (upgrades.length > 0) return createUpgradeTable(scenario, upgrades, formatFigure);
    const subset = rows.filter(isSubsetRow);
    if (subset.length > 0) return createSubsetTable(scenario, subset, formatFigure);
    const phase = rows.filter(isPhaseRow);
    return phase.length > 0 ? createPhaseTable(scenario, phase) : createMemoryTable(scenario, rows.filter(isMemoryRow));
  });
}

function createLoadTable(scenario: string, rows: readonly LoadRow[], rounds: readonly LoadRound[]): FigureTable {
  const ours = cpuByRound(rounds, scenario, OWN_PEER);
  const oursByRound = (figure: (round: LoadRound) => number, peer: string): ReadonlyMap<number, number> =>
    new Map(
      rounds
        .filter((round) => round.scenario === scenario && round.peer === peer)
        .map((round) => [round.round, figure(round)]),
    );
  const rate = (round: LoadRound): number => round.requests_per_second;
  const ratio = (value: number | null): string => (value === null ? "-" : `${formatFigure(value)} x`);
  return {
    scenario,
    head: ["peer", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "RSS MB", "our CPU", "our requests/s"],
    rows: rows.map((row) => [
      row.peer,
      formatFigure(row.requests_per_second),
      formatFigure(row.p50_ms),
      formatFigure(row.p99_ms),
      formatFigure(row.cpu_us_per_request),
      formatFigure(row.rss_mb),
      row.peer === OWN_PEER ? "" : ratio(medianRatio(ours, cpuByRound(rounds, scenario, row.peer))),
      row.peer === OWN_PEER ? "" : ratio(medianRatio(oursByRound(rate, OWN_PEER), oursByRound(rate, row.peer))),
    ]),
    bars: rows.map(({ peer, cpu_us_per_request: value }) => ({ peer, value })),
    barUnit: "CPU microseconds per request",
  };
}

function createMemoryTable(scenario: string, rows: readonly MemoryRow[]): FigureTable {
  const isIdle = rows.some((row) => "rss_kb_per_idle_connection" in row);
  const barUnit = isIdle ? "RSS KB/connection" : "RSS growth MB";
  const figureOf = (row: MemoryRow): number | null => row.rss_kb_per_idle_connection ?? row.rss_growth_mb ?? null;
  return {
    scenario,
    head: ["peer", "RSS MB", barUnit],
    rows: rows.map((row) => [row.peer, formatFigure(row.rss_mb), formatFigure(figureOf(row))]),
    bars: rows.map((row) => ({ peer: row.peer, value: figureOf(row) ?? 0 })),
    barUnit,
  };
}

function createPhaseTable(scenario: string, rows: readonly PhaseRow[]): FigureTable {
  return {
    scenario: `${scenario} (${rows[0]?.changes ?? 0} times)`,
    head: ["client", "requests", "requests/s", "failed", "may fail", "sent again", "p99 ms", "gap ms", "seen after ms"],
    rows: rows.map((row) => [
      row.client,
      String(row.requests),
      formatFigure(row.requests_per_second),
      String(row.failed),
      String(row.failed_at_most),
      row.sent_again === null ? "-" : String(row.sent_again),
      formatFigure(row.p99_ms),
      formatFigure(row.gap_ms),
      formatFigure(row.seen_after_ms),
    ]),
    bars: rows.flatMap(({ client: peer, gap_ms: value }) => (value === null ? [] : [{ peer, value }])),
    barUnit: "Longest time without an answer, ms",
  };
}
