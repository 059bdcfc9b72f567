import { type Stats, StatsShape } from "./stats-shape.ts";

/** gRPC status codes run from 0 (OK) to 16 (UNAUTHENTICATED). */
const GRPC_STATUS_MAX = 16;
/** What the gRPC specification tells clients to make of a status that is none. */
const GRPC_UNKNOWN = 2;

/** What happens on one rule of a route. */
export const ROUTE_METRICS = {
  faults: {
    name: "weft_filter_faults_total",
    label: "kind",
    values: ["delay", "abort"],
    help: "Faults that were injected, by kind.",
  },
  corsPreflights: {
    name: "weft_filter_cors_preflights_total",
    help: "CORS preflight requests answered by the proxy.",
  },
  requests: {
    name: "weft_router_requests_total",
    label: "status_class",
    values: ["1xx", "2xx", "3xx", "4xx", "5xx", "none"],
    help: "Requests that a rule of a route answered, by class of the status; none: there was no answer.",
  },
  durationUs: {
    name: "weft_router_request_duration_seconds",
    type: "histogram",
    help: "From the end of the request's head to the end of the answer.",
  },
  requestsActive: { name: "weft_router_requests_active", type: "gauge", help: "Requests in flight." },
  grpcResponses: {
    name: "weft_router_grpc_responses_total",
    label: "grpc_status",
    values: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"],
    isSparse: true,
    help: "Answers to gRPC requests by their status; a status appears with its first answer.",
  },
  receivedBytes: { name: "weft_router_received_bytes_total", help: "Bytes of request bodies." },
  sentBytes: { name: "weft_router_sent_bytes_total", help: "Bytes of answer bodies." },
  timeouts: { name: "weft_router_timeouts_total", help: "Requests that ran into the route's timeout." },
  mirrors: { name: "weft_router_mirrors_total", help: "Copies of requests sent to mirror clusters." },
} as const;

export type RouteStats = Stats<typeof ROUTE_METRICS>;

export const ROUTE_SHAPE: StatsShape<typeof ROUTE_METRICS> = new StatsShape(["route", "rule"], ROUTE_METRICS);

/**
 * Counts a request that has ended: `status` as sent to the client (101 for an upgrade; 0 when there was no complete
 * answer), the duration in microseconds, bytes of both bodies.
 */
export function countAnswer(
  stats: RouteStats,
  status: number,
  durationUs: number,
  requestBytes: number,
  responseBytes: number,
): void {
  const { requests } = stats;
  if (status < 200) {
    if (status >= 100) requests["1xx"]++;
    else requests.none++;
  } else if (status < 300) requests["2xx"]++;
  else if (status < 400) requests["3xx"]++;
  else if (status < 500) requests["4xx"]++;
  else requests["5xx"]++;
  stats.receivedBytes += requestBytes;
  stats.sentBytes += responseBytes;
  stats.durationUs.record(durationUs);
}

/** Counts the status of a gRPC answer, besides `countAnswer`; what is no status counts as 2 (UNKNOWN). */
export function countGrpcStatus(stats: RouteStats, status: number): void {
  const code = status >= 0 && status <= GRPC_STATUS_MAX && Number.isInteger(status) ? status : GRPC_UNKNOWN;
  stats.grpcResponses[code as unknown as keyof RouteStats["grpcResponses"]]++;
}
