import type { HeartbeatMode } from "./data-plane.ts";
import type { NoticeTimes } from "./notice.ts";

/** What happens to hosts, and what their connections carried before. */
export type Mishap = "frozen" | "cut" | "busy" | "recent";

/** One data plane that holds long connections; times in seconds, CPU in cores. */
export interface ConnectionsRow {
  readonly scenario: string;
  readonly heartbeat: HeartbeatMode;
  readonly connections: number;
  readonly quiet_heartbeats_per_second: number;
  /** Beyond the data plane without heartbeats, of the same run. */
  readonly quiet_heartbeat_cores: number;
  readonly quiet_cores: number;
  readonly traffic_heartbeats_per_second: number;
  readonly traffic_cores: number;
  readonly rss_mb: number;
  readonly rss_kb_per_connection: number;
  /** Null without heartbeats, and where not all was noticed. */
  readonly noticed_seconds: Readonly<Record<Mishap, NoticeTimes | null>> | null;
}
