import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority, issueCertificate, isWeftError } from "@weft/kernel";
import { type Backend, startBackend } from "./backend.ts";
import { withBenchFolder } from "./bench-folder.ts";
import { checkFirstAnswer } from "./first-answer.ts";
import { IDLE_SPARE_FILES_MIN } from "./limits.ts";
import { toLoadRound } from "./load-round.ts";
import { runLoad } from "./load/run-load.ts";
import type { BenchFault, LoadRound, Measurements, MemoryRound } from "./measurement.ts";
import { measureIdle } from "./memory/idle.ts";
import { measureSlowReader } from "./memory/slow-reader.ts";
import type { CertificateFiles, Peer } from "./peers/peer.ts";
import type { BenchPlan } from "./plan.ts";
import { chooseFreePort, LOOPBACK } from "./ports.ts";
import { readUsage } from "./process-usage.ts";
import { type Program, ProgramGroup } from "./program-group.ts";
import {
  type BackendRequest,
  IDLE_SCENARIO,
  LOAD_SCENARIOS,
  type LoadScenario,
  type ProxiedPath,
  STREAM_SCENARIOS,
  type StreamScenario,
} from "./scenario.ts";

/** What to measure, and who wants to know how far it is. */
export interface HttpBenchOptions {
  readonly plan: BenchPlan;
  /** Those that are installed. */
  readonly peers: readonly Peer[];
  /** Whether a scenario is measured. */
  readonly isWanted: (scenario: string) => boolean;
  readonly signal: AbortSignal;
  readonly onStep: (scenario: string, detail: string) => void;
}

/** A peer that runs for one scenario. */
interface Runner {
  readonly peer: Peer;
  readonly program: Program;
  readonly port: number;
  /** In the last run. */
  requestsPerSecond: number;
}

const MEBIBYTE = 1_048_576;

/** Enough to tell the rate from, and done within a second by the slowest peer. */
const FIRST_RUN_REQUESTS = 800;

/**
 * Runs the scenarios and measures; whatever it started has ended when this resolves or rejects.
 *
 * @throws WeftError BENCH_START_FAILED (of the backend), BENCH_INTERRUPTED
 */
export async function runHttpBench(options: HttpBenchOptions): Promise<Measurements> {
  return await withBenchFolder(async (folder) => {
    const group = new ProgramGroup(options.signal);
    try {
      const backend = await startBackend(group, mkdir(folder, "backend"), options.plan.streamBytes);
      const bench = new HttpBench(options, group, folder, backend, writeCertificate(mkdir(folder, "certificate")));
      return await bench.run();
    } finally {
      await group.close();
    }
  });
}

class HttpBench {
  readonly #options: HttpBenchOptions;
  readonly #group: ProgramGroup;
  readonly #folder: string;
  readonly #backend: Backend;
  readonly #certificate: CertificateFiles;
  readonly #authorityPem: string;
  readonly #load: LoadRound[] = [];
  readonly #memory: MemoryRound[] = [];
  readonly #faults: BenchFault[] = [];
  #runs: number = 0;

  constructor(
    options: HttpBenchOptions,
    group: ProgramGroup,
    folder: string,
    backend: Backend,
    certificate: CertificateFiles,
  ) {
    this.#options = options;
    this.#group = group;
    this.#folder = folder;
    this.#backend = backend;
    this.#certificate = certificate;
    this.#authorityPem = readFileSync(certificate.authorityPath, "utf8");
  }

  async run(): Promise<Measurements> {
    const { isWanted } = this.#options;
    for (const scenario of LOAD_SCENARIOS) if (isWanted(scenario.name)) await this.#measureLoad(scenario);
    if (isWanted(IDLE_SCENARIO.name)) await this.#measureIdle();
    for (const scenario of STREAM_SCENARIOS) if (isWanted(scenario.name)) await this.#measureStream(scenario);
    return { load: this.#load, memory: this.#memory, faults: this.#faults };
  }

  async #measureLoad(scenario: LoadScenario): Promise<void> {
    const { plan } = this.#options;
    const runners: Runner[] = [];
    for (const peer of this.#peersOf(scenario.path)) {
      await this.#guard(scenario.name, peer, 0, async () => {
        const runner = await this.#start(peer, scenario.path, scenario.request);
        await this.#guard(scenario.name, peer, 0, () => this.#warmUp(runner, scenario), runner.program);
        runners.push(runner);
      });
    }
    for (let round = 1; round <= plan.rounds; round++) {
      for (const runner of rotate(runners, round - 1)) {
        const measure = (): Promise<void> => this.#measureRound(runner, scenario, round);
        await this.#guard(scenario.name, runner.peer, round, measure, runner.program);
      }
    }
    for (const { program } of runners) await this.#group.stop(program);
  }

  async #warmUp(runner: Runner, scenario: LoadScenario): Promise<void> {
    const { warmUpSeconds: seconds } = this.#options.plan;
    const run = { scenario, port: runner.port };
    // wrk runs for a time; for h2load a short run first says how many requests fill it.
    const first = { ...run, seconds: 1, requestsPerSecond: FIRST_RUN_REQUESTS };
    const isCounted = scenario.load.tool === "h2load";
    const requestsPerSecond = isCounted ? (await runLoad(this.#group, this.#folder, first)).requestsPerSecond : 0;
    const second = await runLoad(this.#group, this.#folder, { ...run, seconds, requestsPerSecond });
    runner.requestsPerSecond = second.requestsPerSecond;
  }

  async #measureRound(runner: Runner, scenario: LoadScenario, round: number): Promise<void> {
    const { peer, program, port, requestsPerSecond } = runner;
    this.#options.onStep(scenario.name, `round ${round} · ${peer.name}`);
    const { roundSeconds: seconds } = this.#options.plan;
    const before = readUsage(program.pids());
    const result = await runLoad(this.#group, this.#folder, { scenario, port, seconds, requestsPerSecond });
    const after = readUsage(program.pids());
    // The next round takes as long as planned, also when others use the machine.
    runner.requestsPerSecond = result.requestsPerSecond;
    if (result.fault !== "") {
      this.#fault(scenario.name, peer.name, round, result.fault);
      return;
    }
    this.#load.push(toLoadRound({ scenario: scenario.name, peer: peer.name, round }, result, before, after));
  }

  async #measureIdle(): Promise<void> {
    const { plan } = this.#options;
    const { name, path } = IDLE_SCENARIO;
    const filesMax = readOpenFilesMax();
    const wanted = plan.idleConnections + IDLE_SPARE_FILES_MIN;
    if (filesMax < wanted) {
      const reason = `a process may open ${filesMax} files here, ${wanted} are needed (\`ulimit -n\`)`;
      for (const peer of this.#peersOf(path)) this.#fault(name, peer.name, 0, reason);
      return;
    }
    for (let round = 1; round <= plan.idleRounds; round++) {
      for (const peer of rotate(this.#peersOf(path), round - 1)) {
        await this.#withFreshPeer(name, path, peer, round, async (proxy, port) => {
          const { idleConnections: connections, settleMs } = plan;
          const memory = await measureIdle(this.#group, { proxy, port, connections, settleMs });
          const bytes = memory.openBytes - memory.emptyBytes;
          this.#remember(name, peer, round, memory.emptyBytes, memory.openBytes, bytes / connections / 1024, null);
        });
      }
    }
  }

  async #measureStream({ name, path }: StreamScenario): Promise<void> {
    const { plan } = this.#options;
    for (const peer of this.#peersOf(path)) {
      await this.#withFreshPeer(name, path, peer, 1, async (proxy, port) => {
        const { streamBytes: bytes, streamBytesPerSecond: bytesPerSecond, streamStallMs: stallMs, settleMs } = plan;
        const trial = { proxy, port, path, bytes, bytesPerSecond, stallMs, settleMs };
        const memory = await measureSlowReader(this.#group, trial);
        const growth = (memory.peakBytes - memory.emptyBytes) / MEBIBYTE;
        this.#remember(name, peer, 1, memory.emptyBytes, memory.peakBytes, null, growth);
      });
    }
  }

  #remember(
    scenario: string,
    { name: peer }: Peer,
    round: number,
    emptyBytes: number,
    bytes: number,
    connection_kb: number | null,
    growth_mb: number | null,
  ): void {
    const figures = { empty_mb: emptyBytes / MEBIBYTE, rss_mb: bytes / MEBIBYTE, connection_kb, growth_mb };
    this.#memory.push({ scenario, peer, round, ...figures });
  }

  /** Memory is measured in a process that has done nothing before. */
  async #withFreshPeer(
    scenario: string,
    path: ProxiedPath,
    peer: Peer,
    round: number,
    measure: (proxy: Program, port: number) => Promise<void>,
  ): Promise<void> {
    this.#options.onStep(scenario, `round ${round} · ${peer.name}`);
    await this.#guard(scenario, peer, round, async () => {
      const { program, port } = await this.#start(peer, path, null);
      try {
        await measure(program, port);
      } finally {
        await this.#group.stop(program);
      }
    });
  }

  /** Starts a peer; with `request`, it has answered it as the backend does. */
  async #start(peer: Peer, path: ProxiedPath, request: BackendRequest | null): Promise<Runner> {
    const listenPort = await chooseFreePort();
    const folder = mkdir(this.#folder, `run-${++this.#runs}`);
    const setup = { folder, listenPort, path, backend: this.#backend.ports, certificate: this.#certificate };
    const program = await this.#group.startServer(peer.prepare(setup), listenPort);
    try {
      const ask = { peer: peer.name, port: listenPort, path, authorityPem: this.#authorityPem };
      if (request !== null) await checkFirstAnswer(ask, request);
    } catch (error) {
      await this.#group.stop(program);
      throw error;
    }
    return { peer, program, port: listenPort, requestsPerSecond: 0 };
  }

  /** What a peer does wrong is written down and the others go on; an interrupt ends everything. */
  async #guard(
    scenario: string,
    peer: Peer,
    round: number,
    action: () => Promise<void>,
    program?: Program,
  ): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (this.#group.signal.aborted || !isWeftError(error)) throw error;
      const last = program?.isGone === true ? ` The proxy ended, and said: ${program.output.trim().slice(-1_000)}` : "";
      this.#fault(scenario, peer.name, round, error.message + last);
    }
  }

  #fault(scenario: string, peer: string, round: number, reason: string): void {
    this.#faults.push({ scenario, peer, round, reason });
  }

  #peersOf(path: ProxiedPath): readonly Peer[] {
    return this.#options.peers.filter((peer) => peer.serves(path));
  }
}

/** The same in the same circle, `by` steps later: nobody is always first. */
export function rotate<T>(items: readonly T[], by: number): readonly T[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function mkdir(parent: string, name: string): string {
  const path = join(parent, name);
  mkdirSync(path);
  return path;
}

function writeCertificate(folder: string): CertificateFiles {
  const authority = createAuthority("Weft bench authority");
  const names = { commonName: "localhost", dnsNames: ["localhost"], ipAddresses: [LOOPBACK] };
  const { certificatePem, privateKeyPem } = issueCertificate(authority, names);
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    authorityPath: write("authority.pem", authority.certificatePem),
    certificatePath: write("server.pem", certificatePem),
    keyPath: write("server-key.pem", privateKeyPem),
    combinedPath: write("server-both.pem", certificatePem + privateKeyPem),
  };
}

/** What `ulimit -n` says here; Node has raised the soft limit to the hard one. */
function readOpenFilesMax(): number {
  const text = readFileSync("/proc/self/limits", "latin1");
  return Number(/^Max open files\s+(\d+)/m.exec(text)?.[1] ?? 0);
}
