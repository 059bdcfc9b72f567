/** The error codes of the project: what the catalogs say, and what the source uses. */
import { basename } from "node:path";
import { type Expression, Visitor } from "oxc-parser";
import { type Finding, isTestFile, lineAt, roomOf, type SourceFile } from "./sources.ts";

const SENTENCE_END = /[.?!]$/;

/** What a catalog says about one code. */
export interface ErrorEntry {
  readonly meaning: string;
  readonly action: string;
}

/** One `<ROOM>_ERRORS` constant. */
export interface ErrorCatalog {
  /** Of the `errors.ts` that exports it. */
  readonly path: string;
  readonly entries: Readonly<Record<string, ErrorEntry>>;
}

/** Codes that an expression can be, as far as its text tells. */
function literalsOf(expression: Expression): { value: string; start: number }[] {
  if (expression.type === "ConditionalExpression") {
    return [...literalsOf(expression.consequent), ...literalsOf(expression.alternate)];
  }
  if (expression.type === "Literal" && typeof expression.value === "string") {
    return [{ value: expression.value, start: expression.start }];
  }
  return [];
}

/** Every code literal in `new WeftError("CODE", …)` of source that ships. */
export function findThrownCodes(files: readonly SourceFile[]): { code: string; path: string; line: number }[] {
  const found: { code: string; path: string; line: number }[] = [];
  for (const { path, text, program } of files) {
    if (isTestFile(path) || roomOf(path) === undefined || !text.includes("new WeftError")) continue;
    new Visitor({
      NewExpression({ callee, arguments: [first] }) {
        if (callee.type !== "Identifier" || callee.name !== "WeftError") return;
        if (first === undefined || first.type === "SpreadElement") return;
        for (const { value, start } of literalsOf(first)) found.push({ code: value, path, line: lineAt(text, start) });
      },
    }).visit(program);
  }
  return found;
}

/** Every string that source other than the catalogs and the tests has as a value: a code that is not there is used by nothing. */
function findStrings(files: readonly SourceFile[]): Set<string> {
  const strings = new Set<string>();
  for (const { path, program } of files) {
    if (isTestFile(path) || basename(path) === "errors.ts" || roomOf(path) === undefined) continue;
    const types = new Set<number>();
    new Visitor({
      TSLiteralType: ({ literal }) => void types.add(literal.start),
      Literal({ value, start }) {
        if (typeof value === "string" && !types.has(start)) strings.add(value);
      },
    }).visit(program);
  }
  return strings;
}

/** Holds the catalogs and the source together: no code without an entry, no entry without a use. */
export function checkErrorCodes(files: readonly SourceFile[], catalogs: readonly ErrorCatalog[]): Finding[] {
  const findings: Finding[] = [];
  const owner = new Map<string, string>();
  const strings = findStrings(files);
  for (const { path, entries } of catalogs) {
    for (const [code, { meaning, action }] of Object.entries(entries)) {
      const report = (message: string): void => {
        findings.push({ path, line: 1, rule: "errors/catalog", message: `${code} ${message}` });
      };
      if (owner.has(code)) report(`is in ${owner.get(code)} too`);
      owner.set(code, path);
      if (!/^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(code)) report("is not written LIKE_THIS");
      if (!SENTENCE_END.test(meaning) || !SENTENCE_END.test(action))
        report("needs whole sentences for its meaning and its action");
      if (!strings.has(code)) report("is used nowhere in the source");
    }
  }
  for (const { code, path, line } of findThrownCodes(files)) {
    if (!owner.has(code)) findings.push({ path, line, rule: "errors/unlisted", message: `${code} is in no errors.ts` });
  }
  return findings;
}

/** The table of all codes, by room, as Markdown. */
export function renderErrors(catalogs: readonly ErrorCatalog[]): string {
  const lines: string[] = [];
  for (const { path, entries } of catalogs) {
    lines.push(
      `## ${path
        .split("/")
        .slice(1, -1)
        .filter((part) => part !== "src")
        .join("/")}`,
      "",
    );
    lines.push("| code | what it means | what to do |", "|---|---|---|");
    for (const [code, { meaning, action }] of Object.entries(entries).sort(([a], [b]) => a.localeCompare(b))) {
      lines.push(`| \`${code}\` | ${meaning.replaceAll("|", "\\|")} | ${action.replaceAll("|", "\\|")} |`);
    }
    lines.push("");
  }
  return lines.length === 0 ? "No room has error codes yet.\n" : lines.join("\n");
}
