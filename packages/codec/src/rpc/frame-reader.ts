import { SKIPPED_FRAME_BYTES_MAX, TRUSTED_FRAME_BYTES_MAX } from "./limits.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/** What a protocol makes of the frames that a `FrameReader` finds. */
export interface FrameSink {
  /** Bytes of the longest fixed header. */
  readonly headerBytesMax: number;
  readonly frameBytesMax: number;
  /** True once nothing more is to be read. */
  readonly isOver: boolean;
  /**
   * Bytes of the frame that begins at `at`, 0 while that cannot be told yet (after `headerBytesMax` bytes it can), or -1
   * when it is no frame: then the sink is over.
   */
  measureFrame(bytes: Buffer, at: number, end: number): number;
  /** Bytes of what precedes the body, of a frame that was measured. */
  measureHead(bytes: Buffer, at: number): number;
  /** A whole frame: `bytes[at, end)`. */
  receiveFrame(bytes: Buffer, at: number, end: number): void;
  /** A frame whose fixed header begins at `at` is longer than `frameBytesMax` and will be thrown away. */
  refuseFrame(bytes: Buffer, at: number, canSkip: boolean): void;
}

/**
 * Finds the frames in what one connection receives. A frame that lies whole in the bytes at hand is used where it is; one
 * that comes in pieces is put together in a buffer of its own, which grows as bytes come and never as announced.
 *
 *     read:   [ frame ][ frame ][ fra          ->  held: [ fra me ]  handed on when whole
 *     read:   me ][ frame ] ...
 */
export class FrameReader {
  readonly #sink: FrameSink;
  #held: Buffer = EMPTY;
  #heldBytes: number = 0;
  /** Bytes of the frame that is held in part; 0 while that is not known. */
  #frameBytes: number = 0;
  #headBytes: number = 0;
  /** Bytes of a refused frame still to be thrown away. */
  #skipBytes: number = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** True while a frame is here in part. */
  get isMidFrame(): boolean {
    return this.#heldBytes > 0 || this.#skipBytes > 0;
  }

  /** True while a frame is here in part and its head is not complete. */
  get isMidHead(): boolean {
    return this.#heldBytes > 0 && (this.#frameBytes === 0 || this.#heldBytes < this.#headBytes);
  }

  read(bytes: Buffer, start: number, end: number): void {
    const sink = this.#sink;
    let at = start;
    while (at < end && !sink.isOver) {
      if (this.#skipBytes > 0) {
        const byteCount = Math.min(this.#skipBytes, end - at);
        this.#skipBytes -= byteCount;
        at += byteCount;
      } else if (this.#heldBytes > 0) {
        at = this.#readOn(bytes, at, end);
      } else {
        at = this.#readWhole(bytes, at, end);
      }
    }
  }

  /** A copy of the part of a frame that is here; null while a frame is thrown away, which nobody else could know. */
  copyHeld(): Buffer | null {
    return this.#skipBytes > 0 ? null : Buffer.from(this.#held.subarray(0, this.#heldBytes));
  }

  /** Forgets what is held: nothing more will be read. */
  clear(): void {
    this.#held = EMPTY;
    this.#heldBytes = 0;
    this.#frameBytes = 0;
    this.#skipBytes = 0;
  }

  /** The next frame begins at `at`. */
  #readWhole(bytes: Buffer, at: number, end: number): number {
    const sink = this.#sink;
    const frameBytes = sink.measureFrame(bytes, at, end);
    if (frameBytes < 0) return end;
    if (frameBytes > sink.frameBytesMax) return this.#refuse(bytes, at, frameBytes, 0, at);
    if (frameBytes > 0 && end - at >= frameBytes) {
      sink.receiveFrame(bytes, at, at + frameBytes);
      return at + frameBytes;
    }
    this.#frameBytes = frameBytes;
    if (frameBytes > 0) this.#headBytes = sink.measureHead(bytes, at);
    this.#hold(bytes, at, end);
    return end;
  }

  /** Goes on with the frame that is held in part. */
  #readOn(bytes: Buffer, at: number, end: number): number {
    const sink = this.#sink;
    if (this.#frameBytes === 0) {
      const stop = Math.min(end, at + sink.headerBytesMax - this.#heldBytes);
      this.#hold(bytes, at, stop);
      const frameBytes = sink.measureFrame(this.#held, 0, this.#heldBytes);
      if (frameBytes < 0) return end;
      if (frameBytes === 0) return stop;
      // The shortest frames are shorter than the longest header: what is the next frame's is given back.
      const excess = Math.max(0, this.#heldBytes - frameBytes);
      this.#heldBytes -= excess;
      at = stop - excess;
      if (frameBytes > sink.frameBytesMax) {
        const held = this.#held;
        const heldBytes = this.#heldBytes;
        this.clear();
        return this.#refuse(held, 0, frameBytes, heldBytes, at);
      }
      this.#frameBytes = frameBytes;
      this.#headBytes = sink.measureHead(this.#held, 0);
    }
    const stop = Math.min(end, at + this.#frameBytes - this.#heldBytes);
    this.#hold(bytes, at, stop);
    if (this.#heldBytes === this.#frameBytes) {
      const held = this.#held;
      const frameBytes = this.#frameBytes;
      this.clear();
      sink.receiveFrame(held, 0, frameBytes);
    }
    return stop;
  }

  /** The rest of a frame, of which `heldBytes` are behind us, is thrown away from `next` on. */
  #refuse(bytes: Buffer, at: number, frameBytes: number, heldBytes: number, next: number): number {
    this.#skipBytes = frameBytes - heldBytes;
    this.#sink.refuseFrame(bytes, at, frameBytes <= SKIPPED_FRAME_BYTES_MAX);
    return next;
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    const wanted = this.#heldBytes + end - start;
    if (wanted > this.#held.length) this.#grow(wanted);
    bytes.copy(this.#held, this.#heldBytes, start, end);
    this.#heldBytes = wanted;
  }

  #grow(wanted: number): void {
    const frameBytes = Math.max(this.#frameBytes, this.#sink.headerBytesMax);
    const capacity = Math.max(wanted, this.#held.length * 2, TRUSTED_FRAME_BYTES_MAX);
    const grown = Buffer.allocUnsafe(Math.min(frameBytes, capacity));
    this.#held.copy(grown, 0, 0, this.#heldBytes);
    this.#held = grown;
  }
}
