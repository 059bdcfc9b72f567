import { type LabelledHost, type Labels, SUBSETS_MAX, SubsetIndex, type SubsetQuery } from "@weft/proxy";
import { median } from "../statistics.ts";
import type { SubsetRow } from "./sharding-row.ts";

/** As the figures that MOSN published: 4 labels of 3 values, and all 15 selectors that 4 keys make. */
const KEYS: readonly string[] = ["zone", "version", "stage", "colour"];
const VALUES = 3;
const HOSTS = 8000;
const SELECTORS = Array.from({ length: 2 ** KEYS.length - 1 }, (_, mask) => ({
  keys: KEYS.filter((_key, bit) => (((mask + 1) >> bit) & 1) === 1),
  fallback: { type: "none" } as const,
}));

/** How often each figure is taken; the median counts. */
const RUNS = 21;

/** Hosts that come one by one while memory is looked at: one alone is less than what can be told apart. */
const MEMORY_HOSTS = 64;

export const SUBSET_SCENARIO = "8000 hosts, 4 labels, 15 selectors";

/** Builds the index with all of its subsets, and adds hosts to it one by one. */
export function measureSubsets(): SubsetRow {
  const hosts = Array.from({ length: HOSTS }, (_, number) => createHost(number));
  const queries = allQueries(createIndex());
  const builds = Array.from({ length: RUNS }, () => timeMs(() => build(hosts, queries)));
  const memory = heapGrowth(() => build(hosts, queries));
  const index = memory.result;
  let list: readonly LabelledHost[] = hosts;
  const add = (): void => {
    list = [...list, createHost(list.length)];
    index.update(list);
  };
  const adds = Array.from({ length: RUNS }, () => timeMs(add));
  const lists = Array.from({ length: MEMORY_HOSTS }, (_, more) => [
    ...list,
    ...Array.from({ length: more + 1 }, (_host, number) => createHost(list.length + number)),
  ]);
  const grown = heapGrowth(() => lists.forEach((next) => index.update(next)));
  const [buildMs, addMs] = [median(builds), median(adds)];
  return {
    scenario: SUBSET_SCENARIO,
    peer: "weft",
    full_build_ms: buildMs,
    full_build_kb: memory.kb,
    one_host_ms: addMs,
    one_host_kb: grown.kb / MEMORY_HOSTS,
    one_host_ratio: addMs / buildMs,
  };
}

function createIndex(): SubsetIndex<LabelledHost> {
  return new SubsetIndex({ selectors: SELECTORS, fallback: { type: "none" }, subsetsMax: SUBSETS_MAX });
}

function createHost(number: number): LabelledHost {
  const labels = KEYS.map((key, place) => [key, `${key}-${Math.floor(number / VALUES ** place) % VALUES}`]);
  return { key: `10.0.${number >> 8}.${number & 255}:12200`, labels: Object.fromEntries(labels) as Labels };
}

/** A query for every subset of every selector. */
function allQueries(index: SubsetIndex<LabelledHost>): readonly SubsetQuery[] {
  const withKey = (lists: readonly Labels[], key: string): readonly Labels[] =>
    lists.flatMap((labels) => Array.from({ length: VALUES }, (_, value) => ({ ...labels, [key]: `${key}-${value}` })));
  return SELECTORS.flatMap(({ keys }) => keys.reduce<readonly Labels[]>(withKey, [{}])).map((labels) =>
    index.compile(labels),
  );
}

function build(hosts: readonly LabelledHost[], queries: readonly SubsetQuery[]): SubsetIndex<LabelledHost> {
  const index = createIndex();
  index.update(hosts);
  for (const query of queries) index.find(query);
  return index;
}

function timeMs(work: () => unknown): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

/** What work puts on the heap and in typed arrays, garbage included, as long as nothing is collected meanwhile. */
function heapGrowth<T>(work: () => T): { readonly kb: number; readonly result: T } {
  const before = process.memoryUsage();
  const result = work();
  const after = process.memoryUsage();
  const bytes = after.heapUsed - before.heapUsed + (after.arrayBuffers - before.arrayBuffers);
  return { kb: Math.max(0, bytes) / 1024, result };
}
