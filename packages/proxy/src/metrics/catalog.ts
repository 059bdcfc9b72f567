/**
 * How a metric behaves over time. A counter only grows; its name ends in `_total`. A histogram holds durations: kept
 * in microseconds, shown in seconds.
 */
export type MetricType = "counter" | "gauge" | "histogram";

/** One metric as docs/METRICS.md and the scrape show it. */
export interface MetricDefinition {
  /** `weft_` + station or part + what is counted + unit; OpenMetrics 1.0 rules. */
  readonly name: string;
  readonly type: MetricType;
  /** A base unit, which the name then ends in (before `_total`); "" for plain numbers. */
  readonly unit: "" | "bytes" | "seconds";
  /** Label names, in the order of the label values of a series. */
  readonly labels: readonly string[];
  /** How the values of several workers become one. */
  readonly merge: "sum" | "min" | "max";
  readonly help: string;
}

/** Every metric of the proxy, in the order of a request's way; this is the one place that names them. */
export const METRIC_CATALOG: readonly MetricDefinition[] = [
  // listener
  counter(
    "weft_listener_connections_refused_total",
    ["listener", "reason"],
    "Connections closed before they carried a request, by reason.",
  ),
  counter("weft_listener_tls_handshakes_total", ["listener", "result"], "TLS handshakes with clients, by result."),
  histogram(
    "weft_listener_tls_handshake_duration_seconds",
    ["listener"],
    "Time of TLS handshakes with clients that succeeded.",
  ),

  // downstream
  counter("weft_downstream_connections_total", ["listener"], "Connections accepted from clients."),
  gauge("weft_downstream_connections_active", ["listener"], "Connections that clients have open."),
  counter(
    "weft_downstream_connection_closes_total",
    ["listener", "reason"],
    "Connections with clients that ended, by reason.",
  ),
  histogram("weft_downstream_connection_duration_seconds", ["listener"], "Life of connections with clients."),
  counter(
    "weft_downstream_requests_total",
    ["listener", "protocol"],
    "Requests received and understood, by protocol; a TCP session counts as one.",
  ),
  gauge("weft_downstream_requests_active", ["listener"], "Requests in flight."),
  counter(
    "weft_downstream_resets_total",
    ["listener", "reason"],
    "Requests that ended without a complete answer, by reason.",
  ),
  counter(
    "weft_downstream_stalled_streams_total",
    ["listener"],
    "HTTP/2 streams ended because the client's flow control held their answer back for too long.",
  ),
  counter(
    "weft_downstream_protocol_errors_total",
    ["listener", "code"],
    "Requests and connections refused for what the client sent, by error code; a code appears with its first error.",
  ),
  counter(
    "weft_downstream_upgrades_total",
    ["listener"],
    "Upgrades (WebSocket) and CONNECT tunnels that were accepted.",
  ),
  counter(
    "weft_downstream_read_pauses_total",
    ["listener"],
    "Times that reading from a client stopped because the receiver was slower.",
  ),
  counter("weft_downstream_received_bytes_total", ["listener"], "Bytes received from clients, after TLS."),
  counter("weft_downstream_sent_bytes_total", ["listener"], "Bytes sent to clients, before TLS."),

  // filter
  counter("weft_filter_faults_total", ["route", "kind"], "Faults that were injected, by kind."),
  counter("weft_filter_cors_preflights_total", ["route"], "CORS preflight requests answered by the proxy."),

  // router
  counter(
    "weft_router_requests_total",
    ["route", "status_class"],
    "Requests that a route answered, by class of the status; none: there was no answer.",
  ),
  histogram(
    "weft_router_request_duration_seconds",
    ["route"],
    "From the end of the request's head to the end of the answer.",
  ),
  gauge("weft_router_requests_active", ["route"], "Requests in flight."),
  counter(
    "weft_router_grpc_responses_total",
    ["route", "grpc_status"],
    "Answers to gRPC requests by their status; a status appears with its first answer.",
  ),
  counter("weft_router_received_bytes_total", ["route"], "Bytes of request bodies."),
  counter("weft_router_sent_bytes_total", ["route"], "Bytes of answer bodies."),
  counter("weft_router_timeouts_total", ["route"], "Requests that ran into the route's timeout."),
  counter("weft_router_mirrors_total", ["route"], "Copies of requests sent to mirror clusters."),
  counter("weft_router_no_match_total", ["listener"], "Requests that no route matched."),
  counter("weft_router_loops_total", ["listener"], "Requests refused because they passed too many proxies."),

  // cluster
  counter("weft_cluster_requests_total", ["cluster", "outcome"], "Tries sent to a cluster, by outcome."),
  gauge("weft_cluster_requests_active", ["cluster"], "Tries in flight."),
  counter("weft_cluster_retries_total", ["cluster"], "Tries that repeated an earlier one."),
  counter("weft_cluster_retries_exhausted_total", ["cluster"], "Requests that failed after their last permitted try."),
  counter(
    "weft_cluster_breaker_trips_total",
    ["cluster", "limit"],
    "Requests refused by a circuit breaker, by the limit that was reached.",
  ),
  gauge("weft_cluster_hosts", ["cluster", "state"], "Hosts by state.", "max"),
  counter("weft_cluster_membership_changes_total", ["cluster"], "Times that the set of hosts changed."),
  counter("weft_cluster_health_checks_total", ["cluster", "result"], "Active health checks, by result."),
  counter("weft_cluster_ejections_total", ["cluster", "cause"], "Hosts ejected as outliers, by cause."),
  counter("weft_cluster_dns_lookups_total", ["cluster", "result"], "DNS questions for hosts, by result."),

  // balancer
  counter("weft_balancer_no_host_total", ["cluster"], "Picks that found no usable host."),
  gauge(
    "weft_balancer_panicking_levels",
    ["cluster"],
    "Priority levels that ignore health at present, because too few hosts are healthy.",
  ),

  // pool
  counter("weft_pool_connections_total", ["cluster", "protocol"], "Connections opened to hosts, by protocol."),
  gauge("weft_pool_connections_active", ["cluster", "protocol"], "Connections open to hosts, by protocol."),
  gauge("weft_pool_connections_idle", ["cluster"], "Connections open to hosts that carry no request."),
  counter(
    "weft_pool_connect_failures_total",
    ["cluster", "reason"],
    "Connections to hosts that could not be made, by reason.",
  ),
  histogram("weft_pool_connect_duration_seconds", ["cluster"], "Time to connect to a host, with the TLS handshake."),
  counter("weft_pool_connection_closes_total", ["cluster", "reason"], "Connections to hosts that ended, by reason."),
  gauge("weft_pool_queue_length", ["cluster"], "Requests that wait for a connection."),
  counter("weft_pool_queue_timeouts_total", ["cluster"], "Requests that waited too long for a connection."),
  histogram("weft_pool_queue_duration_seconds", ["cluster"], "Time that requests waited for a connection."),

  // upstream
  counter("weft_upstream_requests_total", ["cluster", "host", "outcome"], "Tries answered by a host, by outcome."),
  gauge("weft_upstream_requests_active", ["cluster", "host"], "Tries in flight at a host."),
  histogram(
    "weft_upstream_request_duration_seconds",
    ["cluster", "host"],
    "From the first byte sent to a host to the end of its answer.",
  ),
  counter("weft_upstream_received_bytes_total", ["cluster"], "Bytes received from hosts, after TLS."),
  counter("weft_upstream_sent_bytes_total", ["cluster"], "Bytes sent to hosts, before TLS."),

  // the process around them
  gauge("weft_config_revision", [], "Revision of the configuration in force; the oldest among the workers.", "min"),
  counter("weft_config_updates_total", ["result"], "Configurations that workers received, by result; each counts."),
  counter(
    "weft_config_reloads_total",
    ["result"],
    "Versions of the configuration on disk, by result: applied, or refused before any worker saw them.",
  ),
  gauge(
    "weft_config_last_reload_successful",
    [],
    "Is 1 while the latest configuration is in force in every worker, 0 while it is refused.",
    "min",
  ),
  gauge(
    "weft_config_refused_timestamp_seconds",
    [],
    "When a version of the configuration on disk was last refused, in seconds since 1970; 0 for never.",
    "max",
  ),
  gauge("weft_config_problems", [], "What is wrong with the configuration on disk at present: see /api/reloads."),
  gauge(
    "weft_config_applied_timestamp_seconds",
    [],
    "When the configuration in force was applied, in seconds since 1970.",
    "min",
  ),
  counter("weft_access_log_records_total", [], "Access log records that were written."),
  counter("weft_access_log_dropped_total", [], "Access log records lost because the log was slower than the traffic."),
  counter("weft_tracing_spans_total", [], "Spans delivered to the collector."),
  counter("weft_tracing_spans_dropped_total", [], "Spans lost because the collector was slow or refused them."),
  counter(
    "weft_metrics_overflows_total",
    ["kind"],
    "Names that got no series of their own because a limit on series was reached.",
  ),
  counter("weft_process_cpu_seconds_total", [], "Processor time used, in user and system mode."),
  gauge("weft_process_resident_memory_bytes", [], "Memory held, as the system counts it."),
  gauge("weft_process_heap_used_bytes", [], "Memory in use by JavaScript objects."),
  histogram(
    "weft_process_event_loop_lag_seconds",
    [],
    "How late a timer fired that is set all the time: what one turn of the loop delays others by.",
  ),
  gauge("weft_process_timers_active", [], "Deadlines that are set: one or more for each connection and request."),
  gauge("weft_process_start_timestamp_seconds", [], "When the oldest worker started, in seconds since 1970.", "min"),
  gauge("weft_process_workers", [], "Worker processes that report."),
];

const definitions: ReadonlyMap<string, MetricDefinition> = new Map(
  METRIC_CATALOG.map((definition) => [definition.name, definition]),
);

/** The definition of a metric; undefined for a name that is not (or no longer) in the catalog. */
export function definitionOf(name: string): MetricDefinition | undefined {
  return definitions.get(name);
}

function counter(name: string, labels: readonly string[], help: string): MetricDefinition {
  return { name, type: "counter", unit: unitOf(name.slice(0, -"_total".length)), labels, merge: "sum", help };
}

function gauge(
  name: string,
  labels: readonly string[],
  help: string,
  merge: MetricDefinition["merge"] = "sum",
): MetricDefinition {
  return { name, type: "gauge", unit: unitOf(name), labels, merge, help };
}

function histogram(name: string, labels: readonly string[], help: string): MetricDefinition {
  return { name, type: "histogram", unit: unitOf(name), labels, merge: "sum", help };
}

/** OpenMetrics wants a unit to be the end of the name, so the name says it all. */
function unitOf(family: string): MetricDefinition["unit"] {
  if (family.endsWith("_seconds")) return "seconds";
  return family.endsWith("_bytes") ? "bytes" : "";
}
