/**
 * The room law: which room may import what, and through which door. The table is `rooms.json`.
 *
 * `node tools/rooms.ts` checks the repository; `node tools/rooms.ts --graph` prints the part of ARCHITECTURE.md that shows the
 * rooms.
 */
import { existsSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, posix } from "node:path";
import { Visitor } from "oxc-parser";
import {
  type Finding,
  isTestFile,
  readSources,
  readText,
  renderFinding,
  repositoryRoot,
  roomOf,
  type SourceFile,
  type SourceImport,
} from "./sources.ts";

/** A row of `rooms.json`. */
export interface Room {
  /** What the room is for. */
  readonly job: string;
  /** The `exports` of its package.json: the only paths that other rooms may import. */
  readonly doors: readonly string[];
  /** Doors that are to come; they must not exist yet. */
  readonly plannedDoors?: readonly string[];
  /** Rooms it may import. */
  readonly mayImport: readonly string[];
  /** Rooms of which it may import types only. */
  readonly mayImportTypes?: readonly string[];
  /** False if it may import no package at all, only `node:` built-ins. */
  readonly npm?: boolean;
  /** True if it may read `process.env`. */
  readonly env?: boolean;
  /** True if only tests, benchmarks and fuzz tests may import it. */
  readonly testOnly?: boolean;
  /** True if the room has no code yet; then it must have none. */
  readonly planned?: boolean;
  /** Folders in the order in which a request meets them: each may import later ones only. */
  readonly stations?: readonly string[];
}

/** `rooms.json`. */
export interface RoomLaw {
  readonly rooms: Readonly<Record<string, Room>>;
}

/** What the law reads in a package.json. */
export interface Manifest {
  readonly exports?: Readonly<Record<string, { readonly source?: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Everything that the law is about; tests build small ones. */
export interface Repository {
  readonly law: RoomLaw;
  readonly files: readonly SourceFile[];
  /** By room; the root's own under `""`. */
  readonly manifests: ReadonlyMap<string, Manifest>;
}

/** Where an import leads. */
type Target =
  | { readonly kind: "builtin" }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "door"; readonly room: string; readonly door: string; readonly path: string | undefined }
  | { readonly kind: "npm"; readonly name: string };

const SCOPE = "@weft/";
const BUILTINS = new Set(builtinModules);

function resolveImport(repository: Repository, file: SourceFile, { specifier }: SourceImport): Target {
  if (specifier.startsWith(".")) return { kind: "file", path: posix.join(posix.dirname(file.path), specifier) };
  if (specifier.startsWith("node:") || BUILTINS.has(specifier)) return { kind: "builtin" };
  const [first = "", second = "", ...rest] = specifier.split("/");
  if (!specifier.startsWith(SCOPE)) {
    return { kind: "npm", name: specifier.startsWith("@") ? `${first}/${second}` : first };
  }
  const door = rest.length === 0 ? "." : `./${rest.join("/")}`;
  const source = repository.manifests.get(second)?.exports?.[door]?.source;
  const path = source === undefined ? undefined : posix.join("packages", second, source);
  return { kind: "door", room: second, door, path };
}

/** The top-level area that a file lives in; relative imports do not leave it. */
function areaOf(path: string): string {
  return path.startsWith("packages/") ? path.split("/", 2).join("/") : (path.split("/", 1)[0] ?? "");
}

function checkDoorImport(repository: Repository, file: SourceFile, entry: SourceImport, target: Target): string[] {
  if (target.kind !== "door") return [];
  const { rooms } = repository.law;
  const from = roomOf(file.path);
  const to = rooms[target.room];
  if (to === undefined) return [`"${entry.specifier}" names no room of rooms.json`];
  const problems: string[] = [];
  if (!to.doors.includes(target.door) || target.path === undefined) {
    problems.push(`"${entry.specifier}" is no door of ${target.room}; its doors are ${to.doors.join(", ") || "none"}`);
  }
  const isTest = isTestFile(file.path);
  if (from === undefined || (isTest && (from === target.room || to.testOnly === true))) return problems;
  if (from === target.room) return [...problems, "a room imports its own files by relative path, not through its door"];
  const row = rooms[from];
  if (row === undefined || row.mayImport.includes(target.room)) return problems;
  if (to.testOnly === true) {
    return [...problems, `only test, bench, fuzz and golden files may import ${target.room}`];
  }
  if (row.mayImportTypes?.includes(target.room) === true) {
    return entry.isType ? problems : [...problems, `${from} may import only types from ${target.room}`];
  }
  const allowed = [...row.mayImport, ...(row.mayImportTypes ?? [])].join(", ") || "no room";
  return [...problems, `${from} may not import ${target.room}; it may import ${allowed}`];
}

/** A station imports only later stations, so that import arrows are request arrows. */
function checkStations(room: Room | undefined, file: SourceFile, target: Target): string[] {
  if (room?.stations === undefined || target.kind !== "file" || isTestFile(file.path)) return [];
  const from = room.stations.indexOf(file.path.split("/")[3] ?? "");
  const to = room.stations.indexOf(target.path.split("/")[3] ?? "");
  if (from < 0 || to < 0 || to >= from) return [];
  return [`station ${room.stations[from]} may not import the earlier station ${room.stations[to]}`];
}

function checkImports(repository: Repository): Finding[] {
  const known = new Set(repository.files.map((file) => file.path));
  const findings: Finding[] = [];
  for (const file of repository.files) {
    const room = roomOf(file.path);
    const row = room === undefined ? undefined : repository.law.rooms[room];
    if (room !== undefined && row === undefined) {
      findings.push({ path: file.path, line: 1, rule: "rooms/table", message: `${room} is no room of rooms.json` });
    }
    for (const entry of file.imports) {
      const target = resolveImport(repository, file, entry);
      const report = (rule: string, message: string): void => {
        findings.push({ path: file.path, line: entry.line, rule, message });
      };
      for (const message of checkDoorImport(repository, file, entry, target)) report("rooms/door", message);
      for (const message of checkStations(row, file, target)) report("rooms/station", message);
      if (target.kind === "npm" && row?.npm === false && !isTestFile(file.path)) {
        report("rooms/npm", `${room} may import only node: built-ins, not the package "${target.name}"`);
      }
      if (target.kind !== "file") continue;
      if (areaOf(target.path) !== areaOf(file.path)) {
        report(
          "rooms/deep",
          `"${entry.specifier}" leaves ${areaOf(file.path)}: import other rooms through their doors`,
        );
      } else if (/\.tsx?$/.test(target.path) && !known.has(target.path)) {
        report("rooms/missing", `"${entry.specifier}" does not exist`);
      }
    }
  }
  return findings;
}

/** Strongly connected components with more than one file, or a file that imports itself (Tarjan, without recursion). */
function findComponents(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const components: string[][] = [];
  for (const root of graph.keys()) {
    const work: [node: string, next: number][] = index.has(root) ? [] : [[root, 0]];
    while (work.length > 0) {
      const frame = work.at(-1) as [string, number];
      const [node, next] = frame;
      if (next === 0) {
        index.set(node, index.size);
        low.set(node, index.size - 1);
        stack.push(node);
        onStack.add(node);
      }
      const target = graph.get(node)?.[next];
      frame[1]++;
      if (target !== undefined) {
        if (!index.has(target)) work.push([target, 0]);
        else if (onStack.has(target)) low.set(node, Math.min(low.get(node) ?? 0, index.get(target) ?? 0));
        continue;
      }
      work.pop();
      const parent = work.at(-1)?.[0];
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent) ?? 0, low.get(node) ?? 0));
      if (low.get(node) !== index.get(node)) continue;
      const component = stack.splice(stack.indexOf(node));
      for (const member of component) onStack.delete(member);
      if (component.length > 1 || graph.get(node)?.includes(node) === true) components.push(component);
    }
  }
  return components;
}

/** A shortest way from `start` back to itself. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>, start: string): string[] {
  const before = new Map<string, string>();
  const queue = [start];
  for (const node of queue) {
    for (const next of graph.get(node) ?? []) {
      if (next === start) {
        const path = [start];
        for (let at = node; at !== start; at = before.get(at) ?? start) path.unshift(at);
        return [start, ...path];
      }
      if (!before.has(next)) {
        before.set(next, node);
        queue.push(next);
      }
    }
  }
  return [start];
}

/** No file may lead back to itself, not even by a type import. One finding per knot of files, with its shortest cycle. */
function checkCycles(repository: Repository): Finding[] {
  const graph = new Map(repository.files.map((file): [string, string[]] => [file.path, []]));
  for (const file of repository.files) {
    for (const entry of file.imports) {
      const target = resolveImport(repository, file, entry);
      const path = target.kind === "file" || target.kind === "door" ? target.path : undefined;
      if (path !== undefined && graph.has(path)) graph.get(file.path)?.push(path);
    }
  }
  return findComponents(graph).map((component) => {
    const [path = "", ...rest] =
      component.map((node) => findCycle(graph, node)).sort((a, b) => a.length - b.length)[0] ?? [];
    return { path, line: 1, rule: "rooms/cycle", message: `imports itself: ${[path, ...rest].join(" -> ")}` };
  });
}

/** Only the composition root reads the environment. */
function checkEnvironment(repository: Repository): Finding[] {
  const findings: Finding[] = [];
  for (const file of repository.files) {
    const room = roomOf(file.path);
    if (room === undefined || repository.law.rooms[room]?.env === true || isTestFile(file.path)) continue;
    if (!file.text.includes("env")) continue;
    const report = (offset: number): void => {
      const line = file.text.slice(0, offset).split("\n").length;
      findings.push({
        path: file.path,
        line,
        rule: "rooms/env",
        message: `${room} may not read process.env: only cli does`,
      });
    };
    new Visitor({
      MemberExpression(node) {
        const { object, property } = node;
        const name = property.type === "Identifier" ? property.name : property.type === "Literal" ? property.value : "";
        if (object.type === "Identifier" && object.name === "process" && name === "env") report(node.start);
      },
      VariableDeclarator(node) {
        if (node.init?.type !== "Identifier" || node.init.name !== "process" || node.id.type !== "ObjectPattern")
          return;
        if (
          node.id.properties.some(
            (entry) => entry.type === "Property" && entry.key.type === "Identifier" && entry.key.name === "env",
          )
        ) {
          report(node.start);
        }
      },
      ImportDeclaration(node) {
        if (node.source.value !== "node:process" && node.source.value !== "process") return;
        for (const entry of node.specifiers) {
          if (entry.type === "ImportSpecifier" && entry.imported.type === "Identifier" && entry.imported.name === "env")
            report(entry.start);
        }
      },
    }).visit(file.program);
  }
  return findings;
}

/** package.json and the imports name the same packages, and the doors are those of the table. */
function checkManifests(repository: Repository): Finding[] {
  const findings: Finding[] = [];
  const rootDev = repository.manifests.get("")?.devDependencies ?? {};
  for (const [name, room] of Object.entries(repository.law.rooms)) {
    const path = `packages/${name}/package.json`;
    const report = (rule: string, message: string): void => void findings.push({ path, line: 1, rule, message });
    const manifest = repository.manifests.get(name);
    const files = repository.files.filter((file) => roomOf(file.path) === name);
    if (manifest === undefined) {
      report("rooms/table", `rooms.json names ${name}, but it has no package.json`);
      continue;
    }
    if (room.planned === true) {
      if (files.length > 0) report("rooms/planned", `${name} has code: remove "planned" from its row in rooms.json`);
      continue;
    }
    checkDoors(repository, name, room, manifest, report);
    const used = new Map<string, boolean>();
    for (const file of files) {
      for (const entry of file.imports) {
        const target = resolveImport(repository, file, entry);
        const dependency =
          target.kind === "npm" ? target.name : target.kind === "door" ? SCOPE + target.room : undefined;
        if (dependency === undefined || dependency === SCOPE + name) continue;
        used.set(dependency, (used.get(dependency) ?? false) || !isTestFile(file.path));
      }
    }
    for (const [dependency, isShipped] of used) {
      const isTestOnly =
        repository.law.rooms[dependency.slice(SCOPE.length)]?.testOnly === true && dependency.startsWith(SCOPE);
      const declared =
        manifest.dependencies?.[dependency] ??
        (isShipped
          ? undefined
          : (manifest.devDependencies?.[dependency] ?? rootDev[dependency] ?? (isTestOnly ? "test" : undefined)));
      if (declared === undefined) {
        report(
          "rooms/manifest",
          `${dependency} is imported but not in ${isShipped ? "dependencies" : "devDependencies"}`,
        );
      }
    }
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      if (used.get(dependency) !== true)
        report("rooms/manifest", `${dependency} is in dependencies but nothing that ships imports it`);
    }
    for (const dependency of Object.keys(manifest.devDependencies ?? {})) {
      // Types are used by whoever uses what they describe.
      const described = dependency.replace(/^@types\/(?:(.+)__)?/, (_, scope?: string) => (scope ? `@${scope}/` : ""));
      if (!used.has(described)) report("rooms/manifest", `${dependency} is in devDependencies but nothing imports it`);
    }
  }
  return findings;
}

type Report = (rule: string, message: string) => void;

function checkDoors(repository: Repository, name: string, room: Room, manifest: Manifest, report: Report): void {
  const present = new Set(repository.files.map((file) => file.path));
  const exported = manifest.exports ?? {};
  for (const door of room.doors) {
    const source = exported[door]?.source;
    if (source === undefined) report("rooms/door", `${name} has no export "${door}" with a "source" condition`);
    else if (!present.has(posix.join("packages", name, source)))
      report("rooms/door", `the door "${door}" leads to ${source}, which does not exist`);
  }
  for (const door of Object.keys(exported)) {
    if (!room.doors.includes(door)) report("rooms/door", `the export "${door}" is no door of ${name} in rooms.json`);
  }
}

/** Checks every law; the findings are sorted by path and line. */
export function checkRooms(repository: Repository): Finding[] {
  const findings = [
    ...checkImports(repository),
    ...checkCycles(repository),
    ...checkEnvironment(repository),
    ...checkManifests(repository),
  ];
  return findings.sort((a, b) => a.path.localeCompare(b.path) || a.line - b.line);
}

/** The rooms that `name` may import, types included. */
function importsOf({ rooms }: RoomLaw, name: string): string[] {
  return [...(rooms[name]?.mayImport ?? []), ...(rooms[name]?.mayImportTypes ?? [])];
}

/** The graph of the rooms (edges that follow from others left out) and their table, as Markdown. */
export function renderGraph(law: RoomLaw): string {
  const names = Object.keys(law.rooms);
  const reaches = (from: string, to: string): boolean =>
    importsOf(law, from).some((next) => next === to || reaches(next, to));
  const lines = ["```mermaid", "graph TD"];
  for (const name of names) {
    const room = law.rooms[name];
    const direct = importsOf(law, name).filter(
      (to) => !importsOf(law, name).some((via) => via !== to && reaches(via, to)),
    );
    if (room?.planned === true) lines.push(`  ${name}[${name}, planned]`);
    const arrow = room?.testOnly === true ? "-.->" : "-->";
    for (const to of direct) lines.push(`  ${name} ${arrow} ${to}`);
  }
  lines.push("```", "", "| room | doors | may import | job |", "|---|---|---|---|");
  for (const [name, room] of Object.entries(law.rooms)) {
    const doors = [
      ...room.doors.map((door) => `\`${door}\``),
      ...(room.plannedDoors ?? []).map((door) => `\`${door}\` (planned)`),
    ];
    const imports = [...room.mayImport, ...(room.mayImportTypes ?? []).map((to) => `${to} (types)`)];
    const title = room.planned === true ? `${name} (planned)` : name;
    lines.push(`| ${title} | ${doors.join(" ") || "-"} | ${imports.join(", ") || "-"} | ${room.job} |`);
  }
  return `${lines.join("\n")}\n`;
}

/** Reads `rooms.json`. */
export function readLaw(): RoomLaw {
  return JSON.parse(readText("rooms.json")) as RoomLaw;
}

/** The repository as it is on disk. */
export function readRepository(files: readonly SourceFile[]): Repository {
  const law = readLaw();
  const manifests = new Map<string, Manifest>();
  for (const name of ["", ...Object.keys(law.rooms)]) {
    const path = name === "" ? "package.json" : `packages/${name}/package.json`;
    if (existsSync(join(repositoryRoot, path))) manifests.set(name, JSON.parse(readText(path)) as Manifest);
  }
  return { law, files, manifests };
}

if (import.meta.main) {
  if (process.argv.includes("--graph")) {
    process.stdout.write(renderGraph(readLaw()));
  } else {
    const findings = checkRooms(readRepository(readSources()));
    for (const finding of findings) console.log(renderFinding(finding));
    process.exitCode = findings.length > 0 ? 1 : 0;
  }
}
