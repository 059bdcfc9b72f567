import { sliceLatin1 } from "@weft/kernel";
import type { Http1ErrorCode } from "./errors.ts";
import { BYTE_CLASSES, findBareLineFeed, findHeadEnd, IS_TOKEN, LF } from "./frame.ts";
import { copyOf, hasPrefix } from "./head-bytes.ts";
import type { HeadTable } from "./head-memo.ts";
import { MEMO_HEAD_BYTES_MAX } from "./limits.ts";

/** What is made of a head's bytes. */
export interface DecodedHead {
  /** The head's bytes once it came twice, for a quick comparison with the next one; null before. */
  bytes: Buffer | null;
  /** It holds something that is new each time, so remembering it is useless. */
  readonly isUnique: boolean;
}

/** How the heads of one direction are decoded under one options record; shared by all of its connections. */
export interface HeadDecoder<Entry extends DecodedHead> {
  readonly table: HeadTable<Entry>;
  readonly headerBytesMax: number;
  /** What is wrong when the first byte cannot begin a head. */
  readonly invalidStart: Http1ErrorCode;
  /** What is wrong when not even the first line ends within `headerBytesMax`. */
  readonly overlongLine: Http1ErrorCode;
  /** What is wrong with `text`, a first line to its line feed, as far as that alone tells. */
  judgeLine(text: string): Http1ErrorCode | null;
  /** Decodes `text`, a head to the end of its empty line. */
  decode(text: string): Entry | Http1ErrorCode;
}

/**
 * Finds the heads in what one connection receives. A head that is the same as the one before costs a comparison of its
 * bytes; one that any connection of the worker has seen, a search for its end and one look-up.
 *
 * The verdict on wrong bytes does not depend on how they were split into reads: what can be told from a part of a head
 * (no HTTP at all, a first line that is none, a bare line feed, too long) goes before what only the whole head tells.
 */
export class HeadReader<Entry extends DecodedHead> {
  readonly #decoder: HeadDecoder<Entry>;
  #last: Entry | null = null;
  /** Bytes of an incomplete head that were searched for its end. */
  #scanned: number = 0;
  /** Its first line is among them, and nothing is wrong with it. */
  #isLineSound: boolean = false;
  /** Where the head ends that `read` returned last. */
  headEnd: number = 0;

  constructor(decoder: HeadDecoder<Entry>) {
    this.#decoder = decoder;
  }

  /**
   * Reads the head that begins at `at`: what was made of it (it ends at `headEnd`), null while it is incomplete (call
   * again with the same bytes and more), or the code of what is wrong.
   */
  read(bytes: Buffer, at: number, end: number): Entry | Http1ErrorCode | null {
    const last = this.#last;
    if (last !== null && last.bytes !== null && hasPrefix(bytes, at, end, last.bytes)) {
      this.#restart();
      this.headEnd = at + last.bytes.length;
      return last;
    }
    const headEnd = findHeadEnd(bytes, at + Math.max(0, this.#scanned - 3), end);
    if (headEnd < 0 || headEnd - at > this.#decoder.headerBytesMax) return this.#readPart(bytes, at, end);
    this.#restart();
    this.headEnd = headEnd;
    const entry = this.#lookUp(bytes, at, headEnd);
    return typeof entry === "string" ? this.#verdict(entry, bytes, at, headEnd) : entry;
  }

  #restart(): void {
    this.#scanned = 0;
    this.#isLineSound = false;
  }

  #lookUp(bytes: Buffer, at: number, headEnd: number): Entry | Http1ErrorCode {
    const { table } = this.#decoder;
    const text = sliceLatin1(bytes, at, headEnd);
    if (text.length > MEMO_HEAD_BYTES_MAX || !table.takesPart()) return this.#decoder.decode(text);
    const known = table.get(text);
    if (known !== undefined) {
      known.bytes ??= copyOf(bytes, at, headEnd);
      this.#last = known;
      return known;
    }
    const entry = this.#decoder.decode(text);
    if (typeof entry !== "string" && !entry.isUnique) table.set(text, entry);
    return entry;
  }

  /** The end of the head is not here, or too far away. */
  #readPart(bytes: Buffer, at: number, end: number): Http1ErrorCode | null {
    const { headerBytesMax, invalidStart, overlongLine } = this.#decoder;
    if (end - at > headerBytesMax) {
      const limit = at + headerBytesMax;
      const lineEnd = bytes.indexOf(LF, at);
      const code = lineEnd < 0 || lineEnd >= limit ? overlongLine : "HTTP1_HEAD_TOO_LARGE";
      return this.#verdict(code, bytes, at, limit);
    }
    if (!canBegin(bytes, at)) return invalidStart;
    // Whoever sends HTTP/0.9 waits for an answer after the first line.
    const problem = this.#isLineSound ? null : this.#judgeLine(bytes, at, at + this.#scanned, end);
    if (problem !== null) return problem;
    if (findBareLineFeed(bytes, at + this.#scanned, end) >= 0) return "HTTP1_INVALID_LINE_END";
    this.#scanned = end - at;
    return null;
  }

  #verdict(code: Http1ErrorCode, bytes: Buffer, at: number, end: number): Http1ErrorCode {
    if (!canBegin(bytes, at)) return this.#decoder.invalidStart;
    const problem = this.#judgeLine(bytes, at, at, end);
    if (problem !== null) return problem;
    return findBareLineFeed(bytes, at, end) >= 0 ? "HTTP1_INVALID_LINE_END" : code;
  }

  /** What is wrong with the first line of the head at `at`, which ends in `bytes[from, end)` or is not complete. */
  #judgeLine(bytes: Buffer, at: number, from: number, end: number): Http1ErrorCode | null {
    const lineEnd = bytes.indexOf(LF, from);
    if (lineEnd < 0 || lineEnd >= end) return null;
    const problem = this.#decoder.judgeLine(sliceLatin1(bytes, at, lineEnd + 1));
    this.#isLineSound = problem === null;
    return problem;
  }
}

/** Methods and "HTTP/" both begin with a character of a token; TLS and other protocols do not. */
function canBegin(bytes: Buffer, at: number): boolean {
  return ((BYTE_CLASSES[bytes[at] ?? 0] ?? 0) & IS_TOKEN) !== 0;
}
