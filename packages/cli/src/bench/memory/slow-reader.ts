import { WeftError } from "@weft/kernel";
import { MEMORY_SAMPLE_MS, STREAM_OVERRUN_FACTOR } from "../limits.ts";
import { launchModule } from "../peers/node.ts";
import { readMemory } from "../process-usage.ts";
import type { Program, ProgramGroup } from "../program-group.ts";
import { type ProxiedPath, STREAM_TARGET } from "../scenario.ts";

/** What is read slowly, and from whom. */
export interface StreamTrial {
  readonly proxy: Program;
  readonly port: number;
  readonly path: ProxiedPath;
  readonly bytes: number;
  readonly bytesPerSecond: number;
  readonly stallMs: number;
  readonly settleMs: number;
}

/** Memory of the proxy's processes, in bytes. */
export interface StreamMemory {
  readonly emptyBytes: number;
  readonly peakBytes: number;
}

/**
 * Memory of a proxy before a long body passes, and the most it takes while a slow client reads.
 *
 * @throws WeftError BENCH_CLIENT_FAILED, BENCH_INTERRUPTED
 */
export async function measureSlowReader(group: ProgramGroup, trial: StreamTrial): Promise<StreamMemory> {
  const { proxy, path, bytes, bytesPerSecond, stallMs } = trial;
  await group.pause(trial.settleMs);
  const pids = proxy.pids();
  const emptyBytes = readMemory(pids);
  const args = [trial.port, path.downstream, STREAM_TARGET, bytesPerSecond, stallMs, bytes].map(String);
  const launch = { name: "the slow reader", ...launchModule(new URL("./slow-reader-entry.ts", import.meta.url), args) };
  const msMax = stallMs + (bytes / bytesPerSecond) * 1_000 * STREAM_OVERRUN_FACTOR + 10_000;
  let peakBytes = emptyBytes;
  const state = { isReading: true };
  const sample = async (): Promise<void> => {
    while (state.isReading) {
      peakBytes = Math.max(peakBytes, readMemory(pids));
      await group.pause(MEMORY_SAMPLE_MS);
    }
  };
  const reading = group.run(launch, msMax).finally(() => {
    state.isReading = false;
  });
  const [{ code, output, isTimedOut }] = await Promise.all([reading, sample()]);
  if (code !== 0) {
    const why = isTimedOut ? `it did not end within ${Math.round(msMax)} ms` : output.trim();
    throw new WeftError("BENCH_CLIENT_FAILED", `Cannot read a long body: ${why}`, { why });
  }
  return { emptyBytes, peakBytes };
}
