import { type Stats, StatsShape } from "./stats-shape.ts";

/** What happens at one host. */
export const HOST_METRICS = {
  outcomes: {
    name: "weft_upstream_requests_total",
    label: "outcome",
    values: ["success", "failure"],
    help: "Tries answered by a host, by outcome.",
  },
  requestsActive: { name: "weft_upstream_requests_active", type: "gauge", help: "Tries in flight at a host." },
  connectionsActive: {
    name: "weft_upstream_connections_active",
    type: "gauge",
    help: "Connections open to a host.",
  },
  durationUs: {
    name: "weft_upstream_request_duration_seconds",
    type: "histogram",
    help: "From the first byte sent to a host to the end of its answer.",
  },
} as const;

export type HostStats = Stats<typeof HOST_METRICS>;

export const HOST_SHAPE: StatsShape<typeof HOST_METRICS> = new StatsShape(["cluster", "host"], HOST_METRICS);
