/**
 * The parts of the documents that are written from the code: `<!-- begin NAME -->` … `<!-- end NAME -->`.
 *
 * `npm run docs` writes them; a test fails while one of them is stale.
 */
import { existsSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type BenchResults, renderNumbers, renderPhases } from "./bench-tables.ts";
import { type ErrorCatalog, renderErrors } from "./error-codes.ts";
import { collectLimits, type LimitRow, renderLimits } from "./limits-table.ts";
import { readLaw, renderGraph } from "./rooms.ts";
import { renderShardingPicture } from "./sharding-picture.ts";
import { isTestFile, readSources, readText, repositoryRoot, type SourceFile } from "./sources.ts";

const METRIC_CATALOG_PATH = "packages/proxy/src/metrics/catalog.ts";
const BENCH_RESULTS_PATH = "bench/results/http.json";
const RELOAD_RESULTS_PATH = "bench/results/reload.json";
const SHARDING_RESULTS_PATH = "bench/results/sharding.json";
/** Suites about long connections, in the order of the README. */
const LONG_RESULTS_PATHS = ["bench/results/connections.json", "bench/results/upgrade.json", "bench/results/bolt.json"];
const REPORT_MODULE_PATH = "packages/cli/src/bench/report/text.ts";
const SHARDING_PICTURE_PATH = "docs/sharding.svg";

/** A row of docs/METRICS.md. */
export interface MetricRow {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** A document and the names of its generated parts. */
interface DocumentParts {
  readonly path: string;
  readonly parts: Readonly<Record<string, string>>;
}

function importSource(path: string): Promise<Record<string, unknown>> {
  return import(pathToFileURL(join(repositoryRoot, path)).href) as Promise<Record<string, unknown>>;
}

/** Every `<ROOM>_ERRORS` that an `errors.ts` exports. */
export async function readErrorCatalogs(files: readonly SourceFile[]): Promise<ErrorCatalog[]> {
  const catalogs: ErrorCatalog[] = [];
  for (const { path } of files) {
    if (basename(path) !== "errors.ts" || !path.startsWith("packages/")) continue;
    for (const [name, value] of Object.entries(await importSource(path))) {
      if (name.endsWith("_ERRORS")) catalogs.push({ path, entries: value as ErrorCatalog["entries"] });
    }
  }
  return catalogs;
}

/** Every limit of every `limits.ts`. */
export async function readLimits(files: readonly SourceFile[]): Promise<LimitRow[]> {
  const rows: LimitRow[] = [];
  for (const file of files) {
    if (basename(file.path) !== "limits.ts" || !file.path.startsWith("packages/")) continue;
    rows.push(...collectLimits(file, await importSource(file.path)));
  }
  return rows;
}

/** The table of metrics as Markdown. */
export function renderMetrics(metrics: readonly MetricRow[]): string {
  if (metrics.length === 0) return "No room has metrics yet.\n";
  const lines = ["| metric | type | unit | labels | meaning |", "|---|---|---|---|---|"];
  for (const { name, type, unit, labels, help } of metrics) {
    const names = labels.map((label) => `\`${label}\``).join(" ") || "-";
    lines.push(`| \`${name}\` | ${type} | ${unit || "-"} | ${names} | ${help.replaceAll("|", "\\|")} |`);
  }
  return `${lines.join("\n")}\n`;
}

/** Replaces the parts between the markers; a document without the markers is an error. */
export function replaceParts(path: string, text: string, parts: Readonly<Record<string, string>>): string {
  let result = text;
  for (const [name, content] of Object.entries(parts)) {
    const [begin, end] = [`<!-- begin ${name} -->\n`, `<!-- end ${name} -->`];
    const from = result.indexOf(begin);
    const to = result.indexOf(end);
    if (from < 0 || to < from) throw new Error(`${path} lacks the lines "${begin.trim()}" and "${end}"`);
    result = `${result.slice(0, from)}${begin}\n${content.trimEnd()}\n\n${result.slice(to)}`;
  }
  return result;
}

async function readMetrics(): Promise<readonly MetricRow[]> {
  if (!existsSync(join(repositoryRoot, METRIC_CATALOG_PATH))) return [];
  return (await importSource(METRIC_CATALOG_PATH))["METRIC_CATALOG"] as readonly MetricRow[];
}

function readNumbers(path: string): BenchResults | undefined {
  if (!existsSync(join(repositoryRoot, path))) return undefined;
  return JSON.parse(readText(path)) as BenchResults;
}

/** Reports as `weft bench` prints them; those that are not recorded are named. */
async function renderReports(paths: readonly string[]): Promise<string> {
  const render = (await importSource(REPORT_MODULE_PATH))["renderText"] as (report: unknown) => string;
  const texts = paths.map((path) => {
    const suite = basename(path, ".json");
    if (!existsSync(join(repositoryRoot, path))) return renderNumbers(undefined, suite);
    return `\`./weft bench ${suite}\`\n\n\`\`\`text\n${render(JSON.parse(readText(path)))}\`\`\`\n`;
  });
  return texts.join("\n");
}

async function createParts(): Promise<DocumentParts[]> {
  const files = readSources().filter((file) => !isTestFile(file.path));
  return [
    { path: "docs/ERRORS.md", parts: { errors: renderErrors(await readErrorCatalogs(files)) } },
    { path: "docs/LIMITS.md", parts: { limits: renderLimits(await readLimits(files)) } },
    { path: "docs/METRICS.md", parts: { metrics: renderMetrics(await readMetrics()) } },
    { path: "ARCHITECTURE.md", parts: { rooms: renderGraph(readLaw()) } },
    {
      path: "README.md",
      parts: {
        numbers: renderNumbers(readNumbers(BENCH_RESULTS_PATH)),
        changes: renderPhases(readNumbers(RELOAD_RESULTS_PATH)),
        long: await renderReports(LONG_RESULTS_PATHS),
      },
    },
    { path: "docs/SHARDING.md", parts: { numbers: renderNumbers(readNumbers(SHARDING_RESULTS_PATH), "sharding") } },
  ];
}

/** Every document with generated parts: as it is, and as the code wants it. */
export async function renderDocuments(): Promise<{ path: string; current: string; wanted: string }[]> {
  const documents = await createParts();
  const picture = {
    path: SHARDING_PICTURE_PATH,
    current: existsSync(join(repositoryRoot, SHARDING_PICTURE_PATH)) ? readText(SHARDING_PICTURE_PATH) : "",
    wanted: renderShardingPicture(),
  };
  const written = documents.map(({ path, parts }) => {
    const current = readText(path);
    return { path, current, wanted: replaceParts(path, current, parts) };
  });
  return [...written, picture];
}

if (import.meta.main) {
  const isWrite = process.argv.includes("--write");
  for (const { path, current, wanted } of await renderDocuments()) {
    if (current === wanted) continue;
    console.log(isWrite ? `${path} written` : `${path} is stale: run \`npm run docs\``);
    if (isWrite) writeFileSync(join(repositoryRoot, path), wanted);
    else process.exitCode = 1;
  }
}
