import type { ResourceProblem, ResourceStatus, World } from "@weft/contract";
import { type Clock, systemClock } from "@weft/kernel";
import { WORLD_DEFAULTS, type WorldDefaults } from "../compile/defaults.ts";
import { resourceStatuses } from "../status/resource-status.ts";
import { FolderReader } from "./folder-reader.ts";
import { ResourceReader } from "./resource-reader.ts";

/** What lies below some paths. */
export interface LoadedWorld {
  /** Null where there are problems. */
  readonly world: World | null;
  readonly problems: readonly ResourceProblem[];
  readonly status: readonly ResourceStatus[];
  /** Files that resources refer to: certificates and keys. */
  readonly attachmentPaths: readonly string[];
}

/**
 * Reads the resource files below `path` (a folder, a file, or several of them) once, without watching.
 *
 * @example
 * const { world, problems } = await loadWorld("/etc/weft");
 */
export async function loadWorld(
  path: string | readonly string[],
  options: { readonly clock?: Clock; readonly defaults?: WorldDefaults } = {},
): Promise<LoadedWorld> {
  const { clock = systemClock, defaults = WORLD_DEFAULTS } = options;
  const roots = typeof path === "string" ? [path] : path;
  const reader = new ResourceReader(new FolderReader(roots, clock), defaults, clock);
  const reading = await reader.read(1, null);
  const { problems, world } = reading;
  return {
    world: problems.length === 0 ? world : null,
    problems,
    status: resourceStatuses(reading),
    attachmentPaths: [...reading.attachmentPaths],
  };
}
