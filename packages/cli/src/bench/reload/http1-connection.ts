import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type Clock, systemClock, type TimerHandle } from "@weft/kernel";
import { LOOPBACK } from "../ports.ts";
import {
  type Exchange,
  readRotation,
  REVISION_FIELD,
  WATCHED_PATH,
  type WatchedConnection,
  type WatchedTarget,
} from "./exchange.ts";
import { ANSWER_BYTES_MAX, REQUEST_MS_MAX } from "./limits.ts";
import { openInTime } from "./open-in-time.ts";

/**
 * A keep-alive connection that knows, other than load generators do, whether a request was on its way when the connection
 * ended, and whether a byte of its answer had come.
 */
export async function openHttp1(
  { port, authorityPem }: WatchedTarget,
  clock: Clock = systemClock,
): Promise<WatchedConnection> {
  const isTls = authorityPem !== "";
  const where = { host: LOOPBACK, port, noDelay: true };
  const socket = isTls
    ? connectTls({ ...where, ca: authorityPem, servername: "localhost", ALPNProtocols: ["http/1.1"] })
    : connectPlain(where);
  await openInTime(socket, clock, (callback) => socket.once(isTls ? "secureConnect" : "connect", callback));
  const name = isTls ? (socket as TLSSocket).getPeerCertificate().subject.CN : undefined;
  return new Http1Connection(socket, readRotation(name), `${LOOPBACK}:${port}`, clock);
}

class Http1Connection implements WatchedConnection {
  readonly localPort: number;
  readonly rotation: number;
  readonly #socket: Socket;
  readonly #request: string;
  readonly #clock: Clock;
  #text: string = "";
  #isEnded: boolean = false;
  #isLast: boolean = false;
  #fault: string = "";
  #resolve: ((exchange: Exchange) => void) | null = null;
  #timer: TimerHandle | null = null;

  constructor(socket: Socket, rotation: number, authority: string, clock: Clock) {
    this.localPort = socket.localPort ?? 0;
    this.rotation = rotation;
    this.#socket = socket;
    this.#clock = clock;
    this.#request = `GET ${WATCHED_PATH} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => this.#receive(chunk));
    socket.on("end", () => this.#end());
    socket.on("error", () => this.#end());
    socket.on("close", () => this.#end());
  }

  get isUsable(): boolean {
    return !this.#isEnded && !this.#isLast && this.#fault === "";
  }

  get fault(): string {
    return this.#fault;
  }

  ask(): Promise<Exchange> {
    if (this.#isEnded) return Promise.resolve({ type: "lost" });
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#timer = this.#clock.setTimer(() => this.#finish({ type: "silent" }), REQUEST_MS_MAX);
      this.#socket.write(this.#request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: string): void {
    if (this.#resolve === null) {
      this.#fault = `bytes that nobody asked for: ${JSON.stringify(chunk.slice(0, 100))}`;
      return;
    }
    this.#text += chunk;
    if (this.#text.length > ANSWER_BYTES_MAX) return this.#finish({ type: "cut", reason: "the answer has no end" });
    const headEnd = this.#text.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#text.slice(0, headEnd);
    const length = Number(readField(head, "content-length"));
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
    if (status === undefined || Number.isNaN(length)) return this.#finish({ type: "cut", reason: "no answer of HTTP" });
    if (this.#text.length < headEnd + 4 + length) return;
    this.#isLast = readField(head, "connection")?.toLowerCase() === "close";
    const body = this.#text.slice(headEnd + 4);
    this.#text = "";
    this.#finish({
      type: "answered",
      status: Number(status),
      revision: readField(head, REVISION_FIELD) ?? "",
      body,
    });
  }

  #end(): void {
    this.#isEnded = true;
    if (this.#text === "") this.#finish({ type: "lost" });
    else this.#finish({ type: "cut", reason: "the connection ended within the answer" });
  }

  #finish(exchange: Exchange): void {
    const resolve = this.#resolve;
    if (resolve === null) return;
    this.#resolve = null;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    if (exchange.type !== "answered") this.#isEnded = true;
    if (!this.isUsable) this.#socket.destroy();
    resolve(exchange);
  }
}

function readField(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *([^\\r]*)`, "im").exec(head)?.[1];
}
