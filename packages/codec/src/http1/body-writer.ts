import type { Fields } from "@weft/contract";
import type { OutputBuffer } from "@weft/kernel";
import { encodeTrailers } from "./encode.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, CR, LF, type BodyFraming } from "./frame.ts";

const HEX_DIGITS: Buffer = Buffer.from("0123456789abcdef", "latin1");
const LAST_CHUNK = "0\r\n\r\n";
/** A chunk's size line: up to eight digits and CR LF. */
const SIZE_LINE_BYTES_MAX = 10;

/** Writes the body of one message after another in the framing that its head announced. */
export class BodyWriter {
  #framing: BodyFraming = BODY_NONE;
  /** Bytes still owed, with BODY_LENGTH. */
  #remaining: number = 0;

  /** A head was written that announced this; `contentLength` counts with BODY_LENGTH only. */
  begin(framing: BodyFraming, contentLength: number): void {
    this.#framing = framing;
    this.#remaining = framing === BODY_LENGTH ? contentLength : 0;
  }

  /** True when a reader can tell a whole body from one that was cut short. */
  get tellsEnd(): boolean {
    return this.#framing === BODY_LENGTH || this.#framing === BODY_CHUNKED;
  }

  /**
   * Writes a piece of the body. False: it does not fit the announced length (nothing was written, or the end came too
   * soon), so that the message can only be cut.
   */
  write(output: OutputBuffer, bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    const byteCount = end - start;
    switch (this.#framing) {
      case BODY_NONE:
        return true;
      case BODY_LENGTH:
        if (byteCount > this.#remaining) return false;
        this.#remaining -= byteCount;
        output.writeBytes(bytes, start, end);
        return !isEnd || this.#remaining === 0;
      case BODY_CHUNKED:
        if (byteCount > 0) writeChunk(output, bytes, start, end);
        if (isEnd) output.writeLatin1(LAST_CHUNK);
        return true;
      default:
        output.writeBytes(bytes, start, end);
        return true;
    }
  }

  /** Ends the body with trailers where the framing has a place for them. False as for `write`. */
  writeTrailers(output: OutputBuffer, fields: Fields): boolean {
    if (this.#framing === BODY_CHUNKED) encodeTrailers(output, fields);
    return this.#remaining === 0;
  }
}

function writeChunk(output: OutputBuffer, bytes: Buffer, start: number, end: number): void {
  const byteCount = end - start;
  let at = output.reserve(SIZE_LINE_BYTES_MAX);
  const target = output.bytes;
  let shift = 28;
  while (byteCount >>> shift === 0) shift -= 4;
  for (; shift >= 0; shift -= 4) target[at++] = HEX_DIGITS[(byteCount >>> shift) & 15] ?? 0;
  target[at++] = CR;
  target[at++] = LF;
  output.position = at;
  output.writeBytes(bytes, start, end);
  at = output.reserve(2);
  output.bytes[at] = CR;
  output.bytes[at + 1] = LF;
  output.position = at + 2;
}
