import { Histogram, type HistogramSnapshot } from "@weft/kernel";
import { isGrpcFailure } from "../grpc-status.ts";
import { CLUSTER_METRICS } from "./cluster-stats.ts";
import { ROUTE_METRICS } from "./route-stats.ts";
import type { MetricsSnapshot } from "./snapshot.ts";

/** What one route did in a span of time, all of its rules together. */
export interface RouteSummary {
  readonly route: string;
  readonly requestsPerSecond: number;
  /** Answers that are no failure of the server's, 0 to 1; 1 when there was none. */
  readonly successShare: number;
  /** Median and 99th percentile of the duration; null when nothing was measured. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** A summary with what was counted, so that those of several spans can be put together. */
export interface RouteTraffic extends RouteSummary {
  /** As clients saw them: one, however often it was tried. */
  readonly requests: number;
  readonly failures: number;
  readonly durations: HistogramSnapshot;
}

/** How often requests to one cluster were tried again. */
export interface ClusterRetries {
  readonly cluster: string;
  readonly retries: number;
  /** Requests that failed all the same. */
  readonly exhausted: number;
}

const REQUESTS = ROUTE_METRICS.requests.name;
const GRPC = ROUTE_METRICS.grpcResponses.name;
const DURATION = ROUTE_METRICS.durationUs.name;

/**
 * What happened on each route between two snapshots, busiest first. A counter that went backwards (a name that came
 * back after it was forgotten) counts from zero.
 */
export function summarise(previous: MetricsSnapshot, current: MetricsSnapshot, elapsedMs: number): RouteTraffic[] {
  const before = collect(previous);
  const summaries: RouteTraffic[] = [];
  for (const [route, now] of collect(current)) {
    const then = before.get(route);
    const requests = growth(now.requests, then?.requests ?? 0);
    const failures = growth(now.failures, then?.failures ?? 0);
    const duration = durationsBetween(then?.durations.snapshot(), now.durations.snapshot());
    summaries.push({
      route,
      requests,
      failures,
      requestsPerSecond: elapsedMs > 0 ? (requests * 1000) / elapsedMs : 0,
      successShare: requests > 0 ? Math.max(0, 1 - failures / requests) : 1,
      p50Ms: quantileMs(duration, 0.5),
      p99Ms: quantileMs(duration, 0.99),
      durations: duration.snapshot(),
    });
  }
  return summaries.sort((a, b) => b.requestsPerSecond - a.requestsPerSecond || (a.route < b.route ? -1 : 1));
}

/** The retries of each cluster since the start, by name. */
export function summariseRetries({ numbers }: MetricsSnapshot): ClusterRetries[] {
  const { retries, retriesExhausted } = CLUSTER_METRICS;
  const exhausted = new Map(numbers[retriesExhausted.name]?.map(({ labels, value }) => [labels[0] ?? "", value]));
  return (numbers[retries.name] ?? [])
    .map(({ labels: [cluster = ""], value }) => ({ cluster, retries: value, exhausted: exhausted.get(cluster) ?? 0 }))
    .sort((a, b) => (a.cluster < b.cluster ? -1 : 1));
}

/** The values that were recorded between two snapshots of one histogram. */
export function durationsBetween(previous: HistogramSnapshot | undefined, current: HistogramSnapshot): Histogram {
  const result = new Histogram();
  if (previous === undefined || previous.count === 0 || previous.count > current.count) {
    result.merge(current);
    return result;
  }
  const seen = new Map<number, number>();
  for (let index = 0; index < previous.buckets.length; index += 2) {
    seen.set(previous.buckets[index] ?? 0, previous.buckets[index + 1] ?? 0);
  }
  const buckets: number[] = [];
  let count = 0;
  for (let index = 0; index < current.buckets.length; index += 2) {
    const bucket = current.buckets[index] ?? 0;
    const grown = Math.max(0, (current.buckets[index + 1] ?? 0) - (seen.get(bucket) ?? 0));
    if (grown > 0) buckets.push(bucket, grown);
    count += grown;
  }
  // The extremes of the span alone are not known; the buckets bound the quantiles well enough.
  const sum = Math.max(0, current.sum - previous.sum);
  result.merge({ count, sum, min: current.min, max: current.max, buckets });
  return result;
}

/** A quantile in milliseconds; null when the histogram is empty. */
export function quantileMs(histogram: Histogram, q: number): number | null {
  return histogram.count === 0 ? null : histogram.quantile(q) / 1000;
}

interface RouteTotals {
  requests: number;
  failures: number;
  readonly durations: Histogram;
}

/** The rules of each route, added up. */
function collect(snapshot: MetricsSnapshot): Map<string, RouteTotals> {
  const totals = new Map<string, RouteTotals>();
  for (const { labels, value } of snapshot.numbers[REQUESTS] ?? []) {
    const [route = "", , statusClass = ""] = labels;
    let entry = totals.get(route);
    if (entry === undefined) totals.set(route, (entry = { requests: 0, failures: 0, durations: new Histogram() }));
    entry.requests += value;
    if (statusClass === "5xx" || statusClass === "none") entry.failures += value;
  }
  for (const { labels, value } of snapshot.numbers[GRPC] ?? []) {
    const [route = "", , status = ""] = labels;
    const entry = totals.get(route);
    if (entry !== undefined && isGrpcFailure(Number(status))) entry.failures += value;
  }
  for (const { labels, histogram } of snapshot.histograms[DURATION] ?? []) {
    totals.get(labels[0] ?? "")?.durations.merge(histogram);
  }
  return totals;
}

function growth(now: number, then: number): number {
  return now >= then ? now - then : now;
}
