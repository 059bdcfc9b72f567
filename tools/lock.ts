/**
 * Keeps package-lock.json complete and free of addresses.
 *
 * `npm ci` refuses a lock file that lacks an optional dependency, and `npm install` leaves out those of platforms whose
 * packages it could not read. Native tools ship one package per platform, pinned to the tool's own version, so the missing
 * entry follows from the name: this script writes it. `npm run lock` repairs, `npm run check` verifies.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./sources.ts";

/** One entry of the lock file; only the fields that this script reads or writes. */
export interface LockEntry {
  version?: string;
  resolved?: string;
  link?: boolean;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

/** The part of package-lock.json that this script works on. */
export interface Lock {
  packages: Record<string, LockEntry>;
}

const SYSTEMS = new Set([
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
]);
const PROCESSORS = new Set([
  "arm",
  "arm64",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "riscv64",
  "s390x",
  "wasm32",
  "x64",
]);

/** Reads system, processor and C library from a platform package's name; undefined if the name states no processor. */
export function decodePlatform(name: string): Pick<LockEntry, "os" | "cpu" | "libc"> | undefined {
  const words = name.slice(name.lastIndexOf("/") + 1).split("-");
  const os = words.filter((word) => SYSTEMS.has(word));
  const cpu = words.filter((word) => PROCESSORS.has(word));
  if (cpu.length === 0) return undefined;
  const libc = words.flatMap((word) => (word.startsWith("gnu") ? ["glibc"] : word.startsWith("musl") ? ["musl"] : []));
  return { ...(os.length > 0 && { os }), cpu, ...(os.includes("linux") && libc.length > 0 && { libc }) };
}

/** Where `name`, required by the package at `path`, would be found in the lock; undefined if nowhere. */
function findEntry(lock: Lock, path: string, name: string): string | undefined {
  for (let folder = path; ;) {
    const candidate = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (lock.packages[candidate] !== undefined) return candidate;
    if (folder === "") return undefined;
    const parent = folder.lastIndexOf("/node_modules/");
    folder = parent < 0 ? "" : folder.slice(0, parent);
  }
}

/** The optional dependencies that the lock names but does not hold: `[name, version, entry which asks for it]`. */
export function missingOptionals(lock: Lock): [name: string, version: string, owner: LockEntry][] {
  const missing: [string, string, LockEntry][] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (findEntry(lock, path, name) === undefined) missing.push([name, version, entry]);
    }
  }
  return missing;
}

/** What is wrong with the lock, as sentences; empty if nothing. */
export function lockProblems(lock: Lock): string[] {
  const problems = missingOptionals(lock).map(
    ([name, version]) => `package-lock.json lacks ${name}@${version}: run \`npm run lock\``,
  );
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (entry.resolved !== undefined && entry.link !== true && /^[a-z+]+:/.test(entry.resolved)) {
      problems.push(`package-lock.json names a download address for ${path}: remove its "resolved"`);
    }
  }
  return problems;
}

/** A copy of the lock with the missing platform entries added, in npm's order, and the addresses removed. */
export function completeLock(lock: Lock): Lock {
  const added: Record<string, LockEntry> = {};
  for (const [name, version, owner] of missingOptionals(lock)) {
    const platform = decodePlatform(name);
    if (platform === undefined) continue;
    added[`node_modules/${name}`] = { version, ...platform, ...(owner.dev === true && { dev: true }), optional: true };
  }
  const packages = Object.entries({ ...lock.packages, ...added }).map(([path, entry]): [string, LockEntry] => {
    const { resolved, ...rest } = entry;
    return [path, entry.link === true && resolved !== undefined ? entry : rest];
  });
  packages.sort(([a], [b]) => a.localeCompare(b, "en"));
  return { ...lock, packages: Object.fromEntries(packages) };
}

if (import.meta.main) {
  const path = join(repositoryRoot, "package-lock.json");
  const lock = JSON.parse(readFileSync(path, "utf8")) as Lock;
  const completed = completeLock(lock);
  writeFileSync(path, `${JSON.stringify(completed, null, 2)}\n`);
  const rest = lockProblems(completed);
  for (const problem of rest) console.error(problem);
  process.exitCode = rest.length > 0 ? 1 : 0;
}
