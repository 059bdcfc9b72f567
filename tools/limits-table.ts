/** The table of limits: every constant that a `limits.ts` exports, with the reason from its docstring. */
import type { Expression } from "oxc-parser";
import type { SourceFile } from "./sources.ts";

/** A row of docs/LIMITS.md. */
export interface LimitRow {
  readonly path: string;
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  /** The docstring as one line; empty if there is none. */
  readonly reason: string;
}

/** Last words of a name that state a unit. */
const UNITS: Readonly<Record<string, string>> = {
  ns: "ns",
  us: "us",
  ms: "ms",
  seconds: "s",
  bytes: "bytes",
  bits: "bits",
  percent: "%",
  factor: "factor",
  ratio: "ratio",
};

/** The unit that a name states, `FRAME_SIZE_BYTES_MAX` or `frameSizeBytesMax`; "count" if it states none. */
export function unitOf(name: string): string {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split("_");
  return (
    words
      .toReversed()
      .map((word) => UNITS[word])
      .find((unit) => unit !== undefined) ?? "count"
  );
}

/** The text of the docstring that ends right before `start`, as one line. */
function docstringBefore({ text, comments }: SourceFile, start: number): string {
  const comment = comments.find(
    ({ type, value, end }) =>
      type === "Block" && value.startsWith("*") && end <= start && text.slice(end, start).trim() === "",
  );
  if (comment === undefined) return "";
  const lines = comment.value
    .slice(1)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trim());
  return lines.join(" ").trim().replaceAll("|", "\\|");
}

function renderValue(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return value.toLocaleString("en");
  return `\`${JSON.stringify(value)}\``;
}

function unwrap(expression: Expression | null): Expression | null {
  const isWrapper = expression?.type === "TSAsExpression" || expression?.type === "TSSatisfiesExpression";
  return isWrapper ? unwrap(expression.expression) : expression;
}

/** The rows of one `limits.ts`, with the values that it has when it is run; an object gives a row per property. */
export function collectLimits(file: SourceFile, values: Readonly<Record<string, unknown>>): LimitRow[] {
  const rows: LimitRow[] = [];
  const add = (name: string, value: unknown, reason: string): void => {
    rows.push({ path: file.path, name, value: renderValue(value), unit: unitOf(name), reason });
  };
  for (const statement of file.program.body) {
    if (statement.type !== "ExportNamedDeclaration" || statement.declaration?.type !== "VariableDeclaration") continue;
    for (const { id, init } of statement.declaration.declarations) {
      if (id.type !== "Identifier") continue;
      const value = values[id.name];
      const object = unwrap(init);
      if (object?.type !== "ObjectExpression") {
        add(id.name, value, docstringBefore(file, statement.start));
        continue;
      }
      for (const property of object.properties) {
        if (property.type !== "Property" || property.key.type !== "Identifier") continue;
        const { name } = property.key;
        add(`${id.name}.${name}`, (value as Record<string, unknown>)[name], docstringBefore(file, property.start));
      }
    }
  }
  return rows;
}

/** The table of all limits, by file, as Markdown. */
export function renderLimits(rows: readonly LimitRow[]): string {
  if (rows.length === 0) return "No room has limits yet.\n";
  const lines: string[] = [];
  for (const path of new Set(rows.map((row) => row.path))) {
    lines.push(`## ${path}`, "", "| limit | value | unit | reason |", "|---|---:|---|---|");
    for (const row of rows.filter((entry) => entry.path === path)) {
      lines.push(`| \`${row.name}\` | ${row.value} | ${row.unit} | ${row.reason} |`);
    }
    lines.push("");
  }
  return lines.join("\n");
}
