import {
  type Answer,
  type ClusterConfig,
  fieldValue,
  type ListenerConfig,
  type RequestHead,
  ResponseHead,
} from "@weft/contract";
import { type AnswerCode, isGrpcRequest, METHODS_ALLOWED } from "./answer.ts";
import type { DownstreamConnection } from "./downstream/index.ts";
import { grpcTimeoutMs } from "./grpc-timeout.ts";
import type { RouteDecision, RouteTable } from "./router/index.ts";

/** The answer to OPTIONS for the server as a whole, or from the last proxy that it may come to (RFC 9110 section 9.3.7). */
const OPTIONS_ANSWER: Answer = {
  head: new ResponseHead(200, ["allow", METHODS_ALLOWED, "content-length", "0"], 0),
  body: Buffer.alloc(0),
};

/**
 * What the listener itself has to say to a request before its route acts: the code of a refusal, an answer, or null,
 * and the request goes on; it has a route then.
 */
export function judgeRequest(
  { listener }: DownstreamConnection,
  head: RequestHead,
  table: RouteTable,
  decision: RouteDecision | undefined,
): AnswerCode | Answer | null {
  const own = judgeHead(listener.config, head, decision);
  if (own !== null || decision !== undefined) return own;
  const code = table.refusal(head)?.code ?? "ROUTER_NO_MATCH";
  if (code === "ROUTER_NO_MATCH") listener.stats.noMatch++;
  return code;
}

/** What a listener with this configuration says to a request whatever its route, by its head alone; null for nothing. */
export function judgeHead(
  { isEdge, bodyBytesMax }: ListenerConfig,
  head: RequestHead,
  decision: RouteDecision | undefined,
): AnswerCode | Answer | null {
  if (bodyBytesMax > 0 && head.contentLength > bodyBytesMax) return "PROXY_BODY_TOO_LARGE";
  if (head.method === "TRACE" && isTraceRefused(isEdge, head, decision)) return "PROXY_METHOD_REFUSED";
  if (head.method === "OPTIONS" && (isLastProxy(head) || (head.path === "*" && decision === undefined))) {
    return OPTIONS_ANSWER;
  }
  return null;
}

/** True when the hosts of a cluster speak what the request came in: calls are not translated from one protocol to another. */
export function isSpokenBy({ protocol }: ClusterConfig, { frame }: RequestHead): boolean {
  if (frame !== null) return frame.protocol === protocol;
  return protocol !== "bolt" && protocol !== "dubbo";
}

/** How long the caller waits, as RPC frames and calls of gRPC say; 0 for any time. */
export function callerTimeoutMs(head: RequestHead): number {
  if (head.frame !== null) return head.frame.timeoutMs;
  return isGrpcRequest(head) ? grpcTimeoutMs(head.fields) : 0;
}

/** How long a request may take: the shorter of what its route says and what the caller waits; 0 for any time. */
export function timeoutMsOf(routeTimeoutMs: number, callerTimeoutMs: number): number {
  if (routeTimeoutMs === 0 || callerTimeoutMs === 0) return routeTimeoutMs + callerTimeoutMs;
  return Math.min(routeTimeoutMs, callerTimeoutMs);
}

/**
 * TRACE sends a request back as it arrived, with what proxies added and with credentials that pages cannot read: from
 * outside it gets no further, unless a route names it; and we never reflect a request ourselves.
 */
function isTraceRefused(isEdge: boolean, head: RequestHead, decision: RouteDecision | undefined): boolean {
  return (isEdge && decision?.rule.method !== "TRACE") || isLastProxy(head);
}

/** Max-Forwards does not let the request go any further (RFC 9110 section 7.6.2). */
function isLastProxy(head: RequestHead): boolean {
  const left = fieldValue(head.fields, "max-forwards");
  return left !== undefined && /^0+$/.test(left);
}
