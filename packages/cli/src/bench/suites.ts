import { BOLT_SCENARIO, runBoltBench } from "./bolt/bolt-bench.ts";
import { BOLT_RIVAL } from "./bolt/bolt-peers.ts";
import { evaluateBoltTargets } from "./bolt/bolt-targets.ts";
import { runConnectionsBench } from "./connections/connections-bench.ts";
import { evaluateConnectionsTargets } from "./connections/connections-targets.ts";
import { FULL_CONNECTIONS_PLAN, QUICK_CONNECTIONS_PLAN } from "./connections/plan.ts";
import { CONNECTIONS_SCENARIOS } from "./connections/scenarios.ts";
import { runHttpBench } from "./http-bench.ts";
import { describeMachine, findPeers } from "./machine.ts";
import { PEERS } from "./peers/index.ts";
import { HAPROXY } from "./peers/haproxy.ts";
import { WEFT } from "./peers/weft.ts";
import { FULL_PLAN, QUICK_PLAN } from "./plan.ts";
import { requirePrograms } from "./programs.ts";
import { findGenerators } from "./reload/generators.ts";
import { PHASES } from "./reload/phases.ts";
import { FULL_RELOAD_PLAN, QUICK_RELOAD_PLAN } from "./reload/plan.ts";
import { runReloadBench } from "./reload/reload-bench.ts";
import { evaluateReloadTargets } from "./reload/reload-targets.ts";
import { type BenchReport, createReport } from "./report/bench-report.ts";
import { runShardingBench } from "./sharding/sharding-bench.ts";
import { QUICK_SERVERS_MAX, SHARDING_SCENARIOS } from "./sharding/sharding-scenario.ts";
import { evaluateShardingTargets, evaluateSubsetTargets } from "./sharding/sharding-targets.ts";
import { measureSubsets, SUBSET_SCENARIO } from "./sharding/subset-bench.ts";
import { IDLE_SCENARIO, LOAD_SCENARIOS, STREAM_SCENARIOS } from "./scenario.ts";
import { evaluateTargets } from "./targets.ts";
import { FULL_UPGRADE_PLAN, QUICK_UPGRADE_PLAN } from "./upgrade/plan.ts";
import { runUpgradeBench, UPGRADE_SCENARIO } from "./upgrade/upgrade-bench.ts";
import { evaluateUpgradeTargets } from "./upgrade/upgrade-targets.ts";

/** How a suite is run. */
export interface SuiteOptions {
  readonly mode: "full" | "quick";
  /** Of each round or phase, instead of what the mode says; null: as that says. */
  readonly seconds: number | null;
  /** Whether a scenario is measured. */
  readonly isWanted: (scenario: string) => boolean;
  readonly signal: AbortSignal;
  readonly onStep: (scenario: string, detail: string) => void;
}

/** A suite that can be asked for by name. */
export interface Suite {
  readonly name: string;
  readonly summary: string;
  /** The names of what it measures, in order. */
  readonly scenarios: readonly string[];
  /** @throws WeftError */
  run(options: SuiteOptions): Promise<BenchReport>;
}

/** All suites. */
export const SUITES: readonly Suite[] = [
  {
    name: "http",
    summary: "HTTP/1.1, HTTP/2, TLS and gRPC beside nginx, HAProxy, Caddy and node:http",
    scenarios: [...LOAD_SCENARIOS, IDLE_SCENARIO, ...STREAM_SCENARIOS].map(({ name }) => name),
    run: runHttpSuite,
  },
  {
    name: "reload",
    summary: "requests that fail while routes, certificates, workers and the proxy itself are replaced",
    scenarios: PHASES.map(({ name }) => name),
    run: runReloadSuite,
  },
  {
    name: "bolt",
    summary: "calls of Bolt through a sidecar beside HAProxy in TCP mode on the same bytes",
    scenarios: [BOLT_SCENARIO],
    run: runBoltSuite,
  },
  {
    name: "connections",
    summary: "CPU, memory and time to notice dead hosts of a data plane with 60,000 long connections",
    scenarios: CONNECTIONS_SCENARIOS.map(({ name }) => name),
    run: runConnectionsSuite,
  },
  {
    name: "upgrade",
    summary: "calls that fail and connections that close while the proxy is upgraded three times in a row",
    scenarios: [UPGRADE_SCENARIO],
    run: runUpgradeSuite,
  },
  {
    name: "sharding",
    summary: "balance and moved connections of four ways to give each client a part of the servers; subset index",
    scenarios: [...SHARDING_SCENARIOS.map(({ name }) => name), SUBSET_SCENARIO],
    run: runShardingSuite,
  },
];

/**
 * Measures all proxies that are installed side by side.
 *
 * @throws WeftError BENCH_PROGRAM_MISSING, BENCH_START_FAILED, BENCH_INTERRUPTED
 */
async function runHttpSuite(options: SuiteOptions): Promise<BenchReport> {
  requirePrograms(["nginx", "wrk", "h2load"]);
  const { mode, seconds } = options;
  const standard = mode === "quick" ? QUICK_PLAN : FULL_PLAN;
  const plan = { ...standard, roundSeconds: seconds ?? standard.roundSeconds };
  const { installed, missing } = await findPeers(PEERS);
  const machine = await describeMachine(installed);
  const measurements = await runHttpBench({ ...options, plan, peers: installed.map(({ peer }) => peer) });
  const targets = evaluateTargets(measurements);
  return createReport({ suite: "http", mode, machine, leftOut: missing, measurements, targets });
}

/**
 * Measures a sidecar beside HAProxy, which passes the same bytes on and reads none.
 *
 * @throws WeftError BENCH_START_FAILED, BENCH_INTERRUPTED
 */
async function runBoltSuite(options: SuiteOptions): Promise<BenchReport> {
  const { mode, seconds } = options;
  const { rounds, roundSeconds, warmUpSeconds } = mode === "quick" ? QUICK_PLAN : FULL_PLAN;
  const { installed, missing } = await findPeers([WEFT, HAPROXY]);
  const machine = await describeMachine(installed);
  const leftOut = missing.length === 0 ? [] : [BOLT_RIVAL];
  const plan = { rounds, roundSeconds: seconds ?? roundSeconds, warmUpSeconds, missing: leftOut };
  const measurements = await runBoltBench({ ...options, ...plan });
  const targets = evaluateBoltTargets(measurements);
  return createReport({ suite: "bolt", mode, machine, leftOut, measurements, targets });
}

/**
 * Changes everything that can change under load, and counts what fails.
 *
 * @throws WeftError BENCH_START_FAILED, BENCH_INTERRUPTED
 */
async function runReloadSuite(options: SuiteOptions): Promise<BenchReport> {
  const { mode, seconds } = options;
  const standard = mode === "quick" ? QUICK_RELOAD_PLAN : FULL_RELOAD_PLAN;
  const plan = { ...standard, phaseSeconds: seconds ?? standard.phaseSeconds };
  const { installed: generators, missing } = findGenerators();
  const machine = await describeMachine((await findPeers([WEFT])).installed);
  const measurements = await runReloadBench({ ...options, plan, generators });
  const { rows, faults } = measurements;
  const targets = evaluateReloadTargets(measurements);
  return { suite: "reload", mode, machine, rows, targets, left_out: missing, faults };
}

/**
 * Holds long connections with data planes that differ in their heartbeats alone.
 *
 * @throws WeftError BENCH_START_FAILED, BENCH_CLIENT_FAILED, BENCH_INTERRUPTED
 */
async function runConnectionsSuite(options: SuiteOptions): Promise<BenchReport> {
  const { mode, seconds } = options;
  const standard = mode === "quick" ? QUICK_CONNECTIONS_PLAN : FULL_CONNECTIONS_PLAN;
  const plan = { ...standard, windowSeconds: seconds ?? standard.windowSeconds };
  const machine = await describeMachine((await findPeers([WEFT])).installed);
  const measurements = await runConnectionsBench({ ...options, plan });
  const { rows, faults, uncut } = measurements;
  const targets = evaluateConnectionsTargets(measurements, plan);
  const leftOut = uncut === "" ? [] : [`hosts that are cut off (${uncut})`];
  return { suite: "connections", mode, machine, rows, targets, left_out: leftOut, faults };
}

/**
 * Upgrades a proxy again and again under load.
 *
 * @throws WeftError BENCH_START_FAILED, BENCH_INTERRUPTED
 */
async function runUpgradeSuite(options: SuiteOptions): Promise<BenchReport> {
  const { mode, seconds } = options;
  const standard = mode === "quick" ? QUICK_UPGRADE_PLAN : FULL_UPGRADE_PLAN;
  const plan = { ...standard, calmSeconds: seconds ?? standard.calmSeconds };
  const machine = await describeMachine((await findPeers([WEFT])).installed);
  const measurements = await runUpgradeBench({ ...options, plan });
  const { rows, faults } = measurements;
  const targets = evaluateUpgradeTargets(measurements, plan);
  return { suite: "upgrade", mode, machine, rows, targets, left_out: [], faults };
}

/**
 * Compares algorithms of connection sharding, without a network, and measures the subset index.
 *
 * @throws WeftError BENCH_INTERRUPTED
 */
async function runShardingSuite(options: SuiteOptions): Promise<BenchReport> {
  const { mode, isWanted } = options;
  const scenarios = SHARDING_SCENARIOS.filter(
    ({ name, servers }) => isWanted(name) && (mode === "full" || servers <= QUICK_SERVERS_MAX),
  );
  const subsets = isWanted(SUBSET_SCENARIO) ? [measureSubsets()] : [];
  const sharding = await runShardingBench({ ...options, scenarios });
  const machine = await describeMachine((await findPeers([WEFT])).installed);
  const targets = [...evaluateShardingTargets(sharding), ...evaluateSubsetTargets(subsets)];
  return { suite: "sharding", mode, machine, rows: [...sharding, ...subsets], targets, left_out: [], faults: [] };
}
