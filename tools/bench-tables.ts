/** The results of benchmarks as Markdown. */

/** The result of a benchmark suite, as `weft bench --json` writes it. */
export interface BenchResults {
  /** "quick" for short rounds, whose figures scatter. */
  readonly mode?: string;
  readonly machine: Readonly<Record<string, unknown>> | string;
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
  readonly targets: readonly {
    readonly name: string;
    readonly limit: unknown;
    readonly value: unknown;
    readonly ok: boolean;
  }[];
}

function renderFigure(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return "-";
  return typeof value === "number" ? String(Number(value.toPrecision(3))) : value;
}

function renderMachine({ machine }: BenchResults): string {
  if (typeof machine === "string") return machine;
  const parts = Object.values(machine).filter((part) => part !== "");
  return parts.join(", ");
}

/** The figures of a benchmark as Markdown: a row per scenario and peer, then the targets, missed ones too. */
export function renderNumbers(results: BenchResults | undefined, suite = "http"): string {
  if (results === undefined) return `No results of \`./weft bench ${suite}\` are recorded in this repository yet.\n`;
  const figures = [...new Set(results.rows.flatMap((row) => Object.keys(row)))].filter(
    (key) => key !== "scenario" && key !== "peer",
  );
  const head = ["scenario", "peer", ...figures.map((figure) => figure.replaceAll("_", " "))];
  const rule = `|---|---|${figures.map(() => "---:|").join("")}`;
  const rows = results.rows.map((row) => ["scenario", "peer", ...figures].map((key) => renderFigure(row[key])));
  const targets = results.targets.map(({ name, limit, value, ok }) => [
    name,
    String(limit),
    typeof value === "number" ? renderFigure(value) : String(value),
    ok ? "met" : "missed",
  ]);
  const table = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const quick = results.mode === "quick" ? ", in the short rounds of a quick run" : "";
  const lines = [
    `Measured on ${renderMachine(results)}${quick}.`,
    "",
    table(head),
    rule,
    ...rows.map((row) => table(row)),
    "",
  ];
  lines.push(table(["target", "limit", "value", ""]), "|---|---:|---:|---|", ...targets.map((row) => table(row)));
  return `${lines.join("\n")}\n`;
}

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
  const met = results.targets.filter(({ ok }) => ok).length;
  return [
    `Measured on ${renderMachine(results)}.`,
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
