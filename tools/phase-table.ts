/** The results of `weft bench reload` as Markdown: a row per phase over all clients, then whether the targets are met. */
import type { BenchResults } from "./docs.ts";

type Row = BenchResults["rows"][number];

const HEAD = [
  "while",
  "times",
  "requests",
  "failed",
  "in flight on killed workers, at most",
  "sent again",
  "p99 ms",
  "longest time without an answer, ms",
];

/** The table of phases; `undefined` where no results are recorded. */
export function renderPhases(results: BenchResults | undefined): string {
  if (results === undefined) return "No results of `./weft bench reload` are recorded in this repository yet.\n";
  const phases = [...new Set(results.rows.map((row) => String(row["scenario"])))];
  const lines = phases.map((phase) =>
    renderPhase(
      phase,
      results.rows.filter((row) => row["scenario"] === phase),
    ),
  );
  const machine = typeof results.machine === "string" ? results.machine : Object.values(results.machine).join(", ");
  const met = results.targets.filter(({ ok }) => ok).length;
  return [
    `Measured on ${machine}.`,
    "",
    renderRow(HEAD),
    `|---|${"---:|".repeat(HEAD.length - 1)}`,
    ...lines,
    "",
    `${met} of ${results.targets.length} targets are met: no request fails that was not in flight on a worker when it was killed.`,
    "",
  ].join("\n");
}

function renderPhase(phase: string, rows: readonly Row[]): string {
  const figures = (key: string): readonly number[] => rows.map((row) => Number(row[key] ?? 0));
  const sum = (key: string): string => String(figures(key).reduce((total, value) => total + value, 0));
  const most = (key: string): string => String(Math.round(Math.max(...figures(key))));
  return renderRow([
    phase,
    most("changes"),
    sum("requests"),
    sum("failed"),
    sum("failed_at_most"),
    sum("sent_again"),
    most("p99_ms"),
    most("gap_ms"),
  ]);
}

function renderRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
