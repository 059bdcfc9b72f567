import type { TargetResult } from "../targets.ts";
import { type BenchReport, renderMachine } from "./bench-report.ts";
import type { FigureTable } from "./figure-table.ts";
import { createTables, formatFigure } from "./figures.ts";

/** The report for a terminal. */
export function renderText(report: BenchReport): string {
  const { left_out: leftOut, faults } = report;
  const lines = [renderMachine(report)];
  if (leftOut.length > 0) lines.push(`Not installed and left out: ${leftOut.join(", ")}.`);
  for (const table of createTables(report)) lines.push("", ...renderTable(table));
  if (faults.length > 0) lines.push("", "Faults (not in the figures above):");
  for (const { scenario, peer, round, reason } of faults) {
    lines.push(`  ${scenario}, ${peer}${round === 0 ? "" : `, round ${round}`}: ${reason}`);
  }
  lines.push("", "Targets:");
  for (const target of report.targets) lines.push(`  ${target.ok ? "✔" : "✘"} ${renderTarget(target)}`);
  return `${lines.join("\n")}\n`;
}

/** A target as one sentence. */
export function renderTarget({ name, limit, unit, value, reason }: TargetResult): string {
  const suffix = unit === "ratio" ? "" : ` ${unit}`;
  const isCount = unit === "requests" || unit === "connections";
  const figure = isCount && value !== null ? String(value) : formatFigure(value);
  const found = value === null ? "not measured" : `${figure}${suffix}`;
  return `${name}: ${found}, at most ${limit}${suffix}${reason === "" ? "" : ` (${reason})`}`;
}

function renderTable({ scenario, head, rows }: FigureTable): readonly string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const renderRow = (row: readonly string[]): string =>
    `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ")}`.trimEnd();
  return [scenario, ...all.map(renderRow)];
}
