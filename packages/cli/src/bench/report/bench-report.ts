import type { ConnectionsRow } from "../connections/connections-row.ts";
import type { Machine } from "../machine.ts";
import type { BenchFault, LoadRound, Measurements, MemoryRound } from "../measurement.ts";
import type { PhaseRow } from "../reload/phase-row.ts";
import type { ShardingRow, SubsetRow } from "../sharding/sharding-row.ts";
import { median } from "../statistics.ts";
import type { TargetResult } from "../targets.ts";
import type { UpgradeRow } from "../upgrade/upgrade-row.ts";

/** A row about load: medians over the rounds. */
export interface LoadRow {
  readonly scenario: string;
  readonly peer: string;
  readonly requests_per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly cpu_us_per_request: number;
  readonly rss_mb: number;
}

/** A row about memory: medians over the rounds. One of the last two figures is there. */
export interface MemoryRow {
  readonly scenario: string;
  readonly peer: string;
  readonly rss_mb: number;
  readonly rss_kb_per_idle_connection?: number;
  readonly rss_growth_mb?: number;
}

/** A row of the report; units are in the names. */
export type BenchRow = LoadRow | MemoryRow | PhaseRow | ShardingRow | SubsetRow | ConnectionsRow | UpgradeRow;

/** What `weft bench` writes as JSON. */
export interface BenchReport {
  readonly suite: string;
  readonly mode: "full" | "quick";
  readonly machine: Machine;
  readonly rows: readonly BenchRow[];
  /** All of the suite's, met, missed or not measured. */
  readonly targets: readonly TargetResult[];
  /** Peers and load generators that are not installed. */
  readonly left_out: readonly string[];
  readonly faults: readonly BenchFault[];
  /** What rows and targets are computed from, where they are medians over rounds. */
  readonly rounds?: { readonly load: readonly LoadRound[]; readonly memory: readonly MemoryRound[] };
}

/** What a report is made of. */
export interface ReportParts {
  readonly suite: string;
  readonly mode: "full" | "quick";
  readonly machine: Machine;
  readonly leftOut: readonly string[];
  readonly measurements: Measurements;
  /** What the suite is held to. */
  readonly targets: readonly TargetResult[];
}

/** Puts the report together. */
export function createReport({ suite, mode, machine, leftOut, measurements, targets }: ReportParts): BenchReport {
  const { load, memory, faults } = measurements;
  return {
    suite,
    mode,
    machine,
    rows: [...groupRounds(load).map(createLoadRow), ...groupRounds(memory).map(createMemoryRow)],
    targets,
    left_out: leftOut,
    faults,
    rounds: { load, memory },
  };
}

/** True for a row about load. */
export function isLoadRow(row: BenchRow): row is LoadRow {
  return "cpu_us_per_request" in row;
}

/** True for a row about what clients met while something changed. */
export function isPhaseRow(row: BenchRow): row is PhaseRow {
  return "client" in row;
}

/** True for a row about memory. */
export function isMemoryRow(row: BenchRow): row is MemoryRow {
  return "rss_kb_per_idle_connection" in row || "rss_growth_mb" in row;
}

/** True for a row about connection sharding. */
export function isShardingRow(row: BenchRow): row is ShardingRow {
  return "max_connections_ratio" in row;
}

/** True for a row about long connections. */
export function isConnectionsRow(row: BenchRow): row is ConnectionsRow {
  return "heartbeat" in row;
}

/** True for a row about the subset index. */
export function isSubsetRow(row: BenchRow): row is SubsetRow {
  return "full_build_ms" in row;
}

/** True for a row about an upgrade under load. */
export function isUpgradeRow(row: BenchRow): row is UpgradeRow {
  return "hand_over_ms" in row;
}

/** Where it was measured, as a sentence. */
export function renderMachine({ machine, mode }: BenchReport): string {
  const parts = Object.values(machine).filter((part) => part !== "");
  return `Measured on ${parts.join(", ")}${mode === "quick" ? " (quick run)" : ""}.`;
}

/** Rounds of one peer in one scenario together; peers in the order in which they first come. */
function groupRounds<T extends { readonly scenario: string; readonly peer: string; readonly round: number }>(
  rounds: readonly T[],
): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  // The first round has the peers in the order of the report.
  for (const round of [...rounds].sort((a, b) => a.round - b.round)) {
    const key = JSON.stringify([round.scenario, round.peer]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [round]);
    else group.push(round);
  }
  const scenarios = [...new Set(rounds.map(({ scenario }) => scenario))];
  const rank = ([first]: readonly T[]): number => (first === undefined ? 0 : scenarios.indexOf(first.scenario));
  return [...groups.values()].sort((a, b) => rank(a) - rank(b));
}

function createLoadRow(rounds: readonly LoadRound[]): LoadRow {
  return {
    scenario: rounds[0]?.scenario ?? "",
    peer: rounds[0]?.peer ?? "",
    requests_per_second: median(rounds.map((round) => round.requests_per_second)),
    p50_ms: median(rounds.map((round) => round.p50_ms)),
    p99_ms: median(rounds.map((round) => round.p99_ms)),
    cpu_us_per_request: median(rounds.map((round) => round.cpu_us_per_request)),
    rss_mb: median(rounds.map((round) => round.rss_mb)),
  };
}

function createMemoryRow(rounds: readonly MemoryRound[]): MemoryRow {
  const kb = rounds.flatMap((round) => round.connection_kb ?? []);
  const mb = rounds.flatMap((round) => round.growth_mb ?? []);
  return {
    scenario: rounds[0]?.scenario ?? "",
    peer: rounds[0]?.peer ?? "",
    rss_mb: median(rounds.map((round) => round.rss_mb)),
    ...(kb.length === 0 ? {} : { rss_kb_per_idle_connection: median(kb) }),
    ...(mb.length === 0 ? {} : { rss_growth_mb: median(mb) }),
  };
}
