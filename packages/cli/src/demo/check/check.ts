import type { RunningMesh } from "../up.ts";
import { BLOB_PROBES } from "./blob-probes.ts";
import { CHANGE_PROBES } from "./change-probes.ts";
import { GRPC_PROBES } from "./grpc-probes.ts";
import { HTTP2_PROBES } from "./http2-probes.ts";
import { HTTP_PROBES } from "./http-probes.ts";
import type { Probe } from "./probe.ts";
import { RPC_PROBES } from "./rpc-probes.ts";
import { STREAM_PROBES } from "./stream-probes.ts";

/** What came of one probe. */
export interface ProbeResult {
  readonly name: string;
  readonly isOk: boolean;
  /** What was seen, or what went wrong. */
  readonly detail: string;
  readonly durationMs: number;
}

/** What `weft up --check --json` prints. */
export interface CheckReport {
  readonly ok: boolean;
  /** From the start of the command to the first answer. */
  readonly readyMs: number;
  readonly durationMs: number;
  readonly checks: readonly ProbeResult[];
}

const PROBES: readonly Probe[] = [
  ...HTTP_PROBES,
  ...HTTP2_PROBES,
  ...GRPC_PROBES,
  ...RPC_PROBES,
  ...STREAM_PROBES,
  ...BLOB_PROBES,
  ...CHANGE_PROBES,
];

/** Tries every path of the demo, one after the other, whatever fails; `onResult` hears each. */
export async function checkMesh(
  running: RunningMesh,
  signal: AbortSignal,
  onResult: (result: ProbeResult) => void,
): Promise<CheckReport> {
  const startMs = performance.now();
  const checks: ProbeResult[] = [];
  for (const probe of PROBES) {
    if (signal.aborted) break;
    const result = await runProbe(probe, running);
    checks.push(result);
    onResult(result);
  }
  const ok = checks.length === PROBES.length && checks.every(({ isOk }) => isOk);
  return { ok, readyMs: Math.round(running.readyMs), durationMs: Math.round(performance.now() - startMs), checks };
}

async function runProbe({ name, run }: Probe, running: RunningMesh): Promise<ProbeResult> {
  const startMs = performance.now();
  const finish = (isOk: boolean, detail: string): ProbeResult => {
    return { name, isOk, detail, durationMs: Math.round(performance.now() - startMs) };
  };
  try {
    return finish(true, await run(running));
  } catch (error) {
    return finish(false, error instanceof Error ? error.message : String(error));
  }
}
