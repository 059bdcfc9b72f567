import { cpuByRound, OWN_PEER } from "../targets.ts";
import { medianRatio } from "../statistics.ts";
import type { LoadRound } from "../measurement.ts";
import { type BenchReport, type BenchRow, isLoadRow } from "./bench-report.ts";

/** One scenario as a table of texts, for the terminal and for HTML alike. */
export interface FigureTable {
  readonly scenario: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

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
    return rows.every(isLoadRow)
      ? createLoadTable(scenario, rows, report.rounds.load)
      : createMemoryTable(scenario, rows);
  });
}

function createLoadTable(scenario: string, rows: readonly BenchRow[], rounds: readonly LoadRound[]): FigureTable {
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
    rows: rows
      .filter(isLoadRow)
      .map((row) => [
        row.peer,
        formatFigure(row.requests_per_second),
        formatFigure(row.p50_ms),
        formatFigure(row.p99_ms),
        formatFigure(row.cpu_us_per_request),
        formatFigure(row.rss_mb),
        row.peer === OWN_PEER ? "" : ratio(medianRatio(ours, cpuByRound(rounds, scenario, row.peer))),
        row.peer === OWN_PEER ? "" : ratio(medianRatio(oursByRound(rate, OWN_PEER), oursByRound(rate, row.peer))),
      ]),
  };
}

function createMemoryTable(scenario: string, rows: readonly BenchRow[]): FigureTable {
  const isIdle = rows.some((row) => "rss_kb_per_idle_connection" in row);
  return {
    scenario,
    head: ["peer", "RSS MB", isIdle ? "RSS KB/connection" : "RSS growth MB"],
    rows: rows.flatMap((row) => {
      if (isLoadRow(row)) return [];
      const figure = row.rss_kb_per_idle_connection ?? row.rss_growth_mb ?? null;
      return [[row.peer, formatFigure(row.rss_mb), formatFigure(figure)]];
    }),
  };
}
