import type { Answer, Refusal } from "@weft/contract";
import { refusalAnswer } from "./answer.ts";
import { hostKey } from "./cluster/index.ts";
import type { DownstreamConnection } from "./downstream/index.ts";
import { createRequestId, withRequestId } from "./filter/index.ts";
import { PROTOCOL_NAMES } from "./protocol-names.ts";
import type { RequestPathDeps } from "./request-path-deps.ts";

/** The answer to a request that never came to an `Exchange`, because its codec refused it; the access log is told. */
export function refuseRequest(
  deps: RequestPathDeps,
  connection: DownstreamConnection,
  refusal: Refusal,
  startedMs: number,
): Answer | null {
  const answer = refusalAnswer(refusal);
  const durationMs = deps.clock.nowMs() - startedMs;
  const { accessLog } = deps;
  const { requestId: naming, echoesRequestId } = connection.listener.config;
  // What the client called it may be what is wrong with it.
  const requestId = naming === "pass" ? "" : createRequestId(deps.random);
  const { status, method, authority, path, code } = refusal;
  if (accessLog.isOn && accessLog.isWanted(status, durationMs, "")) {
    const { peer, listener } = connection;
    accessLog.record({
      startMs: deps.clock.wallMs() - durationMs,
      durationMs,
      method,
      authority,
      path,
      protocol: PROTOCOL_NAMES[peer.protocol].log,
      status,
      grpcStatus: -1,
      receivedBytes: 0,
      sentBytes: answer === null || method === "HEAD" ? 0 : answer.body.length,
      listener: listener.config.name,
      route: "",
      rule: "",
      cluster: "",
      host: "",
      attempts: 0,
      error: code,
      client: hostKey(peer.address, peer.port),
      traceId: "",
      userAgent: "",
      requestId,
    });
  }
  if (answer === null) return null;
  const head = deps.dates.dated(answer.head);
  return { head: echoesRequestId ? withRequestId(head, requestId) : head, body: answer.body };
}
