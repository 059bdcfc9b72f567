import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { isResourceFileName, type ScannedFolder } from "./folder-reader.ts";

/** A folder that is watched; `names` are the only entries of interest, null for all. */
interface WatchedFolder {
  readonly identity: string;
  readonly watcher: FSWatcher | null;
  names: ReadonlySet<string> | null;
}

/**
 * File events of a changing set of folders, as one callback. Events are hints: some are lost and some say nothing, so
 * whoever listens looks for itself, and looks from time to time without being told.
 */
export class FolderWatch {
  readonly #onHint: () => void;
  readonly #folders: Map<string, WatchedFolder> = new Map();

  constructor(onHint: () => void) {
    this.#onHint = onHint;
  }

  /** True if the system gives events for every folder asked for. */
  get isComplete(): boolean {
    return [...this.#folders.values()].every(({ watcher }) => watcher !== null);
  }

  /**
   * Watches exactly `folders`, and in the folders around `paths` only these. True if a folder is watched now that was
   * not before: what happened in it meanwhile is for the caller to find.
   */
  follow(folders: readonly ScannedFolder[], paths: Iterable<string>): boolean {
    const wanted = new Map<string, { identity: string; names: Set<string> | null }>();
    for (const { path, identity } of folders) wanted.set(path, { identity, names: null });
    for (const path of paths) {
      const folder = dirname(path);
      const entry = wanted.get(folder) ?? { identity: "", names: new Set<string>() };
      wanted.set(folder, entry);
      entry.names?.add(basename(path));
    }
    for (const [path, folder] of this.#folders) {
      const next = wanted.get(path);
      if (next !== undefined && next.identity === folder.identity && folder.watcher !== null) continue;
      folder.watcher?.close();
      this.#folders.delete(path);
    }
    let isNew = false;
    for (const [path, { identity, names }] of wanted) {
      const known = this.#folders.get(path);
      if (known !== undefined) known.names = names;
      else isNew = this.#open(path, identity, names) || isNew;
    }
    return isNew;
  }

  close(): void {
    for (const { watcher } of this.#folders.values()) watcher?.close();
    this.#folders.clear();
  }

  #open(path: string, identity: string, names: ReadonlySet<string> | null): boolean {
    try {
      const watcher = watch(path, (_event, name) => this.#onEvent(path, name));
      // A folder that goes away, or a limit of the system: the periodic look takes over.
      watcher.on("error", () => {
        watcher.close();
        this.#folders.delete(path);
        this.#onHint();
      });
      this.#folders.set(path, { identity, watcher, names });
      return true;
    } catch {
      this.#folders.set(path, { identity, watcher: null, names });
      return false;
    }
  }

  #onEvent(path: string, name: string | null): void {
    const folder = this.#folders.get(path);
    if (folder === undefined) return;
    if (name !== null && folder.names !== null && !folder.names.has(name)) return;
    if (name !== null && folder.names === null && !isOfInterest(name)) return;
    this.#onHint();
  }
}

/** Kubernetes swaps a mounted volume by renaming the link of this name. */
const VOLUME_LINK = "..data";

/** False for names that cannot change the resources: dot files, and files with another extension. */
function isOfInterest(name: string): boolean {
  if (name === VOLUME_LINK || isResourceFileName(name)) return true;
  return !name.startsWith(".") && !name.endsWith("~") && !/\.[A-Za-z0-9]+$/.test(name);
}
