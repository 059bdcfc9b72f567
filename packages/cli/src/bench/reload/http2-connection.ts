import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import type { TLSSocket } from "node:tls";
import { type Clock, systemClock } from "@weft/kernel";
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

/** A connection of Node's HTTP/2, whose code shares nothing with the proxy's. */
export async function openHttp2(
  { port, authorityPem }: WatchedTarget,
  clock: Clock = systemClock,
): Promise<WatchedConnection> {
  const isTls = authorityPem !== "";
  const url = `${isTls ? "https" : "http"}://${LOOPBACK}:${port}`;
  const session = connect(url, isTls ? { ca: authorityPem, servername: "localhost" } : {});
  await openInTime(session, clock, (callback) => session.once("connect", callback));
  const { socket } = session;
  const name = isTls ? (socket as TLSSocket).getPeerCertificate().subject.CN : undefined;
  return new Http2Connection(session, socket.localPort ?? 0, readRotation(name), clock);
}

class Http2Connection implements WatchedConnection {
  readonly localPort: number;
  readonly rotation: number;
  /** The server's faults end streams, and these tell. */
  readonly fault: string = "";
  readonly #session: ClientHttp2Session;
  readonly #clock: Clock;
  #isEnding: boolean = false;
  /** Streams above this one were not looked at. */
  #lastStreamId: number = Number.MAX_SAFE_INTEGER;

  constructor(session: ClientHttp2Session, localPort: number, rotation: number, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
    this.localPort = localPort;
    this.rotation = rotation;
    session.on("goaway", (_code, lastStreamId) => {
      this.#isEnding = true;
      this.#lastStreamId = lastStreamId ?? this.#lastStreamId;
    });
    // Every stream that is open hears of it.
    session.on("error", () => {});
    session.on("close", () => void (this.#isEnding = true));
  }

  get isUsable(): boolean {
    return !this.#isEnding && !this.#session.closed && !this.#session.destroyed;
  }

  ask(): Promise<Exchange> {
    // Nothing is sent on a session that has ended or is told to.
    if (!this.isUsable) return Promise.resolve({ type: "refused" });
    const stream = this.#session.request({ ":path": WATCHED_PATH });
    return new Promise((resolve) => this.#follow(stream, resolve));
  }

  close(): void {
    this.#session.destroy();
  }

  #follow(stream: ClientHttp2Stream, resolve: (exchange: Exchange) => void): void {
    let status = 0;
    let revision = "";
    let body = "";
    let isWhole = false;
    let isSilent = false;
    const timer = this.#clock.setTimer(() => {
      isSilent = true;
      stream.close(constants.NGHTTP2_CANCEL);
    }, REQUEST_MS_MAX);
    stream.setEncoding("latin1");
    stream.on("response", (fields) => {
      status = fields[":status"] ?? 0;
      revision = String(fields[REVISION_FIELD] ?? "");
    });
    stream.on("data", (chunk: string) => void (body = (body + chunk).slice(0, ANSWER_BYTES_MAX)));
    stream.on("end", () => void (isWhole = status > 0));
    stream.on("error", () => {});
    stream.on("close", () => {
      this.#clock.clearTimer(timer);
      const { rstCode, id = 0 } = stream;
      if (isSilent) resolve({ type: "silent" });
      else if (isWhole && rstCode === 0) resolve({ type: "answered", status, revision, body });
      else if (rstCode === constants.NGHTTP2_REFUSED_STREAM || id > this.#lastStreamId) resolve({ type: "refused" });
      else if (status === 0) resolve({ type: "lost" });
      else resolve({ type: "cut", reason: `the stream ended within the answer (code ${rstCode})` });
    });
  }
}
