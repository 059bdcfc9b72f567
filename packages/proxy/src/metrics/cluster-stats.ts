import { type Stats, StatsShape } from "./stats-shape.ts";

/** What happens in one cluster, its balancer and its pools. */
export const CLUSTER_METRICS = {
  // An answer below 500 (success), another answer (failure; gRPC failures too), or none: the route's or the try's time
  // was up, the host reset it or the connection broke, no connection could be made, the host refused it unprocessed, a
  // limit of ours was reached, the client lost interest, the host broke its protocol.
  outcomes: {
    name: "weft_cluster_requests_total",
    label: "outcome",
    values: [
      "success",
      "failure",
      "timeout",
      "reset",
      "connect-failure",
      "refused",
      "overloaded",
      "cancelled",
      "protocol",
    ],
    help: "Tries sent to a cluster, by outcome.",
  },
  requestsActive: { name: "weft_cluster_requests_active", type: "gauge", help: "Tries in flight." },
  retries: { name: "weft_cluster_retries_total", help: "Tries that repeated an earlier one." },
  retriesExhausted: {
    name: "weft_cluster_retries_exhausted_total",
    help: "Requests that failed after their last permitted try.",
  },
  trips: {
    name: "weft_cluster_breaker_trips_total",
    label: "limit",
    values: ["connections", "pending", "requests", "retries", "retry-budget"],
    help: "Requests refused by a circuit breaker, by the limit that was reached.",
  },
  hosts: {
    name: "weft_cluster_hosts",
    type: "gauge",
    label: "state",
    values: ["healthy", "unhealthy", "ejected", "draining"],
    merge: "max",
    help: "Hosts by state.",
  },
  membershipChanges: {
    name: "weft_cluster_membership_changes_total",
    help: "Times that the set of hosts changed.",
  },
  shardSize: {
    name: "weft_cluster_shard_size",
    type: "gauge",
    merge: "max",
    help: "Hosts with a place in this proxy's shard, usable or not; 0 where it connects to all.",
  },
  shardHosts: {
    name: "weft_cluster_shard_hosts",
    type: "gauge",
    label: "role",
    values: ["member", "substitute", "absent"],
    merge: "max",
    help: "Hosts of this proxy's shard: members, hosts that stand in for others, and those whose place is kept.",
  },
  shardMoves: {
    name: "weft_cluster_shard_moves_total",
    label: "cause",
    values: ["policy", "hosts", "size", "health"],
    merge: "max",
    help: "Hosts that joined or left this proxy's shard, by cause.",
  },
  healthChecks: {
    name: "weft_cluster_health_checks_total",
    label: "result",
    values: ["passed", "failed"],
    help: "Active health checks, by result.",
  },
  ejections: {
    name: "weft_cluster_ejections_total",
    label: "cause",
    values: ["consecutive-errors", "success-rate", "latency", "silence"],
    help: "Hosts ejected as outliers, by cause.",
  },
  dnsLookups: {
    name: "weft_cluster_dns_lookups_total",
    label: "result",
    values: ["ok", "failed"],
    help: "DNS questions for hosts, by result.",
  },
  noHost: { name: "weft_balancer_no_host_total", help: "Picks that found no usable host." },
  subsets: {
    name: "weft_balancer_subsets",
    type: "gauge",
    merge: "max",
    help: "Subsets of the hosts that requests asked for and that are kept built.",
  },
  subsetPicks: {
    name: "weft_balancer_subset_picks_total",
    label: "source",
    values: ["subset", "default", "any", "none"],
    help: "Picks where requests choose hosts by label, by what they were given: the subset or a fallback.",
  },
  panickingLevels: {
    name: "weft_balancer_panicking_levels",
    type: "gauge",
    help: "Priority levels that ignore health at present, because too few hosts are healthy.",
  },
  connections: {
    name: "weft_pool_connections_total",
    label: "protocol",
    values: ["http1", "http2", "bolt", "dubbo", "tcp"],
    help: "Connections opened to hosts, by protocol.",
  },
  connectionsActive: {
    name: "weft_pool_connections_active",
    type: "gauge",
    label: "protocol",
    values: ["http1", "http2", "bolt", "dubbo", "tcp"],
    help: "Connections open to hosts, by protocol.",
  },
  connectionsIdle: {
    name: "weft_pool_connections_idle",
    type: "gauge",
    help: "Connections open to hosts that carry no request.",
  },
  hostsConnected: {
    name: "weft_pool_hosts_connected",
    type: "gauge",
    merge: "max",
    help: "Hosts that connections are open to.",
  },
  connectFailures: {
    name: "weft_pool_connect_failures_total",
    label: "reason",
    values: ["refused", "timeout", "tls", "error"],
    help: "Connections to hosts that could not be made, by reason.",
  },
  connectUs: {
    name: "weft_pool_connect_duration_seconds",
    type: "histogram",
    help: "Time to connect to a host, with the TLS handshake.",
  },
  closes: {
    name: "weft_pool_connection_closes_total",
    label: "reason",
    values: [
      "peer",
      "idle",
      "displaced",
      "goaway",
      "heartbeat",
      "request-limit",
      "drain",
      "drain-deadline",
      "protocol",
      "error",
    ],
    help: "Connections to hosts that ended, by reason; displaced: idle, and closed for one to another host.",
  },
  // Sent; answered; not answered within the timeout, once or again; not needed because bytes came.
  heartbeats: {
    name: "weft_pool_heartbeats_total",
    label: "result",
    values: ["sent", "answered", "missed", "replaced"],
    help: "Heartbeats on connections to hosts, by what became of them; those that traffic replaced were not sent.",
  },
  heartbeatPeriodUs: {
    name: "weft_pool_heartbeat_period_seconds",
    type: "histogram",
    help: "Period of connections at each heartbeat that was sent: long where all is well, short where something is not.",
  },
  // The period was up; the host has recent traffic and fell silent; a request was not answered, or failed; another
  // connection of the host was not answered.
  peersDead: {
    name: "weft_pool_dead_connections_total",
    label: "cause",
    values: ["quiet", "traffic", "request", "failure", "sibling"],
    help: "Connections whose host answered no heartbeat, by why it was asked.",
  },
  peerSilenceUs: {
    name: "weft_pool_dead_silence_duration_seconds",
    type: "histogram",
    help: "From a dead host's last sign of life until it was noticed.",
  },
  queueLength: { name: "weft_pool_queue_length", type: "gauge", help: "Requests that wait for a connection." },
  queueTimeouts: {
    name: "weft_pool_queue_timeouts_total",
    help: "Requests that waited too long for a connection.",
  },
  queueUs: {
    name: "weft_pool_queue_duration_seconds",
    type: "histogram",
    help: "Time that requests waited for a connection.",
  },
  rpcFrames: {
    name: "weft_upstream_rpc_frames_total",
    label: "kind",
    values: ["request", "answer", "exception", "heartbeat", "notice"],
    isSparse: true,
    help: "Whole frames of Bolt and Dubbo received from hosts, by kind; an exception is an answer of Dubbo that brings what the service threw.",
  },
  rpcFaults: {
    name: "weft_upstream_rpc_faults_total",
    label: "fault",
    values: ["unmatched", "late", "refused", "oversized", "unapplied"],
    isSparse: true,
    help: "Frames of Bolt and Dubbo hosts that were refused, are oversized, or answer nobody (unmatched) or too late, and changes of requests' fields that could not be written (unapplied).",
  },
  protocolErrors: {
    name: "weft_upstream_protocol_errors_total",
    label: "code",
    help: "Connections to hosts that ended for what the host sent, by error code; a code appears with its first error.",
  },
  receivedBytes: { name: "weft_upstream_received_bytes_total", help: "Bytes received from hosts, after TLS." },
  sentBytes: { name: "weft_upstream_sent_bytes_total", help: "Bytes sent to hosts, before TLS." },
} as const;

export type ClusterStats = Stats<typeof CLUSTER_METRICS>;

/** How a try ended. */
export type ClusterOutcome = keyof ClusterStats["outcomes"];

export const CLUSTER_SHAPE: StatsShape<typeof CLUSTER_METRICS> = new StatsShape(["cluster"], CLUSTER_METRICS);
