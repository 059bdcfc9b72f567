import { releaseOutputSlab, takeOutputSlab } from "@weft/kernel";

/**
 * Bytes in order of arrival: what waits on one stream for the peer's window. Small writes share memory, and memory goes
 * back to the worker's slabs: a long body to a slow reader would otherwise fill tens of megabytes before the collector
 * looks.
 */
export class ByteQueue {
  /** Bytes in the queue. */
  byteLength: number = 0;
  /** Bytes that were taken off the front so far. */
  takenBytes: number = 0;
  #chunks: Buffer[] = [];
  /** Where the first chunk's unread bytes begin, and where the last chunk's free room does. */
  #readAt: number = 0;
  #writeAt: number = 0;

  /** Appends a copy of `source[start, end)`. */
  push(source: Buffer, start: number, end: number): void {
    this.byteLength += end - start;
    while (start < end) {
      let last = this.#chunks.at(-1);
      if (last === undefined || this.#writeAt === last.length) {
        last = takeOutputSlab(end - start);
        this.#chunks.push(last);
        this.#writeAt = 0;
      }
      const byteCount = Math.min(end - start, last.length - this.#writeAt);
      source.copy(last, this.#writeAt, start, start + byteCount);
      this.#writeAt += byteCount;
      start += byteCount;
    }
  }

  /** The first bytes, as many as lie together: `chunk[at, at + available)`. Only call while `byteLength > 0`. */
  get chunk(): Buffer | undefined {
    return this.#chunks[0];
  }

  get at(): number {
    return this.#readAt;
  }

  get available(): number {
    const chunk = this.#chunks[0];
    if (chunk === undefined) return 0;
    return (this.#chunks.length === 1 ? this.#writeAt : chunk.length) - this.#readAt;
  }

  /** Takes `byteCount` bytes off the front, at most `available`. */
  skip(byteCount: number): void {
    this.#readAt += byteCount;
    this.byteLength -= byteCount;
    this.takenBytes += byteCount;
    if (this.available > 0) return;
    const read = this.#chunks.shift();
    if (read !== undefined) releaseOutputSlab(read);
    this.#readAt = 0;
    if (this.#chunks.length === 0) this.#writeAt = 0;
  }

  /** Gives everything up: nobody will read it. */
  clear(): void {
    for (const chunk of this.#chunks) releaseOutputSlab(chunk);
    this.#chunks = [];
    this.byteLength = 0;
    this.#readAt = 0;
    this.#writeAt = 0;
  }
}
