import { Histogram } from "@weft/kernel";
import type { ResetReason } from "@weft/contract";
import type { HistogramSeries, NumberSeries, SnapshotBuilder } from "./snapshot.ts";

/**
 * What happens on one listener. The fields are plain numbers that the stations increment themselves: nothing is
 * cheaper, and no call stands between an event and its count.
 */
export class ListenerStats {
  /** The listener's name. */
  readonly name: string;
  /** Accepted connections, now open ones. */
  connections: number = 0;
  connectionsActive: number = 0;
  /**
   * Connections closed at once: `connectionsMax` reached, draining, bad PROXY header, protocol not told in time or at
   * all, unknown server name.
   */
  refusedLimit: number = 0;
  refusedDraining: number = 0;
  refusedProxyProtocol: number = 0;
  refusedTimeout: number = 0;
  refusedProtocol: number = 0;
  refusedServerName: number = 0;
  tlsHandshakes: number = 0;
  tlsHandshakeFailures: number = 0;
  readonly tlsHandshakeUs: Histogram = new Histogram();
  /** Why connections ended: the peer closed, idle timeout, header timeout, output not taken, drain, protocol error, lost. */
  closedPeer: number = 0;
  closedIdle: number = 0;
  closedHeaderTimeout: number = 0;
  closedStalled: number = 0;
  closedDrain: number = 0;
  closedProtocol: number = 0;
  closedError: number = 0;
  readonly connectionUs: Histogram = new Histogram();
  requestsHttp1: number = 0;
  requestsHttp2: number = 0;
  requestsTcp: number = 0;
  requestsActive: number = 0;
  /** Counted by `countReset`. */
  resetRefused: number = 0;
  resetCancelled: number = 0;
  resetProtocol: number = 0;
  resetTooLarge: number = 0;
  resetConnection: number = 0;
  resetConnect: number = 0;
  resetTimeout: number = 0;
  resetOverloaded: number = 0;
  resetInternal: number = 0;
  /** HTTP/2 streams whose client did not open its windows. */
  stalledStreams: number = 0;
  upgrades: number = 0;
  readPauses: number = 0;
  receivedBytes: number = 0;
  sentBytes: number = 0;
  /** Requests that no route matched; that passed too many proxies. */
  noMatch: number = 0;
  loops: number = 0;
  /** What clients did wrong, by code of docs/ERRORS.md: as many entries as there are codes. */
  readonly #protocolErrors: Map<string, number> = new Map();

  constructor(name: string) {
    this.name = name;
  }

  /** Counts a request that ended without a complete answer. */
  countReset(reason: ResetReason): void {
    switch (reason) {
      case "refused":
        this.resetRefused++;
        break;
      case "cancelled":
        this.resetCancelled++;
        break;
      case "protocol":
        this.resetProtocol++;
        break;
      case "too-large":
        this.resetTooLarge++;
        break;
      case "connection":
        this.resetConnection++;
        break;
      case "connect":
        this.resetConnect++;
        break;
      case "timeout":
        this.resetTimeout++;
        break;
      case "overloaded":
        this.resetOverloaded++;
        break;
      case "internal":
        this.resetInternal++;
        break;
    }
  }

  /** Counts what a client did wrong; `code` is one of ours, never a text of the client's. */
  countProtocolError(code: string): void {
    this.#protocolErrors.set(code, (this.#protocolErrors.get(code) ?? 0) + 1);
  }

  /** Adds this listener's series. */
  addTo(builder: SnapshotBuilder): void {
    const own = [this.name];
    builder.numbers<ListenerStats>(this, own, NUMBERS);
    builder.histograms<ListenerStats>(this, own, HISTOGRAMS);
    for (const [code, count] of this.#protocolErrors) {
      builder.number("weft_downstream_protocol_errors_total", [this.name, code], count);
    }
  }
}

const NUMBERS: readonly NumberSeries<ListenerStats>[] = [
  ["weft_listener_connections_refused_total", ["limit"], "refusedLimit"],
  ["weft_listener_connections_refused_total", ["draining"], "refusedDraining"],
  ["weft_listener_connections_refused_total", ["proxy-protocol"], "refusedProxyProtocol"],
  ["weft_listener_connections_refused_total", ["timeout"], "refusedTimeout"],
  ["weft_listener_connections_refused_total", ["protocol"], "refusedProtocol"],
  ["weft_listener_connections_refused_total", ["server-name"], "refusedServerName"],
  ["weft_listener_tls_handshakes_total", ["ok"], "tlsHandshakes"],
  ["weft_listener_tls_handshakes_total", ["failed"], "tlsHandshakeFailures"],
  ["weft_downstream_connections_total", [], "connections"],
  ["weft_downstream_connections_active", [], "connectionsActive"],
  ["weft_downstream_connection_closes_total", ["peer"], "closedPeer"],
  ["weft_downstream_connection_closes_total", ["idle"], "closedIdle"],
  ["weft_downstream_connection_closes_total", ["header-timeout"], "closedHeaderTimeout"],
  ["weft_downstream_connection_closes_total", ["stalled"], "closedStalled"],
  ["weft_downstream_connection_closes_total", ["drain"], "closedDrain"],
  ["weft_downstream_connection_closes_total", ["protocol"], "closedProtocol"],
  ["weft_downstream_connection_closes_total", ["error"], "closedError"],
  ["weft_downstream_requests_total", ["http1"], "requestsHttp1"],
  ["weft_downstream_requests_total", ["http2"], "requestsHttp2"],
  ["weft_downstream_requests_total", ["tcp"], "requestsTcp"],
  ["weft_downstream_requests_active", [], "requestsActive"],
  ["weft_downstream_resets_total", ["refused"], "resetRefused"],
  ["weft_downstream_resets_total", ["cancelled"], "resetCancelled"],
  ["weft_downstream_resets_total", ["protocol"], "resetProtocol"],
  ["weft_downstream_resets_total", ["too-large"], "resetTooLarge"],
  ["weft_downstream_resets_total", ["connection"], "resetConnection"],
  ["weft_downstream_resets_total", ["connect"], "resetConnect"],
  ["weft_downstream_resets_total", ["timeout"], "resetTimeout"],
  ["weft_downstream_resets_total", ["overloaded"], "resetOverloaded"],
  ["weft_downstream_resets_total", ["internal"], "resetInternal"],
  ["weft_downstream_stalled_streams_total", [], "stalledStreams"],
  ["weft_downstream_upgrades_total", [], "upgrades"],
  ["weft_downstream_read_pauses_total", [], "readPauses"],
  ["weft_downstream_received_bytes_total", [], "receivedBytes"],
  ["weft_downstream_sent_bytes_total", [], "sentBytes"],
  ["weft_router_no_match_total", [], "noMatch"],
  ["weft_router_loops_total", [], "loops"],
];

const HISTOGRAMS: readonly HistogramSeries<ListenerStats>[] = [
  ["weft_listener_tls_handshake_duration_seconds", "tlsHandshakeUs"],
  ["weft_downstream_connection_duration_seconds", "connectionUs"],
];
