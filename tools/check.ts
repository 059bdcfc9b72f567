/**
 * The static checks: format, lint, types, unused code, and the repository's own laws. They run side by side and all of them run,
 * whatever fails. `npm run check`.
 */
import { join } from "node:path";
import { lockProblems, type Lock } from "./lock.ts";
import { runCaptured } from "./process.ts";
import { checkRooms, readRepository } from "./rooms.ts";
import { type Finding, readSources, readText, renderFinding, repositoryRoot } from "./sources.ts";
import { checkStyle } from "./style.ts";

/** What one check found. */
export interface CheckResult {
  readonly name: string;
  readonly isOk: boolean;
  /** What to print when it failed. */
  readonly output: string;
  readonly durationMs: number;
}

/** External tools: name, script below node_modules, arguments. */
const TOOLS: readonly (readonly [name: string, script: string, args: readonly string[]])[] = [
  ["types", "typescript/bin/tsc", ["--noEmit", "--pretty", "false"]],
  ["lint", "oxlint/bin/oxlint", ["--deny-warnings"]],
  ["unused code", "knip/bin/knip.js", ["--no-progress", "--no-config-hints"]],
  ["format", "oxfmt/bin/oxfmt", ["--list-different", "."]],
];

async function runTool(name: string, script: string, args: readonly string[]): Promise<CheckResult> {
  const startMs = performance.now();
  const path = join(repositoryRoot, "node_modules", script);
  const { status, output } = await runCaptured(process.execPath, [path, ...args], { cwd: repositoryRoot });
  const hint = name === "format" ? "these files are not formatted: run `npm run format`\n" : "";
  return { name, isOk: status === 0, output: hint + output.trimEnd(), durationMs: performance.now() - startMs };
}

function runLaw(name: string, check: () => readonly string[]): CheckResult {
  const startMs = performance.now();
  const problems = check();
  return { name, isOk: problems.length === 0, output: problems.join("\n"), durationMs: performance.now() - startMs };
}

/** Runs every check to its end. */
export async function runChecks(): Promise<CheckResult[]> {
  const tools = TOOLS.map(([name, script, args]) => runTool(name, script, args));
  const repository = readRepository(readSources());
  const render = (findings: readonly Finding[]): string[] => findings.map((finding) => renderFinding(finding));
  const laws = [
    runLaw("room law", () => render(checkRooms(repository))),
    runLaw("style", () => render(checkStyle(repository))),
    runLaw("lock file", () => lockProblems(JSON.parse(readText("package-lock.json")) as Lock)),
  ];
  return [...(await Promise.all(tools)), ...laws];
}

/** Prints what failed in full, then one line per check. */
export function printChecks(results: readonly CheckResult[]): void {
  for (const { name, isOk, output } of results) if (!isOk) console.log(`\n--- ${name} ---\n${output}\n`);
  for (const { name, isOk, durationMs } of results) {
    console.log(`${isOk ? "✔" : "✖"} ${name} (${(durationMs / 1000).toFixed(1)} s)`);
  }
}

if (import.meta.main) {
  const results = await runChecks();
  printChecks(results);
  process.exitCode = results.every((result) => result.isOk) ? 0 : 1;
}
