import type { Http2ErrorCode } from "./errors.ts";
import type { Http2Options } from "./options.ts";

/** A header block that comes in several frames (RFC 9113 section 4.3); made for it and dropped with it. */
export class PendingBlock {
  readonly streamId: number;
  /** END_STREAM of the HEADERS that began it. */
  readonly isEnd: boolean;
  bytes: Buffer;
  length: number = 0;
  #continuations: number = 0;

  constructor(streamId: number, isEnd: boolean, first: Buffer, start: number, end: number) {
    this.streamId = streamId;
    this.isEnd = isEnd;
    this.bytes = Buffer.allocUnsafe(Math.max(1024, (end - start) * 2));
    this.#append(first, start, end);
  }

  /** Adds a CONTINUATION's payload; the error when there are too many of them or too many bytes, else null. */
  add(bytes: Buffer, start: number, end: number, options: Http2Options): Http2ErrorCode | null {
    if (++this.#continuations > options.continuationsMax) return "HTTP2_CONTINUATION_FLOOD";
    if (this.length + end - start > options.headerBlockBytesMax) return "HTTP2_CONTINUATION_FLOOD";
    this.#append(bytes, start, end);
    return null;
  }

  #append(bytes: Buffer, start: number, end: number): void {
    const wanted = this.length + end - start;
    if (wanted > this.bytes.length) {
      const grown = Buffer.allocUnsafe(wanted * 2);
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    this.length += bytes.copy(this.bytes, this.length, start, end);
  }
}
