import type { Answer, Refusal } from "@weft/contract";
import { refusalAnswer } from "./answer.ts";
import type { DownstreamConnection } from "./downstream/index.ts";
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
      client: `${peer.address}:${peer.port}`,
      traceId: "",
      userAgent: "",
      requestId: "",
    });
  }
  return answer === null ? null : { head: deps.dates.dated(answer.head), body: answer.body };
}
