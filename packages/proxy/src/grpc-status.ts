import { type Fields, fieldValue } from "@weft/contract";

/** gRPC status of a request that is not gRPC, or whose status is not known. */
export const GRPC_NONE = -1;

/** The gRPC status that an answer's fields carry, or `GRPC_NONE`. */
export function grpcStatusOf(fields: Fields): number {
  const text = fieldValue(fields, "grpc-status");
  return text === undefined || !/^[0-9]{1,2}$/.test(text) ? GRPC_NONE : Number(text);
}

/**
 * True for statuses that are the server's failure, as 500 and above are in HTTP, which says 200 beside them: UNKNOWN,
 * DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS (OpenTelemetry's RPC conventions, Envoy's mapping).
 */
export function isGrpcFailure(status: number): boolean {
  switch (status) {
    case 2:
    case 4:
    case 12:
    case 13:
    case 14:
    case 15:
      return true;
    default:
      return false;
  }
}
