import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { isWeftError } from "@weft/kernel";
import { withBenchFolder } from "../bench-folder.ts";
import { rotate } from "../http-bench.ts";
import { toLoadRound } from "../load-round.ts";
import type { BenchFault, LoadRound, Measurements } from "../measurement.ts";
import { launchModule } from "../peers/node.ts";
import { chooseFreePort } from "../ports.ts";
import { readUsage } from "../process-usage.ts";
import { type Program, ProgramGroup } from "../program-group.ts";
import { runBoltLoad } from "./bolt-load.ts";
import { BOLT_PEERS, type BoltPeer } from "./bolt-peers.ts";

/** What is measured: its name in rows and targets. */
export const BOLT_SCENARIO = "Bolt, 1 KB echo, 64 connections";

const CONNECTIONS = 64;

/** How long and how often, and who wants to know how far it is. */
export interface BoltBenchOptions {
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly warmUpSeconds: number;
  /** Proxies to leave out, because they are not installed. */
  readonly missing: readonly string[];
  readonly signal: AbortSignal;
  readonly onStep: (scenario: string, detail: string) => void;
}

/** A proxy that runs. */
interface Runner {
  readonly peer: BoltPeer;
  readonly program: Program;
  readonly port: number;
}

/**
 * Measures all proxies in turn, round by round; whatever it started has ended when this resolves or rejects.
 *
 * @throws WeftError BENCH_START_FAILED (of the backend), BENCH_INTERRUPTED
 */
export async function runBoltBench(options: BoltBenchOptions): Promise<Measurements> {
  return await withBenchFolder(async (folder) => {
    const group = new ProgramGroup(options.signal);
    try {
      return await new BoltBench(options, group, folder).run();
    } finally {
      await group.close();
    }
  });
}

class BoltBench {
  readonly #options: BoltBenchOptions;
  readonly #group: ProgramGroup;
  readonly #folder: string;
  readonly #load: LoadRound[] = [];
  readonly #faults: BenchFault[] = [];

  constructor(options: BoltBenchOptions, group: ProgramGroup, folder: string) {
    this.#options = options;
    this.#group = group;
    this.#folder = folder;
  }

  async run(): Promise<Measurements> {
    const { rounds, warmUpSeconds, missing } = this.#options;
    const backendPort = await chooseFreePort();
    const entry = new URL("./backend-entry.ts", import.meta.url);
    await this.#group.startServer({ name: "backend", ...launchModule(entry, [String(backendPort)]) }, backendPort);
    const runners: Runner[] = [];
    for (const peer of BOLT_PEERS) {
      if (missing.includes(peer.name)) continue;
      await this.#guard(peer, 0, async () => {
        const runner = await this.#start(peer, backendPort);
        await runBoltLoad(this.#group, runner.port, CONNECTIONS, warmUpSeconds);
        runners.push(runner);
      });
    }
    for (let round = 1; round <= rounds; round++) {
      for (const runner of rotate(runners, round - 1)) {
        await this.#guard(runner.peer, round, () => this.#measure(runner, round));
      }
    }
    return { load: this.#load, memory: [], faults: this.#faults };
  }

  async #start(peer: BoltPeer, backendPort: number): Promise<Runner> {
    const listenPort = await chooseFreePort();
    const folder = mkdtempSync(join(this.#folder, "peer-"));
    const program = await this.#group.startServer(peer.prepare({ folder, listenPort, backendPort }), listenPort);
    return { peer, program, port: listenPort };
  }

  async #measure({ peer, program, port }: Runner, round: number): Promise<void> {
    this.#options.onStep(BOLT_SCENARIO, `round ${round} · ${peer.name}`);
    const before = readUsage(program.pids());
    const result = await runBoltLoad(this.#group, port, CONNECTIONS, this.#options.roundSeconds);
    const after = readUsage(program.pids());
    if (result.fault !== "") {
      this.#faults.push({ scenario: BOLT_SCENARIO, peer: peer.name, round, reason: result.fault });
      return;
    }
    this.#load.push(toLoadRound({ scenario: BOLT_SCENARIO, peer: peer.name, round }, result, before, after));
  }

  /** What a proxy does wrong is written down and the others go on; an interrupt ends everything. */
  async #guard(peer: BoltPeer, round: number, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (this.#group.signal.aborted || !isWeftError(error)) throw error;
      this.#faults.push({ scenario: BOLT_SCENARIO, peer: peer.name, round, reason: error.message });
    }
  }
}
