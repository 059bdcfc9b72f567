import { type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { ReloadStatus, World } from "@weft/contract";
import { systemClock } from "@weft/kernel";
import type { LogLevel } from "../log.ts";
import { countAnswer, MetricsRegistry } from "../metrics/index.ts";
import { type AdminServer, type AdminServerOptions, createAdminServer } from "./admin-server.ts";
import type { AdminSource, ExplainRequest } from "./admin-source.ts";

/** A name that would be markup if it were not escaped. */
export const HOSTILE = `<script>alert("1")</script>'&`;

/** The one rule of every route here. */
export const RULE = "rules[0]";

/** A proxy as the admin server sees it, all of whose names are hostile. */
export class FakeSource implements AdminSource {
  readonly registry: MetricsRegistry = new MetricsRegistry(systemClock);
  isReady: boolean = true;
  level: LogLevel = "info";
  drains: number = 0;
  upgrades: number = 0;
  snapshots: number = 0;
  connectionCount: number = 1;
  explained: ExplainRequest | undefined = undefined;
  worldInForce: World | null = null;
  reloadStatus: ReloadStatus | null = null;
  /** What metrics and readiness wait for. */
  stuck: Promise<unknown> | undefined = undefined;

  constructor() {
    countAnswer(this.registry.route(HOSTILE, RULE), 200, 1_500, 10, 20);
    this.registry.listener("edge").connectionsActive = 3;
  }

  async readiness(): ReturnType<AdminSource["readiness"]> {
    await this.stuck;
    return { isReady: this.isReady, reasons: this.isReady ? [] : ["draining"] };
  }

  async world(): Promise<World | null> {
    return this.worldInForce;
  }

  async reloads(): Promise<ReloadStatus | null> {
    return this.reloadStatus;
  }

  async metrics(): ReturnType<AdminSource["metrics"]> {
    this.snapshots++;
    await this.stuck;
    return this.registry.snapshot();
  }

  async listeners(): ReturnType<AdminSource["listeners"]> {
    const base = {
      address: "127.0.0.1",
      port: 8080,
      protocol: "http",
      isTls: true,
      connectionsActive: 3,
      problem: HOSTILE,
    };
    return [{ ...base, name: HOSTILE }];
  }

  async clusters(): ReturnType<AdminSource["clusters"]> {
    const host = {
      key: "10.0.0.1:80",
      zone: HOSTILE,
      priority: 0,
      labels: {},
      isUsable: false,
      state: "ejected",
      reason: HOSTILE,
      shardRole: null,
      shardReason: "",
      connections: 2,
      ejectedForMs: 1,
      ejections: 1,
      weight: 1,
      effectiveWeight: 1,
      activeRequests: 2,
      successes: 3,
      failures: 4,
      connectFailures: 0,
      cancels: 0,
      latencyEwmaMs: 1,
      latencyMs: { p50: 1, p90: 2, p99: 3, p999: 4, max: 5 },
    } as const;
    const trips = {
      CLUSTER_REQUESTS_FULL: 0,
      CLUSTER_PENDING_FULL: 0,
      CLUSTER_CONNECTIONS_FULL: 0,
      CLUSTER_RETRIES_FULL: 0,
      CLUSTER_RETRY_BUDGET_SPENT: 0,
    };
    return [
      {
        name: HOSTILE,
        protocol: "http1",
        balancer: "random",
        hosts: [host],
        usableHosts: 0,
        panickingLevels: [],
        breaker: { requests: 0, pending: 0, connections: 0, retries: 0, trips },
        sharding: null,
        subsets: null,
        dns: null,
      },
    ];
  }

  async connections(): ReturnType<AdminSource["connections"]> {
    const one = { side: "downstream", owner: "edge", peer: "192.0.2.1:1", protocol: "http2" } as const;
    return Array.from({ length: this.connectionCount }, () => ({
      ...one,
      ageMs: 5,
      activeStreams: 1,
      heartbeat: null,
      worker: 0,
    }));
  }

  async workers(): ReturnType<AdminSource["workers"]> {
    return [{ id: 0, pid: 1, state: "ready", startedAtMs: 0, revision: 12, restarts: 0 }];
  }

  async explain(request: ExplainRequest): ReturnType<AdminSource["explain"]> {
    this.explained = request;
    return [];
  }

  async logLevel(): Promise<LogLevel> {
    return this.level;
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    this.level = level;
  }

  async upgradeStatus(): ReturnType<AdminSource["upgradeStatus"]> {
    const state = this.upgrades > 0 ? "running" : "none";
    return { generation: 1, state, reason: "", tookMs: 0, handOverMs: 0, moved: 0, waiting: 0 };
  }

  upgrade(): ReturnType<AdminSource["upgrade"]> {
    this.upgrades++;
    return this.upgradeStatus();
  }

  async drain(): Promise<void> {
    this.drains++;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Sends one request on a connection of its own. */
export function ask(
  server: AdminServer,
  path: string,
  { method = "GET", headers = {}, body }: AskOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: server.port, path, method, headers, agent: false };
    const request = httpRequest(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** The error object of an answer. */
export function errorOf(answer: Answer): { code: string; message: string; endpoints?: { path: string }[] } {
  return (JSON.parse(answer.text) as { error: { code: string; message: string } }).error;
}

/** Starts a server that ends with the test. */
export async function start(
  context: TestContext,
  options: Partial<AdminServerOptions> = {},
): Promise<{ source: FakeSource; server: AdminServer }> {
  const source = new FakeSource();
  const server = await createAdminServer(source, { port: 0, ...options });
  context.after(() => server.close());
  return { source, server };
}

/** Opens a raw connection, so that a test can misbehave. */
export async function open(context: TestContext, server: AdminServer): Promise<Socket> {
  const socket = connect(server.port, "127.0.0.1");
  context.after(() => socket.destroy());
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}
