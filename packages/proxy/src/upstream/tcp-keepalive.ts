import type { HeartbeatConfig } from "@weft/contract";
import type { Transport } from "@weft/kernel";

/**
 * Has the system ask for signs of life on a connection whose protocol has no heartbeat (HTTP/1, tunnels). It finds peers
 * that were cut off or lost power, `missesMax` seconds after `periodMs` of silence; not a frozen process, whose system
 * answers for it, and not while bytes of ours wait to be acknowledged, for which TCP has its own patience: there the
 * deadlines of requests and streams decide.
 */
export function keepAliveByTcp(transport: Transport, { mode, periodMs, missesMax }: HeartbeatConfig): void {
  if (mode !== "off") transport.keepAlive(periodMs, missesMax);
}
