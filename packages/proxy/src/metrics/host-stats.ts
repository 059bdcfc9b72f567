import { Histogram } from "@weft/kernel";
import type { SnapshotBuilder } from "./snapshot.ts";

/** What happens at one host. Looked up when the host is made, never per request. */
export class HostStats {
  /** "address:port". */
  readonly key: string;
  succeeded: number = 0;
  failed: number = 0;
  requestsActive: number = 0;
  durationUs: Histogram = new Histogram();

  constructor(key: string) {
    this.key = key;
  }

  /** Counts a try that has ended at this host, with its duration in microseconds. */
  record(isSuccess: boolean, durationUs: number): void {
    if (isSuccess) this.succeeded++;
    else this.failed++;
    this.durationUs.record(durationUs);
  }

  /** Adds this host's series. */
  addTo(builder: SnapshotBuilder, cluster: string): void {
    const own = [cluster, this.key];
    builder.number("weft_upstream_requests_total", [...own, "success"], this.succeeded);
    builder.number("weft_upstream_requests_total", [...own, "failure"], this.failed);
    builder.number("weft_upstream_requests_active", own, this.requestsActive);
    builder.histogram("weft_upstream_request_duration_seconds", own, this.durationUs.snapshot());
  }
}
