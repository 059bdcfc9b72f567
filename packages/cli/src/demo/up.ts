import { mkdirSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { systemClock, WeftError } from "@weft/kernel";
import type { CliErrorCode } from "../errors.ts";
import { MeshProcesses } from "./mesh-processes.ts";
import { type Mesh, planMesh } from "./mesh.ts";
import { RunFolder } from "./run-folder.ts";
import { createRunFolder } from "./stale-runs.ts";

/** Where a run keeps its files, and whether they stay. */
export interface UpOptions {
  /** An empty folder or one to be made; it stays. Undefined: a temporary one. */
  readonly folder: string | undefined;
  /** A temporary folder stays, too. */
  readonly keepsFiles: boolean;
  readonly ingressWorkers: number;
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
 * Starts the demo mesh, lets `use` work with it and stops it, whatever happens.
 *
 * @throws WeftError CLI_MESH_START_FAILED, CLI_FOLDER_NOT_EMPTY
 */
export async function withMesh<T>(
  options: UpOptions,
  use: (running: RunningMesh) => Promise<T>,
): Promise<T | undefined> {
  const path = options.folder === undefined ? createRunFolder("weft-run-") : prepareFolder(options.folder);
  const isTemporary = options.folder === undefined && !options.keepsFiles;
  const mesh = await planMesh();
  const folder = new RunFolder(path, mesh);
  const { ingressWorkers, onEvent } = options;
  const processes = new MeshProcesses({ mesh, folder, clock: systemClock, ingressWorkers, onEvent });
  const onKill = (): void => processes.kill();
  options.killSignal.addEventListener("abort", onKill, { once: true });
  try {
    await processes.start(options.signal);
    if (options.signal.aborted) return undefined;
    return await use({ mesh, folder, processes, readyMs: performance.now() });
  } finally {
    await processes.stop();
    options.killSignal.removeEventListener("abort", onKill);
    if (isTemporary) folder.remove();
  }
}

/** A folder of the user's: what is in it is theirs, so only an empty one is taken. */
function prepareFolder(folder: string): string {
  const path = resolve(folder);
  mkdirSync(path, { recursive: true });
  const [entry] = readdirSync(path);
  if (entry === undefined) return path;
  const message = `Cannot write the mesh's files to ${path}: it has ${entry} in it, an empty folder is wanted`;
  throw new WeftError<CliErrorCode>("CLI_FOLDER_NOT_EMPTY", message, { path, entry });
}
