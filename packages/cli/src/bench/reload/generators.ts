import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { launchH2load, parseTimedH2load } from "../load/h2load.ts";
import { runToEnd } from "../load/run-load.ts";
import { countWrkFailures, launchWrk, parseWrk } from "../load/wrk.ts";
import type { ProgramGroup } from "../program-group.ts";
import { findProgram } from "../programs.ts";
import { WATCHED_PATH } from "./exchange.ts";

/** What a load generator is to do. */
export interface GeneratorRun {
  readonly folder: string;
  readonly port: number;
  readonly isTls: boolean;
  /** wrk's, with one request at a time; h2load's, with as many streams on each. */
  readonly connections: number;
  readonly seconds: number;
}

/** What it counted. */
export interface GeneratorResult {
  readonly client: string;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly failed: number;
  /** What it said of those that failed; "" for nothing. */
  readonly fault: string;
  readonly p99Ms: number;
}

/** A load generator of others. They load the proxy and count; what fails they do not say more about. */
export interface Generator {
  readonly tool: "wrk" | "h2load";
  readonly client: string;
  run(group: ProgramGroup, run: GeneratorRun): Promise<GeneratorResult>;
}

export const WRK: Generator = {
  tool: "wrk",
  client: "wrk, HTTP/1.1",
  async run(group, { port, isTls, connections, seconds }) {
    const launch = launchWrk({ port, isTls, target: WATCHED_PATH, connections, seconds });
    const output = await runToEnd(group, launch, seconds);
    const { requests, requestsPerSecond, fault, p99Ms } = parseWrk(output, 0);
    return { client: WRK.client, requests, requestsPerSecond, failed: countWrkFailures(output), fault, p99Ms };
  },
};

export const H2LOAD: Generator = {
  tool: "h2load",
  client: "h2load, HTTP/2",
  async run(group, { folder, port, isTls, connections, seconds }) {
    const logPath = join(folder, "h2load.log");
    const amount = { connections, streams: connections, until: { seconds } };
    const request = { target: WATCHED_PATH, contentType: "", bodyPath: null };
    const launch = launchH2load({ port, isTls, ...amount, ...request, logPath });
    try {
      const output = await runToEnd(group, launch, seconds);
      return { client: H2LOAD.client, ...parseTimedH2load(output, readFileSync(logPath, "latin1")) };
    } finally {
      rmSync(logPath, { force: true });
    }
  },
};

/** Those that are installed, and the names of those that are not. */
export function findGenerators(): { readonly installed: readonly Generator[]; readonly missing: readonly string[] } {
  const all = [WRK, H2LOAD];
  return {
    installed: all.filter(({ tool }) => findProgram(tool) !== null),
    missing: all.filter(({ tool }) => findProgram(tool) === null).map(({ tool }) => tool),
  };
}
