import type { TargetResult } from "../targets.ts";
import type { ConnectionsMeasurements } from "./connections-bench.ts";
import type { ConnectionsRow, Mishap } from "./connections-row.ts";
import type { ConnectionsPlan } from "./plan.ts";
import { ALL_TO_ALL } from "./scenarios.ts";

const HEARTBEAT_CPU_RATIO_MAX = 0.2;
const IDLE_CORES_MAX = 0.1;
const CONNECTION_KB_MAX = 4;
/** Seconds, where traffic flows or flowed within the last minute. */
const NOTICE_BUSY_MAX = 5;
/** Seconds beyond what the period may stretch to. */
const NOTICE_QUIET_EXTRA_MAX = 4;

/** What the data plane with adaptive heartbeats is held to, connected to every host. */
export function evaluateConnectionsTargets(
  { rows, uncut }: ConnectionsMeasurements,
  { heartbeat }: ConnectionsPlan,
): readonly TargetResult[] {
  const find = (mode: ConnectionsRow["heartbeat"]): ConnectionsRow | undefined =>
    rows.find((row) => row.scenario === ALL_TO_ALL.name && row.heartbeat === mode);
  const adaptive = find("adaptive");
  const ratio = (adaptive?.quiet_heartbeat_cores ?? Number.NaN) / (find("fixed")?.quiet_heartbeat_cores ?? Number.NaN);
  const quietMax = heartbeat.periodMsMax / 1000 + NOTICE_QUIET_EXTRA_MAX;
  const noticed = (mishap: Mishap, limit: number, what: string): TargetResult => {
    const reason = mishap === "cut" ? uncut : "";
    const value = adaptive?.noticed_seconds?.[mishap]?.p99 ?? null;
    return judge(`time to notice a host that is ${what}, p99`, limit, "s", value, reason);
  };
  return [
    judge("CPU of heartbeats on quiet connections, adaptive vs fixed", HEARTBEAT_CPU_RATIO_MAX, "ratio", ratio),
    judge(
      `CPU of holding ${adaptive?.connections ?? 0} quiet connections`,
      IDLE_CORES_MAX,
      "cores",
      adaptive?.quiet_cores,
    ),
    judge("memory per idle long connection", CONNECTION_KB_MAX, "KB", adaptive?.rss_kb_per_connection),
    noticed("busy", NOTICE_BUSY_MAX, "frozen under traffic"),
    noticed("recent", NOTICE_BUSY_MAX, "frozen after traffic within the last minute"),
    noticed("frozen", quietMax, "frozen, on quiet connections"),
    noticed("cut", quietMax, "cut off, on quiet connections"),
  ];
}

function judge(
  name: string,
  limit: number,
  unit: TargetResult["unit"],
  found: number | null | undefined,
  reason: string = "",
): TargetResult {
  const value = found === undefined || Number.isNaN(found) ? null : found;
  return { name, limit, unit, value, ok: value !== null && value <= limit, reason };
}
