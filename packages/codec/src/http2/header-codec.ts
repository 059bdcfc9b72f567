import { type Fields, RequestHead, type ResponseHead } from "@weft/contract";
import { type OutputBuffer, writeLatin1 } from "@weft/kernel";
import { encodeFrameHeader, encodeHeaderBlock } from "./encode.ts";
import { FLAG_END_HEADERS, FLAG_END_STREAM, FRAME_HEADER_BYTES, FRAME_HEADERS } from "./frame.ts";
import { BlockMemo, HeadMemo } from "./head-memo.ts";
import { HeaderList, HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import type { Http2Options } from "./options.ts";
import { readRequestHead, readRequestLine, type RequestLine, writeRequestHead } from "./request-head.ts";
import { readResponseHead, readTrailers, writeResponseHead, writeTrailers } from "./response-head.ts";

/**
 * What a block can be besides what was wanted: `broken` ends the connection (the tables differ now), `malformed` the
 * stream; `too-large` was decoded without being kept; `underscore`: a name has one, and none are allowed.
 */
export type BlockProblem = "broken" | "malformed" | "too-large" | "underscore";

/** The fields of the block at hand. One for all connections: it is read out before anything else can be decoded. */
const list: HeaderList = new HeaderList();

/** Both directions of one connection's header compression, with what it remembers. Created with the first block. */
export class HeaderCodec {
  readonly decoder: HpackDecoder = new HpackDecoder();
  readonly encoder: HpackEncoder = new HpackEncoder();
  /** Blocks that began with a change of the table size, not yet asked for. */
  resizes: number = 0;
  readonly #options: Http2Options;
  #heads: HeadMemo<RequestHead | ResponseHead> | null = null;
  #trailers: HeadMemo<Fields> | null = null;
  #blocks: BlockMemo | null = null;

  constructor(options: Http2Options) {
    this.#options = options;
  }

  decodeRequest(bytes: Buffer, start: number, end: number, isEnd: boolean): RequestHead | BlockProblem {
    const variant = isEnd ? 1 : 0;
    this.#heads ??= new HeadMemo();
    const known = this.#heads.find(bytes, start, end, variant, this.decoder);
    if (known instanceof RequestHead) return known;
    const problem = this.#decode(bytes, start, end);
    if (problem !== null) return problem;
    const head = readRequestHead(list, isEnd);
    if (head === null) return "malformed";
    this.#heads.remember(bytes, start, end, variant, this.decoder, head);
    return head;
  }

  decodeResponse(
    bytes: Buffer,
    start: number,
    end: number,
    isEnd: boolean,
    isHeadRequest: boolean,
    isUpgrade: boolean,
  ): ResponseHead | BlockProblem {
    const variant = (isEnd ? 1 : 0) | (isHeadRequest ? 2 : 0) | (isUpgrade ? 4 : 0);
    this.#heads ??= new HeadMemo();
    const known = this.#heads.find(bytes, start, end, variant, this.decoder);
    if (known !== null && !(known instanceof RequestHead)) return known;
    const problem = this.#decode(bytes, start, end);
    if (problem !== null) return problem;
    const head = readResponseHead(list, isEnd, isHeadRequest, isUpgrade);
    if (head === null) return "malformed";
    this.#heads.remember(bytes, start, end, variant, this.decoder, head);
    return head;
  }

  decodeTrailers(bytes: Buffer, start: number, end: number): Fields | BlockProblem {
    this.#trailers ??= new HeadMemo();
    const known = this.#trailers.find(bytes, start, end, 0, this.decoder);
    if (known !== null) return known;
    const problem = this.#decode(bytes, start, end);
    if (problem !== null) return problem;
    const fields = readTrailers(list);
    if (fields === null) return "malformed";
    this.#trailers.remember(bytes, start, end, 0, this.decoder, fields);
    return fields;
  }

  /** Decodes a block only to keep the tables the same; false when it is broken. */
  skip(bytes: Buffer, start: number, end: number): boolean {
    return this.#decode(bytes, start, end) !== "broken";
  }

  /** What can be told of the request whose block was decoded last, and is refused. */
  refusedRequest(): RequestLine {
    return readRequestLine(list);
  }

  writeRequest(
    output: OutputBuffer,
    streamId: number,
    head: RequestHead,
    isEnd: boolean,
    scheme: string,
    frameBytesMax: number,
  ): void {
    if (this.#writeKnown(output, streamId, head, isEnd)) return;
    const generation = this.encoder.table.generation;
    writeRequestHead(this.encoder, head, scheme);
    this.#finish(output, streamId, head, isEnd, generation, frameBytesMax);
  }

  writeResponse(
    output: OutputBuffer,
    streamId: number,
    head: ResponseHead,
    isEnd: boolean,
    frameBytesMax: number,
  ): void {
    if (this.#writeKnown(output, streamId, head, isEnd)) return;
    const generation = this.encoder.table.generation;
    writeResponseHead(this.encoder, head);
    this.#finish(output, streamId, head, isEnd, generation, frameBytesMax);
  }

  writeTrailers(output: OutputBuffer, streamId: number, fields: Fields, frameBytesMax: number): void {
    if (this.#writeKnown(output, streamId, fields, true)) return;
    const generation = this.encoder.table.generation;
    writeTrailers(this.encoder, fields);
    this.#finish(output, streamId, fields, true, generation, frameBytesMax);
  }

  #decode(bytes: Buffer, start: number, end: number): BlockProblem | null {
    const isGood = this.decoder.decode(bytes, start, end, list, this.#options);
    if (list.sizeUpdates > 0) this.resizes++;
    if (!isGood) return "broken";
    if (list.isTooLarge) return "too-large";
    if (!list.hasUnderscore || this.#options.underscores === "allow") return null;
    if (this.#options.underscores === "reject") return "underscore";
    list.dropUnderscores();
    return null;
  }

  #writeKnown(output: OutputBuffer, streamId: number, head: object, isEnd: boolean): boolean {
    this.#blocks ??= new BlockMemo();
    const block = this.#blocks.find(head, this.encoder.table.generation);
    if (block === null) return false;
    const at = output.reserve(FRAME_HEADER_BYTES + block.length);
    const bytes = output.bytes;
    const flags = isEnd ? FLAG_END_HEADERS | FLAG_END_STREAM : FLAG_END_HEADERS;
    const payload = encodeFrameHeader(bytes, at, block.length, FRAME_HEADERS, flags, streamId);
    writeLatin1(bytes, block, payload);
    output.position = payload + block.length;
    return true;
  }

  #finish(
    output: OutputBuffer,
    streamId: number,
    head: object,
    isEnd: boolean,
    generation: number,
    frameBytesMax: number,
  ): void {
    const { bytes, length } = this.encoder;
    encodeHeaderBlock(output, streamId, isEnd, bytes, length, frameBytesMax);
    if (this.encoder.table.generation === generation) this.#blocks?.remember(head, generation, bytes, length);
  }
}
