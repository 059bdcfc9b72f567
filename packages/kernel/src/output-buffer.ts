import { writeLatin1 } from "./latin1.ts";
import { OUTPUT_CONGESTED_BYTES, OUTPUT_FREE_SLABS_MAX, OUTPUT_SLAB_BYTES } from "./limits.ts";

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
  /** Slabs that are full, in order. */
  #full: Buffer[] | null = null;
  #fullBytes: number = 0;
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
      if (this.position === this.bytes.length) this.#nextSlab(1);
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

  /** Takes all that was written, in order. The slabs now belong to the caller. */
  take(): readonly Buffer[] {
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
    const slab = this.bytes;
    this.bytes = EMPTY;
    this.position = 0;
    return slab;
  }

  #nextSlab(byteCount: number): void {
    if (this.position === 0) {
      if (this.bytes.length === 0) this.#sink.onOutputPending();
      else releaseOutputSlab(this.bytes);
    } else {
      this.#full ??= [];
      this.#full.push(this.bytes.subarray(0, this.position));
      this.#fullBytes += this.position;
      if (this.#fullBytes > OUTPUT_CONGESTED_BYTES) this.isCongested = true;
    }
    this.bytes = byteCount <= OUTPUT_SLAB_BYTES ? takeSharedSlab() : Buffer.allocUnsafeSlow(byteCount);
    this.position = 0;
  }
}

/** Free slabs of OUTPUT_SLAB_BYTES, shared by all connections of a worker. */
const freeSlabs: Buffer[] = [];

function takeSharedSlab(): Buffer {
  return freeSlabs.pop() ?? Buffer.allocUnsafeSlow(OUTPUT_SLAB_BYTES);
}

/** Gives a slab back once nobody reads it any more. Slabs of another size are left to the garbage collector. */
export function releaseOutputSlab(slab: Buffer): void {
  if (slab.length === OUTPUT_SLAB_BYTES && freeSlabs.length < OUTPUT_FREE_SLABS_MAX) freeSlabs.push(slab);
}
