import type { LoadRound, Measurements } from "./measurement.ts";
import {
  HTTP1_SCENARIO,
  HTTP2_SCENARIO,
  IDLE_SCENARIO,
  LOAD_SCENARIOS,
  STREAM_SCENARIOS,
  TLS_SCENARIO,
} from "./scenario.ts";
import { median, medianRatio } from "./statistics.ts";

/** What this data plane is held to. */
export interface TargetResult {
  readonly name: string;
  /** At most. */
  readonly limit: number;
  readonly unit: "ratio" | "KB" | "MB" | "ms" | "s" | "cores" | "requests" | "connections";
  /** Null when it could not be measured. */
  readonly value: number | null;
  readonly ok: boolean;
  /** Which row a value is of where there are several, or why there is none; else "". */
  readonly reason: string;
}

/** Us. */
export const OWN_PEER = "weft";

interface Verdict {
  readonly value: number | null;
  readonly reason: string;
}

interface Target {
  readonly name: string;
  readonly limit: number;
  readonly unit: TargetResult["unit"];
  /** Faults of ours in these scenarios miss the target whatever the figures say. */
  readonly scenarios: readonly string[];
  readonly judge: (measurements: Measurements) => Verdict;
}

const CPU_RATIOS: readonly (readonly [name: string, scenario: string, peer: string, limit: number])[] = [
  ["HTTP/1.1, CPU per request, vs nginx", HTTP1_SCENARIO.name, "nginx", 1.4],
  ["HTTP/2 -> HTTP/2, CPU per request, vs HAProxy", HTTP2_SCENARIO.name, "HAProxy", 1.2],
  ["HTTP/2 -> HTTP/2, CPU per request, vs Caddy (Go)", HTTP2_SCENARIO.name, "Caddy", 0.15],
  ["TLS 1.3 + HTTP/2, CPU per request, vs HAProxy", TLS_SCENARIO.name, "HAProxy", 1.6],
];

const TARGETS: readonly Target[] = [
  ...CPU_RATIOS.map(([name, scenario, peer, limit]): Target => {
    return { name, limit, unit: "ratio", scenarios: [scenario], judge: (all) => judgeRatio(all, scenario, peer) };
  }),
  {
    name: "any row, CPU per request, vs node:http / node:http2",
    limit: 0.25,
    unit: "ratio",
    scenarios: LOAD_SCENARIOS.map(({ name }) => name),
    judge: judgeWorstRow,
  },
  {
    name: "memory per idle connection above an empty process, 15,000 connections",
    limit: 4,
    unit: "KB",
    scenarios: [IDLE_SCENARIO.name],
    judge: judgeIdle,
  },
  {
    name: "growth while a 1 GB body streams to a slow reader",
    limit: 32,
    unit: "MB",
    scenarios: STREAM_SCENARIOS.map(({ name }) => name),
    judge: judgeStreams,
  },
];

/** Every target, met, missed or not measured. */
export function evaluateTargets(measurements: Measurements): readonly TargetResult[] {
  return TARGETS.map(({ name, limit, unit, scenarios, judge }) => {
    const { value, reason } = judge(measurements);
    const fault = measurements.faults.find(({ peer, scenario }) => peer === OWN_PEER && scenarios.includes(scenario));
    const ok = value !== null && value <= limit && fault === undefined;
    const faultText = fault === undefined ? "" : `${OWN_PEER} failed in "${fault.scenario}": ${fault.reason}`;
    return { name, limit, unit, value, ok, reason: [reason, faultText].filter((text) => text !== "").join("; ") };
  });
}

/** CPU per request by round. */
export function cpuByRound(rounds: readonly LoadRound[], scenario: string, peer: string): ReadonlyMap<number, number> {
  const own = rounds.filter((round) => round.scenario === scenario && round.peer === peer);
  return new Map(own.map(({ round, cpu_us_per_request: cpu }) => [round, cpu]));
}

function judgeRatio({ load }: Measurements, scenario: string, peer: string): Verdict {
  const value = medianRatio(cpuByRound(load, scenario, OWN_PEER), cpuByRound(load, scenario, peer));
  return { value, reason: value === null ? `no round has both ${OWN_PEER} and ${peer}` : "" };
}

function judgeWorstRow(measurements: Measurements): Verdict {
  let worst: Verdict = { value: null, reason: "" };
  const missing: string[] = [];
  for (const { name, path } of LOAD_SCENARIOS) {
    const { value } = judgeRatio(measurements, name, path.downstream === "http1" ? "node:http" : "node:http2");
    if (value === null) missing.push(name);
    else if (worst.value === null || value > worst.value) worst = { value, reason: `the worst row is "${name}"` };
  }
  if (missing.length === 0) return worst;
  // "Any row" is not known to hold while a row is missing.
  return { value: null, reason: `no round has both in ${missing.map((name) => `"${name}"`).join(", ")}` };
}

function judgeIdle({ memory }: Measurements): Verdict {
  const own = memory.filter(({ scenario, peer }) => scenario === IDLE_SCENARIO.name && peer === OWN_PEER);
  const values = own.flatMap(({ connection_kb: kb }) => kb ?? []);
  return values.length === 0 ? { value: null, reason: "not measured" } : { value: median(values), reason: "" };
}

function judgeStreams({ memory }: Measurements): Verdict {
  let worst: Verdict = { value: null, reason: "" };
  for (const { name } of STREAM_SCENARIOS) {
    const own = memory.filter(({ scenario, peer }) => scenario === name && peer === OWN_PEER);
    const values = own.flatMap(({ growth_mb: mb }) => mb ?? []);
    if (values.length === 0) return { value: null, reason: `not measured: "${name}"` };
    const value = median(values);
    if (worst.value === null || value > worst.value) worst = { value, reason: `the worst row is "${name}"` };
  }
  return worst;
}
