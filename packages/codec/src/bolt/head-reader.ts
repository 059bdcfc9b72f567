import type { Fields, RequestHead, ResponseHead } from "@weft/contract";
import { sliceLatin1 } from "@weft/kernel";
import { copyOf, hasPrefix } from "../http1/head-bytes.ts";
import type { HeadMemo, HeadTable } from "../http1/head-memo.ts";
import { MEMO_HEAD_BYTES_MAX } from "../rpc/limits.ts";
import {
  type BoltHeader,
  type BoltTarget,
  createRequestHead,
  createResponseHead,
  decodeTarget,
  isSameFrame,
} from "./decode.ts";
import type { BoltErrorCode } from "./errors.ts";
import { isBoltFrame } from "./frame.ts";
import { decodeHeaderMap } from "./header-map.ts";
import { SECTION_BYTES_MAX } from "./limits.ts";

/** What was made of class name and header map, and the head that was made last with them. */
export class KnownHead<Meaning, Head> {
  readonly text: string;
  readonly classBytes: number;
  readonly meaning: Meaning;
  /** The bytes once they came twice, for a quick comparison with the next ones; null before. */
  bytes: Buffer | null = null;
  last: Head | null = null;

  constructor(text: string, classBytes: number, meaning: Meaning) {
    this.text = text;
    this.classBytes = classBytes;
    this.meaning = meaning;
  }
}

/** How one direction's heads are made; shared by all connections with the same options. */
export interface HeadMaker<Meaning, Head> {
  readonly table: HeadTable<KnownHead<Meaning, Head>>;
  /** What class name and header map mean. */
  decode(text: string, classBytes: number): Meaning | BoltErrorCode;
  create(header: BoltHeader, text: string, meaning: Meaning): Head;
}

type Made = RequestHead | ResponseHead;

/**
 * Makes the heads of what one connection receives. A frame with the same class name and header map as the one before
 * costs a comparison; when its other facts are the same too, the same head is handed out, and what routes and filters
 * noted on it is found again.
 */
export class BoltHeadReader<Meaning, Head extends Made> {
  readonly #maker: HeadMaker<Meaning, Head>;
  #last: KnownHead<Meaning, Head> | null = null;

  constructor(maker: HeadMaker<Meaning, Head>) {
    this.#maker = maker;
  }

  /** The head of the frame at `at`, whose fixed header is `header`; or the code of what is wrong with it. */
  read(header: BoltHeader, bytes: Buffer, at: number): Head | BoltErrorCode {
    const start = at + header.fixedBytes;
    const end = at + header.headBytes;
    const last = this.#last;
    const isLast =
      last !== null &&
      last.bytes !== null &&
      last.bytes.length === end - start &&
      last.classBytes === header.classBytes &&
      hasPrefix(bytes, start, end, last.bytes);
    const known = isLast ? last : this.#lookUp(header, bytes, start, end);
    if (typeof known === "string") return known;
    const head = known.last;
    if (head !== null && isBoltFrame(head.frame) && head.contentLength === header.contentBytes) {
      if (isSameFrame(header, head.frame)) return head;
    }
    const made = this.#maker.create(header, known.text, known.meaning);
    known.last = made;
    return made;
  }

  #lookUp(header: BoltHeader, bytes: Buffer, start: number, end: number): KnownHead<Meaning, Head> | BoltErrorCode {
    const { classBytes, mapBytes } = header;
    if (classBytes > SECTION_BYTES_MAX || mapBytes > SECTION_BYTES_MAX) return "BOLT_HEAD_TOO_LARGE";
    const { table } = this.#maker;
    const text = sliceLatin1(bytes, start, end);
    const isShared = text.length <= MEMO_HEAD_BYTES_MAX && table.takesPart();
    const known = isShared ? table.get(text) : undefined;
    if (known !== undefined && known.classBytes === classBytes) {
      known.bytes ??= copyOf(bytes, start, end);
      this.#last = known;
      return known;
    }
    const meaning = this.#maker.decode(text, classBytes);
    if (typeof meaning === "string") return meaning as BoltErrorCode;
    const made = new KnownHead<Meaning, Head>(text, classBytes, meaning);
    if (isShared && known === undefined) table.set(text, made);
    return made;
  }
}

/** How the heads of requests are made. */
export function createRequestMaker(memo: HeadMemo): HeadMaker<BoltTarget, RequestHead> {
  return { table: memo.createTable(), decode: decodeTarget, create: createRequestHead };
}

/** How the heads of responses are made. */
export function createResponseMaker(memo: HeadMemo): HeadMaker<Fields, ResponseHead> {
  return { table: memo.createTable(), decode: decodeHeaderMap, create: createResponseHead };
}
