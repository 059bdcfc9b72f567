import { Histogram } from "@weft/kernel";
import type { HistogramSeries, NumberSeries, SnapshotBuilder } from "./snapshot.ts";

/** gRPC status codes run from 0 (OK) to 16 (UNAUTHENTICATED). */
const GRPC_STATUS_MAX = 16;
/** What the gRPC specification tells clients to make of a status that is none. */
const GRPC_UNKNOWN = 2;

/** What happens on one route. Looked up when the route table is compiled, never per request. */
export class RouteStats {
  /** The route's namespace/name. */
  readonly name: string;
  status1xx: number = 0;
  status2xx: number = 0;
  status3xx: number = 0;
  status4xx: number = 0;
  status5xx: number = 0;
  /** Requests that ended without an answer. */
  statusNone: number = 0;
  receivedBytes: number = 0;
  sentBytes: number = 0;
  readonly durationUs: Histogram = new Histogram();
  requestsActive: number = 0;
  timeouts: number = 0;
  mirrors: number = 0;
  faultDelays: number = 0;
  faultAborts: number = 0;
  corsPreflights: number = 0;
  readonly #grpc: number[] = new Array<number>(GRPC_STATUS_MAX + 1).fill(0);

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Counts a request that has ended: `status` as sent to the client (101 for an upgrade; 0 when there was no complete answer),
   * the duration in microseconds, bytes of both bodies.
   */
  record(status: number, durationUs: number, requestBytes: number, responseBytes: number): void {
    if (status < 200) {
      if (status >= 100) this.status1xx++;
      else this.statusNone++;
    } else if (status < 300) this.status2xx++;
    else if (status < 400) this.status3xx++;
    else if (status < 500) this.status4xx++;
    else this.status5xx++;
    this.receivedBytes += requestBytes;
    this.sentBytes += responseBytes;
    this.durationUs.record(durationUs);
  }

  /** Counts the status of a gRPC answer, besides `record`; what is no status counts as 2 (UNKNOWN). */
  recordGrpc(status: number): void {
    const code = status >= 0 && status <= GRPC_STATUS_MAX && Number.isInteger(status) ? status : GRPC_UNKNOWN;
    this.#grpc[code] = (this.#grpc[code] ?? 0) + 1;
  }

  /** Adds this route's series. */
  addTo(builder: SnapshotBuilder): void {
    const own = [this.name];
    builder.numbers<RouteStats>(this, own, NUMBERS);
    builder.histograms<RouteStats>(this, own, HISTOGRAMS);
    this.#grpc.forEach((count, code) => {
      if (count > 0) builder.number("weft_router_grpc_responses_total", [this.name, String(code)], count);
    });
  }
}

const NUMBERS: readonly NumberSeries<RouteStats>[] = [
  ["weft_router_requests_total", ["1xx"], "status1xx"],
  ["weft_router_requests_total", ["2xx"], "status2xx"],
  ["weft_router_requests_total", ["3xx"], "status3xx"],
  ["weft_router_requests_total", ["4xx"], "status4xx"],
  ["weft_router_requests_total", ["5xx"], "status5xx"],
  ["weft_router_requests_total", ["none"], "statusNone"],
  ["weft_router_requests_active", [], "requestsActive"],
  ["weft_router_received_bytes_total", [], "receivedBytes"],
  ["weft_router_sent_bytes_total", [], "sentBytes"],
  ["weft_router_timeouts_total", [], "timeouts"],
  ["weft_router_mirrors_total", [], "mirrors"],
  ["weft_filter_faults_total", ["delay"], "faultDelays"],
  ["weft_filter_faults_total", ["abort"], "faultAborts"],
  ["weft_filter_cors_preflights_total", [], "corsPreflights"],
];

const HISTOGRAMS: readonly HistogramSeries<RouteStats>[] = [["weft_router_request_duration_seconds", "durationUs"]];
