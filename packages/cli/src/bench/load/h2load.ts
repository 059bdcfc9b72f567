import { LOOPBACK } from "../ports.ts";
import type { Launch } from "../program-group.ts";
import { findProgram } from "../programs.ts";
import { percentile } from "../statistics.ts";
import { checkBytes, type LoadResult, readFigure, unreadable } from "./load-result.ts";

/** What h2load is to do. */
export interface H2loadOptions {
  readonly port: number;
  readonly isTls: boolean;
  readonly target: string;
  readonly connections: number;
  readonly streams: number;
  /** When it ends: a number of requests has every one of them accounted for; a time leaves open those of its last moment. */
  readonly until: { readonly requests: number } | { readonly seconds: number };
  /** "" for none. */
  readonly contentType: string;
  /** File that every request has as its body; null for GET. */
  readonly bodyPath: string | null;
  /** Where it writes a line per request. */
  readonly logPath: string;
}

/** The cipher that all peers have; each would choose another by itself. */
const TLS13_CIPHER = "TLS_AES_128_GCM_SHA256";

/** How to run h2load: one thread, so that it takes one core at most. */
export function launchH2load(options: H2loadOptions): Launch {
  const { connections, streams, until, contentType, bodyPath } = options;
  const end = "requests" in until ? `-n${until.requests}` : `-D${until.seconds}`;
  const args = ["-t1", `-c${connections}`, `-m${streams}`, end, `--log-file=${options.logPath}`];
  if (options.isTls) args.push(`--tls13-ciphers=${TLS13_CIPHER}`, "--npn-list=h2");
  if (contentType !== "") args.push("-H", `content-type: ${contentType}`, "-H", "te: trailers");
  if (bodyPath !== null) args.push("-d", bodyPath);
  args.push(`${options.isTls ? "https" : "http"}://${LOOPBACK}:${options.port}${options.target}`);
  return { name: "h2load", command: findProgram("h2load") ?? "h2load", args };
}

/**
 * Reads h2load's report and its log of requests (start, status, microseconds; tab-separated): the report has no percentiles.
 *
 * @throws WeftError BENCH_GENERATOR_FAILED
 */
export function parseH2load(output: string, log: string, bodyBytes: number): LoadResult {
  const rate = readFigure(output, /finished in [\d.]+\w+, ([\d.]+) req\/s/, "requests per second");
  const counts = readFigure(output, /^requests: (.*)$/m, "number of requests");
  const [total, done, succeeded] = ["total", "done", "succeeded"].map((word) =>
    Number(readFigure(counts, new RegExp(String.raw`(\d+) ${word}`), `requests ${word}`)),
  );
  const requests = done ?? 0;
  if (requests === 0) throw unreadable("no request was answered", output);
  const statuses = readFigure(output, /^status codes: (.*)$/m, "status codes");
  const good = Number(readFigure(statuses, /(\d+) 2xx/, "answers with status 2xx"));
  const dataBytes = Number(readFigure(output, /\((\d+)\) data/, "bytes of bodies"));
  const tls = /^TLS Protocol: (\S+)/m.exec(output)?.[1];
  const durations = parseDurations(log);
  return {
    requests,
    requestsPerSecond: Number(rate),
    p50Ms: percentile(durations, 0.5) / 1_000,
    p99Ms: percentile(durations, 0.99) / 1_000,
    fault: [
      total === requests && succeeded === requests ? "" : counts,
      good === requests ? "" : `status codes: ${statuses}`,
      checkBytes(dataBytes, requests, bodyBytes),
      tls === undefined || tls === "TLSv1.3" ? "" : `the protocol was ${tls}`,
    ]
      .filter((fault) => fault !== "")
      .join("; "),
  };
}

/** What h2load did in a given time; requests that were open at its end are neither answered nor failed. */
export interface TimedH2load {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly failed: number;
  /** What it said of those that failed; "" for nothing. */
  readonly fault: string;
  readonly p99Ms: number;
}

/**
 * Reads the report and the log of a run that had a time.
 *
 * @throws WeftError BENCH_GENERATOR_FAILED
 */
export function parseTimedH2load(output: string, log: string): TimedH2load {
  const counts = readFigure(output, /^requests: (.*)$/m, "number of requests");
  const statuses = readFigure(output, /^status codes: (.*)$/m, "status codes");
  const count = (text: string, word: string): number =>
    Number(readFigure(text, new RegExp(String.raw`(\d+) ${word}`), `requests ${word}`));
  // Failed ones are those that were cut and those with status 4xx or 5xx.
  const failed = count(counts, "failed") + count(statuses, "3xx");
  return {
    requests: count(counts, "done"),
    requestsPerSecond: Number(readFigure(output, /finished in [\d.]+\w+, ([\d.]+) req\/s/, "requests per second")),
    failed,
    fault: failed === 0 ? "" : `requests: ${counts}; status codes: ${statuses}`,
    p99Ms: percentile(parseDurations(log), 0.99) / 1_000,
  };
}

/** Sorted microseconds of the requests that were answered; a failed one has status -1. */
function parseDurations(log: string): Float64Array {
  const durations: number[] = [];
  for (const line of log.split("\n")) {
    const [, status, us] = line.split("\t");
    if (status === undefined || us === undefined || status === "-1") continue;
    durations.push(Number(us));
  }
  return Float64Array.from(durations).sort();
}
