import type { RouteSummary } from "@weft/proxy";

/** What the live view shows below its table of routes. */
export interface ViewState {
  readonly routes: readonly RouteSummary[];
  /** Processes that are ready, and all. */
  readonly ready: number;
  readonly processes: number;
  /** Oldest first. */
  readonly events: readonly string[];
}

const HEADINGS = ["route", "requests/s", "success", "p50", "p99"] as const;

/** The table of routes, one line each, in columns. */
export function renderRoutes(routes: readonly RouteSummary[]): string[] {
  const rows = routes.map((summary) => [
    shortName(summary.route),
    summary.requestsPerSecond.toFixed(1),
    summary.requestsPerSecond === 0 ? "-" : renderShare(summary.successShare),
    renderMs(summary.p50Ms),
    renderMs(summary.p99Ms),
  ]);
  return renderTable(HEADINGS, rows);
}

/** Everything below the introduction, redrawn every second. */
export function renderView({ routes, ready, processes, events }: ViewState): string[] {
  const state = ready === processes ? `all ${processes} processes run` : `${ready} of ${processes} processes run`;
  return [...renderRoutes(routes), "", `${state}; Ctrl-C stops them.`, ...events.map((event) => `  ${event}`)];
}

/** One line for outputs that are no terminal. */
export function renderLine({ routes, ready, processes }: ViewState): string {
  const total = routes.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
  const failed = routes.reduce((sum, route) => sum + route.requestsPerSecond * (1 - route.successShare), 0);
  const share = total === 0 ? "-" : renderShare(1 - failed / total);
  const slowest = routes.reduce<number | null>(
    (max, { p99Ms }) => (p99Ms !== null && p99Ms > (max ?? 0) ? p99Ms : max),
    null,
  );
  return `${total.toFixed(1)} requests/s, ${share} success, slowest p99 ${renderMs(slowest)}, ${ready}/${processes} processes`;
}

/** Columns as wide as their widest cell; the first is aligned to the left, the others to the right. */
export function renderTable(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [headings, ...rows].map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("   ")
      .trimEnd(),
  );
}

/** Routes of the demo all live in the default namespace. */
function shortName(route: string): string {
  return route.replace(/^default\//, "");
}

/** 100 % only where nothing failed. */
function renderShare(share: number): string {
  const percent = share < 1 ? Math.min(99.9, share * 100) : 100;
  return `${percent.toFixed(1)} %`;
}

/** "6.1 ms"; a dash where nothing was measured. */
export function renderMs(ms: number | null): string {
  if (ms === null) return "-";
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** What fits the terminals of old, for those that do not say how large they are. */
const UNKNOWN_WIDTH = 79;
const UNKNOWN_HEIGHT = 23;

/** Draws lines over the ones that it drew before. */
export class Screen {
  readonly #output: NodeJS.WriteStream;
  #drawn: number = 0;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  /** Lines that do not fit the terminal are cut, so that the next drawing finds its place. */
  draw(lines: readonly string[]): void {
    // A terminal that does not know its size says 0.
    const { columns, rows } = this.#output;
    const width = columns > 1 ? columns - 1 : UNKNOWN_WIDTH;
    const height = rows > 1 ? rows - 1 : UNKNOWN_HEIGHT;
    const shown = lines.slice(0, height).map((line) => line.slice(0, width));
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : "";
    this.#output.write(`${up}\r\u001b[J${shown.join("\n")}\n`);
    this.#drawn = shown.length;
  }
}
