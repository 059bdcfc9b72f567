import type { RunningMesh } from "../up.ts";

/** One thing that is tried with real requests. */
export interface Probe {
  /** What works when it passes. */
  readonly name: string;
  /** Resolves with what was seen, in a few words; rejects with what went wrong. */
  run(mesh: RunningMesh): Promise<string>;
}

/** Throws unless `condition` holds; `message` says what was seen instead. */
export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
