import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@weft/kernel";
import fc from "fast-check";
import { METRIC_CATALOG } from "./catalog.ts";
import { METRICS_RENDER_CHUNK_CHARS } from "./limits.ts";
import { mergeSnapshots } from "./merge-snapshots.ts";
import { MetricsRegistry } from "./registry.ts";
import { negotiateFormat, renderChunks, renderOpenMetrics, renderPrometheus } from "./render.ts";
import { reloadMetrics } from "./reload-metrics.ts";
import { countAnswer, countGrpcStatus } from "./route-stats.ts";
import type { MetricsSnapshot } from "./snapshot.ts";

/** The rule of every route here that has only one. */
const RULE = "rules[0]";

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

interface Family {
  readonly type: string;
  readonly unit: string;
  readonly help: string;
  readonly samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** A parser of OpenMetrics 1.0 that refuses whatever the specification does not allow of the three types used here. */
function parseOpenMetrics(text: string): Map<string, Family> {
  assert.ok(text.endsWith("# EOF\n"), "ends with # EOF");
  assert.ok(text.isWellFormed());
  const families = new Map<string, Family>();
  const lines = text.slice(0, -"# EOF\n".length).split("\n");
  assert.equal(lines.pop(), "", "every line ends with a line feed");
  let current: { name: string; type: string; unit: string; help: string; samples: Sample[] } | undefined;
  for (const line of lines) {
    assert.notEqual(line, "# EOF", "one EOF only");
    const meta = /^# (TYPE|UNIT|HELP) ([^ ]+) (.*)$/s.exec(line);
    if (meta !== null) {
      const [, kind = "", name = "", rest = ""] = meta;
      assert.match(name, NAME);
      if (current?.name !== name) {
        assert.ok(!families.has(name), `family ${name} is in one piece`);
        current = { name, type: "", unit: "", help: "", samples: [] };
        families.set(name, current);
      }
      assert.equal(current.samples.length, 0, "metadata comes before samples");
      if (kind === "TYPE") {
        assert.equal(current.type, "");
        assert.match(rest, /^(counter|gauge|histogram)$/);
        current.type = rest;
      } else if (kind === "UNIT") {
        assert.equal(current.unit, "");
        assert.ok(name.endsWith(`_${rest}`), "the unit ends the name");
        current.unit = rest;
      } else {
        assert.equal(current.help, "");
        current.help = unescape(rest);
      }
      continue;
    }
    assert.ok(current !== undefined, `sample without family: ${line}`);
    current.samples.push(parseSample(line, current));
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

function parseSample(line: string, family: { name: string; type: string }): Sample {
  const match = /^([^{ ]+)(?:\{(.*)\})? (\S+)$/su.exec(line);
  assert.ok(match !== null, `malformed line ${JSON.stringify(line)}`);
  const [, name = "", labelText, valueText = ""] = match;
  const suffixes =
    family.type === "counter" ? ["_total"] : family.type === "gauge" ? [""] : ["_bucket", "_sum", "_count"];
  assert.ok(
    suffixes.some((suffix) => name === family.name + suffix),
    `${name} in ${family.name}`,
  );
  assert.match(valueText, /^(NaN|[+-]Inf|-?\d+(\.\d+)?(e[+-]?\d+)?)$/);
  const value = valueText.endsWith("Inf") ? Number(`${valueText}inity`) : Number(valueText);
  const labels = parseLabels(labelText ?? "");
  if (family.type !== "gauge") assert.ok(value >= 0, "counters and histograms are not negative");
  return { name, labels, value };
}

/** Label pairs, character by character: a quote or line feed that is not escaped fails. */
function parseLabels(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  let position = 0;
  while (position < text.length) {
    const equals = text.indexOf('="', position);
    assert.ok(equals > 0, `label without value in ${text}`);
    const name = text.slice(position, equals);
    assert.match(name, LABEL_NAME);
    assert.ok(!labels.has(name), `label ${name} comes once`);
    let value = "";
    position = equals + 2;
    for (;;) {
      const character = text[position++];
      assert.ok(character !== undefined, "the value is closed");
      if (character === '"') break;
      assert.notEqual(character, "\n");
      if (character === "\\") {
        const escaped = text[position++];
        assert.ok(escaped === "\\" || escaped === '"' || escaped === "n", "a known escape");
        value += escaped === "n" ? "\n" : escaped;
      } else value += character;
    }
    labels.set(name, value);
    if (position === text.length) break;
    assert.equal(text[position++], ",");
    assert.ok(position < text.length, "no trailing comma");
  }
  return labels;
}

function unescape(text: string): string {
  assert.doesNotMatch(text, /(^|[^\\])(\\\\)*\\([^n"\\]|$)/, "only known escapes");
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}

/** As `promtool check metrics`: types, help, no series twice, histograms that add up. */
function checkFamily(family: Family): void {
  assert.notEqual(family.type, "");
  assert.notEqual(family.help, "");
  assert.ok(family.samples.length > 0);
  const seen = new Set<string>();
  const buckets = new Map<string, Sample[]>();
  const counts = new Map<string, number>();
  for (const sample of family.samples) {
    const key = JSON.stringify([sample.name, [...sample.labels]]);
    assert.ok(!seen.has(key), `series comes once: ${key}`);
    seen.add(key);
    if (family.type !== "histogram") continue;
    const own = JSON.stringify([...sample.labels].filter(([name]) => name !== "le"));
    if (sample.name.endsWith("_bucket")) buckets.set(own, [...(buckets.get(own) ?? []), sample]);
    if (sample.name.endsWith("_count")) counts.set(own, sample.value);
  }
  for (const [own, samples] of buckets) {
    let lastBound = Number.NEGATIVE_INFINITY;
    let last = 0;
    for (const { labels, value } of samples) {
      const text = labels.get("le") ?? "";
      assert.match(text, /^(\d+\.\d+|\+Inf)$/, "le is a float");
      const bound = text === "+Inf" ? Number.POSITIVE_INFINITY : Number(text);
      assert.ok(bound > lastBound && value >= last, "buckets are cumulative");
      lastBound = bound;
      last = value;
    }
    assert.equal(lastBound, Number.POSITIVE_INFINITY);
    assert.equal(counts.get(own), last, "+Inf holds the count");
  }
  assert.equal(buckets.size, counts.size);
}

function valueOf(families: Map<string, Family>, name: string, labels: Record<string, string>): number | undefined {
  for (const family of families.values()) {
    for (const sample of family.samples) {
      const isSame = Object.entries(labels).every(([key, value]) => sample.labels.get(key) === value);
      if (sample.name === name && isSame && sample.labels.size === Object.keys(labels).length) return sample.value;
    }
  }
  return undefined;
}

function busyRegistry(): MetricsRegistry {
  const registry = new MetricsRegistry(new FakeClock());
  const route = registry.route("shop/cart", RULE);
  countAnswer(route, 200, 1_200, 10, 2_000);
  countAnswer(route, 503, 90_000, 0, 30);
  countAnswer(route, 0, 5, 0, 0);
  countGrpcStatus(route, 14);
  const cluster = registry.cluster("shop/backend");
  cluster.outcomes.success++;
  const host = registry.host("shop/backend", "10.0.0.1:80");
  host.outcomes.success++;
  host.durationUs.record(1_000);
  cluster.connectUs.record(200);
  cluster.rpcFrames.answer++;
  cluster.rpcFaults.late++;
  cluster.protocolErrors.set("BOLT_CRC_MISMATCH", 1);
  const listener = registry.listener("edge");
  listener.resets.timeout++;
  listener.protocolErrors.set("HTTP1_INVALID_HOST", 1);
  listener.rpcFrames.request++;
  listener.rpcFaults.refused++;
  listener.connectionsActive = 7;
  return registry;
}

/** What the supervisor adds to the numbers of its workers. */
function roleMetrics(): MetricsSnapshot {
  const counts = { applied: 3, refused: 1, appliedAtMs: 1000, refusedAtMs: 2000 };
  return reloadMetrics({ isCurrent: true, problems: [], ...counts }, 0);
}

test("renderOpenMetrics() gives text that a strict parser accepts, with every metric of the catalog", () => {
  const families = parseOpenMetrics(renderOpenMetrics(mergeSnapshots([busyRegistry().snapshot(), roleMetrics()])));
  for (const { name, type, unit } of METRIC_CATALOG) {
    const family = families.get(type === "counter" ? name.slice(0, -"_total".length) : name);
    assert.ok(family !== undefined, `${name} has a producer`);
    assert.equal(family.type, type);
    assert.equal(family.unit, unit);
  }
  assert.equal(families.size, METRIC_CATALOG.length);
});

test("renderOpenMetrics() shows what was counted", () => {
  const families = parseOpenMetrics(renderOpenMetrics(busyRegistry().snapshot()));
  const route = { route: "shop/cart", rule: RULE };
  assert.equal(valueOf(families, "weft_router_requests_total", { ...route, status_class: "2xx" }), 1);
  assert.equal(valueOf(families, "weft_router_requests_total", { ...route, status_class: "5xx" }), 1);
  assert.equal(valueOf(families, "weft_router_requests_total", { ...route, status_class: "none" }), 1);
  assert.equal(valueOf(families, "weft_router_grpc_responses_total", { ...route, grpc_status: "14" }), 1);
  assert.equal(valueOf(families, "weft_router_sent_bytes_total", route), 2_030);
  const buckets = "weft_router_request_duration_seconds_bucket";
  assert.equal(valueOf(families, buckets, { ...route, le: "0.0001" }), 1);
  assert.equal(valueOf(families, buckets, { ...route, le: "0.0025" }), 2);
  assert.equal(valueOf(families, buckets, { ...route, le: "1.0" }), 3);
  assert.equal(valueOf(families, "weft_router_request_duration_seconds_sum", route), 0.091205);
  assert.equal(valueOf(families, "weft_downstream_resets_total", { listener: "edge", reason: "timeout" }), 1);
  assert.equal(valueOf(families, "weft_downstream_connections_active", { listener: "edge" }), 7);
  const host = { cluster: "shop/backend", host: "10.0.0.1:80" };
  assert.equal(valueOf(families, "weft_upstream_requests_total", { ...host, outcome: "success" }), 1);
  assert.ok((valueOf(families, "weft_process_cpu_seconds_total", {}) ?? 0) > 0);
});

test("renderOpenMetrics() lets no name break out of its label", () => {
  const hostile = 'a"} 1\nweft_fake_total{x="\r\n# EOF\n\\\u0000\u2028\ud800';
  const registry = new MetricsRegistry(new FakeClock());
  countAnswer(registry.route(hostile, RULE), 200, 1, 0, 0);
  const text = renderOpenMetrics(registry.snapshot());
  assert.doesNotMatch(text, /[\r\0\u2028]/u);
  const families = parseOpenMetrics(text);
  assert.ok(!families.has("weft_fake"));
  const shown = 'a"} 1\nweft_fake_total{x="\ufffd\n# EOF\n\\\ufffd\ufffd\ufffd';
  assert.equal(valueOf(families, "weft_router_requests_total", { route: shown, rule: RULE, status_class: "2xx" }), 1);
});

test("renderOpenMetrics() survives any names and any numbers", () => {
  const name = fc.string({ unit: "binary", maxLength: 40 });
  const number = fc.oneof(fc.double({ min: 0, noNaN: true }), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(fc.tuple(name, number, fc.integer({ min: 0, max: 700 })), { maxLength: 8 }), (rows) => {
      const registry = new MetricsRegistry(new FakeClock());
      for (const [label, amount, status] of rows) {
        countAnswer(registry.route(label, RULE), status, amount, amount, amount);
        registry.host(label, label).durationUs.record(amount);
        registry.listener(label).receivedBytes += amount;
      }
      // Names that differ only in what is masked would be one series to the parser: each is its own scrape.
      const snapshot = registry.snapshot();
      const masked = new Set(rows.map(([label]) => renderOpenMetrics(oneRoute(label))));
      if (masked.size === new Set(rows.map(([label]) => label)).size) parseOpenMetrics(renderOpenMetrics(snapshot));
    }),
    { numRuns: 60 },
  );
});

function oneRoute(name: string): ReturnType<MetricsRegistry["snapshot"]> {
  const sample = { labels: [name, RULE, "2xx"], value: 1 };
  return { wallMs: 0, numbers: { weft_router_requests_total: [sample] }, histograms: {} };
}

test("renderOpenMetrics() writes infinities, NaN and large numbers as the format has them", () => {
  const gauge = (value: number): string =>
    renderOpenMetrics({ wallMs: 0, numbers: { weft_process_workers: [{ labels: [], value }] }, histograms: {} });
  assert.match(gauge(Number.POSITIVE_INFINITY), /^weft_process_workers \+Inf$/m);
  assert.match(gauge(Number.NEGATIVE_INFINITY), /^weft_process_workers -Inf$/m);
  assert.match(gauge(Number.NaN), /^weft_process_workers NaN$/m);
  for (const value of [1e21, 1.5e-7, Number.MAX_SAFE_INTEGER]) {
    assert.equal(valueOf(parseOpenMetrics(gauge(value)), "weft_process_workers", {}), value);
  }
});

test("renderOpenMetrics() leaves out what the catalog does not know or whose labels do not fit", () => {
  const text = renderOpenMetrics({
    wallMs: 0,
    numbers: {
      weft_of_tomorrow_total: [{ labels: [], value: 1 }],
      weft_cluster_retries_total: [{ labels: ["a", "b"], value: 1 }],
    },
    histograms: {},
  });
  assert.equal(text, "# EOF\n");
});

test("renderPrometheus() gives the older format: full names, no units, no EOF", () => {
  const text = renderPrometheus(busyRegistry().snapshot());
  assert.match(text, /^# TYPE weft_router_requests_total counter$/m);
  assert.match(text, /^weft_router_requests_total\{route="shop\/cart",rule="rules\[0\]",status_class="2xx"\} 1$/m);
  assert.doesNotMatch(text, /# (EOF|UNIT)/);
  for (const line of text.trimEnd().split("\n")) {
    assert.match(line, /^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z0-9_]+(\{.*\})? \S+)$/);
  }
});

test("renderChunks() gives a large scrape in bounded pieces that add up to the whole", () => {
  const registry = new MetricsRegistry(new FakeClock());
  for (let index = 0; index < 300; index++) registry.route(`ns/route-${index}`, RULE);
  const snapshot = registry.snapshot();
  const chunks = [...renderChunks(snapshot, "openmetrics")];
  assert.ok(chunks.length > 3);
  for (const chunk of chunks) assert.ok(chunk.length < METRICS_RENDER_CHUNK_CHARS * 1.2, `${chunk.length}`);
  assert.equal(chunks.join(""), renderOpenMetrics(snapshot));
});

test("negotiateFormat() gives OpenMetrics only to whoever asks for a version that we speak", () => {
  const prometheusServer =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
  assert.equal(negotiateFormat(prometheusServer), "openmetrics");
  assert.equal(negotiateFormat("application/openmetrics-text"), "openmetrics");
  assert.equal(negotiateFormat("APPLICATION/OpenMetrics-Text; Version=1.0.0"), "openmetrics");
  assert.equal(negotiateFormat("application/openmetrics-text; version=0.0.1"), "prometheus");
  assert.equal(negotiateFormat("application/openmetrics-text;q=0"), "prometheus");
  assert.equal(negotiateFormat("application/openmetrics-text;q=0.2,text/plain;q=0.9"), "prometheus");
  assert.equal(negotiateFormat("application/openmetrics-text;q=x"), "prometheus");
  for (const accept of [undefined, "", "*/*", "text/html", ",;,;"]) assert.equal(negotiateFormat(accept), "prometheus");
});

test("mergeSnapshots() and JSON keep a snapshot renderable", () => {
  const merged = mergeSnapshots([busyRegistry().snapshot(), busyRegistry().snapshot()]);
  const families = parseOpenMetrics(renderOpenMetrics(JSON.parse(JSON.stringify(merged)) as typeof merged));
  assert.equal(
    valueOf(families, "weft_router_requests_total", { route: "shop/cart", rule: RULE, status_class: "5xx" }),
    2,
  );
});
