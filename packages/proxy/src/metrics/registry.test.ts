import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock, Histogram } from "@weft/kernel";
import { METRIC_CATALOG, METRIC_PARTS } from "./catalog.ts";
import {
  METRICS_CLUSTERS_MAX,
  METRICS_HOSTS_MAX,
  METRICS_LABEL_CHARS_MAX,
  METRICS_LAG_PERIOD_MS,
  METRICS_LISTENERS_MAX,
  METRICS_RETIRED_KEEP_MS,
  METRICS_RULES_MAX,
} from "./limits.ts";
import { startLagProbe } from "./process-stats.ts";
import { MetricsRegistry } from "./registry.ts";
import { mergeSnapshots } from "./merge-snapshots.ts";
import { countAnswer, countGrpcStatus } from "./route-stats.ts";
import type { MetricsSnapshot } from "./snapshot.ts";

/** The rule of every route here that has only one. */
const RULE = "rules[0]";

const NOTHING: readonly [] = [];

function labelsOf(snapshot: MetricsSnapshot, metric: string): string[] {
  return (snapshot.numbers[metric] ?? []).map(({ labels }) => labels.join(" "));
}

function numberOf(snapshot: MetricsSnapshot, metric: string, ...labels: string[]): number | undefined {
  return snapshot.numbers[metric]?.find((sample) => sample.labels.join("\n") === labels.join("\n"))?.value;
}

test("METRIC_CATALOG follows the naming rules of OpenMetrics and of this project", () => {
  const names = new Set<string>();
  for (const { name, type, unit, labels, help } of METRIC_CATALOG) {
    assert.match(name, new RegExp(`^weft_(${METRIC_PARTS.join("|")})_[a-z0-9_]+$`));
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
  assert.equal(registry.route("a", RULE), registry.route("a", RULE));
  assert.notEqual(registry.route("a", RULE), registry.route("b", RULE));
  assert.notEqual(registry.route("a", RULE), registry.route("a", "rules[1]"));
  assert.equal(registry.host("a", "h:1"), registry.host("a", "h:1"));
  assert.notEqual(registry.host("a", "h:1"), registry.host("b", "h:1"));
  assert.equal(registry.listener("a"), registry.listener("a"));
});

test("countAnswer() tells the classes of status apart", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const route = registry.route("r", RULE);
  for (const status of [101, 200, 204, 299, 301, 404, 499, 500, 599, 0]) countAnswer(route, status, 10, 1, 2);
  const snapshot = registry.snapshot();
  const counts = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"].map((statusClass) =>
    numberOf(snapshot, "weft_router_requests_total", "r", RULE, statusClass),
  );
  assert.deepEqual(counts, [1, 3, 1, 2, 2, 1]);
  assert.equal(numberOf(snapshot, "weft_router_received_bytes_total", "r", RULE), 10);
  assert.equal(snapshot.histograms["weft_router_request_duration_seconds"]?.[0]?.histogram.count, 10);
});

test("countGrpcStatus() counts what is no gRPC status as UNKNOWN", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const route = registry.route("r", RULE);
  for (const status of [0, 0, 16, 17, -1, 1.5, Number.NaN]) countGrpcStatus(route, status);
  const snapshot = registry.snapshot();
  assert.deepEqual(labelsOf(snapshot, "weft_router_grpc_responses_total"), [
    "r rules[0] 0",
    "r rules[0] 2",
    "r rules[0] 16",
  ]);
  assert.equal(numberOf(snapshot, "weft_router_grpc_responses_total", "r", RULE, "2"), 4);
});

test("MetricsRegistry.snapshot() has a series for every number that is counted", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const objects = [registry.listener("x"), registry.route("x", RULE), registry.cluster("x"), registry.host("x", "h:1")];
  let number = 1000;
  const count = (counts: object): void => {
    for (const [field, value] of Object.entries(counts)) {
      if (typeof value === "number") Reflect.set(counts, field, ++number);
      else if (!(value instanceof Histogram) && !(value instanceof Map)) count(value as object);
    }
  };
  for (const stats of objects) count(stats);
  assert.ok(number > 1100);
  const samples = Object.values(registry.snapshot().numbers).flat();
  const values = new Set(samples.map(({ value }) => value));
  for (let wanted = 1001; wanted <= number; wanted++) assert.ok(values.has(wanted), `${wanted} is shown`);
});

test("MetricsRegistry.keep() drops the series of what is gone after a while, not before", () => {
  const clock = new FakeClock();
  const registry = new MetricsRegistry(clock);
  countAnswer(registry.route("stays", RULE), 200, 1, 0, 0);
  countAnswer(registry.route("goes", RULE), 200, 1, 0, 0);
  registry.host("c", "h:1");
  registry.listener("l");
  registry.keep({ rules: [["stays", RULE]], clusters: NOTHING, listeners: NOTHING });
  clock.advance(METRICS_RETIRED_KEEP_MS - 1);
  assert.ok(labelsOf(registry.snapshot(), "weft_router_requests_active").includes("goes rules[0]"));
  registry.keep({ rules: [["stays", RULE]], clusters: NOTHING, listeners: NOTHING });
  clock.advance(1);
  const snapshot = registry.snapshot();
  assert.deepEqual(labelsOf(snapshot, "weft_router_requests_active"), ["stays rules[0]"]);
  assert.deepEqual(labelsOf(snapshot, "weft_upstream_requests_active"), []);
  assert.deepEqual(labelsOf(snapshot, "weft_downstream_requests_active"), []);
  assert.equal(registry.route("goes", RULE).requests["2xx"], 0);
});

test("MetricsRegistry.route() goes on counting for a name that comes back in time", () => {
  const clock = new FakeClock();
  const registry = new MetricsRegistry(clock);
  countAnswer(registry.route("r", RULE), 200, 1, 0, 0);
  registry.keep({ rules: NOTHING, clusters: NOTHING, listeners: NOTHING });
  clock.advance(METRICS_RETIRED_KEEP_MS - 1);
  assert.equal(registry.route("r", RULE).requests["2xx"], 1);
  clock.advance(METRICS_RETIRED_KEEP_MS);
  assert.equal(registry.route("r", RULE).requests["2xx"], 1);
});

test("MetricsRegistry.keep() drops the series of a rule that left its route", () => {
  const clock = new FakeClock();
  const registry = new MetricsRegistry(clock);
  countAnswer(registry.route("r", "old"), 200, 1, 0, 0);
  countAnswer(registry.route("r", "stays"), 200, 1, 0, 0);
  registry.keep({ rules: [["r", "stays"]], clusters: NOTHING, listeners: NOTHING });
  clock.advance(METRICS_RETIRED_KEEP_MS);
  assert.deepEqual(labelsOf(registry.snapshot(), "weft_router_requests_active"), ["r stays"]);
});

test("MetricsRegistry.keepHosts() drops hosts that left and gives their places back", () => {
  const clock = new FakeClock();
  const registry = new MetricsRegistry(clock, { listeners: 9, rules: 9, clusters: 9, hosts: 2 });
  const hosts = (): string[] => labelsOf(registry.snapshot(), "weft_upstream_requests_active");
  registry.host("c", "a:1");
  registry.host("c", "b:1");
  registry.keepHosts("c", ["a:1"]);
  registry.host("c", "c:1");
  assert.deepEqual(hosts(), ["c a:1", "c b:1", "_other _other"]);
  clock.advance(METRICS_RETIRED_KEEP_MS);
  registry.host("c", "c:1");
  assert.deepEqual(hosts(), ["c a:1", "c c:1", "_other _other"]);
});

test("MetricsRegistry gives back the hosts of a cluster that was dropped", () => {
  const clock = new FakeClock();
  const registry = new MetricsRegistry(clock, { listeners: 9, rules: 9, clusters: 9, hosts: 1 });
  registry.host("old", "a:1");
  registry.keep({ rules: NOTHING, clusters: NOTHING, listeners: NOTHING });
  clock.advance(METRICS_RETIRED_KEEP_MS);
  registry.snapshot();
  registry.host("new", "b:1");
  assert.deepEqual(labelsOf(registry.snapshot(), "weft_upstream_requests_active"), ["new b:1"]);
});

test("MetricsRegistry counts names beyond its bounds together", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const bounds: [string, number, string, (name: string) => object][] = [
    ["listener", METRICS_LISTENERS_MAX, "weft_downstream_requests_active", (name) => registry.listener(name)],
    ["rule", METRICS_RULES_MAX, "weft_router_requests_active", (name) => registry.route("r", name)],
    ["cluster", METRICS_CLUSTERS_MAX, "weft_cluster_requests_active", (name) => registry.cluster(name)],
    ["host", METRICS_HOSTS_MAX, "weft_upstream_requests_active", (name) => registry.host("0", name)],
  ];
  for (const [kind, max, metric, get] of bounds) {
    for (let index = 0; index < max; index++) get(String(index));
    const other = get("one too many");
    assert.notEqual(get(String(max - 1)), other);
    assert.equal(get("two too many"), other);
    const snapshot = registry.snapshot();
    assert.equal(numberOf(snapshot, "weft_metrics_overflows_total", kind), 2);
    const shown = labelsOf(snapshot, metric);
    assert.equal(shown.length, max + 1);
    assert.match(shown.at(-1) ?? "", /^_other( _other)?$/);
  }
});

test("MetricsRegistry cuts long names so that they stay different", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const long = "x".repeat(METRICS_LABEL_CHARS_MAX);
  registry.cluster(long);
  const one = registry.cluster(`${long}1`);
  assert.notEqual(one, registry.cluster(`${long}2`));
  assert.equal(one, registry.cluster(`${long}1`));
  const labels = labelsOf(registry.snapshot(), "weft_cluster_requests_active");
  assert.equal(new Set(labels).size, 3);
  assert.equal(labels[0], long);
  assert.ok(labels.every((label) => label.length === METRICS_LABEL_CHARS_MAX));
});

test("mergeSnapshots() adds counters and histograms, and treats each gauge as the catalog says", () => {
  const clocks = [new FakeClock(0, 5_000), new FakeClock(0, 4_000)];
  const snapshots = clocks.map((clock, index) => {
    const registry = new MetricsRegistry(clock);
    countAnswer(registry.route("r", RULE), 200, 1_000 * (index + 1), 0, 0);
    registry.cluster("c").hosts.healthy = 3 + index;
    registry.cluster("c").queueLength = 2;
    registry.process.configRevision = 7 - index;
    if (index === 1) countAnswer(registry.route("only here", RULE), 500, 1, 0, 0);
    return registry.snapshot();
  });
  const merged = mergeSnapshots(snapshots);
  assert.equal(merged.wallMs, 5_000);
  assert.equal(numberOf(merged, "weft_router_requests_total", "r", RULE, "2xx"), 2);
  assert.equal(numberOf(merged, "weft_router_requests_total", "only here", RULE, "5xx"), 1);
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
