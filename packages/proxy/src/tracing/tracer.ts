import type { Fields, RequestHead } from "@weft/contract";

/** What a span says about where a request came in. */
export interface SpanFacts {
  readonly listener: string;
  /** As OpenTelemetry writes `network.protocol.version`: "1.0", "1.1", "2". */
  readonly protocolVersion: string;
  /** True when the client's connection uses TLS. */
  readonly isTls: boolean;
  readonly clientAddress: string;
  readonly clientPort: number;
}

/** Begins spans. */
export interface Tracer {
  /** False: nothing is recorded; trace context passes unchanged and the request path need not ask further. */
  readonly isOn: boolean;
  /**
   * A span for this request if its trace is sampled: by the caller (a valid `traceparent` with the sampled flag), or by
   * chance where the caller sent none. Null otherwise; the request's fields then go on unchanged.
   */
  begin(head: RequestHead, facts: SpanFacts): Span | null;
  /** Delivers what was recorded, within a deadline. */
  close(): Promise<void>;
}

/** The server span: from the request's head to the end of the answer. */
export interface Span {
  /** 32 hex digits, for the access log. */
  readonly traceId: string;
  /** Names the route; the span is called "METHOD route". */
  setRoute(route: string): void;
  /** Begins the client span of one try; `attempt` counts from 1. */
  beginTry(cluster: string, host: string, attempt: number): TrySpan;
  /** Ends it. `status` as sent to the client (0: no answer), `grpcStatus` -1 if not gRPC, `error` code or reason or "". */
  end(status: number, grpcStatus: number, error: string): void;
}

/** The client span of one try at a host. */
export interface TrySpan {
  /** `fields` with this try's `traceparent`; `tracestate` stays if it belongs to the same trace. */
  forward(fields: Fields): Fields;
  /** Ends it. `status` as the host answered (0: no answer), `error` a reset reason or "". */
  end(status: number, grpcStatus: number, error: string): void;
}
