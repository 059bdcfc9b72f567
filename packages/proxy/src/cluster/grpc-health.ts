import { GRPC_HEALTH_BYTES_MAX } from "./limits.ts";

// grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md):
//     message HealthCheckRequest  { string service = 1; }
//     message HealthCheckResponse { ServingStatus status = 1; }     UNKNOWN 0, SERVING 1, NOT_SERVING 2
// Each message goes as: 1 byte compressed flag | 4 bytes length | message.

const PREFIX_BYTES = 5;
const SERVICE_TAG = 0x0a;
const STATUS_TAG = 0x08;
const STATUS_NAMES: readonly string[] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const SERVING = 1;

/** The body of a Check call for `service`; "" asks about the server as a whole. */
export function grpcHealthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const field = name.length === 0 ? name : Buffer.concat([Buffer.of(SERVICE_TAG), varint(name.length), name]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(field.length, 1);
  return Buffer.concat([prefix, field]);
}

/** Collects the answer of a Check call and judges it. */
export class GrpcHealthAnswer {
  #bytes: Buffer = Buffer.alloc(0);
  #httpStatus: number = 0;
  #grpcStatus: string = "";
  #grpcMessage: string = "";

  /** Headers, or trailers. */
  takeHeaders(headers: Readonly<Record<string, string | string[] | number | undefined>>): void {
    this.#httpStatus = Number(headers[":status"] ?? this.#httpStatus);
    this.#grpcStatus = String(headers["grpc-status"] ?? this.#grpcStatus);
    this.#grpcMessage = String(headers["grpc-message"] ?? this.#grpcMessage);
  }

  /** A piece of the body; what is wrong with it, or null. */
  takeBytes(chunk: Buffer): string | null {
    if (this.#bytes.length + chunk.length > GRPC_HEALTH_BYTES_MAX) {
      return `an answer of more than ${GRPC_HEALTH_BYTES_MAX} bytes`;
    }
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    return null;
  }

  /** What is wrong with the whole answer; null when it says SERVING. */
  verdict(): string | null {
    if (this.#httpStatus !== 200) return `status ${this.#httpStatus}`;
    if (this.#grpcStatus !== "0") {
      const status = this.#grpcStatus === "" ? "no grpc-status" : `grpc-status ${this.#grpcStatus}`;
      return this.#grpcMessage === "" ? status : `${status}: ${this.#grpcMessage}`;
    }
    const status = decodeStatus(this.#bytes);
    if (status === SERVING) return null;
    return status < 0 ? "an answer that is no health message" : (STATUS_NAMES[status] ?? `serving status ${status}`);
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** The status of an answer, which a field left out makes 0; -1 when these are not the bytes of one. */
function decodeStatus(bytes: Buffer): number {
  if (bytes.length < PREFIX_BYTES || bytes[0] !== 0) return -1;
  const length = bytes.readUInt32BE(1);
  if (bytes.length !== PREFIX_BYTES + length) return -1;
  if (length === 0) return 0;
  // Statuses are small: one byte of varint, and no other field is defined.
  const value = bytes[PREFIX_BYTES + 1] ?? 0;
  return length === 2 && bytes[PREFIX_BYTES] === STATUS_TAG && value < 128 ? value : -1;
}
