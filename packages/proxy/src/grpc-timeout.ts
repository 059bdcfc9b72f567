import { type Fields, fieldValue, type RequestHead } from "@weft/contract";
import { GRPC_TIMEOUT_MS_MAX } from "./limits.ts";

const TIMEOUT_FIELD = "grpc-timeout";

/** Milliseconds of each unit (grpc/doc/PROTOCOL-HTTP2.md). */
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** The largest number that the field has place for. */
const VALUE_MAX = 99_999_999;

/**
 * How long the caller of gRPC waits, in milliseconds; 0 for any time, which is also how a value that cannot be read is
 * taken. A deadline that has passed already, or is about to, is 1 ms away.
 */
export function grpcTimeoutMs(fields: Fields): number {
  const text = fieldValue(fields, TIMEOUT_FIELD);
  if (text === undefined || !/^[0-9]{1,8}[HMSmun]$/.test(text)) return 0;
  const timeoutMs = Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? 0);
  return Math.min(Math.max(1, timeoutMs), GRPC_TIMEOUT_MS_MAX);
}

/** `head` with what is left of its caller's time; the same head while all of it is left. */
export function withGrpcTimeout(head: RequestHead, leftMs: number): RequestHead {
  const { fields } = head;
  // Less than a millisecond is not worth another head, which encoders do not know yet.
  if (grpcTimeoutMs(fields) - leftMs < 1) return head;
  const timed: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    timed.push(name, name === TIMEOUT_FIELD ? grpcTimeout(leftMs) : (fields[index + 1] ?? ""));
  }
  return head.withFields(timed);
}

/** Rounded down: the host is to give up no later than the caller. */
function grpcTimeout(ms: number): string {
  const whole = Math.max(1, Math.floor(ms));
  return whole <= VALUE_MAX ? `${whole}m` : `${Math.floor(whole / 1000)}S`;
}
