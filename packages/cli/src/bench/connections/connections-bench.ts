import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock, WeftError } from "@weft/kernel";
import { withBenchFolder } from "../bench-folder.ts";
import { parseBoltLoad } from "../bolt/bolt-load.ts";
import type { BenchFault } from "../measurement.ts";
import { launchModule } from "../peers/node.ts";
import { chooseFreePort } from "../ports.ts";
import { type Launch, type Program, ProgramGroup } from "../program-group.ts";
import type { ConnectionsRow, Mishap } from "./connections-row.ts";
import { DataPlane, type HeartbeatMode, type HostGroup } from "./data-plane.ts";
import {
  LOAD_CONNECTIONS,
  NOTICE_EXTRA_MS,
  NOTICE_POLL_MS,
  OPEN_MS_MAX,
  OPEN_POLL_MS,
  OPENING_CALLS_PER_SECOND,
  THAW_MS,
} from "./limits.ts";
import { IsolatedNetwork } from "./network.ts";
import { NoticeCount, type NoticeTimes } from "./notice.ts";
import type { ConnectionsPlan } from "./plan.ts";
import { CONNECTIONS_SCENARIOS, type ConnectionsScenario } from "./scenarios.ts";

/** Hosts to which something happens; all others are "quiet". */
const MISHAPS: readonly Mishap[] = ["frozen", "cut", "busy", "recent"];
const MODES: readonly HeartbeatMode[] = ["off", "fixed", "adaptive"];
const MEBIBYTE = 1_048_576;

/** What is measured, for how long, and who wants to know how far it is. */
export interface ConnectionsBenchOptions {
  readonly plan: ConnectionsPlan;
  readonly isWanted: (scenario: string) => boolean;
  readonly signal: AbortSignal;
  readonly onStep: (scenario: string, detail: string) => void;
}

/** What was found, and what could not be. */
export interface ConnectionsMeasurements {
  readonly rows: readonly ConnectionsRow[];
  readonly faults: readonly BenchFault[];
  /** Why no host could be cut off; "" where one was. */
  readonly uncut: string;
}

/**
 * Holds long connections with data planes that differ in their heartbeats alone, side by side; whatever it started has
 * ended when this resolves or rejects.
 *
 * @throws WeftError BENCH_START_FAILED, BENCH_CLIENT_FAILED, BENCH_INTERRUPTED
 */
export async function runConnectionsBench(options: ConnectionsBenchOptions): Promise<ConnectionsMeasurements> {
  const network = IsolatedNetwork.create();
  const rows: ConnectionsRow[] = [];
  const faults: BenchFault[] = [];
  try {
    for (const scenario of CONNECTIONS_SCENARIOS) {
      if (!options.isWanted(scenario.name)) continue;
      await withBenchFolder(async (folder) => {
        const group = new ProgramGroup(options.signal);
        try {
          const run = new ConnectionsRun(options, scenario, group, network, folder);
          rows.push(...(await run.run()));
          faults.push(...run.faults);
        } finally {
          await group.close();
        }
      });
    }
  } finally {
    if (typeof network !== "string") network.close();
  }
  return { rows, faults, uncut: typeof network === "string" ? network : "" };
}

/** What one data plane used over a time. */
interface Window {
  readonly cores: number;
  readonly heartbeatsPerSecond: number;
}

/** A process that answers for some hosts. */
interface Backend {
  readonly program: Program;
  readonly group: HostGroup;
}

class ConnectionsRun {
  readonly faults: BenchFault[] = [];
  readonly #options: ConnectionsBenchOptions;
  readonly #scenario: ConnectionsScenario;
  readonly #group: ProgramGroup;
  readonly #network: IsolatedNetwork | string;
  readonly #folder: string;

  constructor(
    options: ConnectionsBenchOptions,
    scenario: ConnectionsScenario,
    group: ProgramGroup,
    network: IsolatedNetwork | string,
    folder: string,
  ) {
    this.#options = options;
    this.#scenario = scenario;
    this.#group = group;
    this.#network = network;
    this.#folder = folder;
  }

  async run(): Promise<readonly ConnectionsRow[]> {
    const { plan } = this.#options;
    this.#step("starting");
    const backends = await this.#startBackends();
    const planes = await this.#startPlanes(joinGroups(backends));
    const emptyBytes = planes.map((plane) => plane.usage().rssBytes);
    this.#step("opening connections");
    const connections = await this.#open(planes, backends);
    this.#step(`settling for ${plan.settleSeconds} s`);
    await this.#group.pause(plan.settleSeconds * 1000);
    const openBytes = planes.map((plane) => plane.usage().rssBytes);
    this.#step("quiet");
    const quiet = await this.#watch(planes);
    const noticed = await this.#noticeQuiet(planes, backends);
    this.#step("with traffic");
    const traffic = await this.#withTraffic(planes, () => this.#watch(planes));
    noticed.set("busy", await this.#noticeBusy(planes, backends));
    noticed.set("recent", await this.#noticeRecent(planes, backends));
    return planes.map((plane, index) => {
      const rssBytes = openBytes[index] ?? Number.NaN;
      const open = connections[index] ?? Number.NaN;
      const timesOf = (mishap: Mishap): NoticeTimes | null => noticed.get(mishap)?.[index] ?? null;
      return {
        scenario: this.#scenario.name,
        heartbeat: plane.mode,
        connections: open,
        quiet_heartbeats_per_second: quiet[index]?.heartbeatsPerSecond ?? Number.NaN,
        quiet_heartbeat_cores: (quiet[index]?.cores ?? Number.NaN) - (quiet[0]?.cores ?? Number.NaN),
        quiet_cores: quiet[index]?.cores ?? Number.NaN,
        traffic_heartbeats_per_second: traffic[index]?.heartbeatsPerSecond ?? Number.NaN,
        traffic_cores: traffic[index]?.cores ?? Number.NaN,
        rss_mb: rssBytes / MEBIBYTE,
        rss_kb_per_connection: (rssBytes - (emptyBytes[index] ?? Number.NaN)) / 1024 / open,
        noticed_seconds:
          plane.mode === "off"
            ? null
            : {
                frozen: timesOf("frozen"),
                cut: timesOf("cut"),
                busy: timesOf("busy"),
                recent: timesOf("recent"),
              },
      };
    });
  }

  #step(detail: string): void {
    this.#options.onStep(this.#scenario.name, detail);
  }

  async #startBackends(): Promise<readonly Backend[]> {
    const { backends, hostsPerBackend } = this.#options.plan;
    return await Promise.all(
      Array.from({ length: backends }, async (_, index) => {
        const name = MISHAPS[index] ?? "quiet";
        const port = await chooseFreePort();
        const isInside = name === "cut" && typeof this.#network !== "string";
        const module = new URL("./backend-entry.ts", import.meta.url);
        const launch: Launch = { name: "a backend", ...launchModule(module, [String(port)]) };
        const program = this.#group.start(isInside ? this.#network.inside(launch) : launch);
        await this.#until(
          OPEN_MS_MAX,
          () => `${launch.name} did not start`,
          () => Promise.resolve(program.output.includes("ready")),
        );
        const addressOf = (host: number): string =>
          isInside ? this.#network.address(host) : `127.${index + 1}.${host >> 8}.${host & 255 || 1}`;
        const hosts = Array.from({ length: hostsPerBackend }, (_, host) => ({ address: addressOf(host + 1), port }));
        return { program, group: { name, hosts } };
      }),
    );
  }

  async #startPlanes(groups: readonly HostGroup[]): Promise<readonly DataPlane[]> {
    const { workers, connectionsPerHost, heartbeat } = this.#options.plan;
    const { shardPercent } = this.#scenario;
    const planes: DataPlane[] = [];
    for (const mode of MODES) {
      const folder = join(this.#folder, mode);
      mkdirSync(folder);
      const options = { folder, mode, workers, groups, connectionsPerHost, heartbeat, shardPercent };
      planes.push(await DataPlane.start(this.#group, options));
    }
    return planes;
  }

  /** Calls have every worker open its connections one after the other. Resolves with how many there are. */
  async #open(planes: readonly DataPlane[], backends: readonly Backend[]): Promise<readonly number[]> {
    const { workers, connectionsPerHost } = this.#options.plan;
    const loads = planes.map((plane) => this.#startLoad(plane, OPENING_CALLS_PER_SECOND, OPEN_MS_MAX / 1000));
    const wanted = this.#hostsConnected(backends) * workers * connectionsPerHost;
    let open: readonly number[] = [];
    const what = (): string => `of ${wanted} connections only ${open.join(", ")} were open`;
    await this.#until(OPEN_MS_MAX, what, async () => {
      await this.#group.pause(OPEN_POLL_MS);
      open = await Promise.all(planes.map((plane) => plane.connections()));
      this.#step(`opening connections: ${open.join(", ")} of ${wanted}`);
      return open.every((count) => count >= wanted);
    });
    await Promise.all(loads.map((load) => this.#group.stop(load)));
    return open;
  }

  /** In each group a shard has its percentage of the hosts, rounded up. */
  #hostsConnected(backends: readonly Backend[]): number {
    const share = this.#scenario.shardPercent / 100;
    return joinGroups(backends).reduce((sum, { hosts }) => sum + Math.ceil(hosts.length * share), 0);
  }

  async #watch(planes: readonly DataPlane[]): Promise<readonly Window[]> {
    const read = async (): Promise<readonly { heartbeats: number; cpuUs: number; ms: number }[]> =>
      await Promise.all(
        planes.map(async (plane) => {
          const heartbeats = await plane.heartbeats();
          return { heartbeats, cpuUs: plane.usage().cpuUs, ms: systemClock.nowMs() };
        }),
      );
    const before = await read();
    await this.#group.pause(this.#options.plan.windowSeconds * 1000);
    const after = planes.map((plane) => ({ cpuUs: plane.usage().cpuUs, ms: systemClock.nowMs() }));
    const counts = await read();
    return planes.map((_, index) => {
      const [first, last, count] = [before[index], after[index], counts[index]];
      if (first === undefined || last === undefined || count === undefined) throw new Error("unreachable");
      return {
        cores: (last.cpuUs - first.cpuUs) / 1000 / (last.ms - first.ms),
        heartbeatsPerSecond: (count.heartbeats - first.heartbeats) / ((count.ms - first.ms) / 1000),
      };
    });
  }

  /** Frozen and cut off at the same time: other hosts, other processes. */
  async #noticeQuiet(
    planes: readonly DataPlane[],
    backends: readonly Backend[],
  ): Promise<Map<Mishap, readonly (NoticeTimes | null)[]>> {
    this.#step("a process that answers is frozen, another is cut off");
    const frozen = programOf(backends, "frozen");
    const [ofFrozen, ofCut] = await Promise.all([
      this.#notice(planes, "frozen", () => signal(frozen, "SIGSTOP")),
      typeof this.#network === "string" ? [] : this.#notice(planes, "cut", this.#cut),
    ]);
    await this.#thaw(frozen);
    if (typeof this.#network !== "string") this.#network.mend();
    return new Map<Mishap, readonly (NoticeTimes | null)[]>([
      ["frozen", ofFrozen],
      ["cut", ofCut],
    ]);
  }

  readonly #cut = (): void => {
    if (typeof this.#network !== "string") this.#network.cut();
  };

  async #noticeBusy(
    planes: readonly DataPlane[],
    backends: readonly Backend[],
  ): Promise<readonly (NoticeTimes | null)[]> {
    this.#step("a process with traffic is frozen");
    const busy = programOf(backends, "busy");
    const loads = planes.map((plane) => this.#startLoad(plane, this.#options.plan.callsPerSecond, OPEN_MS_MAX / 1000));
    await this.#group.pause(this.#options.plan.recentSeconds * 1000);
    const noticed = await this.#notice(planes, "busy", () => signal(busy, "SIGSTOP"));
    await Promise.all(loads.map((load) => this.#group.stop(load)));
    await this.#thaw(busy);
    return noticed;
  }

  async #noticeRecent(
    planes: readonly DataPlane[],
    backends: readonly Backend[],
  ): Promise<readonly (NoticeTimes | null)[]> {
    const { recentSeconds } = this.#options.plan;
    this.#step(`a process is frozen whose traffic ended ${recentSeconds} s ago`);
    await this.#withTraffic(planes, () => this.#group.pause(recentSeconds * 1000), recentSeconds);
    await this.#group.pause(recentSeconds * 1000);
    const recent = programOf(backends, "recent");
    const noticed = await this.#notice(planes, "recent", () => signal(recent, "SIGSTOP"));
    await this.#thaw(recent);
    return noticed;
  }

  /** It has much to catch up with: thousands of connections that were closed meanwhile. */
  async #thaw(program: Program): Promise<void> {
    signal(program, "SIGCONT");
    await this.#group.pause(THAW_MS);
  }

  /** Watches, from when it happens, how the data planes give up their connections to a group's hosts. */
  async #notice(
    planes: readonly DataPlane[],
    group: Mishap,
    happen: () => void,
  ): Promise<readonly (NoticeTimes | null)[]> {
    const watching = planes.filter(({ mode }) => mode !== "off");
    const counts = new Map<DataPlane, NoticeCount>();
    for (const plane of watching) {
      counts.set(plane, new NoticeCount(await plane.connections(group), await plane.closes(group)));
    }
    const { periodMsMax, timeoutMs, misses } = this.#options.plan.heartbeat;
    happen();
    const startMs = systemClock.nowMs();
    const deadlineMs = startMs + periodMsMax + timeoutMs * misses + NOTICE_EXTRA_MS;
    while ([...counts.values()].some(({ isDone }) => !isDone) && systemClock.nowMs() < deadlineMs) {
      await this.#group.pause(NOTICE_POLL_MS);
      for (const [plane, count] of counts) {
        if (count.isDone) continue;
        const closes = await plane.closes(group);
        count.look(closes, (systemClock.nowMs() - startMs) / 1000);
      }
    }
    for (const [{ mode }, count] of counts) {
      if (!count.isDone) this.#fault(mode, `${group}: ${count.describe()} at the end`);
    }
    return planes.map((plane) => counts.get(plane)?.times() ?? null);
  }

  /** Calls through every data plane while `action` runs, each of them answered. */
  async #withTraffic<T>(
    planes: readonly DataPlane[],
    action: () => Promise<T>,
    seconds: number = this.#options.plan.windowSeconds,
  ): Promise<T> {
    const loads = planes.map((plane) => this.#startLoad(plane, this.#options.plan.callsPerSecond, seconds + 2));
    const found = await action();
    await this.#until(
      OPEN_MS_MAX,
      () => "the calls did not end",
      () => Promise.resolve(loads.every(({ isGone }) => isGone)),
    );
    for (const [index, load] of loads.entries()) {
      const { fault } = parseBoltLoad(load.output);
      if (fault !== "") this.#fault(planes[index]?.mode ?? "", fault);
    }
    return found;
  }

  #startLoad(plane: DataPlane, rate: number, seconds: number): Program {
    const args = [plane.port, LOAD_CONNECTIONS, rate, seconds].map(String);
    const module = new URL("./load-entry.ts", import.meta.url);
    return this.#group.start({ name: "the calls", ...launchModule(module, args) });
  }

  #fault(mode: string, reason: string): void {
    this.faults.push({ scenario: this.#scenario.name, peer: mode, round: 0, reason });
  }

  async #until(msMax: number, what: () => string, isSo: () => Promise<boolean>): Promise<void> {
    const deadlineMs = systemClock.nowMs() + msMax;
    while (!(await isSo())) {
      if (systemClock.nowMs() > deadlineMs) {
        throw new WeftError("BENCH_CLIENT_FAILED", `Cannot hold connections: ${what()} within ${msMax} ms`, { msMax });
      }
      await this.#group.pause(NOTICE_POLL_MS);
    }
  }
}

/** Those that nothing happens to are one group. */
function joinGroups(backends: readonly Backend[]): readonly HostGroup[] {
  const names = new Set(backends.map(({ group }) => group.name));
  return [...names].map((name) => ({
    name,
    hosts: backends.filter(({ group }) => group.name === name).flatMap(({ group }) => group.hosts),
  }));
}

function programOf(backends: readonly Backend[], name: Mishap): Program {
  const backend = backends.find(({ group }) => group.name === name);
  if (backend === undefined) throw new Error(`unreachable: no backend is called ${name}`);
  return backend.program;
}

/** To the process that answers itself: what it was started by may have become another. */
function signal(program: Program, name: "SIGSTOP" | "SIGCONT"): void {
  for (const pid of program.pids()) process.kill(pid, name);
}
