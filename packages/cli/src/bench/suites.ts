import { runHttpBench } from "./http-bench.ts";
import { describeMachine, findPeers } from "./machine.ts";
import { PEERS } from "./peers/index.ts";
import type { BenchPlan } from "./plan.ts";
import { requirePrograms } from "./programs.ts";
import { type BenchReport, createReport } from "./report/bench-report.ts";

/** How a suite is run. */
export interface SuiteOptions {
  readonly plan: BenchPlan;
  /** Whether a scenario is measured. */
  readonly isWanted: (scenario: string) => boolean;
  readonly signal: AbortSignal;
  readonly onStep: (scenario: string, peer: string, round: number) => void;
}

/** A suite that can be asked for by name. */
export interface Suite {
  readonly name: string;
  readonly summary: string;
  /** @throws WeftError */
  run(options: SuiteOptions): Promise<BenchReport>;
}

/** All suites. */
export const SUITES: readonly Suite[] = [
  {
    name: "http",
    summary: "HTTP/1.1, HTTP/2, TLS and gRPC beside nginx, HAProxy, Caddy and node:http",
    run: runHttpSuite,
  },
];

/**
 * Measures all proxies that are installed side by side.
 *
 * @throws WeftError BENCH_PROGRAM_MISSING, BENCH_START_FAILED, BENCH_INTERRUPTED
 */
export async function runHttpSuite(options: SuiteOptions): Promise<BenchReport> {
  requirePrograms(["nginx", "wrk", "h2load"]);
  const { installed, missing } = await findPeers(PEERS);
  const machine = await describeMachine(installed);
  const measurements = await runHttpBench({ ...options, peers: installed.map(({ peer }) => peer) });
  return createReport({ suite: "http", mode: options.plan.mode, machine, leftOut: missing, measurements });
}
