import type { Fields, ResetReason } from "@weft/contract";
import { type OutputBuffer, WeftError } from "@weft/kernel";
import { encodeGoaway, encodeReset, encodeWindowUpdate } from "./encode.ts";
import type { Http2ErrorCode } from "./errors.ts";
import { BUDGET_ERRORS, BUDGET_PROVOKED_RESETS, type BudgetKind, FloodBudget } from "./flood-budget.ts";
import { ReceiveWindow } from "./flow-control.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";
import { HeaderCodec } from "./header-codec.ts";
import { TABLE_BYTES_INITIAL } from "./hpack-table.ts";
import { OUTPUT_PAUSE_BYTES } from "./limits.ts";
import type { Http2Options } from "./options.ts";
import { ResetHistory } from "./reset-history.ts";
import { Sender, type SenderOwner } from "./sender.ts";
import { codeOfError, codeOfReason, NO_ERROR } from "./status.ts";
import type { Http2Stream, StreamOwner } from "./stream.ts";
import { canSend, EVENT_RECEIVE_END, EVENT_RESET, EVENT_SEND_END, STREAM_CLOSED, transition } from "./stream-state.ts";
import { StallWatch } from "./stall-watch.ts";
import { StreamTable } from "./stream-table.ts";

/** Bytes of a RST_STREAM, WINDOW_UPDATE or similar: what an answer adds to the output, at least. */
const ANSWER_BYTES = FRAME_HEADER_BYTES + 4;

/**
 * What both ends of an HTTP/2 connection share, apart from reading frames (`session.ts`): its streams, sending on
 * them, the errors of streams and of the connection, and its end.
 */
export abstract class Http2Connection<Stream extends Http2Stream> implements StreamOwner, SenderOwner {
  protected readonly output: OutputBuffer;
  protected readonly options: Http2Options;
  protected readonly streams: StreamTable<Stream> = new StreamTable();
  protected readonly sender: Sender;
  /** Unconsumed bytes of all streams together. */
  protected readonly receiveWindow: ReceiveWindow;
  /** After `onSessionEnd` or `connectionLost`: nothing is read, written or told any more. */
  protected isOver: boolean = false;
  /** Highest stream that the peer opened, 0 for none; what our GOAWAY says. */
  protected lastPeerStreamId: number = 0;
  /** What the peer's SETTINGS_HEADER_TABLE_SIZE allows our encoder. */
  #encoderTableBytes: number = TABLE_BYTES_INITIAL;
  /** The lowest of its values so far: the first block must announce that one too (RFC 7541 section 4.2). */
  #encoderTableBytesLowest: number = TABLE_BYTES_INITIAL;
  /** The peer knows our SETTINGS. */
  protected isSettingsAcknowledged: boolean = false;
  #headers: HeaderCodec | null = null;
  #budget: FloodBudget | null = null;
  #resets: ResetHistory | null = null;
  /** Null while no stream waited for the peer's window when last looked at. */
  #stalls: StallWatch<Stream> | null = null;
  /** Bytes of heads and control frames written while the peer did not take the output. */
  #answerBytes: number = 0;
  #isReadPaused: boolean = false;

  constructor(output: OutputBuffer, options: Http2Options) {
    this.output = output;
    this.options = options;
    this.sender = new Sender(output, this);
    this.receiveWindow = new ReceiveWindow(options.connectionWindowBytes);
  }

  /** Streams that are open now. */
  get activeStreams(): number {
    return this.streams.length;
  }

  // ---- what the owner of the socket tells ----

  outputDrained(): void {
    this.#answerBytes = 0;
    if (this.isOver) return;
    if (this.#isReadPaused) {
      this.#isReadPaused = false;
      this.onReadPaused(false);
    }
    this.sender.pump();
  }

  connectionLost(detail: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.stopReading();
    this.resetAll("connection", detail);
  }

  endStalled(bytesMin: number): number {
    const waiting = this.streams.list().filter((stream) => stream.pendingBytes > 0 && this.isWatched(stream));
    if (waiting.length === 0) {
      this.#stalls = null;
      return 0;
    }
    this.#stalls ??= new StallWatch();
    const stalled = this.#stalls.look(waiting, this.sender.sentBytes, bytesMin);
    let ended = 0;
    for (const stream of stalled) {
      // Whoever hears of one end may cause another.
      if (stream.state === STREAM_CLOSED) continue;
      this.abortStream(stream, "timeout", "the peer does not open its flow-control window");
      ended++;
    }
    return ended;
  }

  // ---- what streams ask ----

  sendData(stream: Stream, bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    if (!canSend(stream.state) || stream.isEndPending || stream.trailersPending !== null) return true;
    if (stream.pendingBytes > this.options.streamPendingBytesMax) {
      this.abortStream(stream, "overloaded", "too many bytes wait for the peer's flow-control window");
      return true;
    }
    const canGoOn = this.sender.send(stream, bytes, start, end, isEnd);
    if (isEnd && !stream.isEndPending) this.endLocal(stream);
    return canGoOn;
  }

  sendTrailers(stream: Stream, fields: Fields): void {
    if (!canSend(stream.state) || stream.isEndPending || stream.trailersPending !== null) return;
    if (fields.length === 0) this.sendData(stream, this.output.bytes, 0, 0, true);
    else if (stream.hasPending) stream.trailersPending = fields;
    else {
      this.headers().writeTrailers(this.output, stream.id, fields, this.sender.frameBytesMax);
      this.endLocal(stream);
    }
  }

  resetStream(stream: Stream, reason: ResetReason): void {
    if (stream.state === STREAM_CLOSED) return;
    stream.detach();
    this.writeReset(stream.id, codeOfReason(reason));
    this.closeStream(stream);
    this.afterClose();
  }

  consume(stream: Stream, byteCount: number): void {
    // What a closed stream had not consumed was returned when it closed.
    if (stream.state === STREAM_CLOSED) return;
    const consumed = Math.min(byteCount, stream.unconsumed);
    stream.unconsumed -= consumed;
    this.creditConnection(consumed);
    this.creditStream(stream, consumed);
  }

  /** The sender has written the last byte that waited on a stream. */
  onPendingSent(stream: Stream): void {
    const trailers = stream.trailersPending;
    if (trailers !== null) this.headers().writeTrailers(this.output, stream.id, trailers, this.sender.frameBytesMax);
    this.endLocal(stream);
  }

  // ---- streams ----

  /** END_STREAM is out. */
  protected endLocal(stream: Stream): void {
    stream.isEndPending = false;
    stream.trailersPending = null;
    stream.isWriteWaiting = false;
    stream.state = transition(stream.state, EVENT_SEND_END);
    if (stream.state === STREAM_CLOSED) {
      this.#forget(stream);
      this.afterCompletion();
      this.afterClose();
    } else this.onLocalEnd(stream);
  }

  /** END_STREAM has come. True when that closed the stream: then `afterCompletion` and `afterClose` are due. */
  protected endRemote(stream: Stream): boolean {
    stream.state = transition(stream.state, EVENT_RECEIVE_END);
    if (stream.state !== STREAM_CLOSED) return false;
    this.#forget(stream);
    return true;
  }

  /** Takes a stream out without another word. */
  protected closeStream(stream: Stream): void {
    stream.state = transition(stream.state, EVENT_RESET);
    this.#forget(stream);
  }

  #forget(stream: Stream): void {
    this.streams.delete(stream.id);
    stream.pending?.clear();
    stream.pending = null;
    stream.isEndPending = false;
    stream.trailersPending = null;
    stream.isWriteWaiting = false;
    if (stream.unconsumed > 0) {
      this.creditConnection(stream.unconsumed);
      stream.unconsumed = 0;
    }
  }

  /** Gives a stream up for a reason of ours that its receiver does not know yet. */
  protected abortStream(stream: Stream, reason: ResetReason, detail: string): void {
    this.writeReset(stream.id, codeOfReason(reason));
    this.closeStream(stream);
    stream.deliverReset(reason, detail);
    this.afterClose();
  }

  /** The peer broke a rule on one stream (RFC 9113 section 5.4.2). */
  protected failStream(stream: Stream, errorCode: number, detail: string): void {
    if (!this.rejectStream(stream.id, errorCode)) return;
    this.onStreamFailed("HTTP2_STREAM_ERROR");
    this.closeStream(stream);
    stream.deliverReset("protocol", detail);
    this.afterClose();
  }

  /** Resets a stream that the peer made us reset; false when it has done so too often. */
  protected rejectStream(streamId: number, errorCode: number): boolean {
    if (!this.charge(BUDGET_PROVOKED_RESETS)) return false;
    this.writeReset(streamId, errorCode);
    return !this.isOver;
  }

  protected writeReset(streamId: number, errorCode: number): void {
    this.#resets ??= new ResetHistory();
    this.#resets.add(streamId);
    if (this.isOver || !this.mayAnswer(ANSWER_BYTES)) return;
    encodeReset(this.output, streamId, errorCode);
  }

  /** True when a frame on a closed stream may have crossed a reset of ours. */
  protected mayBeLate(streamId: number): boolean {
    return this.#resets !== null && this.#resets.mayBeLate(streamId);
  }

  // ---- windows ----

  protected creditConnection(byteCount: number): void {
    if (byteCount === 0 || this.isOver) return;
    const increment = this.receiveWindow.give(byteCount);
    if (increment > 0) encodeWindowUpdate(this.output, 0, increment);
  }

  protected creditStream(stream: Stream, byteCount: number): void {
    if (byteCount === 0 || this.isOver || stream.receiveWindow === null) return;
    const increment = stream.receiveWindow.give(byteCount);
    if (increment > 0 && this.canStillReceive(stream)) encodeWindowUpdate(this.output, stream.id, increment);
  }

  // ---- budgets ----

  protected charge(kind: BudgetKind): boolean {
    this.#budget ??= new FloodBudget(this.options);
    if (this.#budget.take(kind)) return true;
    this.fail(BUDGET_ERRORS[kind], "the peer makes work that brings no request further");
    return false;
  }

  protected refund(kind: BudgetKind, count: number): void {
    this.#budget?.give(kind, count);
  }

  /**
   * Counts what is about to be written on the peer's account. While the output is congested reading pauses soon;
   * false, and the session is over, when requests keep coming all the same.
   */
  protected mayAnswer(byteCount: number): boolean {
    if (!this.output.isCongested) return true;
    this.#answerBytes += byteCount;
    if (this.#answerBytes > this.options.outputFloodBytesMax) {
      this.fail("HTTP2_OUTPUT_FLOOD", "the peer does not read the answers that it asks for");
      return false;
    }
    if (this.#answerBytes > OUTPUT_PAUSE_BYTES && !this.#isReadPaused) {
      this.#isReadPaused = true;
      this.onReadPaused(true);
    }
    return !this.isOver;
  }

  // ---- the connection ----

  /** Header compression, made with the first header block. */
  protected headers(): HeaderCodec {
    if (this.#headers === null) {
      this.#headers = new HeaderCodec(this.options);
      this.#resizeEncoder(this.#encoderTableBytesLowest);
      this.#resizeEncoder(this.#encoderTableBytes);
      this.allowTableBytes();
    }
    return this.#headers;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  protected setEncoderTableBytes(byteCount: number): void {
    this.#encoderTableBytes = byteCount;
    if (byteCount < this.#encoderTableBytesLowest) this.#encoderTableBytesLowest = byteCount;
    this.#resizeEncoder(byteCount);
  }

  #resizeEncoder(byteCount: number): void {
    const encoder = this.#headers?.encoder;
    const bounded = Math.min(byteCount, this.options.headerTableBytes);
    if (encoder !== undefined && encoder.bytesWanted !== bounded) encoder.resize(bounded);
  }

  /** Holds the peer's encoder to our SETTINGS_HEADER_TABLE_SIZE, once it has acknowledged it. */
  protected allowTableBytes(): void {
    if (this.isSettingsAcknowledged) this.#headers?.decoder.allowTableBytes(this.options.headerTableBytes);
  }

  /** The peer broke a rule that concerns the connection (RFC 9113 section 5.4.1). */
  protected fail(code: Http2ErrorCode, message: string): void {
    this.failBecause(code, message, "protocol");
  }

  protected failBecause(code: Http2ErrorCode, message: string, reason: ResetReason): void {
    if (this.isOver) return;
    this.isOver = true;
    this.stopReading();
    encodeGoaway(this.output, this.lastPeerStreamId, codeOfError(code), code);
    this.resetAll(reason, message);
    this.onOver(new WeftError<Http2ErrorCode>(code, `Cannot go on with the HTTP/2 connection: ${message}`));
  }

  /** An ordinary end; no stream is open. */
  protected finish(sendsGoaway: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    this.stopReading();
    if (sendsGoaway) encodeGoaway(this.output, this.lastPeerStreamId, NO_ERROR, "");
    this.onOver(null);
  }

  protected resetAll(reason: ResetReason, detail: string): void {
    const streams = this.streams.list();
    // First all of them are closed, so that a receiver that answers on another stream meets a closed one.
    for (const stream of streams) this.closeStream(stream);
    for (const stream of streams) stream.deliverReset(reason, detail);
  }

  /** The peer broke a rule on one stream, whose receiver is told apart. */
  protected onStreamFailed(_code: Http2ErrorCode): void {}

  /** Whether `endStalled` looks at the stream. */
  protected abstract isWatched(stream: Stream): boolean;
  /** False once the peer has ended its side of the stream. */
  protected abstract canStillReceive(stream: Stream): boolean;
  protected abstract stopReading(): void;
  /** True: the owner should read no more from the socket until told false. */
  protected abstract onReadPaused(isPaused: boolean): void;
  /** Our side of a stream has ended, the peer's has not. */
  protected abstract onLocalEnd(stream: Stream): void;
  /** A stream has ended on both sides as it should. */
  protected abstract afterCompletion(): void;
  /** A stream was closed, in whatever way, and everybody has been told. */
  protected abstract afterClose(): void;
  /** Nothing follows. */
  protected abstract onOver(error: WeftError | null): void;
}
