import { setImmediate as turn } from "node:timers/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { LogLevel } from "../log.ts";
import {
  METRICS_CONTENT_TYPES,
  type MetricsSnapshot,
  negotiateFormat,
  renderChunks,
  summarise,
  summariseRetries,
} from "../metrics/index.ts";
import type { AdminSource, ExplainRequest } from "./admin-source.ts";
import { type AdminFailure, sendHead, sendJson, sendPage } from "./answer.ts";
import { ADMIN_BODY_BYTES_MAX, ADMIN_CONNECTION_ROWS_MAX, ADMIN_EXPLAIN_FIELDS_MAX } from "./limits.ts";
import type { LiveFeed } from "./live-feed.ts";
import { renderPage } from "./page.ts";
import { PAGE_SCRIPT, PAGE_STYLE } from "./page-assets.ts";
import { showReloads } from "./show-reloads.ts";
import { showWorld } from "./show-world.ts";

/** What an endpoint works with. */
export interface Visit {
  readonly source: AdminSource;
  readonly feed: LiveFeed;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

/** A refusal on the way to an answer; caught in one place, the server. */
export class Refusal extends Error {
  readonly failure: AdminFailure;

  constructor(failure: AdminFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

type Handler = (visit: Visit) => Promise<void>;

/** One path and what may be done there. */
export interface Endpoint {
  readonly path: string;
  readonly summary: string;
  readonly get: Handler | null;
  readonly post: Handler | null;
  /** What is shown beyond loopback without the token: always, or where the settings say so. */
  readonly isOpen?: "always" | "as-configured";
  /** An example of the JSON that `post` wants; "" for none. */
  readonly body?: string;
}

/** Everything that the admin server answers to. */
export const ENDPOINTS: readonly Endpoint[] = [
  { path: "/", summary: "overview for people", get: getPage, post: null },
  {
    path: "/metrics",
    summary: "OpenMetrics or Prometheus text, by Accept",
    get: getMetrics,
    post: null,
    isOpen: "as-configured",
  },
  { path: "/api/live", summary: "200 while the process runs", get: getLive, post: null, isOpen: "always" },
  {
    path: "/api/ready",
    summary: "200 when new traffic should come here, else 503",
    get: getReady,
    post: null,
    isOpen: "always",
  },
  { path: "/api/config", summary: "the configuration in force, without secrets", get: getConfig, post: null },
  {
    path: "/api/reloads",
    summary: "how versions of the configuration were taken, and what is wrong with the last",
    get: getReloads,
    post: null,
  },
  { path: "/api/listeners", summary: "addresses that are listened on", get: getListeners, post: null },
  {
    path: "/api/routes",
    summary: "rules in force, traffic of each route and retries of each cluster since the start",
    get: getRoutes,
    post: null,
  },
  { path: "/api/clusters", summary: "clusters and hosts with health and latency", get: getClusters, post: null },
  { path: "/api/connections", summary: "open connections, both sides", get: getConnections, post: null },
  {
    path: "/api/explain",
    summary: "how a request would be routed: ?method=&authority=&path=&header=name:value&table=",
    get: getExplain,
    post: null,
  },
  { path: "/api/workers", summary: "worker processes", get: getWorkers, post: null },
  { path: "/api/events", summary: "server-sent events: traffic of each second", get: getEvents, post: null },
  {
    path: "/api/log-level",
    summary: "the log level; POST sets it",
    get: getLogLevel,
    post: postLogLevel,
    body: '{"level": "debug"}',
  },
  {
    path: "/api/upgrade",
    summary: "what became of the last upgrade; POST begins one: the version on disk takes over",
    get: getUpgrade,
    post: postUpgrade,
  },
  { path: "/api/drain", summary: "POST begins to drain", get: null, post: postDrain },
];

const START: MetricsSnapshot = { wallMs: 0, numbers: {}, histograms: {} };

async function getPage({ source, response }: Visit): Promise<void> {
  const [world, readiness, metrics, listeners, clusters, workers] = await Promise.all([
    source.world(),
    source.readiness(),
    source.metrics(),
    source.listeners(),
    source.clusters(),
    source.workers(),
  ]);
  const html = renderPage({
    name: world?.settings.name ?? "proxy",
    revision: world?.revision ?? null,
    readiness,
    metrics,
    listeners,
    clusters,
    workers,
    links: ENDPOINTS.filter(({ path, get }) => get !== null && path !== "/"),
  });
  sendPage(response, html, PAGE_STYLE, PAGE_SCRIPT);
}

/** A large scrape is made and sent piece by piece: other work runs in between, and a slow scraper holds up only itself. */
async function getMetrics({ source, request, response }: Visit): Promise<void> {
  const snapshot = await source.metrics();
  const format = negotiateFormat(request.headers.accept);
  sendHead(response, 200, { "content-type": METRICS_CONTENT_TYPES[format], vary: "accept" });
  if (request.method !== "HEAD") {
    for (const chunk of renderChunks(snapshot, format)) {
      if (response.destroyed) return;
      if (response.write(chunk)) await turn();
      else await drained(response);
    }
  }
  response.end();
}

/** Resolves when more may be written, or nothing ever more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.once("drain", done).once("close", done);
  });
}

async function getLive({ response }: Visit): Promise<void> {
  sendJson(response, 200, { isLive: true });
}

async function getReady({ source, response }: Visit): Promise<void> {
  const readiness = await source.readiness();
  sendJson(response, readiness.isReady ? 200 : 503, readiness);
}

async function getConfig({ source, response }: Visit): Promise<void> {
  const world = await source.world();
  sendJson(response, 200, { config: world === null ? null : showWorld(world) });
}

async function getReloads({ source, response }: Visit): Promise<void> {
  const status = await source.reloads();
  sendJson(response, 200, { reloads: status === null ? null : showReloads(status) });
}

async function getListeners({ source, response }: Visit): Promise<void> {
  sendJson(response, 200, { listeners: await source.listeners() });
}

async function getRoutes({ source, response }: Visit): Promise<void> {
  const [world, metrics] = await Promise.all([source.world(), source.metrics()]);
  const startedAtMs = (metrics.numbers["weft_process_start_timestamp_seconds"]?.[0]?.value ?? 0) * 1000;
  const sinceMs = Math.max(0, metrics.wallMs - startedAtMs);
  const tables = world === null ? [] : showWorld(world)["routeTables"];
  const traffic = summarise(START, metrics, sinceMs).map(({ durations: _, ...summary }) => summary);
  sendJson(response, 200, { sinceMs, traffic, retries: summariseRetries(metrics), routeTables: tables });
}

async function getClusters({ source, response }: Visit): Promise<void> {
  sendJson(response, 200, { clusters: await source.clusters() });
}

async function getConnections({ source, response }: Visit): Promise<void> {
  const connections = await source.connections();
  const shown = connections.slice(0, ADMIN_CONNECTION_ROWS_MAX);
  sendJson(response, 200, {
    count: connections.length,
    isTruncated: shown.length < connections.length,
    connections: shown,
  });
}

async function getExplain({ source, response, query }: Visit): Promise<void> {
  sendJson(response, 200, { explanations: await source.explain(readExplain(query)) });
}

async function getWorkers({ source, response }: Visit): Promise<void> {
  sendJson(response, 200, { workers: await source.workers() });
}

async function getEvents({ feed, request, response }: Visit): Promise<void> {
  if (feed.isFull) {
    throw new Refusal({ status: 503, code: "ADMIN_BUSY", message: "Cannot open another live view: all are in use" });
  }
  sendHead(response, 200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
  if (request.method === "HEAD") response.end();
  else feed.add(response);
}

async function getLogLevel({ source, response }: Visit): Promise<void> {
  sendJson(response, 200, { level: await source.logLevel() });
}

async function postLogLevel({ source, request, response }: Visit): Promise<void> {
  const level = readLevel(await readBody(request));
  await source.setLogLevel(level);
  sendJson(response, 200, { level });
}

async function postDrain({ source, request, response }: Visit): Promise<void> {
  await readBody(request);
  await source.drain();
  sendJson(response, 202, { isDraining: true });
}

async function getUpgrade({ source, response }: Visit): Promise<void> {
  sendJson(response, 200, { upgrade: await source.upgradeStatus() });
}

async function postUpgrade({ source, request, response }: Visit): Promise<void> {
  await readBody(request);
  sendJson(response, 202, { upgrade: await source.upgrade() });
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

function readLevel(body: string): LogLevel {
  let given: unknown = undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "level" in parsed) given = parsed.level;
  } catch {
    throw invalid("the body is no JSON", 'expected {"level": "debug"}');
  }
  const level = LEVELS.find((candidate) => candidate === given);
  if (level === undefined) throw invalid("level is none that there is", `expected one of ${LEVELS.join(", ")}`);
  return level;
}

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
const TARGET = /^[\u0021-\u007e\u0080-\u00ff]*$/;

function readExplain(query: URLSearchParams): ExplainRequest {
  const method = query.get("method") ?? "GET";
  const authority = query.get("authority") ?? "";
  const path = query.get("path") ?? "/";
  if (!METHOD.test(method)) throw invalid("method is no HTTP method", "expected a token such as GET");
  if (!TARGET.test(authority)) throw invalid("authority has blanks or controls", "expected host[:port]");
  if (!TARGET.test(path)) throw invalid("path has blanks or controls", "expected it percent-encoded");
  const headers = query.getAll("header");
  if (headers.length > ADMIN_EXPLAIN_FIELDS_MAX) {
    throw invalid(`there are ${headers.length} headers`, `expected at most ${ADMIN_EXPLAIN_FIELDS_MAX}`);
  }
  const fields = headers.flatMap((header) => {
    const colon = header.indexOf(":");
    const name = header.slice(0, Math.max(0, colon));
    const value = header.slice(colon + 1).replaceAll(/^[\t ]+|[\t ]+$/g, "");
    if (!FIELD_NAME.test(name) || !FIELD_VALUE.test(value))
      throw invalid("a header is malformed", "expected name:value");
    return [name.toLowerCase(), value];
  });
  return { method, authority, path, fields, table: query.get("table") ?? "" };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > ADMIN_BODY_BYTES_MAX) {
      throw new Refusal({
        status: 413,
        code: "ADMIN_REQUEST_INVALID",
        message: `Cannot read the body: it exceeds ${ADMIN_BODY_BYTES_MAX} bytes`,
        headers: { connection: "close" },
      });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function invalid(found: string, wanted: string): Refusal {
  return new Refusal({
    status: 400,
    code: "ADMIN_REQUEST_INVALID",
    message: `Cannot use the request: ${found}, ${wanted}`,
  });
}
