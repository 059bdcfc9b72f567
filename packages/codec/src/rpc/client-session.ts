import {
  type ClientSession,
  type ClientSessionHandler,
  NO_FIELDS,
  type RequestHead,
  type ResetReason,
  ResponseHead,
  type ResponseReceiver,
} from "@weft/contract";
import { assert, type OutputBuffer, type WeftError } from "@weft/kernel";
import { type ClientStreamOwner, RpcClientStream } from "./client-stream.ts";
import { RPC_ERRORS } from "./errors.ts";
import { ANSWER_AT_ONCE_BYTES_MAX } from "./limits.ts";
import type { RpcOptions } from "./options.ts";
import { type Awaited, RequestIds } from "./request-ids.ts";
import { errorCodeOf } from "./server-stream.ts";
import { RpcSession } from "./session.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/** Stands for the answer that a one-way request never gets. */
const ACCEPTED: ResponseHead = new ResponseHead(202, NO_FIELDS, 0);

/** The heartbeat that waits for its answer. */
class Heartbeat implements Awaited {
  id: number = 0;
  isGivenUp: boolean = false;
}

/**
 * The client's end of a connection with whole frames: many requests are in progress under ids of our own, and answers
 * come in any order. Each protocol's own session reads and writes the frames.
 *
 * The end of an answer of more than ANSWER_AT_ONCE_BYTES_MAX bytes is handed on when its bytes are consumed, so that a
 * requester that is slower than the host slows the host down.
 */
export abstract class RpcClientSession extends RpcSession<RpcClientStream> implements ClientSession, ClientStreamOwner {
  readonly #handler: ClientSessionHandler;
  readonly #ids: RequestIds<RpcClientStream | Heartbeat>;
  #heartbeat: Heartbeat | null = null;
  #isDraining: boolean = false;
  /** `availableStreams` was 0 when last looked at: growth is news. */
  #isFull: boolean = false;

  /** `idMax` is the highest id on the wire, `lastId` the one that was used last. */
  constructor(output: OutputBuffer, handler: ClientSessionHandler, options: RpcOptions, idMax: number, lastId: number) {
    super(output, options);
    this.#handler = handler;
    this.#ids = new RequestIds(idMax, lastId);
  }

  get availableStreams(): number {
    if (this.#isDraining || this.isOver) return 0;
    return Math.max(0, this.options.streamsMax - this.streams.length);
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** RPC hosts do not introduce themselves: whoever is connected may ask. */
  get isGreeted(): boolean {
    return true;
  }

  /** There is none among calls. */
  get acceptsUpgrades(): boolean {
    return false;
  }

  /**
   * Begins a request; it goes out when all of its body is here. A head of another protocol is reset with reason
   * `internal` before this returns.
   */
  open(head: RequestHead, isEnd: boolean, receiver: ResponseReceiver): RpcClientStream {
    assert(this.availableStreams > 0, "a stream is opened only where one is available");
    const stream = new RpcClientStream(this, head, receiver);
    this.streams.add(stream);
    if (!this.isOwnRequest(head)) this.onRequestFailed(stream, "internal", RPC_ERRORS.RPC_FOREIGN_HEAD.meaning);
    else if (isEnd) stream.sendData(EMPTY, 0, 0, true);
    if (this.availableStreams === 0) this.#isFull = true;
    return stream;
  }

  /** No peer has a word for it. */
  get refusesPings(): boolean {
    return false;
  }

  ping(): boolean {
    if (this.isOver || this.#heartbeat !== null) return !this.isOver;
    const heartbeat = new Heartbeat();
    this.#heartbeat = heartbeat;
    this.#ids.add(heartbeat);
    this.writeHeartbeat(heartbeat.id);
    return true;
  }

  drain(): void {
    if (this.isOver) return;
    this.#isDraining = true;
    if (this.streams.length === 0) this.finish(false);
  }

  receiveEnd(): void {
    if (this.isOver || this.isPeerDone) return;
    this.isPeerDone = true;
    this.#isDraining = true;
    const isCut = this.reader.isMidFrame;
    this.resetAll("connection", "the host closed the connection");
    this.finish(isCut);
  }

  // ---- what streams ask ----

  sendRequest(stream: RpcClientStream, bytes: Buffer, start: number, end: number): void {
    const { head } = stream;
    if (head === null) return;
    if (head.frame?.isOneWay === true) {
      if (!this.writeRequest(this.#ids.skip(), head, bytes, start, end)) return this.#failUnwritable(stream);
      this.removeStream(stream);
      stream.detach()?.onResponseHead(ACCEPTED, true);
      this.#afterClose();
      return;
    }
    this.#ids.add(stream);
    if (this.writeRequest(stream.id, head, bytes, start, end)) return;
    this.#ids.take(stream.id);
    this.#failUnwritable(stream);
  }

  onRequestFailed(stream: RpcClientStream, reason: ResetReason, detail: string): void {
    if (!this.removeStream(stream)) return;
    stream.deliverReset(reason, detail);
    this.#afterClose();
  }

  onRequestReset(stream: RpcClientStream): void {
    const isAwaited = stream.isSent && !stream.isEndDue;
    if (!this.removeStream(stream)) return;
    stream.detach();
    if (isAwaited) this.#ids.giveUp(stream);
    this.#afterClose();
  }

  override onConsumed(stream: RpcClientStream, byteCount: number): void {
    super.onConsumed(stream, byteCount);
    if (stream.isEndDue && stream.unconsumed === 0) this.#endAnswer(stream);
  }

  #failUnwritable(stream: RpcClientStream): void {
    this.onRequestFailed(stream, "too-large", "the request's head is too long to be written");
  }

  // ---- what the protocols report ----

  /** The answer to the request that we sent under `id`. */
  protected receiveAnswer(id: number, head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    if (head.status === 503 && errorCodeOf(head.fields) === "RPC_DRAINING") {
      // A host of our own kind drains: it has not looked at the request, and will not look at others here.
      this.beginDraining();
      return this.receiveBadAnswer(id, "refused", RPC_ERRORS.RPC_DRAINING.meaning);
    }
    const stream = this.#takeAwaited(id);
    if (stream === null) return;
    const byteCount = end - start;
    if (byteCount > ANSWER_AT_ONCE_BYTES_MAX) return this.#beginLongAnswer(stream, head, bytes, start, end);
    this.removeStream(stream);
    stream.receiver?.onResponseHead(head, byteCount === 0);
    // Whoever has lost interest on seeing the head is told no more.
    if (byteCount > 0) stream.receiver?.onResponseData(bytes, start, end, true);
    stream.detach();
    this.#afterClose();
  }

  /** There is an answer to the request that we sent under `id`, but none that could be handed on. */
  protected receiveBadAnswer(id: number, reason: ResetReason, detail: string): void {
    const stream = this.#takeAwaited(id);
    if (stream === null) return;
    this.removeStream(stream);
    stream.deliverReset(reason, detail);
    this.#afterClose();
  }

  /** The host takes no new requests on this connection. */
  protected beginDraining(): void {
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.#handler.onDraining();
    }
    this.#afterClose();
  }

  /** Who waits for the answer with this id. */
  #takeAwaited(id: number): RpcClientStream | null {
    const awaited = this.#ids.take(id);
    if (awaited === null) {
      this.options.counts.faults.unmatched++;
    } else if (awaited === this.#heartbeat) {
      this.#heartbeat = null;
      this.#handler.onPong();
    } else if (awaited instanceof RpcClientStream) {
      if (!awaited.isGivenUp) return awaited;
      this.options.counts.faults.late++;
    }
    return null;
  }

  #beginLongAnswer(stream: RpcClientStream, head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    stream.isEndDue = true;
    stream.receiver?.onResponseHead(head, false);
    if (stream.place < 0) return;
    this.countUnconsumed(stream, end - start);
    stream.receiver?.onResponseData(bytes, start, end, false);
  }

  #endAnswer(stream: RpcClientStream): void {
    if (!this.removeStream(stream)) return;
    stream.detach()?.onResponseData(EMPTY, 0, 0, true);
    this.#afterClose();
  }

  #afterClose(): void {
    if (this.isOver) return;
    if (this.#isDraining && this.streams.length === 0) return this.finish(false);
    this.updateReadPaused();
    const isFull = this.availableStreams === 0;
    const wasFull = this.#isFull;
    this.#isFull = isFull;
    if (!isFull && (wasFull || this.streams.length === 0)) this.#handler.onStreamsAvailable();
  }

  protected override mustStopReading(): boolean {
    // What the host says may be what lets it read again.
    return false;
  }

  protected override onReadPaused(isPaused: boolean): void {
    this.#handler.onReadPaused(isPaused);
  }

  protected override onOver(error: WeftError | null): void {
    this.#handler.onSessionEnd(error);
  }

  abstract isOwnRequest(head: RequestHead): boolean;
  /** Writes the whole request under `id`; false when its head cannot be written. */
  protected abstract writeRequest(id: number, head: RequestHead, bytes: Buffer, start: number, end: number): boolean;
  protected abstract writeHeartbeat(id: number): void;
}
