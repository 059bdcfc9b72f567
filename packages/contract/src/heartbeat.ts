/**
 * How a connection that says nothing is asked for a sign of life (HTTP/2 PING, the heartbeats of Bolt and Dubbo; TCP
 * keepalive where the protocol has none), and when the peer counts as dead.
 */
export interface HeartbeatConfig {
  /**
   * `adaptive`: the period doubles with each answer up to `periodMsMax`, falls back to `periodMs` when something fails,
   * and whatever looks wrong is asked about at once. `fixed`: always `periodMs`. `off`: nobody is asked.
   */
  readonly mode: "adaptive" | "fixed" | "off";
  /** Silence after which the peer is asked: traffic in either period takes the heartbeat's place. */
  readonly periodMs: number;
  /** What the period is stretched to. */
  readonly periodMsMax: number;
  /** How long one answer may take. */
  readonly timeoutMs: number;
  /** So many times `timeoutMs` without a byte after a heartbeat, and the peer is dead. */
  readonly missesMax: number;
  /** When the peer closes a connection that is idle, so that no period outlasts it; 0 for never. */
  readonly peerIdleTimeoutMs: number;
  /** 0 to 0.5: share of each period that is taken off by chance, so that peers do not beat together. */
  readonly jitter: number;
}
