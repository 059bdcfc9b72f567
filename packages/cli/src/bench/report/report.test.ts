import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadRound, Measurements } from "../measurement.ts";
import { HTTP1_SCENARIO, IDLE_SCENARIO, STREAM_SCENARIOS } from "../scenario.ts";
import { type BenchReport, createReport } from "./bench-report.ts";
import { evaluateTargets } from "../targets.ts";
import { formatFigure } from "./figures.ts";
import { renderBars, renderHtml } from "./html.ts";
import { renderText } from "./text.ts";

const MACHINE = {
  cpu: "Some <Processor>",
  cores: "2 cores",
  memory: "24 GB memory",
  kernel: "Linux 6",
  node: "Node 26",
  peers: "nginx 1",
  generators: "wrk 4, h2load 1",
};

function round(peer: string, number: number, cpu: number): LoadRound {
  const figures = { requests: 100, requests_per_second: 2_000 * number, p50_ms: 1, p99_ms: 5, rss_mb: 50 };
  return { scenario: HTTP1_SCENARIO.name, peer, round: number, cpu_us_per_request: cpu, ...figures };
}

function createSample(changes: Partial<Measurements> = {}): BenchReport {
  const memory = { peer: "weft", round: 1, empty_mb: 10, connection_kb: null, growth_mb: null };
  const measurements: Measurements = {
    // The second round begins with the other peer.
    load: [round("weft", 1, 40), round("nginx", 1, 30), round("nginx", 2, 40), round("weft", 2, 50)],
    memory: [
      { ...memory, scenario: IDLE_SCENARIO.name, rss_mb: 70, connection_kb: 4.096 },
      { ...memory, scenario: STREAM_SCENARIOS[0]?.name ?? "", rss_mb: 20, growth_mb: 10 },
    ],
    faults: [{ scenario: "x", peer: "Caddy", round: 2, reason: "1 <b> error" }],
    ...changes,
  };
  return createReport({
    suite: "http",
    mode: "quick",
    machine: MACHINE,
    leftOut: ["HAProxy"],
    measurements,
    targets: evaluateTargets(measurements),
  });
}

test("createReport() has a row per scenario and peer with medians, units in the names", () => {
  const { suite, machine, rows, targets } = createSample();
  assert.equal(suite, "http");
  assert.equal(machine, MACHINE);
  assert.deepEqual(rows, [
    {
      scenario: HTTP1_SCENARIO.name,
      peer: "weft",
      requests_per_second: 3_000,
      p50_ms: 1,
      p99_ms: 5,
      cpu_us_per_request: 45,
      rss_mb: 50,
    },
    {
      scenario: HTTP1_SCENARIO.name,
      peer: "nginx",
      requests_per_second: 3_000,
      p50_ms: 1,
      p99_ms: 5,
      cpu_us_per_request: 35,
      rss_mb: 50,
    },
    { scenario: IDLE_SCENARIO.name, peer: "weft", rss_mb: 70, rss_kb_per_idle_connection: 4.096 },
    { scenario: STREAM_SCENARIOS[0]?.name, peer: "weft", rss_mb: 20, rss_growth_mb: 10 },
  ]);
  assert.equal(targets.length, 7);
  for (const target of targets) {
    assert.deepEqual(Object.keys(target).sort(), ["limit", "name", "ok", "reason", "unit", "value"]);
  }
});

test("createReport() survives JSON unchanged", () => {
  const report = createSample();
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
});

test("renderText() shows figures, ratios per round pair, faults and targets", () => {
  const text = renderText(createSample());
  assert.match(text, /^ {2}nginx +3 000 +1\.00 +5\.00 +35\.0 +50\.0 +1\.29 x +1\.00 x$/m);
  assert.match(text, /x, Caddy, round 2: 1 <b> error/);
  assert.match(text, /Not installed and left out: HAProxy\./);
  assert.match(text, /✔ HTTP\/1\.1, CPU per request, vs nginx: 1\.29, at most 1\.4$/m);
  assert.match(text, /✘ memory per idle connection .*: 4\.10 KB, at most 4 KB$/m);
});

test("renderHtml() is one file with plots, without scripts, assets or unescaped text", () => {
  const html = renderHtml(createSample());
  assert.match(html, /<rect class="own" x="130" y="0" width="560\.0"/);
  assert.doesNotMatch(html, /<script|<link|<img|url\(|https?:/);
  assert.match(html, /Some &lt;Processor&gt;/);
  assert.match(html, /1 &lt;b&gt; error/);
});

test("renderBars() draws nothing wider than the largest value, and stands no value at all", () => {
  const svg = renderBars([{ peer: "a", value: 0 }], "KB");
  assert.match(svg, /width="0\.0"/);
});

test("formatFigure() keeps three digits", () => {
  const cases: readonly (readonly [number | null, string])[] = [
    [null, "-"],
    [Number.NaN, "-"],
    [0.1234, "0.12"],
    [12.345, "12.3"],
    [123.45, "123"],
    [12_345.6, "12 346"],
  ];
  for (const [value, expected] of cases) assert.equal(formatFigure(value), expected);
});

test("a report about phases has a table per phase, for the terminal and as HTML", () => {
  const row = {
    scenario: "workers killed",
    peer: "weft",
    failed_at_most: 8,
    changes: 3,
    p99_ms: 12,
    seen_after_ms: null,
  };
  const rows = [
    { ...row, client: "HTTP/2", requests: 1_234, requests_per_second: 411, failed: 8, sent_again: 0, gap_ms: 42 },
    { ...row, client: "wrk", requests: 9, requests_per_second: 3, failed: 0, sent_again: null, gap_ms: null },
  ];
  const name = "workers killed: failed requests";
  const target = { name, limit: 0, unit: "requests", value: 0, ok: true, reason: "" } as const;
  const machine = { ...MACHINE, generators: "" };
  const report = {
    suite: "reload",
    mode: "full",
    machine,
    rows,
    targets: [target],
    left_out: ["wrk"],
    faults: [],
  } as const;
  const text = renderText(report);
  assert.match(text, /^Measured on Some <Processor>, .*, nginx 1\.\nNot installed and left out: wrk\.\n/);
  assert.match(text, /\nworkers killed \(3 times\)\n {2}client +requests .*seen after ms\n/);
  assert.match(text, /\n {2}HTTP\/2 +1234 +411 +8 +8 +0 +12\.0 +42\.0 +-\n/);
  assert.match(text, /✔ workers killed: failed requests: 0 requests, at most 0 requests\n/);
  const html = renderHtml(report);
  // A client that does not know its gap has no bar.
  assert.equal(html.match(/<rect /g)?.length, 1);
  assert.match(html, /<p>Longest time without an answer, ms; less is better\.<\/p>/);
});
