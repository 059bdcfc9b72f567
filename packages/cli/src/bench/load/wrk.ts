import { LOOPBACK } from "../ports.ts";
import type { Launch } from "../program-group.ts";
import { findProgram } from "../programs.ts";
import { checkBytes, type LoadResult, readFigure, unreadable } from "./load-result.ts";

/** What wrk is to do. */
export interface WrkOptions {
  readonly port: number;
  readonly isTls: boolean;
  readonly target: string;
  readonly connections: number;
  readonly seconds: number;
}

/** How to run wrk: one thread, so that it takes one core at most. */
export function launchWrk({ port, isTls, target, connections, seconds }: WrkOptions): Launch {
  const url = `${isTls ? "https" : "http"}://${LOOPBACK}:${port}${target}`;
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "--latency", url];
  return { name: "wrk", command: findProgram("wrk") ?? "wrk", args };
}

/**
 * Reads wrk's report; `bodyBytes` is the length of every answer's body.
 *
 * @throws WeftError BENCH_GENERATOR_FAILED
 */
export function parseWrk(output: string, bodyBytes: number): LoadResult {
  const requests = Number(readFigure(output, /(\d+) requests in /, "number of requests"));
  if (requests === 0) throw unreadable("no request was answered", output);
  const perSecond = readFigure(output, /Requests\/sec:\s+([\d.]+)/, "requests per second");
  const read = readFigure(output, /requests in [\d.]+\w+, ([\d.]+[KMGT]?B) read/, "bytes");
  return {
    requests,
    requestsPerSecond: Number(perSecond),
    p50Ms: parseTimeMs(readFigure(output, /^\s+50%\s+(\S+)/m, "median latency")),
    p99Ms: parseTimeMs(readFigure(output, /^\s+99%\s+(\S+)/m, "99th percentile of latency")),
    fault: [
      /Socket errors: .*/.exec(output)?.[0] ?? "",
      /Non-2xx or 3xx responses: \d+/.exec(output)?.[0] ?? "",
      // Two decimals of a unit: half a percent below is rounding.
      checkBytes(parseBytes(read) * 1.005, requests, bodyBytes),
    ]
      .filter((fault) => fault !== "")
      .join("; "),
  };
}

/** Requests without a right answer in wrk's report: each error of a socket is one, because wrk has one at a time on each. */
export function countWrkFailures(output: string): number {
  const counts = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output) ?? [];
  const errors = counts.slice(1).reduce((sum, count) => sum + Number(count), 0);
  return errors + Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
}

const TIME_UNITS_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const BYTE_UNITS: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

function parseTimeMs(text: string): number {
  return parseQuantity(text, TIME_UNITS_MS);
}

function parseBytes(text: string): number {
  return parseQuantity(text, BYTE_UNITS);
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number {
  const [, figure, unit = ""] = /^([\d.]+)([a-zA-Z]+)$/.exec(text) ?? [];
  const factor = units[unit];
  if (figure === undefined || factor === undefined) throw unreadable(`"${text}" has no known unit`, text);
  return Number(figure) * factor;
}
