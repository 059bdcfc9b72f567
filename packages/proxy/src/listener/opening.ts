import { looksLikeBolt } from "@weft/codec/bolt";
import { looksLikeDubbo } from "@weft/codec/dubbo";
import { writeFinalAnswer } from "@weft/codec/http1";
import type { Answer, ListenerConfig, SessionProtocol } from "@weft/contract";
import { TimerEntry, type TimerOwner, type TimerWheel, type Transport, type TransportHandler } from "@weft/kernel";
import type { HandedOver, PeerFacts } from "../downstream/index.ts";
import { decodeClientHello } from "./client-hello.ts";
import { DRAIN_GRACE_MS } from "../limits.ts";
import { OPENING_BYTES_MAX, REFUSAL_LINGER_MS } from "./limits.ts";
import { decodeProxyHeader } from "./proxy-protocol.ts";
import { findTcpRoute } from "./tcp-route.ts";
import type { TlsHosts } from "./tls-hosts.ts";

/** What the first bytes of a connection made of it. */
export type OpeningResult =
  /** `serverName` is lower case; "" where the client names none, or where it does not matter which. */
  | { readonly kind: "tls"; readonly serverName: string }
  | { readonly kind: "requests"; readonly protocol: SessionProtocol }
  | { readonly kind: "tcp"; readonly serverName: string };

/** What is to be known of a client that begins TLS. */
export interface TlsChooser {
  /** The host names that handshakes are made for. */
  readonly hosts: TlsHosts;
  /** The handshake needs the server name before it begins. */
  readonly isChosenByName: boolean;
}

/** Who opened a TLS connection: all that the handshake tells. */
export type SecurePeer = Omit<PeerFacts, "protocol">;

/** Hears how the opening of a connection ended. */
export interface OpeningHandler {
  /** `first` holds all bytes that were read after a PROXY header. */
  onOpened(opening: Opening, result: OpeningResult, first: Buffer): void;
  /** The connection was closed before it said what it is. `code` is "" when the client just left. */
  onOpeningFailed(opening: Opening, code: string, detail: string): void;
  /** What a client is told that speaks plain HTTP where TLS is asked for. */
  plainTextAnswer(): Answer;
}

const EMPTY = Buffer.alloc(0);
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const TLS_HANDSHAKE = 0x16;
/** A TLS record: fatal alert unrecognized_name (RFC 6066 section 3). */
const UNRECOGNIZED_NAME = Buffer.from([0x15, 3, 3, 0, 2, 2, 112]);

/**
 * The first bytes of a connection: an optional PROXY header, then what tells TLS, HTTP/2, HTTP/1, Bolt and Dubbo apart;
 * within TLS, where no name of a protocol was agreed on, the latter again. Nothing is answered here, but that a TLS
 * client asks for a host that is not served, or an HTTP client does without the TLS that is asked for; what cannot be
 * told apart within the header deadline is closed.
 */
export class Opening implements TransportHandler, TimerOwner {
  readonly transport: Transport;
  /** Null before TLS, and without. */
  readonly secure: SecurePeer | null;
  readonly #config: ListenerConfig;
  readonly #wheel: TimerWheel;
  readonly #handler: OpeningHandler;
  readonly #tls: TlsChooser | null;
  readonly #timer: TimerEntry;
  #bytes: Buffer | null = null;
  /** The PROXY header, once it was read. */
  #header: Buffer = EMPTY;
  #awaitsProxyHeader: boolean;
  #address: string = "";
  #port: number = 0;
  #isDone: boolean = false;
  /** The timer tells whether the client has begun to speak since the listener drains. */
  #isInGrace: boolean = false;
  /** The code of what the client was told, which it may still take; "" while it was told nothing. */
  #refusal: string = "";

  /** `tls`: whom the listener ends TLS for; null where it does not. `secure`: the first bytes within TLS. */
  constructor(
    config: ListenerConfig,
    wheel: TimerWheel,
    handler: OpeningHandler,
    transport: Transport,
    tls: TlsChooser | null,
    secure: SecurePeer | null = null,
  ) {
    this.transport = transport;
    this.secure = secure;
    this.#config = config;
    this.#wheel = wheel;
    this.#handler = handler;
    this.#tls = tls;
    this.#awaitsProxyHeader = secure === null && config.proxyProtocol !== "off";
    this.#timer = new TimerEntry(this);
    transport.handler = this;
  }

  /** The client's address as a PROXY header says; "" without one: the socket's own holds. */
  get address(): string {
    return this.#address;
  }

  get port(): number {
    return this.#port;
  }

  /** Begins to listen to the client; may end at once. */
  start(): void {
    this.#wheel.schedule(this.#timer, this.#config.headerTimeoutMs);
    // A server may speak first on a plain TCP connection: it does not wait for the client's first byte.
    if (this.#isPlainTcp && !this.#awaitsProxyHeader) this.#open({ kind: "tcp", serverName: "" }, EMPTY);
  }

  /** The listener accepts no more: a client that has not said anything yet has a moment to do so. */
  drain(): void {
    if (this.#bytes !== null || this.#isDone) return;
    this.#isInGrace = true;
    this.#wheel.schedule(this.#timer, DRAIN_GRACE_MS);
  }

  /** Gives the connection up with all that the client has sent, for another process to begin anew; null where it cannot. */
  handOver(): HandedOver | null {
    if (this.#isDone || this.#refusal !== "" || this.secure !== null || !this.transport.canDetachHandle()) return null;
    this.#isDone = true;
    this.#wheel.cancel(this.#timer);
    const handle = this.transport.detachHandle();
    return { handle, unread: Buffer.concat([this.#header, this.#bytes ?? EMPTY]) };
  }

  /** Gives the connection up: the listener closes. */
  close(): void {
    this.#fail("", "the listener is closing");
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#isDone || this.#refusal !== "") return;
    const fresh = bytes.subarray(start, end);
    this.#bytes = this.#bytes === null ? Buffer.from(fresh) : Buffer.concat([this.#bytes, fresh]);
    this.#decide(this.#bytes);
    if (!this.#isDone && this.#bytes.length > OPENING_BYTES_MAX)
      this.#fail("LISTENER_UNKNOWN_PROTOCOL", "too many bytes");
  }

  onPeerEnd(): void {
    this.#fail("", "the client closed the connection");
  }

  onOutputDrained(): void {}

  onClosed(error: Error | null): void {
    this.#fail("", error === null ? "the client closed the connection" : error.message);
  }

  onTimer(): void {
    if (this.#isInGrace) {
      this.#isInGrace = false;
      if (this.#bytes === null) this.#fail("", "the listener is closing");
      else this.#wheel.schedule(this.#timer, this.#config.headerTimeoutMs);
      return;
    }
    this.#fail("LISTENER_OPENING_TIMEOUT", `nothing to tell the protocol by within ${this.#config.headerTimeoutMs} ms`);
  }

  get #isPlainTcp(): boolean {
    return this.#config.protocol === "tcp" && this.#config.tls === null;
  }

  #decide(bytes: Buffer): void {
    if (this.#awaitsProxyHeader) {
      const result = decodeProxyHeader(bytes);
      if (result.kind === "incomplete") return;
      if (result.kind === "invalid") return this.#fail("LISTENER_PROXY_HEADER_INVALID", result.reason);
      if (result.kind === "absent" && this.#config.proxyProtocol === "required") {
        return this.#fail("LISTENER_PROXY_HEADER_INVALID", "the header is required and absent");
      }
      this.#awaitsProxyHeader = false;
      if (result.kind === "header") {
        this.#address = result.address;
        this.#port = result.port;
        this.#header = bytes.subarray(0, result.byteCount);
        bytes = bytes.subarray(result.byteCount);
        this.#bytes = bytes;
      }
    }
    if (this.#isPlainTcp) return this.#open({ kind: "tcp", serverName: "" }, bytes);
    if (bytes.length === 0) return;
    if (this.secure !== null) return this.#decideSession(bytes);
    if (this.#config.protocol === "tls-passthrough") return this.#decideServerName(bytes);
    this.#decideProtocol(bytes);
  }

  #decideServerName(bytes: Buffer): void {
    const hello = decodeClientHello(bytes);
    if (hello.kind === "incomplete") return;
    if (hello.kind === "invalid") return this.#fail("LISTENER_CLIENT_HELLO_INVALID", hello.reason);
    const { serverName } = hello;
    const isServed = findTcpRoute(this.#config.tcpRoutes, serverName) !== undefined;
    if (isServed) return this.#open({ kind: "tcp", serverName }, bytes);
    this.#refuseServerName();
  }

  #decideProtocol(bytes: Buffer): void {
    const { tls, allowsPlainText, protocol } = this.#config;
    if (tls !== null) {
      if (bytes[0] === TLS_HANDSHAKE) return this.#decideTlsHost(bytes);
      if (!allowsPlainText) return this.#refusePlainText(bytes);
    } else if (bytes[0] === TLS_HANDSHAKE) {
      return this.#fail("LISTENER_UNKNOWN_PROTOCOL", "TLS on a plain-text listener");
    }
    if (protocol === "tcp") return this.#open({ kind: "tcp", serverName: "" }, bytes);
    this.#decideSession(bytes);
  }

  #decideSession(bytes: Buffer): void {
    const spoken = sessionProtocolOf(bytes);
    if (spoken !== "more") this.#open({ kind: "requests", protocol: spoken }, bytes);
  }

  /** Where not every name is served the client is refused before there is a handshake. */
  #decideTlsHost(bytes: Buffer): void {
    const tls = this.#tls;
    if (tls === null || !tls.isChosenByName) return this.#open({ kind: "tls", serverName: "" }, bytes);
    const hello = decodeClientHello(bytes);
    if (hello.kind === "incomplete") return;
    // What is wrong with an invalid one the TLS library says best.
    const serverName = hello.kind === "invalid" ? "" : hello.serverName;
    const isServed = hello.kind === "invalid" || tls.hosts.find(serverName) !== null;
    if (isServed) return this.#open({ kind: "tls", serverName }, bytes);
    this.#refuseServerName();
  }

  #refuseServerName(): void {
    this.transport.output.writeBytes(UNRECOGNIZED_NAME, 0, UNRECOGNIZED_NAME.length);
    this.#refuse("LISTENER_SERVER_NAME_UNKNOWN");
  }

  /** Whoever wrote http:// for https:// is told so, in HTTP/1, which every client of HTTP shows or logs. */
  #refusePlainText(bytes: Buffer): void {
    const isHttp = this.#config.protocol === "http" && isMethodLetter(bytes[0] ?? 0);
    if (!isHttp) return this.#fail("LISTENER_TLS_REQUIRED", "plain text on a TLS listener");
    writeFinalAnswer(this.transport.output, this.#handler.plainTextAnswer(), "");
    this.#refuse("LISTENER_TLS_REQUIRED");
  }

  /** What the client is told is in the output. */
  #refuse(code: string): void {
    this.#refusal = code;
    this.transport.end();
    this.#wheel.schedule(this.#timer, REFUSAL_LINGER_MS);
  }

  #open(result: OpeningResult, first: Buffer): void {
    this.#isDone = true;
    this.#wheel.cancel(this.#timer);
    this.#handler.onOpened(this, result, first);
  }

  #fail(code: string, detail: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#wheel.cancel(this.#timer);
    this.transport.destroy();
    if (this.#refusal === "") this.#handler.onOpeningFailed(this, code, detail);
    else this.#handler.onOpeningFailed(this, this.#refusal, "the client was told");
  }
}

/** True for what the methods that are in use begin with, and HTTP/2's preface. */
function isMethodLetter(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

/** What a client speaks whose first bytes are `bytes`; what nothing else begins with is HTTP/1, which says what is wrong. */
function sessionProtocolOf(bytes: Buffer): SessionProtocol | "more" {
  const isBolt = looksLikeBolt(bytes, 0, bytes.length);
  if (isBolt !== false) return isBolt === true ? "bolt" : "more";
  const isDubbo = looksLikeDubbo(bytes, 0, bytes.length);
  if (isDubbo !== false) return isDubbo === true ? "dubbo" : "more";
  const length = Math.min(bytes.length, PREFACE.length);
  if (bytes.compare(PREFACE, 0, length, 0, length) !== 0) return "http1";
  return length === PREFACE.length ? "http2" : "more";
}
