import type { WeftError } from "@weft/kernel";
import type { RequestHead } from "./head.ts";
import type { Answer, Refusal } from "./refusal.ts";
import type { RpcProtocol } from "./rpc.ts";
import type { ClientStream, ResponseReceiver, ServerStream } from "./stream.ts";

/** What one connection speaks, once that is known. */
export type SessionProtocol = "http1" | "http2" | RpcProtocol;

/**
 * One connection's protocol engine, without socket and without time: bytes come in by `receive`, bytes go out through
 * the `OutputBuffer` it was made with, and whoever owns the socket tells it when the output drains and when it is lost.
 */
interface Session {
  /** Takes bytes that arrived. The engine copies what it must keep; it may call any handler from inside. */
  receive(bytes: Buffer, start: number, end: number): void;
  /** The peer will send no more (TCP FIN). */
  receiveEnd(): void;
  /** The output is below its watermark again: streams that wait for it are told. */
  outputDrained(): void;
  /** The connection is gone: every open stream is reset with reason `connection`, `detail` saying why. */
  connectionLost(detail: string): void;
  /**
   * Ends streams, with reason `timeout`, whose output the peer's own flow control holds back for too long; returns how
   * many. The owner calls it about once per idle time while streams are open. A stream is ended that waited at an
   * earlier call already, and of what waited then the peer has taken neither all nor `bytesMin` bytes since. A client's
   * session looks only at streams whose answer is complete: for the others somebody waits who has a deadline.
   */
  endStalled(bytesMin: number): number;
  /**
   * Asks the peer for a sign of life, once at a time; false where the protocol has none at this end (HTTP/1; a Bolt
   * server).
   */
  ping(): boolean;
  /** Streams that are open now. */
  readonly activeStreams: number;
}

/** What the engine of a downstream connection asks of the connection's owner. */
export interface ServerSessionHandler {
  /** A request has begun. The acceptor sets `stream.receiver` unless `isEnd`. */
  onRequest(stream: ServerStream, head: RequestHead, isEnd: boolean): void;
  /**
   * The engine refuses a request that it has not handed on, and sends what this returns; null (also wherever
   * `refusal.status` is 0) sends nothing.
   */
  onRequestRefused(refusal: Refusal): Answer | null;
  /** The client broke its protocol, on one request or as a whole; called once each time. `code` is of docs/ERRORS.md. */
  onProtocolError(code: string): void;
  /** True: stop reading from the socket until told false. Only ever called with a changed value. */
  onReadPaused(isPaused: boolean): void;
  /**
   * Our side of a tunnel has ended, the peer's has not: write out what the output holds, then say that no more comes
   * (TCP FIN), and go on reading. HTTP/1 only, where a tunnel has the connection for itself.
   */
  onOutputEnd(): void;
  /**
   * The engine is done: write out what the output holds, then close. `error` says what the peer did wrong (an answer
   * or a GOAWAY is in the output already), null for an ordinary end. No stream is open when this is called.
   */
  onSessionEnd(error: WeftError | null): void;
  /** The answer to `ping`. */
  onPong(): void;
}

/** The engine of a connection that a client opened to us. */
export interface ServerSession extends Session {
  /**
   * True while the first bytes of a request are here but its head is not complete, or the rest of a body is on its way
   * whose request is answered: the header deadline applies.
   */
  readonly isReceivingHead: boolean;
  /**
   * True while a message is here in part that nobody is told of before it is whole (RPC): whether it comes fast enough,
   * only the owner can see.
   */
  readonly isReceivingMessage: boolean;
  /**
   * Ends gently: says so (HTTP/2 GOAWAY, HTTP/1 `Connection: close` with the next answer), answers what is open or on
   * its way all the same, then `onSessionEnd(null)`. What is on its way cannot be known for certain: called a second
   * time it waits for nobody else, and ends at once when nothing is open.
   */
  drain(): void;
  /**
   * Gives the connection up between two requests, for another engine to go on with: returns the bytes that came and that
   * no request is made of yet, with which that one begins; nobody is told anything more. Null where that cannot be, and
   * nothing has changed then: while a request is open, once the session ends or drains, and with HTTP/2, whose state (header
   * tables, windows, ids) both ends have built up together.
   */
  takeUnread(): Buffer | null;
  /** That deadline passed, or such a message comes too slowly: HTTP/1 answers an incomplete head with 408; the session ends. */
  headTimeout(): void;
}

/** What the engine of an upstream connection tells its pool. */
export interface ClientSessionHandler {
  /** `availableStreams` has grown from 0 (a stream ended, SETTINGS arrived), or is above 0 and the last open stream has ended. */
  onStreamsAvailable(): void;
  /** No new stream will be accepted on this connection (GOAWAY, `Connection: close`); open ones may go on. */
  onDraining(): void;
  onReadPaused(isPaused: boolean): void;
  /** As for the server. */
  onOutputEnd(): void;
  /** As for the server. Open streams were reset before. */
  onSessionEnd(error: WeftError | null): void;
  /** The answer to `ping`. */
  onPong(): void;
}

/** The engine of a connection that we opened to a host. */
export interface ClientSession extends Session {
  /** How many streams may be opened now: 0 or 1 for HTTP/1, by the peer's SETTINGS for HTTP/2; 0 once draining. */
  readonly availableStreams: number;
  /** True once the peer has said what it can do (HTTP/2: its whole SETTINGS); streams may be opened before. */
  readonly isGreeted: boolean;
  /** True where a request with an upgrade may be opened (HTTP/2: RFC 8441); known once `isGreeted`. */
  readonly acceptsUpgrades: boolean;
  readonly isDraining: boolean;
  /** Begins a request. Only call with `availableStreams > 0`. `isEnd`: there is no body. */
  open(head: RequestHead, isEnd: boolean, receiver: ResponseReceiver): ClientStream;
  /** The host ends connections on which it is asked for signs of life (HTTP/2 GOAWAY "too_many_pings"). */
  readonly refusesPings: boolean;
  /** Ends gently: no new stream; when the open ones are done, `onSessionEnd(null)`. */
  drain(): void;
}
