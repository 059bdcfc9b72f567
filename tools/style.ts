/**
 * The rules of style that the linter does not know. (Lengths, file name case, `any`, `!` and default exports are rules of
 * .oxlintrc.json; `enum` is an error of the compiler's erasableSyntaxOnly.)
 *
 * `node tools/style.ts` checks the repository and prints how much of each room's doors is documented.
 */
import { posix } from "node:path";
import { type Declaration, type Statement, Visitor } from "oxc-parser";
import { readRepository, type Repository } from "./rooms.ts";
import { type Finding, lineAt, readSources, renderFinding, type SourceFile } from "./sources.ts";

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = new Set(["util", "utils", "helper", "helpers", "common", "misc", "type", "types"]);
/** What the RPC codecs share: no codec itself. */
const SHARED_CODEC_FOLDER = "rpc";
/** The files of every codec, so that who has read one has read all. */
const CODEC_FILES = ["decode.ts", "encode.ts", "frame.ts", "heartbeat.ts", "index.ts", "limits.ts", "status.ts"];
/** The least share of a room's exported symbols that have a docstring, in percent. */
const DOCUMENTED_PERCENT_MIN = 80;

function checkFileName({ path }: SourceFile): Finding[] {
  const stem = posix.basename(path).split(".")[0] ?? "";
  if (!EMPTY_NAMES.has(stem)) return [];
  return [{ path, line: 1, rule: "style/file-name", message: `"${stem}" says nothing: name the file by its noun` }];
}

function checkNames({ path, text, program }: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const check = (id: { name: string; start: number } | null, isInterface: boolean): void => {
    if (id === null) return;
    const line = lineAt(text, id.start);
    if (id.name.endsWith("Impl")) {
      findings.push({ path, line, rule: "style/name", message: `${id.name}: say what it is instead of "Impl"` });
    }
    if (isInterface && /^I[A-Z][a-z]/.test(id.name)) {
      findings.push({ path, line, rule: "style/name", message: `${id.name}: no "I" before interfaces` });
    }
  };
  if (!/Impl\b|\bI[A-Z]/.test(text)) return findings;
  new Visitor({
    ClassDeclaration: (node) => check(node.id, false),
    TSInterfaceDeclaration: (node) => check(node.id, true),
    TSTypeAliasDeclaration: (node) => check(node.id, false),
    FunctionDeclaration: (node) => check(node.id, false),
  }).visit(program);
  return findings;
}

function checkIndex({ path, text, program }: SourceFile): Finding[] {
  if (posix.basename(path) !== "index.ts") return [];
  return program.body
    .filter((statement) => statement.type === "ExportAllDeclaration")
    .map(({ start }) => ({
      path,
      line: lineAt(text, start),
      rule: "style/index",
      message: "name the exports one by one",
    }));
}

function checkComments({ path, text, comments }: SourceFile): Finding[] {
  return comments
    .filter(({ value }) => /\b(?:TODO|FIXME|XXX)\b/.test(value))
    .map(({ start }) => {
      const message = "finish it, or write an issue: no open ends in comments";
      return { path, line: lineAt(text, start), rule: "style/open-end", message };
    });
}

/** A test that sleeps is slow or unsteady; where waiting is the point, `// waits: reason` says so. */
function checkSleeps({ path, text, program }: SourceFile): Finding[] {
  if (!path.endsWith(".test.ts") || !text.includes("setTimeout")) return [];
  const findings: Finding[] = [];
  const names = new Set(["setTimeout"]);
  const modules = new Set(["globalThis", "timers", "timersPromises"]);
  const lines = text.split("\n");
  new Visitor({
    ImportDeclaration({ source, specifiers }) {
      if (!/^(?:node:)?timers(?:\/promises)?$/.test(source.value)) return;
      for (const entry of specifiers) {
        if (entry.type !== "ImportSpecifier") modules.add(entry.local.name);
        else if (entry.imported.type === "Identifier" && entry.imported.name === "setTimeout")
          names.add(entry.local.name);
      }
    },
    CallExpression({ callee, start, end }) {
      const isSleep =
        (callee.type === "Identifier" && names.has(callee.name)) ||
        (callee.type === "MemberExpression" &&
          callee.object.type === "Identifier" &&
          modules.has(callee.object.name) &&
          callee.property.type === "Identifier" &&
          callee.property.name === "setTimeout");
      const [first, last] = [lineAt(text, start), lineAt(text, end)];
      // From the line before the call to its last one: the formatter may move a comment.
      if (!isSleep || lines.slice(Math.max(0, first - 2), last).some((line) => line.includes("// waits:"))) return;
      const message = "a test does not sleep: wait for the event, use a fake clock, or say `// waits: why`";
      findings.push({ path, line: first, rule: "style/sleep", message });
    },
  }).visit(program);
  return findings;
}

function checkCodecs(files: readonly SourceFile[]): Finding[] {
  const folders = new Map<string, Set<string>>();
  for (const { path } of files) {
    const [, folder, file] = /^packages\/codec\/src\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (folder === undefined || file === undefined) continue;
    folders.set(folder, (folders.get(folder) ?? new Set()).add(file));
  }
  return [...folders].flatMap(([folder, present]) => {
    if (folder === SHARED_CODEC_FOLDER) return [];
    const missing = CODEC_FILES.filter((file) => !present.has(file));
    if (missing.length === 0) return [];
    const message = `the codec lacks ${missing.join(", ")}, which its siblings have`;
    return [{ path: `packages/codec/src/${folder}`, line: 1, rule: "style/codec", message }];
  });
}

/** The names that a declaration introduces. */
function declaredNames(declaration: Declaration | Statement): string[] {
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
  }
  if (!("id" in declaration)) return [];
  const { id } = declaration;
  return id !== null && typeof id === "object" && "name" in id && typeof id.name === "string" ? [id.name] : [];
}

/** Whether a docstring ends right before `start`; line comments between them do not matter. */
function hasDocstring({ text, comments }: SourceFile, start: number): boolean {
  return comments.some(({ type, value, end }) => {
    if (type !== "Block" || !value.startsWith("*") || end > start) return false;
    return (
      text
        .slice(end, start)
        .replaceAll(/\/\/.*/g, "")
        .trim() === ""
    );
  });
}

type Files = ReadonlyMap<string, SourceFile>;

/** Whether what `path` exports or declares as `name` has a docstring, followed through re-exports of the room's files. */
function isDocumented(files: Files, path: string, name: string): boolean {
  const file = files.get(path);
  if (file === undefined) return false;
  const follow = (specifier: string, next: string): boolean =>
    isDocumented(files, posix.join(posix.dirname(path), specifier), next);
  return file.program.body.some((statement) => {
    if (statement.type === "ImportDeclaration") {
      const entry = statement.specifiers.find(({ local }) => local.name === name);
      if (entry?.type !== "ImportSpecifier" || entry.imported.type !== "Identifier") return false;
      return follow(statement.source.value, entry.imported.name);
    }
    if (statement.type !== "ExportNamedDeclaration") {
      return declaredNames(statement).includes(name) && hasDocstring(file, statement.start);
    }
    if (statement.declaration !== null) {
      return declaredNames(statement.declaration).includes(name) && hasDocstring(file, statement.start);
    }
    return statement.specifiers.some(({ local, exported }) => {
      if (exported.type !== "Identifier" || exported.name !== name || local.type !== "Identifier") return false;
      if (statement.source !== null) return follow(statement.source.value, local.name);
      return local.name !== name && isDocumented(files, path, local.name);
    });
  });
}

function exportedNames({ program }: SourceFile): string[] {
  return program.body.flatMap((statement) => {
    if (statement.type !== "ExportNamedDeclaration") return [];
    if (statement.declaration !== null) return declaredNames(statement.declaration);
    return statement.specifiers.flatMap(({ exported }) => (exported.type === "Identifier" ? [exported.name] : []));
  });
}

/** How much of a room's doors is documented. */
export interface Documented {
  readonly room: string;
  readonly exported: number;
  readonly undocumented: readonly string[];
  /** From 0 to 100. */
  readonly percent: number;
}

/** For every room with doors: how many of the exported symbols have a docstring where they are declared. */
export function measureDocumentation({ law, files, manifests }: Repository): Documented[] {
  const byPath: Files = new Map(files.map((file) => [file.path, file]));
  return Object.keys(law.rooms).flatMap((room) => {
    const doors = Object.values(manifests.get(room)?.exports ?? {}).flatMap(({ source }) => {
      const file = source === undefined ? undefined : byPath.get(posix.join("packages", room, source));
      return file === undefined ? [] : [file];
    });
    const names = doors.flatMap((door) => exportedNames(door).map((name) => ({ door, name })));
    if (names.length === 0) return [];
    const undocumented = names
      .filter(({ door, name }) => !isDocumented(byPath, door.path, name))
      .map(({ name }) => name);
    const percent = (100 * (names.length - undocumented.length)) / names.length;
    return [{ room, exported: names.length, undocumented, percent }];
  });
}

/** Checks every rule over the repository. */
export function checkStyle(repository: Repository): Finding[] {
  const { files } = repository;
  const findings = files.flatMap((file) => [
    ...checkFileName(file),
    ...checkNames(file),
    ...checkIndex(file),
    ...checkComments(file),
    ...checkSleeps(file),
  ]);
  const poor = measureDocumentation(repository).filter(({ percent }) => percent < DOCUMENTED_PERCENT_MIN);
  const documentation = poor.map(({ room, percent, undocumented }) => {
    const message = `${percent.toFixed(0)} % of what its doors export has a docstring, ${DOCUMENTED_PERCENT_MIN} % are wanted; without: ${undocumented.join(", ")}`;
    return { path: `packages/${room}`, line: 1, rule: "style/docstring", message };
  });
  return [...findings, ...checkCodecs(files), ...documentation];
}

if (import.meta.main) {
  const repository = readRepository(readSources());
  const findings = checkStyle(repository);
  for (const finding of findings) console.log(renderFinding(finding));
  for (const { room, exported, percent } of measureDocumentation(repository)) {
    console.log(`${room}: ${percent.toFixed(0)} % of ${exported} exported symbols documented`);
  }
  process.exitCode = findings.length > 0 ? 1 : 0;
}
