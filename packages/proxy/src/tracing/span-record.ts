/** What both kinds of span say about the request; read from its head once, so that the head itself can be freed. */
export interface SpanRequest {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly userAgent: string;
  readonly isGrpc: boolean;
  readonly listener: string;
  readonly protocolName: string;
  readonly protocolVersion: string;
  readonly clientAddress: string;
  readonly clientPort: number;
}

/** A try after the first one, as an event on the server span. */
export interface RetryEvent {
  /** Microseconds since 1970. */
  readonly timeUs: number;
  readonly attempt: number;
  readonly cluster: string;
  readonly host: string;
  /** Why the try before failed. */
  readonly reason: string;
}

/** A span as it waits for delivery; a server span has no host, a client span no route. */
export interface SpanRecord {
  readonly kind: "server" | "client";
  readonly traceId: string;
  readonly spanId: string;
  /** "" for the first span of a trace. */
  readonly parentId: string;
  /** Whether the parent is another process's span. */
  readonly isParentRemote: boolean;
  readonly isRandom: boolean;
  readonly request: SpanRequest;
  /** Microseconds since 1970. */
  readonly startUs: number;
  readonly endUs: number;
  readonly route: string;
  readonly cluster: string;
  readonly host: string;
  /** From 1; tries of the request so far on a server span. */
  readonly attempt: number;
  readonly status: number;
  readonly grpcStatus: number;
  readonly error: string;
  readonly retries: readonly RetryEvent[];
}
