import { runToEnd } from "../load/run-load.ts";
import { type LoadResult, unreadable } from "../load/load-result.ts";
import { launchModule } from "../peers/node.ts";
import type { ProgramGroup } from "../program-group.ts";

/** What the load generator of the Bolt bench prints. */
export interface BoltLoad {
  /** Answered in full, and as expected. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** What went wrong first; "" for nothing. */
  readonly fault: string;
}

/**
 * Runs the load generator once.
 *
 * @throws WeftError BENCH_GENERATOR_FAILED, BENCH_INTERRUPTED
 */
export async function runBoltLoad(
  group: ProgramGroup,
  port: number,
  connections: number,
  seconds: number,
): Promise<LoadResult> {
  const args = [port, connections, seconds].map(String);
  const launch = { name: "bolt load", ...launchModule(new URL("./load-entry.ts", import.meta.url), args) };
  return parseBoltLoad(await runToEnd(group, launch, seconds));
}

/**
 * Reads the generator's report.
 *
 * @throws WeftError BENCH_GENERATOR_FAILED
 */
export function parseBoltLoad(output: string): LoadResult {
  const line = output.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw unreadable("it printed none", output);
  const { requests, seconds, p50_ms: p50Ms, p99_ms: p99Ms, fault } = JSON.parse(line) as BoltLoad;
  const isEmpty = requests === 0 && fault === "";
  return { requests, requestsPerSecond: requests / seconds, p50Ms, p99Ms, fault: isEmpty ? "no answer came" : fault };
}
