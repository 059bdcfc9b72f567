import type { ClusterDescription, HostDescription } from "../cluster/index.ts";
import type { MetricsSnapshot, RouteSummary } from "../metrics/index.ts";
import { summarise } from "../metrics/index.ts";
import type { AdminSource, ListenerStatus, Readiness, WorkerStatus } from "./admin-source.ts";
import { ADMIN_PAGE_ROWS_MAX } from "./limits.ts";
import { PAGE_SCRIPT, PAGE_STYLE } from "./page-assets.ts";

/** What the page shows; gathered before it is written. */
export interface PageFacts {
  readonly name: string;
  readonly revision: number | null;
  readonly readiness: Readiness;
  readonly metrics: MetricsSnapshot;
  readonly listeners: readonly ListenerStatus[];
  readonly clusters: Awaited<ReturnType<AdminSource["clusters"]>>;
  readonly workers: readonly WorkerStatus[];
  /** Path and summary of each endpoint that can be opened in a browser. */
  readonly links: readonly { readonly path: string; readonly summary: string }[];
}

const NOTHING: MetricsSnapshot = { wallMs: 0, numbers: {}, histograms: {} };

/** The overview as one HTML page. Its numbers are averages since the start until its script has them live. */
export function renderPage(facts: PageFacts): string {
  const startedAtMs = (facts.metrics.numbers["weft_process_start_timestamp_seconds"]?.[0]?.value ?? 0) * 1000;
  const uptimeMs = startedAtMs > 0 ? Math.max(0, facts.metrics.wallMs - startedAtMs) : 0;
  const routes = summarise(NOTHING, facts.metrics, uptimeMs);
  const { isReady, reasons } = facts.readiness;
  const total = routes.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
  const connections = sumOf(facts.metrics, "weft_downstream_connections_active");
  const hosts = facts.clusters.flatMap((cluster) => cluster.hosts);
  const usable = hosts.filter((host) => host.isUsable).length;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(facts.name)} · Weft</title><style>${PAGE_STYLE}</style></head><body>
<header><h1>${escapeHtml(facts.name)}</h1>
<span class="${isReady ? "good" : "bad"}">${isReady ? "ready" : "not ready"}</span>
<span class="mute">${escapeHtml(reasons.join("; "))}</span>
<span class="mute">revision ${facts.revision ?? "-"}, up ${duration(uptimeMs)}, numbers: <span id="span">average since the start</span></span></header>
<div class="tiles">
${tile("requests", decimals(total), "requests/s")}${tile("connections", String(connections), "client connections")}
${tile("hosts", `${usable} / ${hosts.length}`, "usable hosts")}${tile("workers", String(facts.workers.length), "workers")}
${tile("memory", `${decimals(sumOf(facts.metrics, "weft_process_resident_memory_bytes") / 1e6)} MB`, "memory")}
</div>
${section("Routes", ["route", "requests/s|n", "success|n", "p50 ms|n", "p99 ms|n"], routes.map(routeRow))}
${section("Listeners", ["listener", "address", "protocol", "TLS", "connections|n"], facts.listeners.map(listenerRow))}
${section("Clusters and hosts", ["cluster / host", "state", "protocol / zone", "active|n", "p50 ms|n", "p99 ms|n"], clusterRows(facts))}
${section("Workers", ["worker", "process", "state", "revision|n", "restarts|n"], facts.workers.map(workerRow))}
<footer>${facts.links.map(({ path, summary }) => `<a href="${path}" title="${escapeHtml(summary)}">${path}</a>`).join("")}</footer>
<script>${PAGE_SCRIPT}</script></body></html>
`;
}

function tile(id: string, value: string, label: string): string {
  return `<div class="tile"><b id="${id}">${value}</b><span class="mute">${label}</span></div>`;
}

/** A table; a heading that ends in "|n" is a column of numbers. */
function section(title: string, headings: readonly string[], rows: readonly string[]): string {
  const cells = headings.map((heading) => {
    const [text = "", kind] = heading.split("|");
    return `<th${kind === undefined ? "" : ` class="${kind}"`}>${text}</th>`;
  });
  const more = rows.length - ADMIN_PAGE_ROWS_MAX;
  const rest = more > 0 ? `<p class="mute">and ${more} more: see the API</p>` : "";
  const empty = rows.length === 0 ? `<tr><td class="mute" colspan="${headings.length}">none</td></tr>` : "";
  const body = rows.slice(0, ADMIN_PAGE_ROWS_MAX).join("\n");
  return `<h2>${title}</h2><div class="wide"><table><thead><tr>${cells.join("")}</tr></thead><tbody>${body}${empty}</tbody></table></div>${rest}`;
}

function routeRow({ route, requestsPerSecond, successShare, p50Ms, p99Ms }: RouteSummary): string {
  const tone = successShare >= 0.999 ? "good" : successShare >= 0.99 ? "warn" : "bad";
  const name = escapeHtml(route);
  return (
    `<tr data-route="${name}"><td>${name}</td><td class="n">${decimals(requestsPerSecond)}</td>` +
    `<td class="n ${tone}">${(successShare * 100).toFixed(2)} %</td><td class="n">${milliseconds(p50Ms)}</td>` +
    `<td class="n">${milliseconds(p99Ms)}</td></tr>`
  );
}

function listenerRow(listener: ListenerStatus): string {
  const { name, address, port, protocol, isTls, connectionsActive, problem } = listener;
  const why = problem === "" ? "" : ` <span class="bad">not open: ${escapeHtml(problem)}</span>`;
  return (
    `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(address)}:${port}${why}</td><td>${escapeHtml(protocol)}</td>` +
    `<td>${isTls ? "yes" : "no"}</td><td class="n">${connectionsActive}</td></tr>`
  );
}

function clusterRows({ clusters }: PageFacts): string[] {
  return clusters.flatMap(({ name, protocol, balancer, hosts, usableHosts, sharding }) => {
    const tone = usableHosts === hosts.length && usableHosts > 0 ? "good" : usableHosts > 0 ? "warn" : "bad";
    const head =
      `<tr><td><b>${escapeHtml(name)}</b></td><td class="${tone}">${usableHosts} of ${hosts.length} usable</td>` +
      `<td>${escapeHtml(protocol)}, ${escapeHtml(balancer)}${escapeHtml(shardText(sharding))}</td><td class="n"></td><td></td><td></td></tr>`;
    return [head, ...hosts.map(hostRow)];
  });
}

/** How much of the cluster this proxy connects to. */
function shardText(sharding: ClusterDescription["sharding"]): string {
  if (sharding === null) return "";
  const { algorithm, size, substitutes } = sharding;
  return `, ${algorithm} shard of ${size}${substitutes === 0 ? "" : `, ${substitutes} of them stand in for others`}`;
}

function hostRow(host: HostDescription): string {
  const { key, state, reason, shardReason, isUsable, zone, activeRequests, latencyMs } = host;
  const reasons = [reason, shardReason].filter((text) => text !== "");
  const why = reasons.length === 0 ? "" : ` <span class="mute">${escapeHtml(reasons.join("; "))}</span>`;
  return (
    `<tr><td class="sub">${escapeHtml(key)}</td><td class="${isUsable ? "good" : "bad"}">${escapeHtml(state)}${why}</td>` +
    `<td>${escapeHtml(zone)}</td><td class="n">${activeRequests}</td>` +
    `<td class="n">${milliseconds(latencyMs?.p50 ?? null)}</td><td class="n">${milliseconds(latencyMs?.p99 ?? null)}</td></tr>`
  );
}

function workerRow({ id, pid, state, revision, restarts }: WorkerStatus): string {
  return (
    `<tr><td>${id}</td><td>${pid}</td><td class="${state === "ready" ? "good" : "warn"}">${state}</td>` +
    `<td class="n">${revision}</td><td class="n">${restarts}</td></tr>`
  );
}

function sumOf(metrics: MetricsSnapshot, name: string): number {
  return (metrics.numbers[name] ?? []).reduce((sum, { value }) => sum + value, 0);
}

function decimals(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

function milliseconds(value: number | null): string {
  if (value === null) return "-";
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => HTML_ESCAPES[character] ?? character);
}
