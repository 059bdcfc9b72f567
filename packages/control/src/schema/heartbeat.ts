import type { PolicyHeartbeat } from "@weft/contract";
import type * as z from "zod";
import { WORLD_DEFAULTS } from "../compile/defaults.ts";
import { durationMs } from "../load/duration.ts";
import {
  checked,
  decimal,
  duration,
  integer,
  object,
  optional,
  positiveDuration,
  type Report,
  word,
} from "./fields.ts";

function checkHeartbeat(value: PolicyHeartbeat, report: Report): void {
  const { mode, period, periodMax, timeout, peerIdleTimeout } = value;
  const { heartbeat: defaults } = WORLD_DEFAULTS.cluster.pool;
  const periodMs = durationMs(period, 0);
  const idleMs = durationMs(peerIdleTimeout, defaults.peerIdleTimeoutMs);
  const timeoutMs = durationMs(timeout, Math.min(defaults.timeoutMs, idleMs / 2));
  if (mode === "fixed" && periodMax !== undefined) report(["periodMax"], 'no periodMax where mode is "fixed"');
  if (periodMax !== undefined && durationMs(periodMax, 0) < periodMs) {
    report(["periodMax"], `at least the period, ${period}`);
  }
  if (idleMs === 0) return;
  if (idleMs <= timeoutMs) {
    const field = peerIdleTimeout === undefined ? "timeout" : "peerIdleTimeout";
    const expected = field === "timeout" ? `less than peerIdleTimeout, ${idleMs} ms` : `more than the timeout`;
    report([field], `${expected}: a heartbeat and its answer go between two idle closes of the peer`);
    return;
  }
  for (const [field, text] of [
    ["period", period],
    ["periodMax", periodMax],
  ] as const) {
    if (text === undefined || durationMs(text, 0) <= idleMs - timeoutMs) continue;
    report([field], `at most ${idleMs - timeoutMs} ms: peerIdleTimeout (${idleMs} ms) less the timeout of an answer`);
  }
}

/** How silent connections are asked for signs of life, on either side of the proxy. */
export const heartbeat: z.ZodType<PolicyHeartbeat> = checked(
  object({
    mode: optional(word(["adaptive", "fixed", "off"])),
    period: optional(positiveDuration),
    periodMax: optional(positiveDuration),
    timeout: optional(positiveDuration),
    misses: optional(integer(1, 100)),
    peerIdleTimeout: optional(duration),
    jitter: optional(decimal(0, 50)),
  }),
  checkHeartbeat,
);
