import type { BigIntStats } from "node:fs";
import { type FileHandle, open, readdir, readlink, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock } from "@weft/kernel";
import {
  CERTIFICATE_FILE_BYTES_MAX,
  FOLDER_DEPTH_MAX,
  RESOURCE_FILE_BYTES_MAX,
  RESOURCE_FILES_MAX,
  WATCH_FRESH_MS,
} from "../limits.ts";
import { compareText } from "../load/problems.ts";
import type { ResourceFile } from "../load/documents.ts";

/** A path that cannot be used, and what was expected of it. */
export interface PathFault {
  readonly path: string;
  readonly expected: string;
  /** True for a link that leads nowhere: it may be an instant of a swap of what is behind it. */
  readonly isDeadLink: boolean;
}

/** A folder that was looked into; `identity` changes when another folder takes its place. */
export interface ScannedFolder {
  readonly path: string;
  readonly identity: string;
}

/** What one look at the files found. */
export interface FolderScan {
  /** By path. */
  readonly files: readonly ResourceFile[];
  readonly faults: readonly PathFault[];
  readonly folders: readonly ScannedFolder[];
  /** False if something changed while it was read: the texts may be halves of two versions. */
  readonly isStable: boolean;
}

interface CachedText {
  readonly signature: string;
  readonly text: string;
  /** True while the time stamps are too young to tell a change of the same size. */
  readonly isFresh: boolean;
}

type TextCache = Map<string, CachedText>;

/** A file's text, or why there is none; "changed" if it changed while it was read. */
export type ReadOutcome = { readonly text: string } | { readonly fault: string } | "changed";

/** What reads files for a `ResourceReader`. */
export interface FileScanner {
  readonly roots: readonly string[];
  scan(): Promise<FolderScan>;
  /** A file that a resource names. */
  readAttachment(path: string): Promise<ReadOutcome>;
  /** Forgets the texts of all files but these. */
  retain(paths: ReadonlySet<string>): void;
}

/** True for names of resource files. Editors' backups and temporary files do not end like this or begin with a dot. */
export function isResourceFileName(name: string): boolean {
  return !name.startsWith(".") && /\.(?:yaml|yml|json)$/.test(name);
}

/**
 * Reads resource files below some paths. Texts of files that have not changed (inode, size, times) are kept; files
 * that changed moments ago are read again, because a second change may not show in their time stamps.
 */
export class FolderReader implements FileScanner {
  /** As they were given. */
  readonly roots: readonly string[];
  readonly #clock: Clock;
  #cache: TextCache = new Map();

  constructor(roots: readonly string[], clock: Clock) {
    this.roots = roots;
    this.#clock = clock;
  }

  /** Looks at everything. Dot files and folders are passed over, which hides the generations of mounted ConfigMaps. */
  async scan(): Promise<FolderScan> {
    const scan = new ScanState();
    for (const root of this.roots) await this.#visit(root, 0, "root", scan);
    const paths = [...scan.paths].sort(compareText);
    const files: ResourceFile[] = [];
    const cache: TextCache = new Map();
    for (const path of paths) {
      const outcome = await this.#read(path, RESOURCE_FILE_BYTES_MAX, cache);
      if (outcome === "changed") scan.isStable = false;
      else if ("fault" in outcome) scan.fault(path, `a file that can be read (${outcome.fault})`);
      else files.push({ path, text: outcome.text });
    }
    this.#cache = new Map([...this.#cache, ...cache]);
    return { files, faults: scan.faults, folders: scan.folders, isStable: scan.isStable };
  }

  async readAttachment(path: string): Promise<ReadOutcome> {
    return this.#read(path, CERTIFICATE_FILE_BYTES_MAX, this.#cache);
  }

  retain(paths: ReadonlySet<string>): void {
    for (const path of this.#cache.keys()) if (!paths.has(path)) this.#cache.delete(path);
  }

  async #visit(path: string, depth: number, origin: Origin, scan: ScanState): Promise<void> {
    let stats: BigIntStats;
    try {
      stats = await stat(path, { bigint: true });
    } catch (error) {
      // Below a root a file may go between the list and the look.
      if (origin === "root" || !isGone(error))
        scan.fault(path, `a file or folder that can be read (${faultOf(error)})`);
      else if (origin === "link") await this.#visitDeadLink(path, scan);
      return;
    }
    if (stats.isFile()) {
      // A link is followed to a folder whatever its name, to a file only if it is named like a resource file.
      if (origin === "link" && !isResourceFileName(basename(path))) return;
      if (scan.paths.size >= RESOURCE_FILES_MAX) scan.fault(path, `at most ${RESOURCE_FILES_MAX} resource files`);
      else scan.paths.add(path);
      return;
    }
    if (!stats.isDirectory()) {
      if (origin === "root" || isResourceFileName(basename(path))) scan.fault(path, "a regular file or a folder");
      return;
    }
    await this.#visitFolder(path, depth, `${stats.dev}:${stats.ino}`, scan);
  }

  /** What was behind a link may be resources: that they are gone is no wish to remove them while the link stands. */
  async #visitDeadLink(path: string, scan: ScanState): Promise<void> {
    try {
      const target = await readlink(path);
      const expected = `a link that leads to a file or folder (${target} does not exist; delete the link to remove what was there)`;
      scan.faults.push({ path, expected, isDeadLink: true });
    } catch (error) {
      // The link has gone meanwhile, or something else has taken its place.
      if (!isGone(error)) scan.isStable = false;
    }
  }

  async #visitFolder(path: string, depth: number, identity: string, scan: ScanState): Promise<void> {
    if (depth > FOLDER_DEPTH_MAX) {
      scan.fault(path, `at most ${FOLDER_DEPTH_MAX} folders one within the other`);
      return;
    }
    try {
      const real = await realpath(path);
      if (scan.visited.has(real)) return;
      scan.visited.add(real);
      scan.folders.push({ path, identity });
      const entries = await readdir(path, { withFileTypes: true });
      for (const entry of entries.sort((left, right) => compareText(left.name, right.name))) {
        if (entry.name.startsWith(".")) continue;
        const mayBeFolder = entry.isDirectory() || entry.isSymbolicLink();
        if (mayBeFolder || isResourceFileName(entry.name)) {
          const origin = entry.isSymbolicLink() ? "link" : "entry";
          await this.#visit(join(path, entry.name), depth + 1, origin, scan);
        }
      }
    } catch (error) {
      if (isGone(error)) scan.isStable = false;
      else scan.fault(path, `a folder that can be read (${faultOf(error)})`);
    }
  }

  async #read(path: string, bytesMax: number, cache: TextCache): Promise<ReadOutcome> {
    try {
      const before = await stat(path, { bigint: true });
      if (!before.isFile()) return { fault: "it is not a regular file" };
      if (before.size > bytesMax) return { fault: `it has ${before.size} bytes, at most ${bytesMax} are read` };
      const signature = signatureOf(before);
      const known = this.#cache.get(path);
      if (known !== undefined && known.signature === signature && !known.isFresh) {
        cache.set(path, known);
        return { text: known.text };
      }
      const handle = await open(path, "r");
      try {
        return await this.#readOpen(handle, path, signature, cache);
      } finally {
        await handle.close();
      }
    } catch (error) {
      return { fault: faultOf(error) };
    }
  }

  async #readOpen(handle: FileHandle, path: string, signature: string, cache: TextCache): Promise<ReadOutcome> {
    const wallMs = this.#clock.wallMs();
    const bytes = await handle.readFile();
    const after = await handle.stat({ bigint: true });
    if (signatureOf(after) !== signature || BigInt(bytes.length) !== after.size) return "changed";
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return { fault: "it is not UTF-8" };
    }
    const changedMs = Number(after.ctimeMs > after.mtimeMs ? after.ctimeMs : after.mtimeMs);
    const known = this.#cache.get(path);
    // The same text keeps its identity, so that comparing it later costs nothing.
    const kept = known !== undefined && known.text === text ? known.text : text;
    cache.set(path, { signature, text: kept, isFresh: changedMs > wallMs - WATCH_FRESH_MS });
    return { text: kept };
  }
}

/** How a path came to be looked at: it was given, or it is an entry of a folder, a link or not. */
type Origin = "root" | "entry" | "link";

/** What a scan has found so far. */
class ScanState {
  readonly paths: Set<string> = new Set();
  readonly visited: Set<string> = new Set();
  readonly folders: ScannedFolder[] = [];
  readonly faults: PathFault[] = [];
  isStable: boolean = true;

  fault(path: string, expected: string): void {
    this.faults.push({ path, expected, isDeadLink: false });
  }
}

function signatureOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function isGone(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

const FAULTS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "it does not exist"],
  ["ENOTDIR", "it does not exist"],
  ["EACCES", "permission denied"],
  ["EPERM", "permission denied"],
  ["ELOOP", "its links form a loop"],
]);

/** Why a path cannot be read, in words. */
function faultOf(error: unknown): string {
  return FAULTS.get(codeOf(error)) ?? (error instanceof Error ? error.message : String(error));
}
