import { setImmediate } from "node:timers/promises";
import { WeftError } from "@weft/kernel";
import { type ShardAlgorithm, type ShardHost, ShardView } from "@weft/proxy";
import type { BenchErrorCode } from "../errors.ts";
import { median, percentile } from "../statistics.ts";
import type { ShardingRow } from "./sharding-row.ts";
import type { ShardingScenario } from "./sharding-scenario.ts";

/** In the order of the report: ours, then what others do. */
export const SHARD_ALGORITHMS: readonly ShardAlgorithm[] = ["draft", "rendezvous", "ring", "rounds"];

/** Clients that are asked again after another one has gone. */
const NEIGHBOURS = 16;

/** How often a computation is timed; the median counts. */
const TIMED_RUNS = 31;

/** What `runShardingBench` needs. */
export interface ShardingBenchOptions {
  readonly scenarios: readonly ShardingScenario[];
  readonly signal: AbortSignal;
  readonly onStep: (scenario: string, detail: string) => void;
}

/**
 * Lets every client of every scenario work out its shard, before and after servers go.
 *
 * @throws WeftError BENCH_INTERRUPTED
 */
export async function runShardingBench(options: ShardingBenchOptions): Promise<readonly ShardingRow[]> {
  const rows: ShardingRow[] = [];
  for (const scenario of options.scenarios) {
    for (const algorithm of SHARD_ALGORITHMS) {
      options.onStep(scenario.name, algorithm);
      rows.push(await measure(algorithm, scenario, options.signal));
    }
  }
  return rows;
}

/** "10.0.0.0:12200" and so on. */
export function createServers(count: number): readonly ShardHost[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `10.0.${index >> 8}.${index & 255}:12200`,
    configuredWeight: 1,
    zone: "",
  }));
}

async function measure(
  algorithm: ShardAlgorithm,
  scenario: ShardingScenario,
  signal: AbortSignal,
): Promise<ShardingRow> {
  const { clients, servers, size } = scenario;
  const all = createServers(servers);
  const gone = servers >> 1;
  const oneLess = all.toSpliced(gone, 1);
  const tenthLess = all.filter((_, index) => index % 10 !== 3);
  const counts = new Map(all.map(({ key }) => [key, 0]));
  const opened = { one: 0, tenth: 0 };
  for (let index = 0; index < clients; index++) {
    const view = createView(algorithm, index);
    for (const { key } of tell(view, all, size).members) counts.set(key, (counts.get(key) ?? 0) + 1);
    opened.one += tell(view, oneLess, size).joined.length;
    tell(view, all, size);
    opened.tenth += tell(view, tenthLess, size).joined.length;
    // An interrupt must be noticed, and a draft of many takes its time.
    if (index % 16 === 0) await setImmediate();
    if (signal.aborted) {
      throw new WeftError<BenchErrorCode>("BENCH_INTERRUPTED", "Cannot go on with the benchmark: it was interrupted");
    }
  }
  const connections = [...counts.values()];
  const lostTenth = all.reduce((sum, { key }, index) => (index % 10 === 3 ? sum + (counts.get(key) ?? 0) : sum), 0);
  const mean = (clients * size) / servers;
  const times = timeUpdates(algorithm, scenario, all, oneLess);
  return {
    scenario: scenario.name,
    peer: algorithm,
    max_connections_ratio: Math.max(...connections) / mean,
    p99_connections_ratio: percentile(Float64Array.from(connections).sort(), 0.99) / mean,
    min_connections_ratio: Math.min(...connections) / mean,
    // A ring may give a server nothing at all, and then it moves nothing.
    moved_one_server_ratio: opened.one / Math.max(1, connections[gone] ?? 0),
    moved_tenth_of_servers_ratio: opened.tenth / Math.max(1, lostTenth),
    moved_one_client_ratio: countClientMoves(algorithm, scenario, all) / size,
    ...times,
  };
}

function createView(algorithm: ShardAlgorithm, index: number): ShardView<ShardHost> {
  const client = { key: `10.1.${index >> 8}.${index & 255}`, index, zone: "" };
  return new ShardView({ algorithm, client, isZoneAware: false });
}

function tell(view: ShardView<ShardHost>, hosts: readonly ShardHost[], size: number) {
  return view.update({ hosts, size, isUsable: () => true, zoneClients: null, spillBelow: 0 });
}

/** Connections that change when the first client goes: its own, and what its neighbours do when they compute again. */
function countClientMoves(
  algorithm: ShardAlgorithm,
  { clients, size }: ShardingScenario,
  all: readonly ShardHost[],
): number {
  let moved = tell(createView(algorithm, 0), all, size).members.length;
  for (let index = 1; index < Math.min(clients, NEIGHBOURS); index++) {
    const before = new Set(tell(createView(algorithm, index), all, size).members.map(({ key }) => key));
    const after = tell(createView(algorithm, index), all, size).members;
    moved += after.filter(({ key }) => !before.has(key)).length;
  }
  return moved;
}

/** Of the client with the highest number: in a draft it is near the end of its league and has most to compute. */
function timeUpdates(
  algorithm: ShardAlgorithm,
  { clients, size }: ShardingScenario,
  all: readonly ShardHost[],
  oneLess: readonly ShardHost[],
): { readonly update_us: number; readonly build_us: number } {
  const view = createView(algorithm, clients - 1);
  tell(view, all, size);
  const updates = timeRuns((run) => tell(view, run % 2 === 0 ? oneLess : all, size));
  const builds = timeRuns(() => tell(createView(algorithm, clients - 1), all, size));
  return { update_us: updates, build_us: builds };
}

/** The median in microseconds. */
function timeRuns(work: (run: number) => unknown): number {
  const times = Array.from({ length: TIMED_RUNS }, (_, run) => {
    const startMs = performance.now();
    work(run);
    return 1000 * (performance.now() - startMs);
  });
  return median(times);
}
