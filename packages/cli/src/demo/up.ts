import { accessSync, constants, mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { isWeftError, systemClock, WeftError } from "@weft/kernel";
import type { CliErrorCode } from "../errors.ts";
import { MESH_RETRIES_MAX } from "./limits.ts";
import { MeshProcesses } from "./mesh-processes.ts";
import { type Mesh, planMesh } from "./mesh.ts";
import { PortChooser } from "./ports.ts";
import { RunFolder } from "./run-folder.ts";
import { createRunFolder } from "./stale-runs.ts";

/** Where a run keeps its files, and whether they stay. */
export interface UpOptions {
  /** An empty folder or one to be made; it stays. Undefined: a temporary one. */
  readonly folder: string | undefined;
  /** A temporary folder stays, too. */
  readonly keepsFiles: boolean;
  /** Ends the run, also while it starts. */
  readonly signal: AbortSignal;
  /** Ends everything at once. */
  readonly killSignal: AbortSignal;
  onEvent(text: string): void;
}

/** A mesh that runs. */
export interface RunningMesh {
  readonly mesh: Mesh;
  readonly folder: RunFolder;
  readonly processes: MeshProcesses;
  /** From the start of this process to the first request that was answered. */
  readonly readyMs: number;
}

/**
 * Starts the demo mesh, lets `use` work with it and stops it, whatever happens. Where another program takes one of its ports
 * between the choice and the start, it starts anew on other ports.
 *
 * @throws WeftError CLI_MESH_START_FAILED, CLI_FOLDER_NOT_EMPTY, CLI_FOLDER_UNUSABLE
 */
export async function withMesh<T>(
  options: UpOptions,
  use: (running: RunningMesh) => Promise<T>,
  plan: (chooser: PortChooser) => Promise<Mesh> = planMesh,
): Promise<T | undefined> {
  const path = prepareFolder(options.folder);
  const isTemporary = options.folder === undefined && !options.keepsFiles;
  try {
    for (let retries = 0; ; retries++) {
      try {
        return await runMesh(options, path, plan, use);
      } catch (error) {
        if (!isWeftError(error, "CLI_MESH_START_FAILED")) throw error;
        // Ctrl-C reaches the processes of the mesh, too: one that ended of it before this one knew is no failure.
        if (options.signal.aborted) return undefined;
        if (error.details?.["isPortTaken"] !== true || retries === MESH_RETRIES_MAX) throw error;
        options.onEvent("another program has taken a port meanwhile: starting again on other ports");
      }
    }
  } finally {
    if (isTemporary) rmSync(path, { recursive: true, force: true });
  }
}

async function runMesh<T>(
  { signal, killSignal, onEvent }: UpOptions,
  path: string,
  plan: (chooser: PortChooser) => Promise<Mesh>,
  use: (running: RunningMesh) => Promise<T>,
): Promise<T | undefined> {
  const chooser = new PortChooser();
  try {
    const mesh = await plan(chooser);
    if (signal.aborted) return undefined;
    const folder = new RunFolder(path, mesh);
    const processes = new MeshProcesses({ mesh, folder, clock: systemClock, onEvent });
    const onKill = (): void => processes.kill();
    killSignal.addEventListener("abort", onKill, { once: true });
    try {
      await processes.start(signal);
      if (signal.aborted) return undefined;
      return await use({ mesh, folder, processes, readyMs: performance.now() });
    } finally {
      await processes.stop();
      killSignal.removeEventListener("abort", onKill);
    }
  } finally {
    chooser.release();
  }
}

/** A temporary folder, or that of the user's. */
function prepareFolder(folder: string | undefined): string {
  const path = folder === undefined ? tmpdir() : resolve(folder);
  try {
    return folder === undefined ? createRunFolder("weft-run-") : prepareUsersFolder(path);
  } catch (cause) {
    if (isWeftError(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot write the mesh's files to ${path}: ${reason}`;
    throw new WeftError<CliErrorCode>("CLI_FOLDER_UNUSABLE", message, { path }, { cause });
  }
}

/** What is in a user's folder is theirs, so only an empty one is taken. */
function prepareUsersFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  accessSync(path, constants.W_OK);
  const [entry] = readdirSync(path);
  if (entry === undefined) return path;
  const message = `Cannot write the mesh's files to ${path}: it has ${entry} in it, an empty folder is wanted`;
  throw new WeftError<CliErrorCode>("CLI_FOLDER_NOT_EMPTY", message, { path, entry });
}
