import type { HeartbeatConfig, PolicyHeartbeat } from "@weft/contract";
import { durationMs } from "../load/duration.ts";

/** Periods that are not spelled out follow those that are, so that every part of a valid policy has its effect. */
export function heartbeatOf(policy: PolicyHeartbeat, defaults: HeartbeatConfig): HeartbeatConfig {
  const peerIdleTimeoutMs = durationMs(policy.peerIdleTimeout, defaults.peerIdleTimeoutMs);
  const fittingMs = peerIdleTimeoutMs === 0 ? defaults.timeoutMs : Math.min(defaults.timeoutMs, peerIdleTimeoutMs / 2);
  const timeoutMs = durationMs(policy.timeout, fittingMs);
  const longestMs = peerIdleTimeoutMs === 0 ? Number.POSITIVE_INFINITY : peerIdleTimeoutMs - timeoutMs;
  const wantedMsMax = durationMs(policy.periodMax, defaults.periodMsMax);
  const periodMs = durationMs(policy.period, Math.min(defaults.periodMs, wantedMsMax, longestMs));
  return {
    mode: policy.mode ?? defaults.mode,
    periodMs,
    periodMsMax: Math.max(periodMs, Math.min(wantedMsMax, longestMs)),
    timeoutMs,
    missesMax: policy.misses ?? defaults.missesMax,
    peerIdleTimeoutMs,
    jitter: policy.jitter === undefined ? defaults.jitter : policy.jitter / 100,
  };
}
