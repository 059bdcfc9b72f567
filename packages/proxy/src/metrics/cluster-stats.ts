import { Histogram } from "@weft/kernel";
import type { HostStats } from "./host-stats.ts";
import type { HistogramSeries, NumberSeries, SnapshotBuilder } from "./snapshot.ts";
import type { StatsTable } from "./stats-table.ts";

/**
 * How a try ended: an answer below 500 (`success`), another answer (`failure`), or none: the route's or the try's time
 * was up, the host reset it or the connection broke, no connection could be made, the host refused it unprocessed, a
 * limit of ours was reached, the client lost interest, the host broke its protocol.
 */
export type ClusterOutcome =
  | "success"
  | "failure"
  | "timeout"
  | "reset"
  | "connect-failure"
  | "refused"
  | "overloaded"
  | "cancelled"
  | "protocol";

/** What happens in one cluster, its balancer and its pools. Looked up when the cluster is made, never per request. */
export class ClusterStats {
  /** The cluster's name. */
  readonly name: string;
  /** Counted by `countOutcome`. */
  outcomeSuccess: number = 0;
  outcomeFailure: number = 0;
  outcomeTimeout: number = 0;
  outcomeReset: number = 0;
  outcomeConnectFailure: number = 0;
  outcomeRefused: number = 0;
  outcomeOverloaded: number = 0;
  outcomeCancelled: number = 0;
  outcomeProtocol: number = 0;
  requestsActive: number = 0;
  retries: number = 0;
  retriesExhausted: number = 0;
  /** Circuit breaker: one counter per limit of `CircuitBreakerConfig`. */
  tripsConnections: number = 0;
  tripsPending: number = 0;
  tripsRequests: number = 0;
  tripsRetries: number = 0;
  tripsRetryBudget: number = 0;
  /** Gauges; the four add up to all hosts. */
  hostsHealthy: number = 0;
  hostsUnhealthy: number = 0;
  hostsEjected: number = 0;
  hostsDraining: number = 0;
  membershipChanges: number = 0;
  healthChecksPassed: number = 0;
  healthChecksFailed: number = 0;
  ejectionsErrors: number = 0;
  ejectionsSuccessRate: number = 0;
  ejectionsLatency: number = 0;
  dnsLookups: number = 0;
  dnsFailures: number = 0;
  /** Balancer. */
  noHost: number = 0;
  /** Gauge: priority levels that ignore health at present. */
  panickingLevels: number = 0;
  /** Pools: opened so far and open now, by protocol. */
  connectionsHttp1: number = 0;
  connectionsHttp2: number = 0;
  connectionsTcp: number = 0;
  connectionsActiveHttp1: number = 0;
  connectionsActiveHttp2: number = 0;
  connectionsActiveTcp: number = 0;
  connectionsIdle: number = 0;
  connectRefused: number = 0;
  connectTimeouts: number = 0;
  connectTlsFailures: number = 0;
  connectErrors: number = 0;
  closedPeer: number = 0;
  closedIdle: number = 0;
  closedGoaway: number = 0;
  closedKeepalive: number = 0;
  closedRequestLimit: number = 0;
  closedDrain: number = 0;
  closedDrainDeadline: number = 0;
  closedProtocol: number = 0;
  closedError: number = 0;
  queueLength: number = 0;
  queueTimeouts: number = 0;
  receivedBytes: number = 0;
  sentBytes: number = 0;
  readonly connectUs: Histogram = new Histogram();
  readonly queueUs: Histogram = new Histogram();
  readonly #hosts: StatsTable<HostStats>;

  constructor(name: string, hosts: StatsTable<HostStats>) {
    this.name = name;
    this.#hosts = hosts;
  }

  /** The stats of the host "address:port"; created once. Ask when the host is made, never per request. */
  host(key: string): HostStats {
    return this.#hosts.get(key);
  }

  /** Tells which hosts the cluster has: the series of others disappear after a while. */
  keepHosts(keys: ReadonlySet<string>): void {
    this.#hosts.keep(keys);
  }

  /** Counts the end of one try. */
  countOutcome(outcome: ClusterOutcome): void {
    switch (outcome) {
      case "success":
        this.outcomeSuccess++;
        break;
      case "failure":
        this.outcomeFailure++;
        break;
      case "timeout":
        this.outcomeTimeout++;
        break;
      case "reset":
        this.outcomeReset++;
        break;
      case "connect-failure":
        this.outcomeConnectFailure++;
        break;
      case "refused":
        this.outcomeRefused++;
        break;
      case "overloaded":
        this.outcomeOverloaded++;
        break;
      case "cancelled":
        this.outcomeCancelled++;
        break;
      case "protocol":
        this.outcomeProtocol++;
        break;
    }
  }

  /** Adds the series of this cluster and of its hosts. */
  addTo(builder: SnapshotBuilder): void {
    const own = [this.name];
    builder.numbers<ClusterStats>(this, own, NUMBERS);
    builder.histograms<ClusterStats>(this, own, HISTOGRAMS);
    for (const host of this.#hosts.live()) host.addTo(builder, this.name);
  }

  /** The cluster is no longer shown: gives back what its hosts hold of the bound on hosts. */
  close(): void {
    this.#hosts.close();
  }
}

const NUMBERS: readonly NumberSeries<ClusterStats>[] = [
  ["weft_cluster_requests_total", ["success"], "outcomeSuccess"],
  ["weft_cluster_requests_total", ["failure"], "outcomeFailure"],
  ["weft_cluster_requests_total", ["timeout"], "outcomeTimeout"],
  ["weft_cluster_requests_total", ["reset"], "outcomeReset"],
  ["weft_cluster_requests_total", ["connect-failure"], "outcomeConnectFailure"],
  ["weft_cluster_requests_total", ["refused"], "outcomeRefused"],
  ["weft_cluster_requests_total", ["overloaded"], "outcomeOverloaded"],
  ["weft_cluster_requests_total", ["cancelled"], "outcomeCancelled"],
  ["weft_cluster_requests_total", ["protocol"], "outcomeProtocol"],
  ["weft_cluster_requests_active", [], "requestsActive"],
  ["weft_cluster_retries_total", [], "retries"],
  ["weft_cluster_retries_exhausted_total", [], "retriesExhausted"],
  ["weft_cluster_breaker_trips_total", ["connections"], "tripsConnections"],
  ["weft_cluster_breaker_trips_total", ["pending"], "tripsPending"],
  ["weft_cluster_breaker_trips_total", ["requests"], "tripsRequests"],
  ["weft_cluster_breaker_trips_total", ["retries"], "tripsRetries"],
  ["weft_cluster_breaker_trips_total", ["retry-budget"], "tripsRetryBudget"],
  ["weft_cluster_hosts", ["healthy"], "hostsHealthy"],
  ["weft_cluster_hosts", ["unhealthy"], "hostsUnhealthy"],
  ["weft_cluster_hosts", ["ejected"], "hostsEjected"],
  ["weft_cluster_hosts", ["draining"], "hostsDraining"],
  ["weft_cluster_membership_changes_total", [], "membershipChanges"],
  ["weft_cluster_health_checks_total", ["passed"], "healthChecksPassed"],
  ["weft_cluster_health_checks_total", ["failed"], "healthChecksFailed"],
  ["weft_cluster_ejections_total", ["consecutive-errors"], "ejectionsErrors"],
  ["weft_cluster_ejections_total", ["success-rate"], "ejectionsSuccessRate"],
  ["weft_cluster_ejections_total", ["latency"], "ejectionsLatency"],
  ["weft_cluster_dns_lookups_total", ["ok"], "dnsLookups"],
  ["weft_cluster_dns_lookups_total", ["failed"], "dnsFailures"],
  ["weft_balancer_no_host_total", [], "noHost"],
  ["weft_balancer_panicking_levels", [], "panickingLevels"],
  ["weft_pool_connections_total", ["http1"], "connectionsHttp1"],
  ["weft_pool_connections_total", ["http2"], "connectionsHttp2"],
  ["weft_pool_connections_total", ["tcp"], "connectionsTcp"],
  ["weft_pool_connections_active", ["http1"], "connectionsActiveHttp1"],
  ["weft_pool_connections_active", ["http2"], "connectionsActiveHttp2"],
  ["weft_pool_connections_active", ["tcp"], "connectionsActiveTcp"],
  ["weft_pool_connections_idle", [], "connectionsIdle"],
  ["weft_pool_connect_failures_total", ["refused"], "connectRefused"],
  ["weft_pool_connect_failures_total", ["timeout"], "connectTimeouts"],
  ["weft_pool_connect_failures_total", ["tls"], "connectTlsFailures"],
  ["weft_pool_connect_failures_total", ["error"], "connectErrors"],
  ["weft_pool_connection_closes_total", ["peer"], "closedPeer"],
  ["weft_pool_connection_closes_total", ["idle"], "closedIdle"],
  ["weft_pool_connection_closes_total", ["goaway"], "closedGoaway"],
  ["weft_pool_connection_closes_total", ["keepalive"], "closedKeepalive"],
  ["weft_pool_connection_closes_total", ["request-limit"], "closedRequestLimit"],
  ["weft_pool_connection_closes_total", ["drain"], "closedDrain"],
  ["weft_pool_connection_closes_total", ["drain-deadline"], "closedDrainDeadline"],
  ["weft_pool_connection_closes_total", ["protocol"], "closedProtocol"],
  ["weft_pool_connection_closes_total", ["error"], "closedError"],
  ["weft_pool_queue_length", [], "queueLength"],
  ["weft_pool_queue_timeouts_total", [], "queueTimeouts"],
  ["weft_upstream_received_bytes_total", [], "receivedBytes"],
  ["weft_upstream_sent_bytes_total", [], "sentBytes"],
];

const HISTOGRAMS: readonly HistogramSeries<ClusterStats>[] = [
  ["weft_pool_connect_duration_seconds", "connectUs"],
  ["weft_pool_queue_duration_seconds", "queueUs"],
];
