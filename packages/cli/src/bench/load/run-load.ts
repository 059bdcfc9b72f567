import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WeftError } from "@weft/kernel";
import { ROUND_EXTRA_MS_MAX, ROUND_OVERRUN_FACTOR } from "../limits.ts";
import type { Launch, ProgramGroup } from "../program-group.ts";
import type { LoadScenario } from "../scenario.ts";
import { launchH2load, parseH2load } from "./h2load.ts";
import type { LoadResult } from "./load-result.ts";
import { launchWrk, parseWrk } from "./wrk.ts";

/** What one run of a load generator is about. */
export interface LoadRun {
  readonly scenario: LoadScenario;
  readonly port: number;
  readonly seconds: number;
  /** Requests that fill the time: h2load is given a number, so that every one of them is accounted for. */
  readonly requestsPerSecond: number;
}

/**
 * Runs the scenario's load generator once.
 *
 * @throws WeftError BENCH_GENERATOR_FAILED, BENCH_INTERRUPTED
 */
export async function runLoad(group: ProgramGroup, folder: string, run: LoadRun): Promise<LoadResult> {
  const { scenario, port, seconds } = run;
  const { load, request } = scenario;
  const bodyBytes = request.responseBody.length;
  if (load.tool === "wrk") {
    const launch = launchWrk({ port, isTls: false, target: request.target, connections: load.connections, seconds });
    return parseWrk(await runToEnd(group, launch, seconds), bodyBytes);
  }
  const logPath = join(folder, "h2load.log");
  const bodyPath = request.requestBody === null ? null : join(folder, "h2load.body");
  if (request.requestBody !== null && bodyPath !== null) writeFileSync(bodyPath, request.requestBody);
  const inFlight = load.connections * load.streams;
  const launch = launchH2load({
    port,
    isTls: scenario.path.downstream === "tls-http2",
    target: request.target,
    connections: load.connections,
    streams: load.streams,
    until: { requests: Math.max(inFlight, Math.round(run.requestsPerSecond * seconds)) },
    contentType: request.contentType,
    bodyPath,
    logPath,
  });
  try {
    const output = await runToEnd(group, launch, seconds);
    return parseH2load(output, readFileSync(logPath, "latin1"), bodyBytes);
  } finally {
    rmSync(logPath, { force: true });
  }
}

/**
 * Runs a load generator that is planned for so many seconds; the result is its report.
 *
 * @throws WeftError BENCH_GENERATOR_FAILED, BENCH_INTERRUPTED
 */
export async function runToEnd(group: ProgramGroup, launch: Launch, seconds: number): Promise<string> {
  const msMax = seconds * 1_000 * ROUND_OVERRUN_FACTOR + ROUND_EXTRA_MS_MAX;
  const { output, code, isTimedOut } = await group.run(launch, msMax);
  if (code === 0) return output;
  const how = isTimedOut ? `did not end within ${msMax} ms` : `ended with status ${code}`;
  const command = [launch.command, ...launch.args].join(" ");
  throw new WeftError("BENCH_GENERATOR_FAILED", `Cannot measure: \`${command}\` ${how}. ${output.trim().slice(-500)}`, {
    command,
  });
}
