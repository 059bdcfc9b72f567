import type { Retry, RetryCondition } from "@weft/contract";

/** The bit of each retry condition in `CompiledRetry.conditions`. */
export const RETRY_BITS: Readonly<Record<RetryCondition, number>> = {
  "connect-failure": 1,
  reset: 2,
  timeout: 4,
  "gateway-error": 8,
  "5xx": 16,
  status: 32,
  "grpc-status": 64,
};

/** A retry policy in the form in which it is asked: bits and tables. */
export class CompiledRetry {
  readonly retriesMax: number;
  /** `RETRY_BITS`, or-ed. */
  readonly conditions: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  readonly perTryTimeoutMs: number;
  readonly retriesNonIdempotent: boolean;
  /** 1 at each status that is tried again. */
  readonly #statuses: Uint8Array;
  readonly #grpcStatuses: Uint8Array;

  constructor(retry: Retry) {
    this.retriesMax = retry.retriesMax;
    let conditions = 0;
    for (const condition of retry.on) conditions |= RETRY_BITS[condition];
    this.conditions = conditions;
    this.backoffBaseMs = retry.backoffBaseMs;
    this.backoffMaxMs = retry.backoffMaxMs;
    this.perTryTimeoutMs = retry.perTryTimeoutMs;
    this.retriesNonIdempotent = retry.retriesNonIdempotent;
    this.#statuses = new Uint8Array(600);
    this.#grpcStatuses = new Uint8Array(17);
    if (this.has("5xx")) this.#statuses.fill(1, 500, 600);
    if (this.has("gateway-error")) this.#statuses.fill(1, 502, 505);
    if (this.has("status")) for (const status of retry.statuses) this.#statuses[status] = 1;
    if (this.has("grpc-status")) for (const status of retry.grpcStatuses) this.#grpcStatuses[status] = 1;
  }

  has(condition: RetryCondition): boolean {
    return (this.conditions & RETRY_BITS[condition]) !== 0;
  }

  /** Whether an answer with this HTTP status is tried again (`gateway-error`: 502 to 504, `5xx`, `status`). */
  hasStatus(status: number): boolean {
    return this.#statuses[status] === 1;
  }

  /** Whether an answer with this gRPC status is tried again. */
  hasGrpcStatus(status: number): boolean {
    return this.#grpcStatuses[status] === 1;
  }

  /** Whether a request that its peer may have processed may be sent again (RFC 9110 section 9.2.2). */
  allowsMethod(method: string): boolean {
    if (this.retriesNonIdempotent) return true;
    switch (method) {
      case "GET":
      case "HEAD":
      case "PUT":
      case "DELETE":
      case "OPTIONS":
      case "TRACE":
        return true;
      default:
        return false;
    }
  }
}
