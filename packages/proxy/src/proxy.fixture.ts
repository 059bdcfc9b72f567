import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type RequestListener,
  type Server,
} from "node:http";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { after } from "node:test";
import type { ClusterConfig, ListenerConfig, RouteRule } from "@weft/contract";
import { createListener, createWorldFixture, type WorldFixture } from "@weft/testkit";
import { createProxy, type Proxy, type ProxyOptions, silentLog } from "./index.ts";

const cleanups: (() => void | Promise<void>)[] = [];
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** `cleanup` runs when the test file has ended, the last one given first. */
export function onEnd(cleanup: () => void | Promise<void>): void {
  cleanups.push(cleanup);
}

const UNTIL_MS_MAX = 20_000;

/** Resolves when `condition` holds; fails with `what` when it does not in time: long, as a machine may have much else to do. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = performance.now() + UNTIL_MS_MAX;
  while (!(await condition())) {
    assert.ok(performance.now() < deadlineMs, `never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Listens on a free port of 127.0.0.1 until the test file ends. */
export async function listen(server: NetServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server of node:http. */
export async function startHttpServer(handler: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(handler);
  return { server, port: await listen(server) };
}

/** A TCP server that does with each connection what the test says. */
export async function startTcpServer(onConnection: (socket: Socket) => void): Promise<{ port: number }> {
  return { port: await listen(createTcpServer({ allowHalfOpen: true }, onConnection)) };
}

/** A port on which nothing listens. */
export async function findDeadPort(): Promise<number> {
  const server = createTcpServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A proxy with one listener. */
export interface ProxyFixture {
  readonly proxy: Proxy;
  readonly port: number;
  readonly world: WorldFixture;
}

export async function startProxy(
  clusters: readonly ClusterConfig[],
  rules?: readonly RouteRule[],
  listener: ListenerConfig = createListener(),
  options: Partial<ProxyOptions> = {},
): Promise<ProxyFixture> {
  const world = createWorldFixture(clusters, rules, listener);
  const proxy = createProxy({ feeds: world, log: silentLog, isPortShared: false, checksHealth: true, ...options });
  onEnd(() => proxy.close());
  await proxy.ready();
  return { proxy, port: proxy.listeners()[0]?.port ?? 0, world };
}

/** The sum of a metric over all its series. */
export function metric(proxy: Proxy, name: string, ...labels: readonly string[]): number {
  const samples = proxy.metrics().numbers[name] ?? [];
  const wanted = samples.filter((sample) => labels.every((label) => sample.labels.includes(label)));
  return wanted.reduce((sum, sample) => sum + sample.value, 0);
}

/** What is in use when nothing should be: names with their figures, empty when the books are balanced. */
async function imbalance(proxy: Proxy): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  const gauges = [
    "weft_downstream_requests_active",
    "weft_router_requests_active",
    "weft_cluster_requests_active",
    "weft_upstream_requests_active",
    "weft_pool_queue_length",
  ];
  for (const name of gauges) if (metric(proxy, name) !== 0) found[name] = metric(proxy, name);
  for (const cluster of await proxy.admin.clusters()) {
    const { requests, pending, retries } = cluster.breaker;
    if (requests + pending + retries > 0) found[`breaker of ${cluster.name}`] = requests + pending + retries;
  }
  // Each connection has one deadline, and each host whose heartbeats are shared; what is beyond that belongs to requests
  // that are gone.
  const connections = await proxy.admin.connections();
  const upstream = connections.filter(({ side, protocol }) => side === "upstream" && protocol !== "http1");
  const expected = connections.length + new Set(upstream.map(({ owner, peer }) => `${owner} ${peer}`)).size;
  const timers = metric(proxy, "weft_process_timers_active");
  if (timers > expected) found["timers beyond one per connection and host"] = timers - expected;
  return found;
}

/** Resolves when no request holds anything any more; fails with what is left. */
export async function assertBalanced(proxy: Proxy): Promise<void> {
  let found: Record<string, number> = {};
  await until(async () => Object.keys((found = await imbalance(proxy))).length === 0, "balanced books").catch(() => {
    assert.deepEqual(found, {}, "nothing is in use");
  });
}

/** An answer, read to its end. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly trailers: IncomingMessage["trailers"];
  readonly body: string;
}

export interface SendOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** One request by node:http on a connection of its own. */
export async function send(port: number, { body, ...options }: SendOptions = {}): Promise<Reply> {
  const request = httpRequest({ host: "127.0.0.1", port, agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    trailers: response.trailers,
    body: Buffer.concat(chunks).toString("latin1"),
  };
}

/** A client of node:http2, closed when the test file ends. */
export function startHttp2Client(port: number): ClientHttp2Session {
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  client.on("error", () => {});
  onEnd(() => client.destroy());
  return client;
}

/** One request by node:http2. */
export async function sendHttp2(client: ClientHttp2Session, { body, ...options }: SendOptions = {}): Promise<Reply> {
  const { path = "/", method = "GET", headers = {} } = options;
  const endStream = body === undefined || body.length === 0;
  const stream = client.request({ ":method": method, ":path": path, ...headers }, { endStream });
  let trailers: IncomingMessage["trailers"] = {};
  stream.on("trailers", (fields) => (trailers = fields as IncomingMessage["trailers"]));
  if (!endStream) stream.end(body);
  const [head] = (await once(stream, "response")) as [Record<string, string>];
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { status: Number(head[":status"]), headers: head, trailers, body: Buffer.concat(chunks).toString("latin1") };
}

/** A socket that gathers what comes. */
export interface RawClient {
  readonly socket: Socket;
  /** What came so far, one character per byte. */
  text(): string;
  bytes(): Buffer;
  /** Resolves with all that came when `pattern` is in it. */
  read(pattern: RegExp): Promise<string>;
  /** Resolves with all that came when the peer has closed or reset the connection. */
  end(): Promise<string>;
}

export function connectRaw(port: number): RawClient {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const chunks: Buffer[] = [];
  let isOver = false;
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => (isOver = true));
  for (const event of ["end", "close"]) socket.on(event, () => (isOver = true));
  onEnd(() => {
    socket.destroy();
  });
  const bytes = (): Buffer => Buffer.concat(chunks);
  const text = (): string => bytes().toString("latin1");
  return {
    socket,
    bytes,
    text,
    read: async (pattern) => {
      await until(() => pattern.test(text()) || isOver, `${String(pattern)} in ${JSON.stringify(text())}`);
      assert.match(text(), pattern);
      return text();
    },
    end: async () => {
      await until(() => isOver, `end of the connection after ${JSON.stringify(text().slice(0, 200))}`);
      return text();
    },
  };
}

/** Answers with the body it got, or "hello", and what it saw in x-url and x-saw. */
export const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    response.setHeader("x-url", request.url ?? "");
    response.setHeader("x-saw", JSON.stringify(request.headers));
    response.end(body.length > 0 ? body : "hello");
  });
};
