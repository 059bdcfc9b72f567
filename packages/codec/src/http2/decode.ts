import { FLAG_ACK, FLAG_PADDED, FRAME_DATA, FRAME_HEADER_BYTES, FRAME_SETTINGS, PREFACE, readUint31 } from "./frame.ts";
import type { Http2ErrorCode } from "./errors.ts";

/** Hears the frames of one connection. Bytes are only valid during the call. */
export interface FrameSink {
  /** A whole frame of any type but DATA; its payload is `bytes[start, end)`. */
  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void;
  /** A DATA frame begins; `byteCount` is its payload with `paddingBytes` of padding (its length field counted). */
  onDataBegin(flags: number, streamId: number, byteCount: number, paddingBytes: number): void;
  /** A piece of that frame's content; `isLast` exactly once per frame, then possibly with an empty piece. */
  onDataPiece(bytes: Buffer, start: number, end: number, isLast: boolean): void;
  /** The bytes are no frames; the reader has stopped. */
  onUnreadable(code: Http2ErrorCode, message: string): void;
}

/** A DATA header with its pad length field. */
const HELD_HEADER_BYTES = FRAME_HEADER_BYTES + 1;

/**
 * Cuts the byte stream of one connection into frames (RFC 9113 section 4.1), in place: a frame that lies whole in the
 * read buffer is never copied, one that straddles reads is copied once. DATA is passed on piece by piece as it comes.
 *
 *     read n:    [ frame ][ frame ][ fra            held = "fra"
 *     read n+1:  me ][ DATA ......                  held is completed; data is handed on at once
 */
export class FrameReader {
  #sink: FrameSink;
  #frameBytesMax: number;
  /** Bytes of the client's preface that are still to come. */
  #prefaceLeft: number;
  /** True until the first frame, which must be SETTINGS. */
  #isFirst: boolean = true;
  #isStopped: boolean = false;
  /** What came of a frame that is not complete. */
  #held: Buffer | null = null;
  #heldBytes: number = 0;
  /** How much makes `#held` complete: a frame header, or a whole frame. */
  #heldWanted: number = 0;
  /** Of the DATA frame that is passing through: content and padding to come. */
  #contentLeft: number = 0;
  #paddingLeft: number = 0;

  constructor(sink: FrameSink, frameBytesMax: number, expectsPreface: boolean) {
    this.#sink = sink;
    this.#frameBytesMax = frameBytesMax;
    this.#prefaceLeft = expectsPreface ? PREFACE.length : 0;
  }

  /** True while something other than a DATA frame's content is begun and not complete. */
  get isMidFrame(): boolean {
    return this.#heldBytes > 0 || (this.#prefaceLeft > 0 && this.#prefaceLeft < PREFACE.length);
  }

  /** True until the peer's SETTINGS have come. */
  get isBeforeSettings(): boolean {
    return this.#isFirst;
  }

  /** Ignores everything from now on; also from inside a handler. */
  stop(): void {
    this.#isStopped = true;
    this.#held = null;
    this.#heldBytes = 0;
  }

  /** Reads `bytes[start, end)`. */
  receive(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && !this.#isStopped) {
      if (this.#contentLeft > 0) at = this.#passContent(bytes, at, end);
      else if (this.#paddingLeft > 0) at = this.#skipPadding(at, end);
      else if (this.#heldBytes > 0) at = this.#fillHeld(bytes, at, end);
      else if (this.#prefaceLeft > 0) at = this.#matchPreface(bytes, at, end);
      else at = this.#readFrame(bytes, at, end);
    }
  }

  /** Reads a frame that begins at `at`, or holds what there is of it. */
  #readFrame(bytes: Buffer, at: number, end: number): number {
    if (end - at < FRAME_HEADER_BYTES) return this.#hold(bytes, at, end, FRAME_HEADER_BYTES);
    const byteCount = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const type = bytes[at + 3] ?? 0;
    const flags = bytes[at + 4] ?? 0;
    if (!this.#isHeaderGood(byteCount, type, flags)) return end;
    const payload = at + FRAME_HEADER_BYTES;
    if (type === FRAME_DATA) {
      if ((flags & FLAG_PADDED) !== 0 && payload === end) return this.#hold(bytes, at, end, HELD_HEADER_BYTES);
      return this.#beginData(bytes, at, byteCount, flags);
    }
    if (payload + byteCount > end) return this.#hold(bytes, at, end, FRAME_HEADER_BYTES + byteCount);
    this.#sink.onFrame(type, flags, readUint31(bytes, at + 5), bytes, payload, payload + byteCount);
    return payload + byteCount;
  }

  #isHeaderGood(byteCount: number, type: number, flags: number): boolean {
    if (this.#isFirst) {
      if (type !== FRAME_SETTINGS || (flags & FLAG_ACK) !== 0) {
        return this.#fail("HTTP2_PREFACE_INVALID", "the first frame is not SETTINGS");
      }
      this.#isFirst = false;
    }
    if (byteCount > this.#frameBytesMax) {
      return this.#fail("HTTP2_FRAME_SIZE_ERROR", "a frame is longer than SETTINGS_MAX_FRAME_SIZE allows");
    }
    if (type === FRAME_DATA && (flags & FLAG_PADDED) !== 0 && byteCount === 0) {
      return this.#fail("HTTP2_FRAME_SIZE_ERROR", "a padded DATA frame has no room for its pad length");
    }
    return true;
  }

  #fail(code: Http2ErrorCode, message: string): false {
    this.stop();
    this.#sink.onUnreadable(code, message);
    return false;
  }

  #beginData(bytes: Buffer, at: number, byteCount: number, flags: number): number {
    let content = at + FRAME_HEADER_BYTES;
    let padding = 0;
    if ((flags & FLAG_PADDED) !== 0) {
      padding = (bytes[content++] ?? 0) + 1;
      if (padding > byteCount) {
        this.#fail("HTTP2_PROTOCOL_ERROR", "the padding of a DATA frame is longer than the frame");
        return bytes.length;
      }
    }
    this.#contentLeft = byteCount - padding;
    this.#paddingLeft = padding === 0 ? 0 : padding - 1;
    this.#sink.onDataBegin(flags, readUint31(bytes, at + 5), byteCount, padding);
    if (this.#contentLeft === 0 && !this.#isStopped) this.#sink.onDataPiece(bytes, content, content, true);
    return content;
  }

  #passContent(bytes: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.#contentLeft);
    this.#contentLeft -= stop - at;
    this.#sink.onDataPiece(bytes, at, stop, this.#contentLeft === 0);
    return stop;
  }

  #skipPadding(at: number, end: number): number {
    const stop = Math.min(end, at + this.#paddingLeft);
    this.#paddingLeft -= stop - at;
    return stop;
  }

  #hold(bytes: Buffer, at: number, end: number, wanted: number): number {
    this.#held = Buffer.allocUnsafe(wanted);
    bytes.copy(this.#held, 0, at, end);
    this.#heldBytes = end - at;
    this.#heldWanted = wanted;
    return end;
  }

  /** Completes what is held: first to a frame header, which says how much more there is to the frame. */
  #fillHeld(bytes: Buffer, at: number, end: number): number {
    const held = this.#held;
    if (held === null) return end;
    const stop = Math.min(end, at + this.#heldWanted - this.#heldBytes);
    bytes.copy(held, this.#heldBytes, at, stop);
    this.#heldBytes += stop - at;
    if (this.#heldBytes < this.#heldWanted) return stop;
    const byteCount = this.#heldBytes;
    this.#held = null;
    this.#heldBytes = 0;
    // Whole now, or only its header: then this holds it again with the room that it needs.
    this.#readFrame(held, 0, byteCount);
    return stop;
  }

  #matchPreface(bytes: Buffer, at: number, end: number): number {
    while (at < end && this.#prefaceLeft > 0) {
      if (bytes[at] !== PREFACE[PREFACE.length - this.#prefaceLeft]) {
        this.#fail("HTTP2_PREFACE_INVALID", "the first bytes are not the client's preface");
        return end;
      }
      at++;
      this.#prefaceLeft--;
    }
    return at;
  }
}
