import { Histogram, type HistogramSnapshot } from "@weft/kernel";
import { METRIC_CATALOG } from "./catalog.ts";
import { METRICS_RENDER_CHUNK_CHARS } from "./limits.ts";
import type { MetricsSnapshot } from "./snapshot.ts";
import type { MetricDefinition } from "./stats-shape.ts";

/** The text formats that a scraper may ask for: OpenMetrics 1.0 and the older one of Prometheus (0.0.4). */
export type MetricsFormat = "openmetrics" | "prometheus";

/** The Content-Type of each format. */
export const METRICS_CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
};

/** Upper bounds of the buckets, in seconds: from a tenth of a millisecond, where a sidecar on loopback lies, to a minute. */
const BUCKETS_SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
const BUCKETS_US: readonly number[] = [...BUCKETS_SECONDS.map((seconds) => seconds * 1e6), Number.POSITIVE_INFINITY];
/** OpenMetrics writes `le` as a float: "1.0". */
const BUCKET_TEXTS: readonly string[] = [
  ...BUCKETS_SECONDS.map((seconds) => (Number.isInteger(seconds) ? seconds.toFixed(1) : String(seconds))),
  "+Inf",
];

/** A snapshot as OpenMetrics 1.0 text, ending with `# EOF`. For large snapshots see `renderChunks`. */
export function renderOpenMetrics(snapshot: MetricsSnapshot): string {
  return [...renderChunks(snapshot, "openmetrics")].join("");
}

/** A snapshot in the older text format of Prometheus, version 0.0.4. */
export function renderPrometheus(snapshot: MetricsSnapshot): string {
  return [...renderChunks(snapshot, "prometheus")].join("");
}

/**
 * The text in pieces of about `METRICS_RENDER_CHUNK_CHARS`, each made when it is asked for: the server lets other work
 * run in between, so a large scrape holds nobody up.
 */
export function* renderChunks(snapshot: MetricsSnapshot, format: MetricsFormat): Generator<string, void> {
  let chunk = "";
  for (const definition of METRIC_CATALOG) {
    let isFirst = true;
    for (const text of renderFamily(definition, snapshot)) {
      if (isFirst) chunk += renderHead(definition, format);
      isFirst = false;
      chunk += text;
      if (chunk.length < METRICS_RENDER_CHUNK_CHARS) continue;
      yield chunk;
      chunk = "";
    }
  }
  if (format === "openmetrics") chunk += "# EOF\n";
  if (chunk !== "") yield chunk;
}

/**
 * The format that an Accept header asks for: OpenMetrics only where it is named with a version that we speak and is
 * wanted at least as much as plain text.
 */
export function negotiateFormat(accept: string | undefined): MetricsFormat {
  let openMetrics = 0;
  let plain = 0;
  for (const range of (accept ?? "").split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = qualityOf(parameters);
    if (type === "application/openmetrics-text") {
      const version = parameters.find((parameter) => parameter.startsWith("version="));
      if (version === undefined || version === "version=1.0.0") openMetrics = Math.max(openMetrics, quality);
    } else if (type === "text/plain") plain = Math.max(plain, quality);
  }
  return openMetrics > 0 && openMetrics >= plain ? "openmetrics" : "prometheus";
}

function qualityOf(parameters: readonly string[]): number {
  const text = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  if (text === undefined) return 1;
  const quality = Number(text);
  return quality >= 0 && quality <= 1 ? quality : 0;
}

/** OpenMetrics names the family without `_total`; the older format knows no families and no units. */
function renderHead({ name, type, unit, help }: MetricDefinition, format: MetricsFormat): string {
  if (format === "prometheus") return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
  const family = type === "counter" ? name.slice(0, -"_total".length) : name;
  const unitLine = unit === "" ? "" : `# UNIT ${family} ${unit}\n`;
  return `# TYPE ${family} ${type}\n${unitLine}# HELP ${family} ${escapeText(help)}\n`;
}

/** The lines of each series of a metric. Series whose labels do not fit (another version's) are left out. */
function* renderFamily(definition: MetricDefinition, snapshot: MetricsSnapshot): Generator<string, void> {
  const { name, labels: names } = definition;
  if (definition.type === "histogram") {
    for (const { labels, histogram } of snapshot.histograms[name] ?? []) {
      if (labels.length === names.length) yield renderHistogram(name, renderLabels(names, labels), histogram);
    }
    return;
  }
  for (const { labels, value } of snapshot.numbers[name] ?? []) {
    if (labels.length !== names.length) continue;
    const pairs = renderLabels(names, labels);
    yield pairs === "" ? `${name} ${renderNumber(value)}\n` : `${name}{${pairs}} ${renderNumber(value)}\n`;
  }
}

function renderHistogram(name: string, pairs: string, snapshot: HistogramSnapshot): string {
  const histogram = new Histogram();
  histogram.merge(snapshot);
  const counts = histogram.cumulativeBuckets(BUCKETS_US);
  const lead = pairs === "" ? "" : `${pairs},`;
  let text = "";
  for (let index = 0; index < counts.length; index++) {
    text += `${name}_bucket{${lead}le="${BUCKET_TEXTS[index]}"} ${counts[index]}\n`;
  }
  const own = pairs === "" ? "" : `{${pairs}}`;
  return `${text}${name}_sum${own} ${renderNumber(snapshot.sum / 1e6)}\n${name}_count${own} ${snapshot.count}\n`;
}

function renderLabels(names: readonly string[], values: readonly string[]): string {
  let pairs = "";
  for (let index = 0; index < names.length; index++) {
    pairs += `${index === 0 ? "" : ","}${names[index]}="${escapeText(values[index] ?? "")}"`;
  }
  return pairs;
}

const NEEDS_ESCAPE = /[\\"\n]/;
const NOT_TEXT = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * As both formats escape a label value: backslash, quote and line feed. Other control characters and the separators
 * that some tools take for line ends become U+FFFD, so that no name can break a line, whoever reads it.
 */
function escapeText(text: string): string {
  const clean = text.toWellFormed().replaceAll(NOT_TEXT, "\ufffd");
  if (!NEEDS_ESCAPE.test(clean)) return clean;
  return clean.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** HELP in the older format escapes no quotes. */
function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function renderNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
