import type { OutputBuffer } from "@weft/kernel";
import { encodeFrameHeader } from "./encode.ts";
import { FLAG_END_STREAM, FRAME_BYTES_INITIAL, FRAME_DATA, FRAME_HEADER_BYTES, WINDOW_BYTES_INITIAL } from "./frame.ts";
import { DRIBBLE_FRAME_BYTES } from "./limits.ts";
import type { Http2Stream } from "./stream.ts";

/** Hears what became of the streams that wait in a sender. */
export interface SenderOwner {
  /** The last byte of a stream is out; its trailers, if it has any, may follow. */
  onPendingSent(stream: Http2Stream): void;
}

/**
 * Sends DATA as the peer's windows and the socket allow (RFC 9113 section 5.2). What fits goes straight into the
 * output. What does not waits on its stream; the streams that wait for the connection, not for their own window,
 * stand in a ring and send one frame each in turn.
 *
 *     ready:  [ stream 7 ] -> [ stream 3 ] -> [ stream 11 ]     first() sends a frame and goes to the end
 */
export class Sender {
  /** What the peer lets us send on all streams together. */
  window: number = WINDOW_BYTES_INITIAL;
  /** The peer's SETTINGS_INITIAL_WINDOW_SIZE: the window of a new stream. */
  streamWindow: number = WINDOW_BYTES_INITIAL;
  /** The peer's SETTINGS_MAX_FRAME_SIZE. */
  frameBytesMax: number = FRAME_BYTES_INITIAL;
  /** DATA frames sent so far, without those that a window cut to less than DRIBBLE_FRAME_BYTES. */
  fullFramesSent: number = 0;
  /** All that `window` ever allowed. */
  #allowedBytes: number = WINDOW_BYTES_INITIAL;
  readonly #output: OutputBuffer;
  readonly #owner: SenderOwner;
  #first: Http2Stream | null = null;
  #last: Http2Stream | null = null;
  #isPumping: boolean = false;

  constructor(output: OutputBuffer, owner: SenderOwner) {
    this.#output = output;
    this.#owner = owner;
  }

  /** Content of all DATA frames sent so far. */
  get sentBytes(): number {
    return this.#allowedBytes - this.window;
  }

  /** The peer lets us send more on all streams together. */
  growWindow(increment: number): void {
    this.window += increment;
    this.#allowedBytes += increment;
  }

  /**
   * Sends a piece of a body now as far as it may go; the rest waits. Returns false when the stream should pause. With
   * `isEnd` END_STREAM goes with the last byte; when that waits too, `onPendingSent` tells when it is out.
   */
  send(stream: Http2Stream, bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    if (start === end && !isEnd) return !stream.isWriteWaiting;
    let at = start;
    if (!stream.hasPending && this.#first === null && !this.#output.isCongested) {
      at = this.#sendNow(stream, bytes, start, end, isEnd);
      if (at === end) return isEnd || this.#pauseIfCongested(stream);
    } else if (isEnd && start === end && !stream.hasPending) {
      // The end alone needs no window and nothing is before it.
      this.#writeFrame(stream, bytes, end, end, true);
      return true;
    }
    if (at < end) stream.queue(bytes, at, end);
    if (isEnd) stream.isEndPending = true;
    stream.isWriteWaiting = true;
    if (stream.sendWindow > 0) this.makeReady(stream);
    return false;
  }

  /** True when so many bytes on a new stream would leave at once. */
  canSendNow(byteCount: number): boolean {
    const allowed = Math.min(this.streamWindow, this.window, this.frameBytesMax);
    return this.#first === null && !this.#output.isCongested && byteCount <= allowed;
  }

  /** Puts a stream into the ring, unless it is there. */
  makeReady(stream: Http2Stream): void {
    if (stream.isReady) return;
    stream.isReady = true;
    if (this.#last === null) this.#first = stream;
    else this.#last.nextReady = stream;
    this.#last = stream;
  }

  /** A window or the output has opened: sends what waits, in turn, and tells streams that they may go on. */
  pump(): void {
    // A stream that is told it may go on can cause another pump; the loop below sees its work anyway.
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#first !== null && !this.#output.isCongested) {
      const stream = this.#first;
      if (stream.pendingBytes > 0 && stream.sendWindow > 0 && this.window <= 0) break;
      this.#dropFirst(stream);
      if (stream.pendingBytes > 0) this.#sendTurn(stream);
      if (stream.pendingBytes === 0) this.#settle(stream);
      else if (stream.sendWindow > 0) this.makeReady(stream);
    }
    this.#isPumping = false;
  }

  #settle(stream: Http2Stream): void {
    const isWaiting = stream.isWriteWaiting;
    stream.isWriteWaiting = false;
    if (stream.isEndPending || stream.trailersPending !== null) this.#owner.onPendingSent(stream);
    else if (isWaiting) stream.deliverWritable();
  }

  #dropFirst(stream: Http2Stream): void {
    this.#first = stream.nextReady;
    if (this.#first === null) this.#last = null;
    stream.nextReady = null;
    stream.isReady = false;
  }

  /** One frame of what waits on the stream. */
  #sendTurn(stream: Http2Stream): void {
    const pending = stream.pending;
    const chunk = pending?.chunk;
    if (pending === null || chunk === undefined) return;
    const byteCount = Math.min(pending.available, stream.sendWindow, this.window, this.frameBytesMax);
    if (byteCount <= 0) return;
    const isLast = stream.isEndPending && byteCount === pending.byteLength;
    if (byteCount < DRIBBLE_FRAME_BYTES && byteCount < pending.available) this.fullFramesSent--;
    this.#writeFrame(stream, chunk, pending.at, pending.at + byteCount, isLast);
    pending.skip(byteCount);
  }

  #sendNow(stream: Http2Stream, bytes: Buffer, start: number, end: number, isEnd: boolean): number {
    if (start === end && isEnd) this.#writeFrame(stream, bytes, start, end, true);
    let at = start;
    while (at < end && !this.#output.isCongested) {
      const byteCount = Math.min(end - at, stream.sendWindow, this.window, this.frameBytesMax);
      if (byteCount <= 0) return at;
      if (byteCount < DRIBBLE_FRAME_BYTES && byteCount < end - at) this.fullFramesSent--;
      this.#writeFrame(stream, bytes, at, at + byteCount, isEnd && at + byteCount === end);
      at += byteCount;
    }
    return at;
  }

  #writeFrame(stream: Http2Stream, bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    const output = this.#output;
    const byteCount = end - start;
    stream.sendWindow -= byteCount;
    this.window -= byteCount;
    this.fullFramesSent++;
    const at = output.reserve(FRAME_HEADER_BYTES);
    const flags = isEnd ? FLAG_END_STREAM : 0;
    output.position = encodeFrameHeader(output.bytes, at, byteCount, FRAME_DATA, flags, stream.id);
    output.writeBytes(bytes, start, end);
  }

  /** All is in the output; when that is long, the stream waits for `outputDrained`. */
  #pauseIfCongested(stream: Http2Stream): boolean {
    if (!this.#output.isCongested) return true;
    stream.isWriteWaiting = true;
    this.makeReady(stream);
    return false;
  }
}
