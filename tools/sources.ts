/** The repository's source files as text, imports and syntax trees: what every static check here works on. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Comment, parseSync, type Program, Visitor } from "oxc-parser";

/** The repository's root folder, absolute. */
export const repositoryRoot: string = dirname(import.meta.dirname);

/** Folders with TypeScript of ours, relative to the root. */
const SOURCE_FOLDERS = ["packages", "tools", "bench", "examples"];

const SKIPPED_FOLDERS = new Set(["node_modules", "dist", "generated"]);

/** One import, re-export or import type, static or dynamic. */
export interface SourceImport {
  /** The text between the quotes. */
  readonly specifier: string;
  /** True if nothing of it is left at run time. */
  readonly isType: boolean;
  readonly line: number;
}

/** One parsed file. */
export interface SourceFile {
  /** Relative to the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
  readonly imports: readonly SourceImport[];
}

/** One violation of a rule, to be printed as `path:line message [rule]`. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

/** The line, from 1, of a character offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let index = text.indexOf("\n"); index >= 0 && index < offset; index = text.indexOf("\n", index + 1)) line++;
  return line;
}

/** `path:line message [rule]`. */
export function renderFinding({ path, line, rule, message }: Finding): string {
  return `${path}:${line} ${message} [${rule}]`;
}

/** True for tests, benchmarks, fuzz tests and golden-file writers: files that ship with nothing. */
export function isTestFile(path: string): boolean {
  return /\.(test|bench|fuzz|golden|fixture)\.tsx?$/.test(path);
}

/** The room that a file belongs to: `packages/<room>/…`; undefined for files outside of rooms. */
export function roomOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1];
}

/** Parses one file. A file that does not parse has what the parser made of it; `tsc` reports the error. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, comments, module } = parseSync(path, text);
  const imports: SourceImport[] = [];
  const add = (specifier: string, isType: boolean, offset: number): void => {
    imports.push({ specifier, isType, line: lineAt(text, offset) });
  };
  for (const { moduleRequest, entries, start } of module.staticImports) {
    const declaration = text.slice(start, moduleRequest.start);
    const isType =
      /^import\s+type\b/.test(declaration) || (entries.length > 0 && entries.every((entry) => entry.isType));
    add(moduleRequest.value, isType, start);
  }
  for (const { entries, start } of module.staticExports) {
    const request = entries.find((entry) => entry.moduleRequest !== null)?.moduleRequest;
    if (request)
      add(
        request.value,
        entries.every((entry) => entry.isType),
        start,
      );
  }
  for (const { moduleRequest, start } of module.dynamicImports) {
    const literal = /^(["'`])([^$]*)\1$/s.exec(text.slice(moduleRequest.start, moduleRequest.end));
    if (literal?.[2] !== undefined) add(literal[2], false, start);
  }
  // The module record knows no import types; looking for the word first saves the walk through most files.
  if (/\bimport\(/.test(text)) {
    new Visitor({
      TSImportType(node) {
        add(node.source.value, true, node.start);
      },
    }).visit(program);
  }
  return { path, text, program, comments, imports };
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(join(repositoryRoot, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) yield* walk(path);
    else if (entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.name.endsWith(".d.ts")) yield path;
  }
}

/** Paths of all source files of the repository, sorted. */
export function listSources(): string[] {
  const present = new Set(readdirSync(repositoryRoot));
  return SOURCE_FOLDERS.filter((folder) => present.has(folder))
    .flatMap((folder) => [...walk(folder)])
    .sort();
}

/** Reads a file of the repository by its path from the root. */
export function readText(path: string): string {
  return readFileSync(join(repositoryRoot, path), "utf8");
}

/** All source files of the repository, parsed. */
export function readSources(): SourceFile[] {
  return listSources().map((path) => parseSource(path, readText(path)));
}
