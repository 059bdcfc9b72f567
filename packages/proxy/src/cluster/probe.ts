import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { ClusterConfig, HealthCheckConfig } from "@weft/contract";
import type { Clock, TimerHandle } from "@weft/kernel";
import { GrpcHealthAnswer, grpcHealthRequest } from "./grpc-health.ts";
import { hostKey } from "./host.ts";

/** What is checked, and how. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
  readonly check: HealthCheckConfig;
  readonly protocol: ClusterConfig["protocol"];
  readonly sendProxyProtocol: ClusterConfig["sendProxyProtocol"];
  /** Null for no TLS. */
  readonly tls: ConnectionOptions | null;
}

/** PROXY protocol headers of a connection that speaks for itself ("UNKNOWN", and the LOCAL command). */
const PROXY_HEADERS: Readonly<Record<1 | 2, Buffer>> = {
  1: Buffer.from("PROXY UNKNOWN\r\n"),
  2: Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex"),
};

/** Statuses that pass where none are named. */
const STATUSES_DEFAULT: HealthCheckConfig["expectedStatuses"] = [{ from: 200, to: 299 }];

/**
 * One check of one host on a connection of its own. It ends once, within `timeoutMs`, and leaves no socket behind.
 * It goes over the standard library's clients: checks are few, and no client's request passes here.
 */
export class Probe {
  readonly #target: ProbeTarget;
  readonly #done: (failure: string | null) => void;
  readonly #clock: Clock;
  readonly #timer: TimerHandle;
  readonly #sockets: Socket[] = [];
  #session: ClientHttp2Session | undefined = undefined;
  #isOver: boolean = false;

  /** Begins at once. `done` is told null when the host passed, else what went wrong; never once it was cancelled. */
  constructor(target: ProbeTarget, clock: Clock, done: (failure: string | null) => void) {
    this.#target = target;
    this.#done = done;
    this.#clock = clock;
    this.#timer = clock.setTimer(() => {
      this.#finish(`no answer within ${target.check.timeoutMs} ms`);
    }, target.check.timeoutMs);
    this.#connect();
  }

  /** Gives up without a word. */
  cancel(): void {
    this.#isOver = true;
    this.#clock.clearTimer(this.#timer);
    this.#session?.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #finish(failure: string | null): void {
    if (this.#isOver) return;
    this.cancel();
    this.#done(failure);
  }

  #connect(): void {
    const { address, port, sendProxyProtocol, tls } = this.#target;
    const socket = this.#own(connect({ host: address, port }));
    socket.once("connect", () => {
      if (sendProxyProtocol !== 0) socket.write(PROXY_HEADERS[sendProxyProtocol]);
      if (tls === null) this.#converse(socket, this.#target.protocol === "http2");
      else this.#connectTls(socket, tls);
    });
  }

  #connectTls(raw: Socket, options: ConnectionOptions): void {
    const socket: TLSSocket = connectTls({ ...options, socket: raw });
    this.#own(socket);
    socket.once("secureConnect", () => this.#converse(socket, socket.alpnProtocol === "h2"));
  }

  #own<S extends Socket>(socket: S): S {
    this.#sockets.push(socket);
    socket.on("error", (error) => this.#finish(describe(error)));
    socket.once("close", () => this.#finish("the host closed the connection"));
    return socket;
  }

  #converse(socket: Socket, isHttp2: boolean): void {
    const { check } = this.#target;
    try {
      if (check.type === "tcp") this.#finish(null);
      else if (check.type === "grpc") this.#askGrpc(socket);
      else if (isHttp2) this.#askHttp2(socket);
      else this.#askHttp1(socket);
    } catch (error) {
      // A target that cannot be put on the wire.
      this.#finish(describe(error));
    }
  }

  get #authority(): string {
    const { address, port, check } = this.#target;
    return check.authority === "" ? hostKey(address, port) : check.authority;
  }

  #askHttp1(socket: Socket): void {
    const outgoing = request({
      // Makes the request go without an agent.
      createConnection: () => socket,
      path: this.#target.check.target,
      headers: { host: this.#authority, "user-agent": "weft-health-check", connection: "close" },
    });
    outgoing.on("error", (error) => this.#finish(describe(error)));
    outgoing.on("response", (response) => this.#judgeStatus(response.statusCode ?? 0));
    outgoing.end();
  }

  #askHttp2(socket: Socket): void {
    const stream = this.#openSession(socket).request({
      ...this.#pseudoHeaders("GET", this.#target.check.target),
      "user-agent": "weft-health-check",
    });
    stream.on("error", (error) => this.#finish(describe(error)));
    stream.on("response", (headers) => this.#judgeStatus(headers[":status"] ?? 0));
  }

  #askGrpc(socket: Socket): void {
    const answer = new GrpcHealthAnswer();
    const stream = this.#openSession(socket).request({
      ...this.#pseudoHeaders("POST", "/grpc.health.v1.Health/Check"),
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "weft-health-check",
    });
    stream.on("error", (error) => this.#finish(describe(error)));
    stream.on("response", (headers) => answer.takeHeaders(headers));
    stream.on("trailers", (headers) => answer.takeHeaders(headers));
    stream.on("data", (chunk: Buffer) => {
      const failure = answer.takeBytes(chunk);
      if (failure !== null) this.#finish(failure);
    });
    stream.on("end", () => this.#finish(answer.verdict()));
    stream.end(grpcHealthRequest(this.#target.check.target));
  }

  #openSession(socket: Socket): ClientHttp2Session {
    // The URL only gives the scheme: requests carry their own authority.
    const session = connectHttp2("http://host", { createConnection: () => socket });
    session.on("error", (error) => this.#finish(describe(error)));
    session.on("close", () => this.#finish("the host closed the connection"));
    this.#session = session;
    return session;
  }

  #pseudoHeaders(method: string, path: string): OutgoingHttpHeaders {
    const scheme = this.#target.tls === null ? "http" : "https";
    return { ":method": method, ":path": path, ":authority": this.#authority, ":scheme": scheme };
  }

  #judgeStatus(status: number): void {
    const { expectedStatuses } = this.#target.check;
    const expected = expectedStatuses.length === 0 ? STATUSES_DEFAULT : expectedStatuses;
    const isExpected = expected.some(({ from, to }) => status >= from && status <= to);
    this.#finish(isExpected ? null : `status ${status}`);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
}
