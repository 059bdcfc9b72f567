import type { RequestHead, ResetReason, ResponseHead } from "@weft/contract";
import { fieldValue } from "@weft/contract";
import { isGrpcRequest } from "./answer.ts";
import type { CompiledRetry } from "./router/index.ts";
import type { UpstreamTry } from "./upstream-try.ts";

/**
 * Whether a request may be tried again: `unprocessed` even without a policy, because no host has begun to work on it;
 * `policy` because the route says so.
 */
export type RetryVerdict = "no" | "unprocessed" | "policy";

/** Methods that may be sent twice without harm (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** True also for WebSocket over HTTP/2: its CONNECT is a GET in HTTP/1, and what the client says waits for the answer. */
function isRepeatable({ method, upgrade }: RequestHead): boolean {
  return IDEMPOTENT.has(method) || (method === "CONNECT" && upgrade !== "");
}

/** What to do about a try that ended without an answer. */
export function judgeFailure(
  retry: CompiledRetry | null,
  reason: ResetReason,
  head: RequestHead,
  attempt: UpstreamTry,
): RetryVerdict {
  switch (reason) {
    case "connect":
    case "refused":
      return retry?.has("connect-failure") === true ? "policy" : "unprocessed";
    case "connection":
      // The host may close an idle connection at the moment we use it: almost surely it never saw the request.
      if (attempt.isOnReusedConnection && isRepeatable(head)) return "unprocessed";
      return judgeCondition(retry, "reset", head);
    case "timeout":
      return judgeCondition(retry, "timeout", head);
    case "internal":
    case "protocol":
    case "cancelled":
      return judgeCondition(retry, "reset", head);
    case "too-large":
    case "overloaded":
      return "no";
  }
}

/** True when an answer is to be thrown away for another try. */
export function judgeStatus(
  retry: CompiledRetry | null,
  head: ResponseHead,
  isEnd: boolean,
  request: RequestHead,
): boolean {
  if (retry === null || !retry.allowsMethod(request.method)) return false;
  if (retry.hasStatus(head.status)) return true;
  // A gRPC error without messages comes as a lone head (trailers-only).
  const grpcStatus = isEnd && retry.has("grpc-status") ? fieldValue(head.fields, "grpc-status") : undefined;
  return grpcStatus !== undefined && retry.hasGrpcStatus(Number(grpcStatus));
}

/** True for answers that are worth holding back: gRPC says how a call went after all else, and may break off before. */
export function isWorthHolding(retry: CompiledRetry, head: ResponseHead, request: RequestHead): boolean {
  return head.status === 200 && retry.has("reset") && retry.allowsMethod(request.method) && isGrpcRequest(request);
}

function judgeCondition(retry: CompiledRetry | null, condition: "reset" | "timeout", head: RequestHead): RetryVerdict {
  return retry !== null && retry.has(condition) && retry.allowsMethod(head.method) ? "policy" : "no";
}
