import { OWN_PEER } from "../targets.ts";
import { type BenchReport, renderMachine } from "./bench-report.ts";
import type { Bar, FigureTable } from "./figure-table.ts";
import { createTables, formatFigure } from "./figures.ts";
import { renderTarget } from "./text.ts";

/** The report as one HTML file: no script, no asset from anywhere. */
export function renderHtml(report: BenchReport): string {
  const { suite, left_out: leftOut } = report;
  const leftOutText =
    leftOut.length === 0 ? "" : `<p>Not installed and left out: ${escapeHtml(leftOut.join(", "))}.</p>`;
  const targets = report.targets.map(
    (target) => `<li class="${target.ok ? "met" : "missed"}">${escapeHtml(renderTarget(target))}</li>`,
  );
  const sections = createTables(report).map((table) => renderSection(table));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>weft bench ${escapeHtml(suite)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>weft bench ${escapeHtml(suite)}</h1>
<p>${escapeHtml(renderMachine(report))}</p>
${leftOutText}
<h2>Targets</h2>
<ul class="targets">
${targets.join("\n")}
</ul>
${sections.join("\n")}
${renderFaults(report)}
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --own: #0b7285; --other: #adb5bd; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0.2rem 0.6rem; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
.targets { list-style: none; padding: 0; }
.met::before { content: "\\2714\\00a0"; color: #2b8a3e; }
.missed::before { content: "\\2718\\00a0"; color: #c92a2a; }
svg { display: block; margin: 0.5rem 0 1rem; max-width: 100%; }
svg text { fill: currentColor; font-size: 13px; }
svg .own { fill: var(--own); }
svg .other { fill: var(--other); }
`;

function renderSection(table: FigureTable): string {
  const renderCells = (cells: readonly string[], tag: "th" | "td"): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<h2>${escapeHtml(table.scenario)}</h2>
${renderBars(table.bars, table.barUnit)}
<table>
<thead>${renderCells(table.head, "th")}</thead>
<tbody>
${table.rows.map((row) => renderCells(row, "td")).join("\n")}
</tbody>
</table>`;
}

const BAR = { height: 22, gap: 6, labelWidth: 130, width: 560, figureWidth: 90 } as const;

/** Horizontal bars from zero, all to one scale. */
export function renderBars(bars: readonly Bar[], unit: string): string {
  const largest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const width = BAR.labelWidth + BAR.width + BAR.figureWidth;
  const height = bars.length * (BAR.height + BAR.gap);
  const shapes = bars.map(({ peer, value }, index) => {
    const y = index * (BAR.height + BAR.gap);
    const length = Math.max(0, (value / largest) * BAR.width);
    const text = y + BAR.height * 0.7;
    return `<text x="${BAR.labelWidth - 8}" y="${text.toFixed(1)}" text-anchor="end">${escapeHtml(peer)}</text>
<rect class="${peer === OWN_PEER ? "own" : "other"}" x="${BAR.labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${BAR.height}"/>
<text x="${(BAR.labelWidth + length + 6).toFixed(1)}" y="${text.toFixed(1)}">${formatFigure(value)}</text>`;
  });
  const title = `<title>${escapeHtml(unit)}</title>`;
  return `<p>${escapeHtml(unit)}; less is better.</p>
<svg role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${title}
${shapes.join("\n")}
</svg>`;
}

function renderFaults({ faults }: BenchReport): string {
  if (faults.length === 0) return "";
  const items = faults.map(({ scenario, peer, round, reason }) => {
    const where = `${scenario}, ${peer}${round === 0 ? "" : `, round ${round}`}`;
    return `<li>${escapeHtml(`${where}: ${reason}`)}</li>`;
  });
  return `<h2>Faults</h2>\n<p>Not in the figures above.</p>\n<ul>\n${items.join("\n")}\n</ul>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
