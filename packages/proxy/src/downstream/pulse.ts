import type { ListenerConfig, ServerSession, SessionProtocol } from "@weft/contract";
import type { Transport } from "@weft/kernel";
import { Heartbeat, keepAliveByTcp } from "../upstream/index.ts";
import type { ListenerRuntime } from "./listener-runtime.ts";

/** The heartbeat of a new connection; where its protocol has none that we may send, the system asks (TCP). */
export function createHeartbeat(
  { config: { heartbeat }, random }: ListenerRuntime,
  protocol: SessionProtocol,
  transport: Transport,
  nowMs: number,
): Heartbeat | null {
  if (heartbeat.mode === "off") return null;
  if (protocol === "http2" || protocol === "dubbo") return new Heartbeat(heartbeat, random, nowMs);
  keepAliveByTcp(transport, heartbeat);
  return null;
}

/** How long a client may say nothing. Bolt clients ask for signs of life themselves: those that do not are gone. */
export function idleMsMaxOf({ idleTimeoutMs, heartbeat }: ListenerConfig, protocol: SessionProtocol): number {
  if (protocol !== "bolt" || heartbeat.mode === "off" || heartbeat.peerIdleTimeoutMs === 0) return idleTimeoutMs;
  return Math.min(idleTimeoutMs, heartbeat.peerIdleTimeoutMs);
}

/** Does what the heartbeat's schedule says; true when the client gives no sign of life any more. */
export function isPulseLost(
  heartbeat: Heartbeat,
  session: ServerSession,
  { heartbeats, clientSilenceUs }: ListenerRuntime["stats"],
  nowMs: number,
): boolean {
  switch (heartbeat.look(nowMs)) {
    case "beat":
      if (!session.ping()) {
        heartbeat.excuse(nowMs);
        return false;
      }
      heartbeats.sent++;
      heartbeat.sent(nowMs);
      return false;
    case "replaced":
      heartbeats.replaced++;
      return false;
    case "answered":
      heartbeats.answered++;
      return false;
    case "missed":
      heartbeats.missed++;
      return false;
    case "dead":
      heartbeats.missed++;
      clientSilenceUs.record((nowMs - heartbeat.heardMs) * 1000);
      return true;
    case "wait":
      return false;
  }
}
