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

/** How often each figure is taken; the median counts. Before that as often uncounted: code gets compiled. */
const RUNS = 31;

export const SUBSET_SCENARIO = "8000 hosts, 4 labels, 15 selectors";

/** Builds the index with all of its subsets, and adds hosts to it one by one. */
export function measureSubsets(): SubsetRow {
  const hosts = Array.from({ length: HOSTS }, (_, number) => createHost(number));
  const queries = allQueries(createIndex());
  const builds = timeRuns(() => build(hosts, queries));
  const index = build(hosts, queries);
  let list: readonly LabelledHost[] = hosts;
  const nextList = (): readonly LabelledHost[] => (list = [...list, createHost(list.length)]);
  const adds = timeRuns(() => index.update(nextList()));
  return {
    scenario: SUBSET_SCENARIO,
    peer: "weft",
    full_build_ms: builds,
    full_build_kb: medianGrowthKb(() => {
      return () => build(hosts, queries);
    }),
    one_host_ms: adds,
    one_host_kb: medianGrowthKb(() => {
      const next = nextList();
      return () => index.update(next);
    }),
    one_host_ratio: adds / builds,
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

/** The median in milliseconds of CPU time: other programs on the machine take time, but less of this. */
function timeRuns(work: () => unknown): number {
  const times = Array.from({ length: 2 * RUNS }, () => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return median(times.slice(RUNS));
}

/** What work allocates, garbage included; runs in which garbage was collected do not count. `prepare` is not counted. */
function medianGrowthKb(prepare: () => () => unknown): number {
  const growths = Array.from({ length: RUNS }, () => {
    const work = prepare();
    const before = process.memoryUsage();
    work();
    const after = process.memoryUsage();
    return after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
  });
  return median(growths.filter((bytes) => bytes > 0)) / 1024;
}
