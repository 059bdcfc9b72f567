import type { ClusterConfig, ListenerConfig, RequestHead } from "@weft/contract";
import { isGrpcRequest } from "./answer.ts";

/** How long a client was kept from sending, all in all; see `HeldTime`. */
export interface HeldClock {
  totalMs(nowMs: number): number;
}

/** What a listener asks of the pace of bodies. */
export type PaceRule = Pick<ListenerConfig, "bodyBytesPerSecondMin" | "streamIdleTimeoutMs">;

/**
 * Looks whether a client sends the body of its request fast enough, whenever a piece of it comes: whoever sends nothing
 * at all is found by the idle timer. The time in which we kept the client from sending is not the client's.
 *
 *     look                          look
 *      |  10 s  |  held 500 s  | 290 s |        300 s of its own: 72,000 bytes must have come
 */
export class BodyPace {
  readonly #held: HeldClock;
  #lookedAtMs: number;
  #heldMs: number;
  #receivedBytes: number;

  /** `receivedBytes` of the body have come until `nowMs`. */
  constructor(held: HeldClock, nowMs: number, receivedBytes: number) {
    this.#held = held;
    this.#lookedAtMs = nowMs;
    this.#heldMs = held.totalMs(nowMs);
    this.#receivedBytes = receivedBytes;
  }

  /** Another body begins. */
  restart(nowMs: number, receivedBytes: number): void {
    this.#lookedAtMs = nowMs;
    this.#heldMs = this.#held.totalMs(nowMs);
    this.#receivedBytes = receivedBytes;
  }

  /** True when a stream's idle time of the client's own has passed since the last look, and too few bytes came in it. */
  isTooSlow(rule: PaceRule, nowMs: number, receivedBytes: number): boolean {
    const periodMs = rule.streamIdleTimeoutMs;
    const heldMs = this.#held.totalMs(nowMs) - this.#heldMs;
    if (nowMs - this.#lookedAtMs - heldMs < periodMs) return false;
    const isSlow = (receivedBytes - this.#receivedBytes) * 1000 < rule.bodyBytesPerSecondMin * periodMs;
    this.restart(nowMs, receivedBytes);
    return isSlow;
  }
}

/**
 * True for a body that may pause by nature: a tunnel's; one that may wait for the answer, which has begun, unless its length
 * was announced; one that may wait for events, as in calls of gRPC. Whoever only says that it speaks gRPC, to hosts that cannot, has no such right.
 */
export function mayPause(head: RequestHead, hasAnswerBegun: boolean, cluster: ClusterConfig | undefined): boolean {
  if (head.upgrade !== "" || head.method === "CONNECT") return true;
  if (hasAnswerBegun && head.contentLength < 0) return true;
  return cluster !== undefined && canSpeakHttp2(cluster) && isGrpcRequest(head);
}

function canSpeakHttp2({ protocol, tls }: ClusterConfig): boolean {
  return protocol === "http2" || (protocol === "http" && tls !== null);
}
