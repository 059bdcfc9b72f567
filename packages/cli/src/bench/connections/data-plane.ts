import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { isWeftError, WeftError } from "@weft/kernel";
import type { WorkerStatus } from "@weft/proxy";
import type { AdminAddress } from "../../admin/admin-address.ts";
import { getJson, readMetrics } from "../../admin/admin-client.ts";
import { launchWeft } from "../peers/weft.ts";
import { chooseFreePort, LOOPBACK } from "../ports.ts";
import { readUsage, type ProcessUsage } from "../process-usage.ts";
import type { Program, ProgramGroup } from "../program-group.ts";
import { METRICS_MS_MAX, OPEN_POLL_MS, PLANE_START_MS_MAX } from "./limits.ts";
import type { HeartbeatTimes } from "./plan.ts";
import { type MetricSample, sumOf } from "../../admin/metric-text.ts";

/** Hosts that something is done to together: one Service. */
export interface HostGroup {
  readonly name: string;
  readonly hosts: readonly { readonly address: string; readonly port: number }[];
}

/** How a data plane asks silent hosts for signs of life. */
export type HeartbeatMode = "off" | "fixed" | "adaptive";

/** What a data plane is to do. */
export interface DataPlaneOptions {
  readonly folder: string;
  readonly mode: HeartbeatMode;
  readonly workers: number;
  readonly groups: readonly HostGroup[];
  readonly connectionsPerHost: number;
  readonly heartbeat: HeartbeatTimes;
  /** Of each Service's hosts, those that the data plane connects to; 100 for all. */
  readonly shardPercent: number;
}

/** A data plane that holds long connections to many hosts, and what its metrics say. */
export class DataPlane {
  readonly mode: HeartbeatMode;
  /** Where calls come in. */
  readonly port: number;
  readonly #program: Program;
  readonly #admin: AdminAddress;

  private constructor(mode: HeartbeatMode, port: number, program: Program, admin: AdminAddress) {
    this.mode = mode;
    this.port = port;
    this.#program = program;
    this.#admin = admin;
  }

  /** @throws WeftError BENCH_START_FAILED, BENCH_INTERRUPTED */
  static async start(group: ProgramGroup, options: DataPlaneOptions): Promise<DataPlane> {
    const port = await chooseFreePort();
    const admin = { address: LOOPBACK, port: await chooseFreePort() };
    writeFileSync(join(options.folder, "config.yaml"), renderConfig(port, options));
    const args = ["--workers", String(options.workers), "--config", options.folder];
    const launch = launchWeft(["proxy", ...args, "--admin", `${admin.address}:${admin.port}`]);
    const program = await group.startServer(launch, admin.port, PLANE_START_MS_MAX);
    const plane = new DataPlane(options.mode, port, program, admin);
    while ((await plane.#readyWorkers()) < options.workers) await group.pause(OPEN_POLL_MS);
    return plane;
  }

  usage(): ProcessUsage {
    return readUsage(this.#program.pids());
  }

  /** Connections that are open to hosts of a group; of all groups without one. */
  async connections(group?: string): Promise<number> {
    return sumOf(await this.#read(), "weft_pool_connections_active", where(group));
  }

  /** Connections to hosts of a group that have ended since the start. */
  async closes(group: string): Promise<number> {
    return sumOf(await this.#read(), "weft_pool_connection_closes_total", where(group));
  }

  /** Heartbeats that were sent since the start. */
  async heartbeats(): Promise<number> {
    return sumOf(await this.#read(), "weft_pool_heartbeats_total", { result: "sent" });
  }

  /** None while the admin server is not there: it tries whether its port is free before it listens. */
  async #readyWorkers(): Promise<number> {
    this.#checkLife();
    type Answer = { readonly workers: readonly WorkerStatus[] };
    try {
      const { workers } = await getJson<Answer>(this.#admin, "/api/workers", "workers", METRICS_MS_MAX);
      return workers.filter(({ state }) => state === "ready").length;
    } catch (error) {
      if (isWeftError(error, "CLI_ADMIN_UNREACHABLE")) return 0;
      throw error;
    }
  }

  #checkLife(): void {
    if (!this.#program.isGone) return;
    const message = `Cannot go on with weft: it ended. ${this.#program.output.trim().slice(-500)}`;
    throw new WeftError("BENCH_START_FAILED", message, {});
  }

  async #read(): Promise<readonly MetricSample[]> {
    this.#checkLife();
    return await readMetrics(this.#admin, METRICS_MS_MAX);
  }
}

function where(group: string | undefined): Readonly<Record<string, string>> {
  return group === undefined ? {} : { cluster: `default/${group}:80` };
}

/** All groups behind one listener, each with as much of the traffic as it has of the hosts. */
export function renderConfig(port: number, options: DataPlaneOptions): string {
  const { groups } = options;
  const backends = groups.map(({ name, hosts }) => `{ name: ${name}, port: 80, weight: ${hosts.length} }`);
  return [
    `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: calls }
spec:
  gatewayClassName: weft
  addresses: [{ type: IPAddress, value: ${LOOPBACK} }]
  listeners: [{ name: calls, port: ${port}, protocol: HTTP }]
`,
    `apiVersion: weft.dev/v1
kind: RpcRoute
metadata: { name: calls }
spec:
  parentRefs: [{ name: calls }]
  rules: [{ backendRefs: [${backends.join(", ")}] }]
`,
    renderPolicy(options),
    ...groups.map(renderService),
  ].join("---\n");
}

/** No bound but that of connections per host is to be felt while they are opened. */
function renderPolicy({ mode, groups, connectionsPerHost, heartbeat, shardPercent }: DataPlaneOptions): string {
  const targets = groups.map(({ name }) => `{ kind: Service, name: ${name} }`).join(", ");
  const { periodMs, periodMsMax, timeoutMs, misses, peerIdleTimeoutMs } = heartbeat;
  const stretch = mode === "adaptive" ? `, periodMax: ${periodMsMax}ms` : "";
  const times = `period: ${periodMs}ms${stretch}, timeout: ${timeoutMs}ms, misses: ${misses}`;
  const sharding =
    shardPercent === 100 ? "" : `  sharding: { algorithm: balanced, size: "${shardPercent}%", hostsMin: 1 }\n`;
  return `apiVersion: weft.dev/v1
kind: TrafficPolicy
metadata: { name: calls }
spec:
  targetRefs: [${targets}]
  balancing: { algorithm: round-robin, panicThreshold: 0 }
  connections: { rpcConnectionsMax: ${connectionsPerHost}, rpcConnectionsMin: ${connectionsPerHost} }
  breaker: { connectionsMax: 1000000, pendingMax: 1000000, requestsMax: 1000000 }
  heartbeat: { mode: ${mode}${mode === "off" ? "" : `, ${times}, peerIdleTimeout: ${peerIdleTimeoutMs}ms`} }
${sharding}`;
}

function renderService({ name, hosts }: HostGroup): string {
  const lines = hosts.map(({ address, port }) => `    - { address: ${address}, port: ${port} }\n`);
  return `apiVersion: weft.dev/v1
kind: Service
metadata: { name: ${name} }
spec:
  protocol: bolt
  ports: [{ port: 80 }]
  hosts:
${lines.join("")}`;
}
