import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type CertificateAuthority, createAuthority, isWeftError, systemClock, systemRandom } from "@weft/kernel";
import { withBenchFolder } from "../bench-folder.ts";
import type { BenchFault } from "../measurement.ts";
import { launchModule } from "../peers/node.ts";
import { chooseFreePort } from "../ports.ts";
import { ProgramGroup } from "../program-group.ts";
import { OWN_PEER } from "../targets.ts";
import { ConfigFolder, type ConfigPorts } from "./config-folder.ts";
import type { OpenConnection } from "./exchange.ts";
import type { Generator, GeneratorResult } from "./generators.ts";
import { openHttp1 } from "./http1-connection.ts";
import { openHttp2 } from "./http2-connection.ts";
import type { PhaseRow } from "./phase-row.ts";
import { PhaseRun, type ReloadState } from "./phase-run.ts";
import { type Phase, PHASES } from "./phases.ts";
import type { ReloadPlan } from "./plan.ts";
import { TestedProxy } from "./tested-proxy.ts";
import { Watcher } from "./watcher.ts";

/** What to do, and who wants to know how far it is. */
export interface ReloadBenchOptions {
  readonly plan: ReloadPlan;
  /** Those that are installed. */
  readonly generators: readonly Generator[];
  readonly isWanted: (scenario: string) => boolean;
  readonly signal: AbortSignal;
  readonly onStep: (scenario: string, detail: string) => void;
}

/** What was found out. */
export interface ReloadMeasurements {
  readonly rows: readonly PhaseRow[];
  readonly faults: readonly BenchFault[];
}

/**
 * Runs the phases; whatever was started has ended when this resolves or rejects.
 *
 * @throws WeftError BENCH_START_FAILED (before the first phase), BENCH_INTERRUPTED
 */
export async function runReloadBench(options: ReloadBenchOptions): Promise<ReloadMeasurements> {
  return await withBenchFolder(async (folder) => {
    const group = new ProgramGroup(options.signal);
    try {
      const authority = createAuthority("Weft bench authority");
      const ports = {
        http: await chooseFreePort(),
        https: await chooseFreePort(),
        backends: await startBackends(group),
      };
      const config = new ConfigFolder(join(folder, "config"), ports, authority);
      const proxy = await TestedProxy.start(group, config.path);
      const state: ReloadState = { config, proxy, revision: 1, rotation: 1, wrongFiles: 0 };
      return await new ReloadBench(options, group, folder, ports, authority, state).run();
    } finally {
      await group.close();
    }
  });
}

async function startBackends(group: ProgramGroup): Promise<readonly number[]> {
  const ports = [await chooseFreePort(), await chooseFreePort()];
  const launch = launchModule(new URL("./backend-entry.ts", import.meta.url), ports.map(String));
  await group.startServer({ name: "the backends", ...launch }, ports[1] ?? 0);
  return ports;
}

class ReloadBench {
  readonly #options: ReloadBenchOptions;
  readonly #group: ProgramGroup;
  readonly #folder: string;
  readonly #ports: ConfigPorts;
  readonly #authority: CertificateAuthority;
  readonly #state: ReloadState;
  readonly #rows: PhaseRow[] = [];
  readonly #faults: BenchFault[] = [];

  constructor(
    options: ReloadBenchOptions,
    group: ProgramGroup,
    folder: string,
    ports: ConfigPorts,
    authority: CertificateAuthority,
    state: ReloadState,
  ) {
    this.#options = options;
    this.#group = group;
    this.#folder = join(folder, "generators");
    mkdirSync(this.#folder);
    this.#ports = ports;
    this.#authority = authority;
    this.#state = state;
  }

  async run(): Promise<ReloadMeasurements> {
    for (const phase of PHASES) if (this.#options.isWanted(phase.name)) await this.#guard(phase);
    return { rows: this.#rows, faults: this.#faults };
  }

  /** What cannot be measured is written down and the others go on; an interrupt ends everything. */
  async #guard(phase: Phase): Promise<void> {
    try {
      await this.#measure(phase);
    } catch (error) {
      if (this.#group.signal.aborted || !isWeftError(error)) throw error;
      this.#fault(phase.name, error.message);
    }
  }

  async #measure(phase: Phase): Promise<void> {
    const { plan, generators, onStep } = this.#options;
    const watchers = this.#createWatchers(phase);
    const startMs = systemClock.nowMs();
    const onChange = (change: number): void => onStep(phase.name, `change ${change}`);
    const run = new PhaseRun(this.#group, plan, this.#state, watchers, onChange);
    const loads = generators.filter(({ tool }) => phase.generators.includes(tool));
    try {
      const running = loads.map((generator) => this.#load(phase, generator, run));
      // All have ended before the first failure of one is passed on.
      const [driven, ...loaded] = await Promise.allSettled([phase.drive(run), ...running]);
      if (driven.status === "rejected") throw driven.reason;
      const results = loaded.map((load) => {
        if (load.status === "rejected") throw load.reason;
        return load.value;
      });
      await Promise.all(watchers.map((watcher) => watcher.stop()));
      this.#remember(phase, run, (systemClock.nowMs() - startMs) / 1_000, results);
    } finally {
      await Promise.all(watchers.map((watcher) => watcher.stop()));
    }
  }

  #createWatchers(phase: Phase): readonly Watcher[] {
    const { http1Connections, http2Connections, http2Streams, restMsMax } = this.#options.plan;
    const create = (name: string, open: OpenConnection, isTls: boolean): Watcher =>
      new Watcher({
        name,
        open,
        target: {
          port: isTls ? this.#ports.https : this.#ports.http,
          authorityPem: isTls ? this.#authority.certificatePem : "",
        },
        connections: open === openHttp1 ? http1Connections : http2Connections,
        streams: open === openHttp1 ? 1 : http2Streams,
        restMsMax,
        sendsAgain: !phase.mayFail,
        random: systemRandom,
      });
    return [
      create("HTTP/1.1", openHttp1, false),
      create("HTTP/1.1 over TLS", openHttp1, true),
      create("HTTP/2", openHttp2, false),
      create("HTTP/2 over TLS", openHttp2, true),
    ];
  }

  async #load({ isTls }: Phase, generator: Generator, run: PhaseRun): Promise<GeneratorResult> {
    const { phaseSeconds: seconds, wrkConnections, h2loadConnections } = this.#options.plan;
    const port = isTls ? this.#ports.https : this.#ports.http;
    const connections = generator.tool === "wrk" ? wrkConnections : h2loadConnections;
    run.loadConnections += connections;
    // It ends a little later than planned, with its report; by then its connections are gone.
    const timer = systemClock.setTimer(() => void (run.loadConnections -= connections), seconds * 1_000);
    try {
      return await generator.run(this.#group, { folder: this.#folder, port, isTls, connections, seconds });
    } finally {
      systemClock.clearTimer(timer);
    }
  }

  #remember(phase: Phase, run: PhaseRun, seconds: number, loads: readonly GeneratorResult[]): void {
    const common = { scenario: phase.name, peer: OWN_PEER };
    for (const watcher of run.watchers) {
      const { name: client, tally } = watcher;
      this.#rows.push({
        ...common,
        client,
        requests: tally.requests,
        requests_per_second: tally.requests / seconds,
        failed: tally.failed,
        failed_at_most: run.failedAtMost.get(client) ?? 0,
        sent_again: tally.sentAgain,
        p99_ms: tally.p99Ms,
        gap_ms: tally.gapMs,
        changes: run.changes,
        seen_after_ms: run.seenAfterMs(watcher),
      });
      this.#explain(phase, run, watcher);
    }
    for (const { client, requests, requestsPerSecond, failed, fault, p99Ms } of loads) {
      const failedAtMost = run.failedAtMost.get(client) ?? 0;
      this.#rows.push({
        ...common,
        client,
        requests,
        requests_per_second: requestsPerSecond,
        failed,
        failed_at_most: failedAtMost,
        sent_again: null,
        p99_ms: p99Ms,
        gap_ms: null,
        changes: run.changes,
        seen_after_ms: null,
      });
      if (failed > failedAtMost) this.#fault(phase.name, `${client}: ${fault}`);
    }
    for (const reason of run.complaints) this.#fault(phase.name, reason);
  }

  /** Says what failed that must not: anything but requests on connections to a worker that was killed. */
  #explain(phase: Phase, run: PhaseRun, { name, tally }: Watcher): void {
    const counts = new Map<string, number>();
    for (const { reason, localPort } of tally.failures) {
      if (!run.killedPorts.has(localPort)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    for (const [reason, count] of counts) this.#fault(phase.name, `${name}: ${reason} (${count} times)`);
  }

  #fault(scenario: string, reason: string): void {
    this.#faults.push({ scenario, peer: OWN_PEER, round: 0, reason });
  }
}
