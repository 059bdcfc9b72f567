import { type Stats, StatsShape } from "./stats-shape.ts";

/** What happens on one listener, and to the connections and requests that came in there. */
export const LISTENER_METRICS = {
  refused: {
    name: "weft_listener_connections_refused_total",
    label: "reason",
    values: ["limit", "draining", "proxy-protocol", "timeout", "protocol", "server-name"],
    help: "Connections closed before they carried a request, by reason.",
  },
  tlsHandshakes: {
    name: "weft_listener_tls_handshakes_total",
    label: "result",
    values: ["ok", "failed"],
    help: "TLS handshakes with clients, by result.",
  },
  tlsHandshakeUs: {
    name: "weft_listener_tls_handshake_duration_seconds",
    type: "histogram",
    help: "Time of TLS handshakes with clients that succeeded.",
  },
  connections: { name: "weft_downstream_connections_total", help: "Connections accepted from clients." },
  connectionsActive: {
    name: "weft_downstream_connections_active",
    type: "gauge",
    help: "Connections that clients have open.",
  },
  closes: {
    name: "weft_downstream_connection_closes_total",
    label: "reason",
    values: ["peer", "idle", "header-timeout", "slow", "stalled", "heartbeat", "drain", "protocol", "error"],
    help: "Connections with clients that ended, by reason.",
  },
  connectionUs: {
    name: "weft_downstream_connection_duration_seconds",
    type: "histogram",
    help: "Life of connections with clients.",
  },
  // As for hosts.
  heartbeats: {
    name: "weft_downstream_heartbeats_total",
    label: "result",
    values: ["sent", "answered", "missed", "replaced"],
    help: "Heartbeats on connections with clients, by what became of them; those that traffic replaced were not sent.",
  },
  clientSilenceUs: {
    name: "weft_downstream_dead_silence_duration_seconds",
    type: "histogram",
    help: "From the last sign of life of a client that vanished until it was noticed.",
  },
  requests: {
    name: "weft_downstream_requests_total",
    label: "protocol",
    values: ["http1", "http2", "bolt", "dubbo", "tcp"],
    help: "Requests received and understood, by protocol; a TCP session counts as one.",
  },
  requestsActive: { name: "weft_downstream_requests_active", type: "gauge", help: "Requests in flight." },
  resets: {
    name: "weft_downstream_resets_total",
    label: "reason",
    values: [
      "refused",
      "cancelled",
      "protocol",
      "too-large",
      "connection",
      "connect",
      "timeout",
      "overloaded",
      "internal",
    ],
    help: "Requests that ended without a complete answer, by reason.",
  },
  stalledStreams: {
    name: "weft_downstream_stalled_streams_total",
    help: "HTTP/2 streams ended because the client's flow control held their answer back for too long.",
  },
  // By code of docs/ERRORS.md, never a text of the client's: as many series as there are codes.
  protocolErrors: {
    name: "weft_downstream_protocol_errors_total",
    label: "code",
    help: "Requests and connections refused for what the client sent, by error code; a code appears with its first error.",
  },
  rpcFrames: {
    name: "weft_downstream_rpc_frames_total",
    label: "kind",
    values: ["request", "answer", "exception", "heartbeat", "notice"],
    isSparse: true,
    help: "Whole frames of Bolt and Dubbo received from clients, by kind; a kind appears with its first frame.",
  },
  rpcFaults: {
    name: "weft_downstream_rpc_faults_total",
    label: "fault",
    values: ["unmatched", "late", "refused", "oversized", "unapplied"],
    isSparse: true,
    help: "Frames of Bolt and Dubbo clients that were refused (oversized ones too) or answer nobody (unmatched), and changes of answers' fields that could not be written (unapplied).",
  },
  upgrades: {
    name: "weft_downstream_upgrades_total",
    help: "Upgrades (WebSocket) and CONNECT tunnels that were accepted.",
  },
  readPauses: {
    name: "weft_downstream_read_pauses_total",
    help: "Times that reading from a client stopped because the receiver was slower.",
  },
  receivedBytes: { name: "weft_downstream_received_bytes_total", help: "Bytes received from clients, after TLS." },
  sentBytes: { name: "weft_downstream_sent_bytes_total", help: "Bytes sent to clients, before TLS." },
  noMatch: { name: "weft_router_no_match_total", help: "Requests that no route matched." },
  loops: { name: "weft_router_loops_total", help: "Requests refused because they passed too many proxies." },
} as const;

export type ListenerStats = Stats<typeof LISTENER_METRICS>;

export const LISTENER_SHAPE: StatsShape<typeof LISTENER_METRICS> = new StatsShape(["listener"], LISTENER_METRICS);
