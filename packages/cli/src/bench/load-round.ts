import type { LoadResult } from "./load/load-result.ts";
import type { LoadRound } from "./measurement.ts";
import type { ProcessUsage } from "./process-usage.ts";

const MEBIBYTE = 1_048_576;

/** What a load and the use of its peer's processes `before` and `after` it come to. */
export function toLoadRound(
  which: Pick<LoadRound, "scenario" | "peer" | "round">,
  { requests, requestsPerSecond, p50Ms, p99Ms }: LoadResult,
  before: ProcessUsage,
  after: ProcessUsage,
): LoadRound {
  return {
    ...which,
    requests,
    requests_per_second: requestsPerSecond,
    p50_ms: p50Ms,
    p99_ms: p99Ms,
    cpu_us_per_request: (after.cpuUs - before.cpuUs) / requests,
    rss_mb: after.rssBytes / MEBIBYTE,
  };
}
