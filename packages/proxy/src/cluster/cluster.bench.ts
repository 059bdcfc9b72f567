// Run with `node --expose-gc -C source packages/proxy/src/cluster/cluster.bench.ts`: time and heap per operation.
import type { BalancerPolicy, BalancingConfig, ClusterConfig, HostConfig } from "@weft/contract";
import { systemClock, systemRandom, TimerWheel } from "@weft/kernel";
import { bench, do_not_optimize, run } from "mitata";
import { Cluster, type ClusterContext } from "./cluster.ts";
import { clusterConfig, EventLog, FakeResolver } from "./test-cluster.ts";

const wheel = new TimerWheel(systemClock, { unref: true });

/** `count` hosts over two zones and two priorities. */
function hosts(count: number): HostConfig[] {
  return Array.from({ length: count }, (_, index) => ({
    address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
    port: 80,
    weight: 1,
    zone: index % 2 === 0 ? "a" : "b",
    priority: index % 10 === 9 ? 1 : 0,
    labels: { zone: index % 2 === 0 ? "a" : "b" },
  }));
}

function create(
  count: number,
  balancing: Partial<BalancingConfig>,
  overrides: Partial<ClusterConfig> = {},
): Cluster<string> {
  const context: ClusterContext<string> = {
    clock: systemClock,
    wheel,
    random: systemRandom,
    resolver: new FakeResolver(),
    observer: new EventLog(),
    identity: () => ({ id: "bench", workers: 1 }),
  };
  const config = clusterConfig({ hosts: hosts(count) });
  const changes = { hosts: config.hosts, balancing: { ...config.balancing, ...balancing }, ...overrides };
  return new Cluster(clusterConfig(changes), context);
}

const POLICIES: readonly BalancerPolicy[] = [
  { type: "round-robin" },
  { type: "least-request", choices: 2 },
  { type: "peak-ewma", decayMs: 10_000 },
  { type: "maglev", tableSize: 65_537 },
];

const SUBSETS: ClusterConfig["subsets"] = {
  selectors: [{ keys: ["zone"], fallback: { type: "none" } }],
  fallback: { type: "any" },
  subsetsMax: 16,
};
const ZONE_A = { zone: "a" };

const SHARDING: ClusterConfig["sharding"] = {
  algorithm: "balanced",
  size: { type: "fixed", hosts: 20 },
  clientId: "",
  clientIndex: null,
  clientCount: null,
};

const request = { hash: 0, tried: [] };

for (const count of [3, 100, 10_000]) {
  for (const policy of POLICIES) {
    const cluster = create(count, { policy });
    bench(`pick(), ${policy.type}, ${count} hosts`, () => {
      request.hash = (request.hash + 0x9e3779b9) >>> 0;
      do_not_optimize(cluster.pick(request));
    }).gc("inner");
  }
  const zoned = create(count, { zone: { own: "a", spillBelow: 0.7 } });
  bench(`pick(), round-robin in zones, ${count} hosts`, () => do_not_optimize(zoned.pick(request))).gc("inner");

  const divided = create(count, {}, { subsets: SUBSETS });
  bench(`pick() of a subset, round-robin, ${count} hosts`, () => do_not_optimize(divided.pick(request, ZONE_A))).gc(
    "inner",
  );

  const sharded = create(count, {}, { sharding: SHARDING });
  const memberKey = sharded.checkedHosts()[0]?.key ?? "";
  let isMemberUp = false;
  bench(`pick() in a shard, round-robin, ${count} hosts`, () => do_not_optimize(sharded.pick(request))).gc("inner");
  bench(`setVerdict() of a member and pick(), round-robin, ${count} hosts`, () => {
    sharded.setVerdict(memberKey, isMemberUp ? "healthy" : "unhealthy", "");
    isMemberUp = !isMemberUp;
    do_not_optimize(sharded.pick(request));
  }).gc("inner");

  const flapping = create(count, {});
  const key = flapping.hosts.keys().next().value ?? "";
  let isUp = false;
  bench(`setVerdict() and pick(), round-robin, ${count} hosts`, () => {
    flapping.setVerdict(key, isUp ? "healthy" : "unhealthy", "");
    isUp = !isUp;
    do_not_optimize(flapping.pick(request));
  }).gc("inner");
}

const host = create(3, {}).pick(request);
bench("onRequestStart() and onRequestEnd()", () => {
  host?.onRequestStart();
  host?.onRequestEnd("success", 1.5);
}).gc("inner");

await run();
wheel.close();
