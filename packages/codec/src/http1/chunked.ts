import type { Fields } from "@weft/contract";
import { sliceLatin1 } from "@weft/kernel";
import { decodeTrailers } from "./decode.ts";
import type { Http1ErrorCode } from "./errors.ts";
import { BYTE_CLASSES, CR, IS_VALUE, LF } from "./frame.ts";
import { CHUNK_SIZE_DIGITS_MAX } from "./limits.ts";
import type { Http1ReadOptions } from "./read-options.ts";

/** Hears what a chunked body holds. */
export interface ChunkedSink {
  /** A run of body bytes. False: nothing more is wanted, decoding stops here. */
  onChunkData(bytes: Buffer, start: number, end: number): boolean;
}

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6;
const DONE = 7;

const SEMICOLON = 59;

/**
 * Decodes the chunked transfer coding (RFC 9112 section 7.1), strictly: sizes are plain hexadecimal digits, every line
 * ends with CR LF, extensions are counted and dropped.
 *
 *     SIZE -> [EXTENSION] -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE ...
 *                               `-> (size 0) TRAILER -> DONE
 */
export class ChunkedDecoder {
  readonly #options: Http1ReadOptions;
  #state: number = SIZE;
  /** Of the present chunk: its size while its line is read, then the bytes still to come. */
  #remaining: number = 0;
  #digits: number = 0;
  #extensionBytes: number = 0;
  #trailer: string = "";
  /** How many characters of CR LF CR LF the trailer section so far ends with; it begins after a CR LF. */
  #matched: number = 2;
  /** What is wrong; set when `decode` returns -1. */
  problem: Http1ErrorCode | null = null;
  /** Trailer fields; complete when `isDone`. */
  trailers: Fields = [];

  constructor(options: Http1ReadOptions) {
    this.#options = options;
  }

  /** True when the last byte of the body with its trailers was decoded. */
  get isDone(): boolean {
    return this.#state === DONE;
  }

  /** Starts over for another body. */
  reset(): void {
    this.#state = SIZE;
    this.#remaining = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#trailer = "";
    this.#matched = 2;
    this.problem = null;
    this.trailers = [];
  }

  /**
   * Decodes as much of `bytes[at, end)` as belongs to the body and returns the position after it, or -1 with `problem`
   * set. Stops early when the sink says so.
   */
  decode(bytes: Buffer, at: number, end: number, sink: ChunkedSink): number {
    while (at < end) {
      switch (this.#state) {
        case DATA: {
          const stop = Math.min(end, at + this.#remaining);
          this.#remaining -= stop - at;
          if (this.#remaining === 0) this.#state = DATA_CR;
          if (!sink.onChunkData(bytes, at, stop)) return stop;
          at = stop;
          break;
        }
        case TRAILER:
          return this.#decodeTrailer(bytes, at, end);
        case DONE:
          return at;
        default:
          if (!this.#decodeLineByte(bytes[at] ?? 0)) return -1;
          at++;
      }
    }
    return at;
  }

  #fail(problem: Http1ErrorCode): false {
    this.problem = problem;
    return false;
  }

  #decodeLineByte(byte: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#decodeSizeByte(byte);
      case EXTENSION:
        if (byte === CR) {
          this.#state = SIZE_LF;
          return true;
        }
        if (byte === LF) return this.#fail("HTTP1_INVALID_LINE_END");
        if (((BYTE_CLASSES[byte] ?? 0) & IS_VALUE) === 0) return this.#fail("HTTP1_INVALID_CHUNK");
        return this.#countExtension();
      case SIZE_LF:
        if (byte !== LF) return this.#fail("HTTP1_INVALID_LINE_END");
        this.#digits = 0;
        this.#state = this.#remaining === 0 ? TRAILER : DATA;
        return true;
      case DATA_CR:
        if (byte !== CR) return this.#fail(byte === LF ? "HTTP1_INVALID_LINE_END" : "HTTP1_INVALID_CHUNK");
        this.#state = DATA_LF;
        return true;
      default:
        if (byte !== LF) return this.#fail("HTTP1_INVALID_LINE_END");
        this.#state = SIZE;
        return true;
    }
  }

  #decodeSizeByte(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > CHUNK_SIZE_DIGITS_MAX) return this.#fail("HTTP1_INVALID_CHUNK");
      this.#remaining = this.#remaining * 16 + digit;
      return true;
    }
    if (byte === LF) return this.#fail("HTTP1_INVALID_LINE_END");
    if (this.#digits === 0) return this.#fail("HTTP1_INVALID_CHUNK");
    if (byte === CR) {
      this.#state = SIZE_LF;
      return true;
    }
    if (byte !== SEMICOLON) return this.#fail("HTTP1_INVALID_CHUNK");
    this.#state = EXTENSION;
    return this.#countExtension();
  }

  #countExtension(): boolean {
    if (++this.#extensionBytes <= this.#options.chunkExtensionBytesMax) return true;
    return this.#fail("HTTP1_CHUNK_EXTENSION_TOO_LONG");
  }

  #decodeTrailer(bytes: Buffer, start: number, end: number): number {
    let at = start;
    let matched = this.#matched;
    // One byte past the limit is enough to know; what comes later must not change the verdict.
    const room = this.#options.trailerBytesMax + 1 - this.#trailer.length;
    const stop = Math.min(end, start + room);
    while (at < stop && matched < 4) {
      const byte = bytes[at++];
      if (byte === CR) {
        matched = matched === 2 ? 3 : 1;
      } else if (byte === LF) {
        if (matched !== 1 && matched !== 3) {
          this.problem = "HTTP1_INVALID_LINE_END";
          return -1;
        }
        matched++;
      } else {
        matched = 0;
      }
    }
    this.#matched = matched;
    if (this.#trailer.length + at - start > this.#options.trailerBytesMax) {
      this.problem = "HTTP1_TRAILERS_TOO_LARGE";
      return -1;
    }
    this.#trailer += sliceLatin1(bytes, start, at);
    if (matched < 4) return at;
    if (this.#trailer.length > 2) {
      const decoded = decodeTrailers(this.#trailer, this.#options);
      if (typeof decoded === "string") {
        this.problem = decoded;
        return -1;
      }
      this.trailers = decoded;
    }
    this.#state = DONE;
    return at;
  }
}

/** Value of a hexadecimal digit, or -1. */
function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
