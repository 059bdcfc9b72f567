import type { Measurements } from "../measurement.ts";
import { medianRatio } from "../statistics.ts";
import { OWN_PEER, type TargetResult } from "../targets.ts";
import { BOLT_SCENARIO } from "./bolt-bench.ts";
import { BOLT_RIVAL } from "./bolt-peers.ts";

/** Times the CPU that HAProxy needs to pass on the same bytes without reading any. */
const CPU_RATIO_MAX = 1.5;

/** What a sidecar's CPU per call is held to; missed also where a round of ours failed. */
export function evaluateBoltTargets({ load, faults }: Measurements): readonly TargetResult[] {
  const cpuOf = (name: string): ReadonlyMap<number, number> =>
    new Map(load.filter(({ peer }) => peer === name).map((row) => [row.round, row.cpu_us_per_request]));
  const value = medianRatio(cpuOf(OWN_PEER), cpuOf(BOLT_RIVAL));
  const fault = faults.find(({ peer }) => peer === OWN_PEER);
  const reasons = [
    value === null ? "no round has both" : "",
    fault === undefined ? "" : `${OWN_PEER} failed: ${fault.reason}`,
  ];
  return [
    {
      name: `${BOLT_SCENARIO}, CPU per request, vs HAProxy in TCP mode`,
      limit: CPU_RATIO_MAX,
      unit: "ratio",
      value,
      ok: value !== null && value <= CPU_RATIO_MAX && fault === undefined,
      reason: reasons.filter((reason) => reason !== "").join("; "),
    },
  ];
}
