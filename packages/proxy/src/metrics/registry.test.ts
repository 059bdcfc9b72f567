import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@weft/kernel";
import { METRIC_CATALOG } from "./catalog.ts";
import {
  METRICS_CLUSTERS_MAX,
  METRICS_HOSTS_MAX,
  METRICS_LABEL_CHARS_MAX,
  METRICS_LAG_PERIOD_MS,
  METRICS_LISTENERS_MAX,
  METRICS_RETIRED_KEEP_MS,
  METRICS_ROUTES_MAX,
} from "./limits.ts";
import { startLagProbe } from "./process-stats.ts";
import { MetricsRegistry } from "./registry.ts";
import { mergeSnapshots, type MetricsSnapshot } from "./snapshot.ts";

const NOTHING: ReadonlySet<string> = new Set();

function labelsOf(snapshot: MetricsSnapshot, metric: string): string[] {
  return (snapshot.numbers[metric] ?? []).map(({ labels }) => labels.join(" "));
}

function numberOf(snapshot: MetricsSnapshot, metric: string, ...labels: string[]): number | undefined {
  return snapshot.numbers[metric]?.find((sample) => sample.labels.join("\n") === labels.join("\n"))?.value;
}

test("METRIC_CATALOG follows the naming rules of OpenMetrics and of this project", () => {
  const parts =
    "listener|downstream|filter|router|cluster|balancer|pool|upstream|config|access_log|tracing|metrics|process";
  const names = new Set<string>();
  for (const { name, type, unit, labels, help } of METRIC_CATALOG) {
    assert.match(name, new RegExp(`^weft_(${parts})_[a-z0-9_]+$`));
    assert.equal(name.endsWith("_total"), type === "counter", name);
    assert.doesNotMatch(name, /_(bucket|sum|count|created|info)$/);
    const family = name.replace(/_total$/, "");
    assert.ok(unit === "" || family.endsWith(`_${unit}`), name);
    if (type === "histogram") assert.equal(unit, "seconds", name);
    assert.match(help, /^[A-Z].*\.$/);
    for (const label of labels) assert.match(label, /^(?!__)[a-z][a-z_]*$/);
    assert.ok(!labels.includes("le"));
    assert.ok(!names.has(family), `${family} is there once`);
    names.add(family);
  }
});

test("MetricsRegistry.route() leads to the same object for the same name", () => {
  const registry = new MetricsRegistry(new FakeClock());
  assert.equal(registry.route("a"), registry.route("a"));
  assert.notEqual(registry.route("a"), registry.route("b"));
  assert.equal(registry.cluster("a").host("h:1"), registry.cluster("a").host("h:1"));
  assert.equal(registry.listener("a"), registry.listener("a"));
});

test("RouteStats.record() tells the classes of status apart", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const route = registry.route("r");
  for (const status of [101, 200, 204, 299, 301, 404, 499, 500, 599, 0]) route.record(status, 10, 1, 2);
  const snapshot = registry.snapshot();
  const counts = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"].map((statusClass) =>
    numberOf(snapshot, "weft_router_requests_total", "r", statusClass),
  );
  assert.deepEqual(counts, [1, 3, 1, 2, 2, 1]);
  assert.equal(numberOf(snapshot, "weft_router_received_bytes_total", "r"), 10);
  assert.equal(snapshot.histograms["weft_router_request_duration_seconds"]?.[0]?.histogram.count, 10);
});

test("RouteStats.recordGrpc() counts what is no gRPC status as UNKNOWN", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const route = registry.route("r");
  for (const status of [0, 0, 16, 17, -1, 1.5, Number.NaN]) route.recordGrpc(status);
  const snapshot = registry.snapshot();
  assert.deepEqual(labelsOf(snapshot, "weft_router_grpc_responses_total"), ["r 0", "r 2", "r 16"]);
  assert.equal(numberOf(snapshot, "weft_router_grpc_responses_total", "r", "2"), 4);
});

test("ListenerStats.countReset() and ClusterStats.countOutcome() have a series for every reason", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const resets = [
    "refused",
    "cancelled",
    "protocol",
    "too-large",
    "connection",
    "connect",
    "timeout",
    "overloaded",
    "internal",
  ] as const;
  const outcomes = [
    "success",
    "failure",
    "timeout",
    "reset",
    "connect-failure",
    "refused",
    "overloaded",
    "cancelled",
    "protocol",
  ] as const;
  for (const reason of resets) registry.listener("l").countReset(reason);
  for (const outcome of outcomes) registry.cluster("c").countOutcome(outcome);
  const snapshot = registry.snapshot();
  for (const reason of resets) assert.equal(numberOf(snapshot, "weft_downstream_resets_total", "l", reason), 1, reason);
  for (const outcome of outcomes) assert.equal(numberOf(snapshot, "weft_cluster_requests_total", "c", outcome), 1);
});

test("MetricsRegistry.snapshot() has one series for each field of its stats", () => {
  const registry = new MetricsRegistry(new FakeClock());
  for (const stats of [registry.listener("x"), registry.route("x"), registry.cluster("x"), registry.process]) {
    const numbers = Object.entries(stats).filter(([, value]) => typeof value === "number");
    assert.ok(numbers.length > 5);
    // Each field gets a number of its own; all of them must turn up in the snapshot.
    numbers.forEach(([field], index) => Reflect.set(stats, field, 1000 + index));
    const values = new Set(
      Object.values(registry.snapshot().numbers).flatMap((samples) => samples.map(({ value }) => value)),
    );
    numbers.forEach(([field], index) => {
      const wanted = field === "configAppliedAtMs" ? (1000 + index) / 1000 : 1000 + index;
      assert.ok(values.has(wanted), `${stats.constructor.name}.${field} is shown`);
    });
    for (const [field] of numbers) Reflect.set(stats, field, 0);
  }
});

test("MetricsRegistry.keep() drops the series of what is gone after a while, not before", () => {
  const clock = new FakeClock();
  const registry = new MetricsRegistry(clock);
  registry.route("stays").record(200, 1, 0, 0);
  registry.route("goes").record(200, 1, 0, 0);
  registry.cluster("c").host("h:1");
  registry.listener("l");
  registry.keep({ routes: new Set(["stays"]), clusters: NOTHING, listeners: NOTHING });
  clock.advance(METRICS_RETIRED_KEEP_MS - 1);
  assert.ok(labelsOf(registry.snapshot(), "weft_router_requests_active").includes("goes"));
  registry.keep({ routes: new Set(["stays"]), clusters: NOTHING, listeners: NOTHING });
  clock.advance(1);
  const snapshot = registry.snapshot();
  assert.deepEqual(labelsOf(snapshot, "weft_router_requests_active"), ["stays"]);
  assert.deepEqual(labelsOf(snapshot, "weft_upstream_requests_active"), []);
  assert.deepEqual(labelsOf(snapshot, "weft_downstream_requests_active"), []);
  assert.equal(registry.route("goes").status2xx, 0);
});

test("MetricsRegistry.route() goes on counting for a name that comes back in time", () => {
  const clock = new FakeClock();
  const registry = new MetricsRegistry(clock);
  registry.route("r").record(200, 1, 0, 0);
  registry.keep({ routes: NOTHING, clusters: NOTHING, listeners: NOTHING });
  clock.advance(METRICS_RETIRED_KEEP_MS - 1);
  assert.equal(registry.route("r").status2xx, 1);
  clock.advance(METRICS_RETIRED_KEEP_MS);
  assert.equal(registry.route("r").status2xx, 1);
});

test("ClusterStats.keepHosts() drops hosts that left and gives their places back", () => {
  const clock = new FakeClock();
  const registry = new MetricsRegistry(clock, { listeners: 9, routes: 9, clusters: 9, hosts: 2 });
  const cluster = registry.cluster("c");
  cluster.host("a:1");
  cluster.host("b:1");
  cluster.keepHosts(new Set(["a:1"]));
  assert.equal(cluster.host("c:1").key, "_other");
  clock.advance(METRICS_RETIRED_KEEP_MS);
  assert.equal(cluster.host("c:1").key, "c:1");
  assert.deepEqual(labelsOf(registry.snapshot(), "weft_upstream_requests_active"), ["c a:1", "c c:1", "c _other"]);
});

test("MetricsRegistry gives back the hosts of a cluster that was dropped, even if its object lives on", () => {
  const clock = new FakeClock();
  const registry = new MetricsRegistry(clock, { listeners: 9, routes: 9, clusters: 9, hosts: 1 });
  const old = registry.cluster("old");
  old.host("a:1");
  registry.keep({ routes: NOTHING, clusters: NOTHING, listeners: NOTHING });
  clock.advance(METRICS_RETIRED_KEEP_MS);
  registry.snapshot();
  assert.equal(old.host("late:1").key, "_other");
  assert.equal(registry.cluster("new").host("b:1").key, "b:1");
});

test("MetricsRegistry counts names beyond its bounds together", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const bounds: [string, number, (name: string) => { readonly name?: string; readonly key?: string }][] = [
    ["listener", METRICS_LISTENERS_MAX, (name) => registry.listener(name)],
    ["route", METRICS_ROUTES_MAX, (name) => registry.route(name)],
    ["cluster", METRICS_CLUSTERS_MAX, (name) => registry.cluster(name)],
    ["host", METRICS_HOSTS_MAX, (name) => registry.cluster("0").host(name)],
  ];
  for (const [kind, max, get] of bounds) {
    for (let index = 0; index < max; index++) get(String(index));
    assert.equal(get(String(max - 1)).name ?? get(String(max - 1)).key, String(max - 1));
    const other = get("one too many");
    assert.equal(other.name ?? other.key, "_other");
    assert.equal(get("two too many"), other);
    assert.equal(numberOf(registry.snapshot(), "weft_metrics_overflows_total", kind), 2);
  }
});

test("MetricsRegistry cuts long names so that they stay different", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const long = "x".repeat(METRICS_LABEL_CHARS_MAX);
  assert.equal(registry.route(long).name, long);
  const one = registry.route(`${long}1`);
  const two = registry.route(`${long}2`);
  assert.notEqual(one, two);
  assert.equal(one, registry.route(`${long}1`));
  assert.equal(one.name.length, METRICS_LABEL_CHARS_MAX);
  assert.notEqual(one.name, two.name);
});

test("mergeSnapshots() adds counters and histograms, and treats each gauge as the catalog says", () => {
  const clocks = [new FakeClock(0, 5_000), new FakeClock(0, 4_000)];
  const snapshots = clocks.map((clock, index) => {
    const registry = new MetricsRegistry(clock);
    registry.route("r").record(200, 1_000 * (index + 1), 0, 0);
    registry.cluster("c").hostsHealthy = 3 + index;
    registry.cluster("c").queueLength = 2;
    registry.process.configRevision = 7 - index;
    if (index === 1) registry.route("only here").record(500, 1, 0, 0);
    return registry.snapshot();
  });
  const merged = mergeSnapshots(snapshots);
  assert.equal(merged.wallMs, 5_000);
  assert.equal(numberOf(merged, "weft_router_requests_total", "r", "2xx"), 2);
  assert.equal(numberOf(merged, "weft_router_requests_total", "only here", "5xx"), 1);
  assert.equal(numberOf(merged, "weft_cluster_hosts", "c", "healthy"), 4);
  assert.equal(numberOf(merged, "weft_pool_queue_length", "c"), 4);
  assert.equal(numberOf(merged, "weft_config_revision"), 6);
  assert.equal(numberOf(merged, "weft_process_start_timestamp_seconds"), 4);
  assert.equal(numberOf(merged, "weft_process_workers"), 2);
  const durations = merged.histograms["weft_router_request_duration_seconds"]?.find(({ labels }) => labels[0] === "r");
  assert.equal(durations?.histogram.count, 2);
  assert.equal(durations?.histogram.max, 2_000);
});

test("mergeSnapshots() keeps label values apart that look alike when joined", () => {
  const sample = (labels: string[]): MetricsSnapshot => ({
    wallMs: 0,
    numbers: { weft_upstream_requests_active: [{ labels, value: 1 }] },
    histograms: {},
  });
  const merged = mergeSnapshots([sample(["a,b", "c"]), sample(["a", "b,c"]), sample(['a","b', "c"])]);
  assert.equal(merged.numbers["weft_upstream_requests_active"]?.length, 3);
});

test("mergeSnapshots() of nothing is empty, and unknown metrics are left out", () => {
  assert.deepEqual(mergeSnapshots([]), { wallMs: 0, numbers: {}, histograms: {} });
  const strange = { wallMs: 1, numbers: { weft_of_tomorrow: [{ labels: [], value: 1 }] }, histograms: {} };
  assert.deepEqual(mergeSnapshots([strange, strange]).numbers, {});
});

test("startLagProbe() measures how late its timer comes, until it is ended", () => {
  const clock = new FakeClock();
  const registry = new MetricsRegistry(clock);
  const stop = startLagProbe(clock, registry.process);
  clock.advance(METRICS_LAG_PERIOD_MS * 10);
  assert.equal(registry.process.lagUs.count, 10);
  assert.equal(registry.process.lagUs.max, 0);
  // Time that passes without a turn of the loop: a timer due long ago fires only now.
  const realNow = clock.nowMs.bind(clock);
  clock.nowMs = () => realNow() + 40;
  clock.advance(METRICS_LAG_PERIOD_MS);
  assert.equal(registry.process.lagUs.max, 40_000);
  stop();
  clock.advance(METRICS_LAG_PERIOD_MS * 10);
  assert.equal(registry.process.lagUs.count, 11);
  assert.equal(clock.pendingTimers, 0);
});
