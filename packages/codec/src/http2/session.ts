import type { OutputBuffer } from "@weft/kernel";
import { Http2Connection } from "./connection.ts";
import { FrameReader, type FrameSink } from "./decode.ts";
import { encodePing, encodeSettingsAck } from "./encode.ts";
import type { Http2ErrorCode } from "./errors.ts";
import {
  BUDGET_CLOSED_STREAM_FRAMES,
  BUDGET_EMPTY_FRAMES,
  BUDGET_PINGS,
  BUDGET_PRIORITIES,
  BUDGET_SETTINGS,
  BUDGET_TABLE_SIZE_UPDATES,
  BUDGET_WINDOW_UPDATES,
} from "./flood-budget.ts";
import { ReceiveWindow } from "./flow-control.ts";
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_CONTINUATION,
  FRAME_GOAWAY,
  FRAME_HEADER_BYTES,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_PRIORITY,
  FRAME_PRIORITY_UPDATE,
  FRAME_PUSH_PROMISE,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  PRIORITY_BYTES,
  readUint31,
  readUint32,
  SETTING_BYTES,
  SETTING_HEADER_TABLE_SIZE,
  SETTING_INITIAL_WINDOW_SIZE,
  SETTING_MAX_FRAME_SIZE,
  WINDOW_BYTES_INITIAL,
  WINDOW_BYTES_MAX,
} from "./frame.ts";
import { PendingBlock } from "./header-block.ts";
import type { BlockProblem } from "./header-codec.ts";
import { isPing, PING_KEEPALIVE } from "./heartbeat.ts";
import { SETTINGS_PER_FRAME_MAX, WINDOW_UPDATES_PER_DATA_FRAME } from "./limits.ts";
import type { Http2Options } from "./options.ts";
import { readSettings, type SettingsReceiver } from "./settings.ts";
import { FLOW_CONTROL_ERROR, PROTOCOL_ERROR, STREAM_CLOSED } from "./status.ts";
import type { Http2Stream } from "./stream.ts";
import { canReceive } from "./stream-state.ts";

/** The receiving half of a connection: every frame of RFC 9113 section 6, judged and turned into events. */
export abstract class Http2Session<Stream extends Http2Stream>
  extends Http2Connection<Stream>
  implements FrameSink, SettingsReceiver
{
  protected readonly reader: FrameReader;
  /** A header block that waits for its CONTINUATION. */
  #block: PendingBlock | null = null;
  /** Where the DATA frame at hand belongs; null when its content is dropped. */
  #dataStream: Stream | null = null;
  #dataIsEnd: boolean = false;
  /** Code that belongs to what `#judgeData` returned. */
  #dataErrorCode: number = PROTOCOL_ERROR;
  /** DATA frames of ours for which WINDOW_UPDATE budget was given back. */
  #framesRefunded: number = 0;
  #isPingOut: boolean = false;

  constructor(output: OutputBuffer, options: Http2Options, expectsPreface: boolean) {
    super(output, options);
    this.reader = new FrameReader(this, options.frameBytesMax, expectsPreface);
  }

  /** Takes bytes that arrived. */
  receive(bytes: Buffer, start: number, end: number): void {
    this.reader.receive(bytes, start, end);
  }

  /** Asks for a sign of life; nothing is written while an answer is awaited. */
  ping(): boolean {
    if (this.isOver || this.#isPingOut) return !this.isOver;
    this.#isPingOut = true;
    encodePing(this.output, false, PING_KEEPALIVE, 0);
    return true;
  }

  /** The peer sends no more; what it left open can neither be paid for nor cancelled, so it is given up. */
  receiveEnd(): void {
    if (this.isOver) return;
    this.resetAll("connection", "the peer closed the connection");
    this.finish(false);
  }

  /** A header block is begun and not complete. */
  protected get isMidBlock(): boolean {
    return this.#block !== null;
  }

  protected override stopReading(): void {
    this.reader.stop();
    this.#block = null;
    this.#dataStream = null;
  }

  protected override canStillReceive(stream: Stream): boolean {
    return canReceive(stream.state);
  }

  onUnreadable(code: Http2ErrorCode, message: string): void {
    this.fail(code, message);
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (this.#block !== null && (type !== FRAME_CONTINUATION || streamId !== this.#block.streamId)) {
      return this.fail("HTTP2_PROTOCOL_ERROR", "a header block was interrupted by another frame");
    }
    switch (type) {
      case FRAME_HEADERS:
        return this.#onHeaders(flags, streamId, bytes, start, end);
      case FRAME_CONTINUATION:
        return this.#onContinuation(flags, bytes, start, end);
      case FRAME_WINDOW_UPDATE:
        return this.#onWindowUpdate(streamId, bytes, start, end);
      case FRAME_RST_STREAM:
        return this.#onReset(streamId, bytes, start, end);
      case FRAME_SETTINGS:
        return this.#onSettings(flags, streamId, bytes, start, end);
      case FRAME_PING:
        return this.#onPing(flags, streamId, bytes, start, end);
      case FRAME_GOAWAY:
        return this.#onGoaway(streamId, bytes, start, end);
      case FRAME_PRIORITY:
        return this.#onPriority(streamId, end - start);
      case FRAME_PUSH_PROMISE:
        return this.fail("HTTP2_PROTOCOL_ERROR", "PUSH_PROMISE came though push is off");
      case FRAME_PRIORITY_UPDATE:
        this.charge(BUDGET_PRIORITIES);
        return;
      default:
        // Unknown types are ignored (section 4.1), within reason.
        this.charge(BUDGET_EMPTY_FRAMES);
    }
  }

  // ---- header blocks ----

  #onHeaders(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId === 0) return this.fail("HTTP2_PROTOCOL_ERROR", "HEADERS came on stream 0");
    let at = start;
    let stop = end;
    if ((flags & FLAG_PADDED) !== 0 && at < end) {
      stop -= bytes[at] ?? 0;
      at++;
    } else if ((flags & FLAG_PADDED) !== 0) at = end + 1;
    if ((flags & FLAG_PRIORITY) !== 0) at += PRIORITY_BYTES;
    if (at > end) return this.fail("HTTP2_FRAME_SIZE_ERROR", "HEADERS is shorter than its own fields");
    if (at > stop) return this.fail("HTTP2_PROTOCOL_ERROR", "the padding of HEADERS is longer than the frame");
    const isEnd = (flags & FLAG_END_STREAM) !== 0;
    if ((flags & FLAG_END_HEADERS) !== 0) this.onBlock(streamId, isEnd, bytes, at, stop);
    else this.#block = new PendingBlock(streamId, isEnd, bytes, at, stop);
  }

  #onContinuation(flags: number, bytes: Buffer, start: number, end: number): void {
    const block = this.#block;
    if (block === null) return this.fail("HTTP2_PROTOCOL_ERROR", "CONTINUATION came without HEADERS");
    const error = block.add(bytes, start, end, this.options);
    if (error !== null) return this.fail(error, "a header block has too many CONTINUATION frames or bytes");
    if ((flags & FLAG_END_HEADERS) === 0) return;
    this.#block = null;
    this.onBlock(block.streamId, block.isEnd, block.bytes, 0, block.length);
  }

  /** Ends the session when a block is broken or changes the table's size too often; false when it did. */
  protected isBlockSound(problem: BlockProblem | null): boolean {
    const headers = this.headers();
    if (problem === "broken") {
      this.fail("HTTP2_COMPRESSION_ERROR", "a header block cannot be decoded");
      return false;
    }
    for (; headers.resizes > 0; headers.resizes--) if (!this.charge(BUDGET_TABLE_SIZE_UPDATES)) return false;
    return true;
  }

  /** A block on a stream that exists: its trailers. */
  protected receiveTrailers(stream: Stream, isEnd: boolean, bytes: Buffer, start: number, end: number): void {
    const fields = this.headers().decodeTrailers(bytes, start, end);
    if (!this.isBlockSound(typeof fields === "string" ? fields : null)) return;
    if (!canReceive(stream.state)) return this.failStream(stream, STREAM_CLOSED, "HEADERS came after END_STREAM");
    if (fields === "too-large") {
      this.onStreamFailed("HTTP2_TRAILERS_TOO_LARGE");
      return this.abortStream(stream, "too-large", "the trailers exceed headerBytesMax");
    }
    if (typeof fields === "string" || !isEnd) {
      return this.failStream(stream, PROTOCOL_ERROR, "the trailers are malformed");
    }
    if (stream.contentLeft > 0) {
      return this.failStream(stream, PROTOCOL_ERROR, "the body is shorter than its content-length");
    }
    const isClosed = this.endRemote(stream);
    stream.deliverTrailers(fields);
    if (isClosed) this.#completed();
  }

  /** Decodes a block that nobody hears, to keep the tables the same. */
  protected skipBlock(bytes: Buffer, start: number, end: number): boolean {
    return this.isBlockSound(this.headers().skip(bytes, start, end) ? null : "broken");
  }

  /** A frame on a stream that is closed: late ones are ignored; false when the session ended. */
  protected onClosedStreamFrame(streamId: number): boolean {
    if (!this.charge(BUDGET_CLOSED_STREAM_FRAMES)) return false;
    if (this.mayBeLate(streamId)) return true;
    this.fail("HTTP2_STREAM_CLOSED", "a frame came on a stream that the peer had ended");
    return false;
  }

  #completed(): void {
    this.afterCompletion();
    this.afterClose();
  }

  // ---- DATA ----

  onDataBegin(flags: number, streamId: number, byteCount: number, paddingBytes: number): void {
    this.#dataStream = null;
    if (this.#block !== null) return this.fail("HTTP2_PROTOCOL_ERROR", "a header block was interrupted by DATA");
    if (streamId === 0) return this.fail("HTTP2_PROTOCOL_ERROR", "DATA came on stream 0");
    if (!this.receiveWindow.take(byteCount)) {
      return this.fail("HTTP2_FLOW_CONTROL_ERROR", "DATA exceeds the connection's window");
    }
    if (paddingBytes > 0) this.creditConnection(paddingBytes);
    const isEnd = (flags & FLAG_END_STREAM) !== 0;
    const contentBytes = byteCount - paddingBytes;
    if (contentBytes === 0 && !isEnd && !this.charge(BUDGET_EMPTY_FRAMES)) return;
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.fail("HTTP2_PROTOCOL_ERROR", "DATA came on a stream that was never opened");
      else this.onClosedStreamFrame(streamId);
      return;
    }
    const wrong = this.#judgeData(stream, byteCount, contentBytes, isEnd);
    if (wrong !== "") return this.failStream(stream, this.#dataErrorCode, wrong);
    if (paddingBytes > 0) this.creditStream(stream, paddingBytes);
    this.#dataStream = stream;
    this.#dataIsEnd = isEnd;
  }

  /** What is wrong with a DATA frame on `stream`, or "". */
  #judgeData(stream: Stream, byteCount: number, contentBytes: number, isEnd: boolean): string {
    if (!canReceive(stream.state)) {
      this.#dataErrorCode = STREAM_CLOSED;
      return "DATA came after END_STREAM";
    }
    stream.receiveWindow ??= new ReceiveWindow(this.#streamWindowBytes());
    if (!stream.receiveWindow.take(byteCount)) {
      this.#dataErrorCode = FLOW_CONTROL_ERROR;
      return "DATA exceeds the stream's window";
    }
    this.#dataErrorCode = PROTOCOL_ERROR;
    if (!this.mayReceiveData(stream)) return "DATA came before HEADERS";
    if (stream.contentLeft >= 0) {
      stream.contentLeft -= contentBytes;
      if (stream.contentLeft < 0) return "the body is longer than its content-length";
      if (isEnd && stream.contentLeft > 0) return "the body is shorter than its content-length";
    }
    return "";
  }

  /** Until our SETTINGS are known to the peer it may still use the initial window. */
  #streamWindowBytes(): number {
    const ours = this.options.streamWindowBytes;
    return this.isSettingsAcknowledged ? ours : Math.max(ours, WINDOW_BYTES_INITIAL);
  }

  onDataPiece(bytes: Buffer, start: number, end: number, isLast: boolean): void {
    const stream = this.#dataStream;
    if (stream === null || !canReceive(stream.state)) {
      this.#dataStream = null;
      return this.creditConnection(end - start);
    }
    const isEnd = isLast && this.#dataIsEnd;
    if (start === end && !isEnd) return;
    stream.unconsumed += end - start;
    const isClosed = isEnd && this.endRemote(stream);
    stream.deliverData(bytes, start, end, isEnd);
    if (isClosed) this.#completed();
  }

  // ---- the other frames ----

  #onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) return this.fail("HTTP2_FRAME_SIZE_ERROR", "WINDOW_UPDATE is not 4 bytes long");
    const frames = this.sender.fullFramesSent;
    this.refund(BUDGET_WINDOW_UPDATES, (frames - this.#framesRefunded) * WINDOW_UPDATES_PER_DATA_FRAME);
    this.#framesRefunded = frames;
    if (!this.charge(BUDGET_WINDOW_UPDATES)) return;
    const increment = readUint31(bytes, start);
    if (streamId === 0) {
      if (increment === 0) return this.fail("HTTP2_PROTOCOL_ERROR", "WINDOW_UPDATE grows the window by 0");
      if (this.sender.window + increment > WINDOW_BYTES_MAX) {
        return this.fail("HTTP2_FLOW_CONTROL_ERROR", "WINDOW_UPDATE grows the connection's window beyond 2^31-1");
      }
      this.sender.growWindow(increment);
      return this.sender.pump();
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.fail("HTTP2_PROTOCOL_ERROR", "WINDOW_UPDATE came on a stream that is idle");
      // On a closed stream it is normal for a while (section 6.9); its budget is charged above.
      return;
    }
    if (increment === 0) return this.failStream(stream, PROTOCOL_ERROR, "WINDOW_UPDATE grows the window by 0");
    if (stream.sendWindow + increment > WINDOW_BYTES_MAX) {
      return this.failStream(stream, FLOW_CONTROL_ERROR, "WINDOW_UPDATE grows the stream's window beyond 2^31-1");
    }
    this.#growWindow(stream, increment);
    this.sender.pump();
  }

  #growWindow(stream: Stream, increment: number): void {
    stream.sendWindow += increment;
    if (stream.sendWindow > 0 && (stream.hasPending || stream.isWriteWaiting)) this.sender.makeReady(stream);
  }

  #onReset(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) return this.fail("HTTP2_FRAME_SIZE_ERROR", "RST_STREAM is not 4 bytes long");
    const stream = this.streams.get(streamId);
    if (stream !== undefined) return this.onPeerReset(stream, readUint32(bytes, start));
    if (streamId === 0 || this.isIdle(streamId)) {
      return this.fail("HTTP2_PROTOCOL_ERROR", "RST_STREAM came on a stream that was never opened");
    }
    this.charge(BUDGET_CLOSED_STREAM_FRAMES);
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) return this.fail("HTTP2_PROTOCOL_ERROR", "SETTINGS came on a stream");
    const isAck = (flags & FLAG_ACK) !== 0;
    if (isAck ? end !== start : (end - start) % SETTING_BYTES !== 0) {
      return this.fail("HTTP2_FRAME_SIZE_ERROR", "SETTINGS has a wrong length");
    }
    if (!this.charge(BUDGET_SETTINGS)) return;
    if (end - start > SETTINGS_PER_FRAME_MAX * SETTING_BYTES) {
      return this.fail("HTTP2_SETTINGS_FLOOD", "a SETTINGS frame has too many settings");
    }
    if (isAck) {
      if (this.isSettingsAcknowledged) return;
      this.isSettingsAcknowledged = true;
      return this.allowTableBytes();
    }
    const error = readSettings(bytes, start, end, this);
    if (error !== null) return this.fail(error, "SETTINGS has a value that is not allowed");
    if (!this.mayAnswer(FRAME_HEADER_BYTES)) return;
    encodeSettingsAck(this.output);
    this.sender.pump();
    this.afterSettings();
  }

  onSetting(identifier: number, value: number): Http2ErrorCode | null {
    switch (identifier) {
      case SETTING_HEADER_TABLE_SIZE:
        this.setEncoderTableBytes(value);
        return null;
      case SETTING_MAX_FRAME_SIZE:
        this.sender.frameBytesMax = value;
        return null;
      case SETTING_INITIAL_WINDOW_SIZE:
        return this.#changeWindows(value);
      default:
        return this.onOtherSetting(identifier, value);
    }
  }

  /** A new initial window moves the windows of all open streams, possibly below 0 (section 6.9.2). */
  #changeWindows(byteCount: number): Http2ErrorCode | null {
    const change = byteCount - this.sender.streamWindow;
    this.sender.streamWindow = byteCount;
    if (change === 0 || this.streams.length === 0) return null;
    for (const stream of this.streams.list()) {
      if (stream.sendWindow + change > WINDOW_BYTES_MAX) return "HTTP2_FLOW_CONTROL_ERROR";
      this.#growWindow(stream, change);
    }
    return null;
  }

  #onPing(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) return this.fail("HTTP2_PROTOCOL_ERROR", "PING came on a stream");
    if (end - start !== 8) return this.fail("HTTP2_FRAME_SIZE_ERROR", "PING is not 8 bytes long");
    if (!this.charge(BUDGET_PINGS)) return;
    if ((flags & FLAG_ACK) !== 0) return this.#onPingAnswer(bytes, start);
    if (this.mayAnswer(FRAME_HEADER_BYTES + 8)) encodePing(this.output, true, bytes, start);
  }

  #onPingAnswer(bytes: Buffer, start: number): void {
    if (!this.#isPingOut || !isPing(PING_KEEPALIVE, bytes, start)) return this.onPingAnswer(bytes, start);
    this.#isPingOut = false;
    this.onPong();
  }

  #onGoaway(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) return this.fail("HTTP2_PROTOCOL_ERROR", "GOAWAY came on a stream");
    if (end - start < 8) return this.fail("HTTP2_FRAME_SIZE_ERROR", "GOAWAY is shorter than 8 bytes");
    if (!this.charge(BUDGET_SETTINGS)) return;
    this.onGoaway(readUint31(bytes, start), readUint32(bytes, start + 4), bytes, start + 8, end);
  }

  #onPriority(streamId: number, byteCount: number): void {
    if (streamId === 0) return this.fail("HTTP2_PROTOCOL_ERROR", "PRIORITY came on stream 0");
    if (byteCount !== PRIORITY_BYTES) return this.fail("HTTP2_FRAME_SIZE_ERROR", "PRIORITY is not 5 bytes long");
    this.charge(BUDGET_PRIORITIES);
  }

  /** True for a stream that was never opened: other frames than HEADERS and PRIORITY are wrong there. */
  protected abstract isIdle(streamId: number): boolean;
  /** A whole header block. */
  protected abstract onBlock(streamId: number, isEnd: boolean, bytes: Buffer, start: number, end: number): void;
  /** False while DATA would come before the head. */
  protected abstract mayReceiveData(stream: Stream): boolean;
  protected abstract onPeerReset(stream: Stream, errorCode: number): void;
  /** `bytes[start, end)` is the peer's explanation. */
  protected abstract onGoaway(lastStreamId: number, errorCode: number, bytes: Buffer, start: number, end: number): void;
  /** The answer to a PING that is not for a sign of life. */
  protected abstract onPingAnswer(bytes: Buffer, start: number): void;
  /** The answer to `ping`. */
  protected abstract onPong(): void;
  /** The error that the value is at this end of a connection, or null. */
  protected abstract onOtherSetting(identifier: number, value: number): Http2ErrorCode | null;
  /** The peer's SETTINGS are in force and acknowledged. */
  protected abstract afterSettings(): void;
}
