import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Socket, Server as TcpServer } from "node:net";
import { type Clock, listeningHandle, systemClock, type TcpHandle, WeftError } from "@weft/kernel";
import type { AdminSource } from "./admin-source.ts";
import { type AdminFailure, sendFailure } from "./answer.ts";
import { ENDPOINTS, type Endpoint, Refusal } from "./endpoints.ts";
import { limitConnections } from "./connection-deadlines.ts";
import type { AdminErrorCode } from "./errors.ts";
import { actionCommand, isHostAllowed, refuseAction, refuseReading } from "./guard.ts";
import {
  ADMIN_CONNECTIONS_MAX,
  ADMIN_HEAD_BYTES_MAX,
  ADMIN_RESPONSE_MS_MAX,
  ADMIN_RETIRE_GRACE_MS,
  ADMIN_SOURCE_MS_MAX,
} from "./limits.ts";
import { LiveFeed } from "./live-feed.ts";
import { createPatientSource } from "./patient-source.ts";

export interface AdminServerOptions {
  /** Default 127.0.0.1. Beyond loopback nothing but the probes is shown, and nothing done, without the token. */
  readonly address?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Asked of every action (POST) as `Authorization: Bearer`, and beyond loopback of who reads; none: for loopback alone. */
  readonly token?: string;
  /** A socket that another process has listened on at this address and port; the server's from now on. */
  readonly handle?: TcpHandle | null;
  readonly clock?: Clock;
}

/** A running admin server. */
export interface AdminServer {
  readonly address: string;
  /** As bound. */
  readonly port: number;
  /** What is listened on, for another process to accept from; null once this one does not. */
  readonly handle: TcpHandle | null;
  /** Takes no more connections from this moment on, answers what was asked, then closes as `close` does. */
  retire(): Promise<void>;
  /** Ends live views and closes every connection. */
  close(): Promise<void>;
}

/**
 * Serves the admin page and API of a proxy. Off the hot path, and bounded in connections, sizes and times, so that it
 * never stands in the way of traffic.
 *
 * @throws WeftError ADMIN_LISTEN_FAILED
 * @example
 * const admin = await createAdminServer(source, { port: 15000 });
 * console.log(`http://${admin.address}:${admin.port}/`);
 */
export async function createAdminServer(source: AdminSource, options: AdminServerOptions): Promise<AdminServer> {
  const { address = "127.0.0.1", port, token = "", handle = null, clock = systemClock } = options;
  const patient = createPatientSource(source, clock);
  const feed = new LiveFeed(clock, () => patient.metrics());
  const desk = new Desk(patient, feed, clock, { address, token });
  const server = createServer(
    {
      maxHeaderSize: ADMIN_HEAD_BYTES_MAX,
    },
    (request, response) => void desk.answer(request, response),
  );
  server.maxConnections = ADMIN_CONNECTIONS_MAX;
  // Node's keep-alive timeout would come before ours.
  server.keepAliveTimeout = 0;
  limitConnections(server, clock);
  const kept = trackKept(server);
  await listen(server, address, port, handle);
  const bound = server.address();
  return {
    address,
    port: typeof bound === "object" && bound !== null ? bound.port : port,
    get handle() {
      return listeningHandle(server);
    },
    retire: () => {
      feed.close();
      for (const socket of kept) socket.destroySoon();
      return retire(server, clock);
    },
    close: () =>
      new Promise((resolve) => {
        feed.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The connections on which a question was answered and the next has not come. */
function trackKept(server: Server): ReadonlySet<Socket> {
  const kept = new Set<Socket>();
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    kept.delete(socket);
    response.once("close", () => {
      if (!socket.destroyed) kept.add(socket);
    });
  });
  server.on("connection", (socket: Socket) => {
    socket.once("close", () => kept.delete(socket));
  });
  return kept;
}

/**
 * Stops listening at once; resolves when everyone has an answer who has asked, or has waited long enough. Whoever has just
 * connected has a moment to ask.
 */
function retire(server: Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    let isGraceOver = false;
    const grace = clock.setTimer(() => {
      isGraceOver = true;
      server.closeIdleConnections();
    }, ADMIN_RETIRE_GRACE_MS);
    const deadline = clock.setTimer(() => server.closeAllConnections(), ADMIN_SOURCE_MS_MAX);
    server.on("request", (_request: IncomingMessage, response: ServerResponse) => {
      response.shouldKeepAlive = false;
      response.once("close", () => isGraceOver && server.closeIdleConnections());
    });
    // The close of node:http ends idle connections at once, also those whose question is on its way.
    TcpServer.prototype.close.call(server, () => {
      clock.clearTimer(grace);
      clock.clearTimer(deadline);
      resolve();
    });
  });
}

function listen(server: Server, address: string, port: number, handle: TcpHandle | null): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `Cannot serve the admin API on ${address}:${port}: ${cause.message}`;
      reject(new WeftError<AdminErrorCode>("ADMIN_LISTEN_FAILED", message, { address, port }, { cause }));
    });
    if (handle === null) server.listen(port, address, resolve);
    else server.listen(handle, resolve);
  });
}

const BY_PATH: ReadonlyMap<string, Endpoint> = new Map(ENDPOINTS.map((endpoint) => [endpoint.path, endpoint]));

/** Answers each request: checks who asks, finds the endpoint, and turns what goes wrong into an answer. */
class Desk {
  readonly #source: AdminSource;
  readonly #feed: LiveFeed;
  readonly #clock: Clock;
  readonly #options: { readonly address: string; readonly token: string };

  constructor(source: AdminSource, feed: LiveFeed, clock: Clock, options: { address: string; token: string }) {
    this.#source = source;
    this.#feed = feed;
    this.#clock = clock;
    this.#options = options;
  }

  /** Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const deadline = this.#clock.setTimer(() => {
      if (!this.#feed.has(response)) response.destroy();
    }, ADMIN_RESPONSE_MS_MAX);
    deadline.unref();
    response.once("close", () => this.#clock.clearTimer(deadline));
    // What a vanished client leaves behind is no news.
    response.on("error", () => {});
    try {
      await this.#visit(request, response);
    } catch (error) {
      const failure = error instanceof Refusal ? error.failure : sourceFailure(error);
      if (response.headersSent) response.destroy();
      else sendFailure(response, failure);
    }
  }

  async #visit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host } = request.headers;
    if (!isHostAllowed(host, this.#options.address)) {
      const message = `Cannot answer for host "${host ?? ""}": expected an address of this server`;
      throw new Refusal({ status: 421, code: "ADMIN_HOST_REFUSED", message });
    }
    const base = "http://admin";
    const target = request.url ?? "/";
    if (!URL.canParse(target, base)) {
      throw new Refusal({ status: 400, code: "ADMIN_REQUEST_INVALID", message: "Cannot read the request's target" });
    }
    const url = new URL(target, base);
    await this.#checkReader(request, BY_PATH.get(url.pathname));
    const handler = this.#handlerOf(request, url.pathname);
    await handler({ source: this.#source, feed: this.#feed, request, response, query: url.searchParams });
  }

  /** Whoever only acts is asked later. */
  async #checkReader({ method = "", headers }: IncomingMessage, endpoint: Endpoint | undefined): Promise<void> {
    if (method === "POST") return;
    const refusal = refuseReading(headers, this.#options, await this.#isOpen(endpoint));
    if (refusal === null) return;
    const message = `Cannot show what was asked for: ${refusal}`;
    const challenge = { "www-authenticate": 'Bearer realm="weft", Basic realm="weft", charset="UTF-8"' };
    throw new Refusal({ status: 401, code: "ADMIN_TOKEN_NEEDED", message, headers: challenge });
  }

  async #isOpen(endpoint: Endpoint | undefined): Promise<boolean> {
    if (endpoint?.isOpen !== "as-configured") return endpoint?.isOpen === "always";
    return (await this.#source.world())?.settings.admin.metricsOpen === true;
  }

  #handlerOf(request: IncomingMessage, path: string): NonNullable<Endpoint["get"]> {
    const endpoint = BY_PATH.get(path);
    if (endpoint === undefined) {
      const endpoints = ENDPOINTS.map((each) => ({
        path: each.path,
        summary: each.summary,
        ...this.#action(each, request),
      }));
      throw new Refusal({
        status: 404,
        code: "ADMIN_NOT_FOUND",
        message: `Nothing is at ${path}`,
        details: { endpoints },
      });
    }
    const { method = "" } = request;
    const handler = method === "GET" || method === "HEAD" ? endpoint.get : method === "POST" ? endpoint.post : null;
    if (handler === null) {
      const allow = [endpoint.get === null ? "" : "GET, HEAD", endpoint.post === null ? "" : "POST"];
      throw new Refusal({
        status: 405,
        code: "ADMIN_METHOD_NOT_ALLOWED",
        message: `Cannot ${method} ${path}`,
        headers: { allow: allow.filter((methods) => methods !== "").join(", ") },
      });
    }
    const refusal = method === "POST" ? refuseAction(request.headers, this.#options) : null;
    if (refusal !== null) {
      const { action } = this.#action(endpoint, request);
      // Another origin's page gets no help.
      const help = action === undefined || request.headers.origin !== undefined ? "" : `; type ${action}`;
      const message = `Cannot do what was asked at ${path}: ${refusal}${help}`;
      throw new Refusal({ status: 403, code: "ADMIN_ACTION_REFUSED", message });
    }
    return handler;
  }

  /** How an endpoint's action is done from a shell, where there is one and it may be done. */
  #action({ path, post, body = "" }: Endpoint, { headers }: IncomingMessage): { readonly action?: string } {
    const command = post === null ? null : actionCommand(this.#options, headers.host ?? "", path, body);
    return command === null ? {} : { action: command };
  }
}

/** Codes of our own may be shown; what else went wrong inside is for the log alone. */
function sourceFailure(error: unknown): AdminFailure {
  const reason = error instanceof WeftError ? error.message : "the proxy failed to answer";
  return { status: 503, code: "ADMIN_SOURCE_FAILED", message: `Cannot answer: ${reason}` };
}
