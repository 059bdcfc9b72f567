/**
 * What the access log says about one request. It names no header but User-Agent and the request's id: credentials
 * cannot slip in. Texts are logged as they came, control characters escaped, long ones cut.
 */
export interface AccessRecord {
  /** When the request began, in milliseconds since 1970. */
  readonly startMs: number;
  readonly durationMs: number;
  /** "" for plain TCP; also authority and path: in requests that were refused before they could be read. */
  readonly method: string;
  readonly authority: string;
  /** With query; the values of parameters that are known to carry credentials are masked. */
  readonly path: string;
  /** "HTTP/1.0", "HTTP/1.1", "HTTP/2", "Bolt", "Dubbo", "TCP". */
  readonly protocol: string;
  /** As sent to the client; 0 when there was no answer. */
  readonly status: number;
  /** -1 for requests that are not gRPC. */
  readonly grpcStatus: number;
  /** Bytes of the request's and of the answer's body. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Name of the listener that it came to. */
  readonly listener: string;
  /** Route, cluster and host ("address:port"); "" where it did not come to that. */
  readonly route: string;
  /** Which of the route's rules: its name, or its place ("rules[5]"); "" without a route. */
  readonly rule: string;
  readonly cluster: string;
  readonly host: string;
  /** Tries; 0 when the proxy answered itself. */
  readonly attempts: number;
  /** A reset reason or an error code; "" when all went well. */
  readonly error: string;
  /** "address:port" of the client. */
  readonly client: string;
  /** 32 hex digits, or "". */
  readonly traceId: string;
  readonly userAgent: string;
  /** Value of x-request-id, or "". */
  readonly requestId: string;
}
