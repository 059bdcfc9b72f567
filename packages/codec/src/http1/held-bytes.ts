import { HELD_BYTES_MIN } from "./limits.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Bytes that arrived and cannot be used yet: a part of a head, requests behind the one that is being answered, what was
 * said before an upgrade was accepted. Grows by doubling, so a head that comes byte by byte is not copied each time.
 *
 *     bytes:  [ used | start ... held ... end | room ]
 */
export class HeldBytes {
  bytes: Buffer = EMPTY;
  start: number = 0;
  end: number = 0;

  get length(): number {
    return this.end - this.start;
  }

  /** Appends a copy of `source[start, end)`. Positions in `bytes` from before the call are no longer valid. */
  append(source: Buffer, start: number, end: number): void {
    const byteCount = end - start;
    if (this.bytes.length - this.end < byteCount) this.#makeRoom(byteCount);
    source.copy(this.bytes, this.end, start, end);
    this.end += byteCount;
  }

  /** Forgets the first `byteCount` bytes; frees the memory when none are left. */
  skip(byteCount: number): void {
    this.start += byteCount;
    if (this.start >= this.end) this.clear();
  }

  clear(): void {
    this.bytes = EMPTY;
    this.start = 0;
    this.end = 0;
  }

  #makeRoom(byteCount: number): void {
    const wanted = this.length + byteCount;
    let capacity = HELD_BYTES_MIN;
    while (capacity < wanted) capacity *= 2;
    const grown = Buffer.allocUnsafeSlow(capacity);
    this.bytes.copy(grown, 0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
    this.bytes = grown;
  }
}
