import { rmSync } from "node:fs";
import { createRunFolder } from "../demo/stale-runs.ts";

/**
 * Lends a temporary folder; it is gone when this resolves or rejects, and when the process exits before;
 * the next run removes that of a process that was killed.
 */
export async function withBenchFolder<T>(action: (folder: string) => Promise<T>): Promise<T> {
  const folder = createRunFolder("weft-bench-");
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.on("exit", remove);
  try {
    return await action(folder);
  } finally {
    remove();
    process.off("exit", remove);
  }
}
