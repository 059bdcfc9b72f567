import { writeLatin1 } from "./latin1.ts";
import { OUTPUT_CONGESTED_BYTES, OUTPUT_SLAB_BYTES, OUTPUT_SMALL_SLAB_BYTES } from "./limits.ts";
import { takeOutputSlab } from "./output-slabs.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/** Is told when an output buffer that was empty holds bytes, so that it can be written out later in this turn. */
export interface OutputSink {
  onOutputPending(): void;
}

/**
 * Where encoders put bytes. Everything that is written in one turn of the event loop gathers here and leaves in one
 * system call. Encoders write in place:
 *
 *     let at = output.reserve(9);      // room for 9 bytes, contiguous
 *     output.bytes[at++] = type; ...   // output.bytes may have changed by reserve(): read it afterwards
 *     output.position = at;            // how far is written
 *
 *     slabs ->  [ full ][ full ][ bytes ......|position      ]
 *
 * A turn begins with a small slab, or with a large one where the last turn's output would not have fitted.
 */
export class OutputBuffer {
  /** The slab that is being filled. Changes with every `reserve`. */
  bytes: Buffer = EMPTY;
  /** End of what is written in `bytes`. */
  position: number = 0;
  /**
   * True while more is waiting than the peer takes: whoever produces bodies should stop until the transport reports
   * that it drained. What is written all the same is kept.
   */
  isCongested: boolean = false;
  /** Slabs that are full, in order, each cut to what is written in it. */
  #full: Buffer[] | null = null;
  #fullBytes: number = 0;
  #firstSlabBytes: number = OUTPUT_SMALL_SLAB_BYTES;
  #sink: OutputSink;

  constructor(sink: OutputSink) {
    this.#sink = sink;
  }

  /** Bytes that were written here and not taken yet. */
  get pendingBytes(): number {
    return this.#fullBytes + this.position;
  }

  /** Makes room for `byteCount` contiguous bytes; returns where in `bytes` they begin. */
  reserve(byteCount: number): number {
    if (this.bytes.length - this.position < byteCount) this.#nextSlab(byteCount);
    return this.position;
  }

  /** Appends a copy of `source[start, end)`, filling slabs to the brim. */
  writeBytes(source: Buffer, start: number, end: number): void {
    while (start < end) {
      if (this.position === this.bytes.length)
        this.#nextSlab(end - start > OUTPUT_SMALL_SLAB_BYTES ? OUTPUT_SLAB_BYTES : 1);
      const byteCount = Math.min(end - start, this.bytes.length - this.position);
      source.copy(this.bytes, this.position, start, start + byteCount);
      this.position += byteCount;
      start += byteCount;
    }
  }

  /** Appends a text whose characters are all below 256. */
  writeLatin1(text: string): void {
    const at = this.reserve(text.length);
    writeLatin1(this.bytes, text, at);
    this.position = at + text.length;
  }

  /** Takes all that was written, in order. The slabs, each cut to what is written in it, now belong to the caller. */
  take(): readonly Buffer[] {
    this.#firstSlabBytes = OUTPUT_SLAB_BYTES;
    const taken = this.#full ?? [];
    if (this.position > 0) taken.push(this.bytes.subarray(0, this.position));
    this.#full = null;
    this.#fullBytes = 0;
    this.bytes = EMPTY;
    this.position = 0;
    return taken;
  }

  /**
   * The common case of `take`: everything is in one slab. Returns it (whole; `position` before the call says how much
   * is written), or null when `take` must be used.
   */
  takeSlab(): Buffer | null {
    if (this.#full !== null || this.position === 0) return null;
    this.#firstSlabBytes = this.position > OUTPUT_SMALL_SLAB_BYTES ? OUTPUT_SLAB_BYTES : OUTPUT_SMALL_SLAB_BYTES;
    const slab = this.bytes;
    this.bytes = EMPTY;
    this.position = 0;
    return slab;
  }

  #nextSlab(byteCount: number): void {
    let slabBytes = OUTPUT_SLAB_BYTES;
    if (this.position > 0) {
      this.#full ??= [];
      this.#full.push(this.bytes.subarray(0, this.position));
      this.#fullBytes += this.position;
      if (this.#fullBytes > OUTPUT_CONGESTED_BYTES) this.isCongested = true;
    } else if (this.#full === null && this.bytes.length === 0) {
      slabBytes = this.#firstSlabBytes;
      this.#sink.onOutputPending();
    }
    this.bytes = takeOutputSlab(Math.max(byteCount, slabBytes));
    this.position = 0;
  }
}
