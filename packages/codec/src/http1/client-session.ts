import type {
  ClientSession,
  ClientSessionHandler,
  ClientStream,
  Fields,
  RequestHead,
  ResponseHead,
  ResponseReceiver,
} from "@weft/contract";
import { assert, type OutputBuffer, type WeftError } from "@weft/kernel";
import { BodyWriter } from "./body-writer.ts";
import { ChunkedDecoder, type ChunkedSink } from "./chunked.ts";
import { Http1ClientStream, type ClientStreamOwner } from "./client-stream.ts";
import type { DecodedResponse } from "./decoded-head.ts";
import { encodeRequestHead } from "./encode.ts";
import { createHttp1Error, type Http1ErrorCode } from "./errors.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, BODY_TUNNEL, BODY_UNTIL_CLOSE, type BodyFraming } from "./frame.ts";
import { requestFraming, responseFraming } from "./framing.ts";
import { HeadReader } from "./head-reader.ts";
import { CAN_PING } from "./heartbeat.ts";
import { HeldBytes } from "./held-bytes.ts";
import { EARLY_TUNNEL_BYTES_MAX, INFORMATIONAL_MAX, RECEIVE_WINDOW_BYTES } from "./limits.ts";
import type { Http1ClientOptions } from "./options.ts";
import { resetReasonOfError } from "./status.ts";
import { websocketAccept } from "./websocket.ts";

const EMPTY: Buffer = Buffer.alloc(0);
const ACTION = "Cannot read answer";
const WEBSOCKET_KEY_BYTES = 16;

/** What the next byte from the server belongs to. */
const PHASE_IDLE = 0;
const PHASE_HEAD = 1;
const PHASE_LENGTH = 2;
const PHASE_CHUNKED = 3;
const PHASE_UNTIL_CLOSE = 4;
const PHASE_TUNNEL = 5;
const PHASE_ENDED = 6;

/**
 * The engine of one HTTP/1 connection that we opened to a server: one request at a time.
 *
 *     IDLE --open--> HEAD --> LENGTH | CHUNKED --> IDLE        ENDED: from everywhere
 *                     `-----> UNTIL_CLOSE | TUNNEL --> ENDED, a tunnel when both sides have ended
 *
 * A connection goes back to IDLE only if the request was sent whole, the answer's end was told by its framing, and not
 * one byte came after it. Everything else ends it: what is left on it might be taken for another request's answer.
 */
export class Http1ClientSession implements ClientSession, ClientStreamOwner, ChunkedSink {
  readonly #output: OutputBuffer;
  readonly #writer: BodyWriter = new BodyWriter();
  readonly #handler: ClientSessionHandler;
  readonly #options: Http1ClientOptions;
  readonly #heads: HeadReader<DecodedResponse>;
  readonly #held: HeldBytes = new HeldBytes();
  #phase: number = PHASE_IDLE;
  #stream: Http1ClientStream | null = null;
  #chunked: ChunkedDecoder | null = null;
  #remaining: number = 0;
  #bodyBytes: number = 0;
  #unconsumed: number = 0;
  #informationalCount: number = 0;
  /** The answer lets the connection live on. */
  #isPersistent: boolean = true;
  #websocketKey: string = "";
  /** What the requester says before its upgrade or CONNECT is accepted; null when it may speak. */
  #early: HeldBytes | null = null;
  #isReadPaused: boolean = false;
  #isDraining: boolean = false;
  /** The server has ended its side of the tunnel. */
  #isPeerDone: boolean = false;
  /** The owner was told, or told us, that the session is over. */
  #isOver: boolean = false;

  constructor(output: OutputBuffer, handler: ClientSessionHandler, options: Http1ClientOptions) {
    this.#output = output;
    this.#handler = handler;
    this.#options = options;
    this.#heads = new HeadReader(options.responses);
  }

  get activeStreams(): number {
    return this.#stream === null ? 0 : 1;
  }

  get availableStreams(): number {
    return this.#phase === PHASE_IDLE && !this.#isDraining ? 1 : 0;
  }

  /** HTTP/1 hosts say nothing before they answer. */
  get isGreeted(): boolean {
    return true;
  }

  /** A host that takes none answers as if none had been asked for. */
  get acceptsUpgrades(): boolean {
    return true;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Begins a request. When `head` cannot be expressed in HTTP/1, nothing is sent and `receiver.onResponseReset` is
   * called before this returns; the connection stays usable.
   */
  open(head: RequestHead, isEnd: boolean, receiver: ResponseReceiver): ClientStream {
    assert(this.availableStreams > 0, "an HTTP/1 connection carries one request at a time");
    const isTunnel = head.upgrade !== "" || head.method === "CONNECT";
    const stream = new Http1ClientStream(this, head, isEnd && !isTunnel, receiver);
    const framing = requestFraming(head, isEnd, isTunnel);
    this.#websocketKey =
      head.upgrade === "websocket" ? this.#options.randomBytes(WEBSOCKET_KEY_BYTES).toString("base64") : "";
    const isSound = !(isEnd && framing === BODY_LENGTH && head.contentLength > 0);
    if (!isSound || !encodeRequestHead(this.#output, head, framing, this.#websocketKey)) {
      stream.detach();
      receiver.onResponseReset("internal", createHttp1Error("HTTP1_UNENCODABLE_HEAD", "Cannot send request").message);
      return stream;
    }
    this.#stream = stream;
    this.#phase = PHASE_HEAD;
    this.#informationalCount = 0;
    this.#isPersistent = true;
    this.#early = isTunnel ? new HeldBytes() : null;
    this.#writer.begin(framing, head.contentLength);
    return stream;
  }

  /** There are none to refuse. */
  get refusesPings(): boolean {
    return false;
  }

  ping(): boolean {
    return CAN_PING;
  }

  drain(): void {
    if (this.#phase === PHASE_ENDED) return;
    this.#isDraining = true;
    if (this.#stream === null) this.#end(null);
  }

  receive(bytes: Buffer, start: number, end: number): void {
    if (this.#phase === PHASE_ENDED || start === end) return;
    const held = this.#held;
    if (held.length === 0) {
      const at = this.#process(bytes, start, end);
      if (at < end && !this.#hasEnded()) held.append(bytes, at, end);
    } else {
      held.append(bytes, start, end);
      const from = held.start;
      const at = this.#process(held.bytes, from, held.end);
      if (!this.#hasEnded()) held.skip(at - from);
    }
    this.#updateReadPaused();
  }

  receiveEnd(): void {
    switch (this.#phase) {
      case PHASE_ENDED:
        return;
      case PHASE_IDLE:
        return this.#end(null);
      case PHASE_UNTIL_CLOSE:
        return this.#endAnswer();
      case PHASE_TUNNEL:
        if (this.#isPeerDone) return;
        this.#isPeerDone = true;
        if (this.#stream?.isSent === true) return this.#endAnswer();
        this.#stream?.receiver?.onResponseData(EMPTY, 0, 0, true);
        return;
      default:
        return this.#fail("HTTP1_TRUNCATED");
    }
  }

  outputDrained(): void {
    const stream = this.#stream;
    if (stream === null || !stream.isBlocked || this.#early !== null) return;
    stream.isBlocked = false;
    stream.receiver?.onRequestWritable();
  }

  /** HTTP/1 has no windows but TCP's, which the owner watches. */
  endStalled(_bytesMin: number): number {
    return 0;
  }

  connectionLost(detail: string): void {
    if (this.#phase === PHASE_ENDED) return;
    this.#isOver = true;
    const receiver = this.#leave();
    receiver?.onResponseReset("connection", detail);
  }

  // ---- what the stream asks for ----

  onRequestData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    const stream = this.#stream;
    if (stream === null) return true;
    const early = this.#early;
    if (early !== null) {
      if (early.length + end - start > EARLY_TUNNEL_BYTES_MAX) {
        const receiver = this.#leave();
        receiver?.onResponseReset("overloaded", "Cannot hold back more bytes for an upgrade that is not accepted yet");
        this.#end(null);
        return true;
      }
      early.append(bytes, start, end);
      stream.isSent = isEnd;
      return false;
    }
    if (!this.#writer.write(this.#output, bytes, start, end, isEnd)) {
      this.#fail("HTTP1_LENGTH_MISMATCH");
      return true;
    }
    stream.isSent = isEnd;
    if (isEnd && this.#phase === PHASE_TUNNEL) this.#endRequest();
    return !this.#output.isCongested;
  }

  onRequestTrailers(fields: Fields): void {
    const stream = this.#stream;
    if (stream === null) return;
    if (this.#early !== null || this.#phase === PHASE_TUNNEL) {
      this.onRequestData(EMPTY, 0, 0, true);
      return;
    }
    stream.isSent = true;
    if (!this.#writer.writeTrailers(this.#output, fields)) this.#fail("HTTP1_LENGTH_MISMATCH");
  }

  onRequestReset(): void {
    this.#end(null);
  }

  onConsumed(byteCount: number): void {
    this.#unconsumed = Math.max(0, this.#unconsumed - byteCount);
    this.#updateReadPaused();
  }

  // ---- what arrives ----

  #process(bytes: Buffer, at: number, end: number): number {
    while (at < end) {
      let next = at;
      switch (this.#phase) {
        case PHASE_IDLE:
          this.#fail("HTTP1_UNEXPECTED_BYTES");
          return end;
        case PHASE_HEAD:
          next = this.#receiveHead(bytes, at, end);
          break;
        case PHASE_LENGTH:
          next = this.#receiveLength(bytes, at, end);
          break;
        case PHASE_CHUNKED:
          next = this.#receiveChunked(bytes, at, end);
          break;
        case PHASE_UNTIL_CLOSE:
        case PHASE_TUNNEL:
          this.onChunkData(bytes, at, end);
          next = end;
          break;
        default:
          return end;
      }
      if (next === at) break;
      at = next;
    }
    return at;
  }

  #hasEnded(): boolean {
    return this.#phase === PHASE_ENDED;
  }

  #receiveHead(bytes: Buffer, at: number, end: number): number {
    const response = this.#heads.read(bytes, at, end);
    if (response === null) return at;
    if (typeof response !== "string") return this.#begin(response, this.#heads.headEnd, end);
    this.#fail(response);
    return end;
  }

  /** A head was decoded that ends at `at`; returns how far `bytes` are used, which is `at` unless all is over. */
  #begin(response: DecodedResponse, at: number, end: number): number {
    const stream = this.#stream;
    if (stream === null) return end;
    const { head } = response;
    if (head.status === 101) return this.#switchProtocols(stream, response, at, end);
    if (head.status < 200) {
      if (++this.#informationalCount > INFORMATIONAL_MAX) {
        this.#fail("HTTP1_TOO_MANY_INFORMATIONAL");
        return end;
      }
      stream.receiver?.onInformational(head);
      return at;
    }
    if (stream.head.method === "CONNECT" && head.status < 300) {
      this.#beginTunnel(stream, head);
      return at;
    }
    return this.#beginAnswer(stream, response, at, end);
  }

  #beginAnswer(stream: Http1ClientStream, response: DecodedResponse, at: number, end: number): number {
    const { head } = response;
    const { bodyBytesMax } = this.#options;
    const framing = responseFraming(stream.head.method, response);
    if (bodyBytesMax > 0 && framing === BODY_LENGTH && head.contentLength > bodyBytesMax) {
      this.#fail("HTTP1_BODY_TOO_LARGE");
      return end;
    }
    // A refused upgrade: nothing of what was held back is ever sent.
    if (this.#early !== null) {
      this.#early = null;
      stream.isSent = true;
    }
    this.#isPersistent = response.isPersistent && framing !== BODY_UNTIL_CLOSE;
    if (!this.#isPersistent) this.#announceDraining();
    if (framing === BODY_NONE || (framing === BODY_LENGTH && head.contentLength === 0)) {
      const receiver = this.#finish(stream, at < end);
      receiver?.onResponseHead(head, true);
      this.#afterFinish(at < end);
      return at;
    }
    this.#beginBody(framing, head.contentLength);
    stream.receiver?.onResponseHead(head, false);
    return at;
  }

  #beginBody(framing: BodyFraming, contentLength: number): void {
    this.#bodyBytes = 0;
    if (framing === BODY_LENGTH) {
      this.#phase = PHASE_LENGTH;
      this.#remaining = contentLength;
    } else if (framing === BODY_CHUNKED) {
      this.#phase = PHASE_CHUNKED;
      this.#chunked ??= new ChunkedDecoder(this.#options);
      this.#chunked.reset();
    } else {
      this.#phase = PHASE_UNTIL_CLOSE;
    }
  }

  #switchProtocols(stream: Http1ClientStream, response: DecodedResponse, at: number, end: number): number {
    const { upgrade } = stream.head;
    const isWanted = upgrade !== "" && response.upgrade === upgrade.toLowerCase();
    const isProven = upgrade !== "websocket" || response.websocketAccept === websocketAccept(this.#websocketKey);
    if (!isWanted || !isProven) {
      this.#fail("HTTP1_UPGRADE_MISMATCH");
      return end;
    }
    this.#beginTunnel(stream, response.head);
    return at;
  }

  #beginTunnel(stream: Http1ClientStream, head: ResponseHead): void {
    const early = this.#early;
    this.#early = null;
    this.#phase = PHASE_TUNNEL;
    this.#bodyBytes = 0;
    this.#writer.begin(BODY_TUNNEL, 0);
    this.#announceDraining();
    if (early !== null) this.#output.writeBytes(early.bytes, early.start, early.end);
    stream.receiver?.onResponseHead(head, false);
    if (this.#stream !== stream) return;
    if (stream.isSent) this.#endRequest();
    else if (!this.#output.isCongested) this.outputDrained();
  }

  /** The requester has ended its side of the tunnel. */
  #endRequest(): void {
    if (this.#isPeerDone) this.#end(null);
    else this.#handler.onOutputEnd();
  }

  /** The server's FIN is the end of the answer, and of everything. */
  #endAnswer(): void {
    const receiver = this.#leave();
    receiver?.onResponseData(EMPTY, 0, 0, true);
    this.#end(null);
  }

  #receiveLength(bytes: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.#remaining);
    this.#remaining -= stop - at;
    const stream = this.#stream;
    if (stream === null) return stop;
    if (this.#remaining > 0) {
      this.#unconsumed += stop - at;
      stream.receiver?.onResponseData(bytes, at, stop, false);
      return stop;
    }
    const receiver = this.#finish(stream, stop < end);
    receiver?.onResponseData(bytes, at, stop, true);
    this.#afterFinish(stop < end);
    return stop;
  }

  #receiveChunked(bytes: Buffer, at: number, end: number): number {
    const chunked = this.#chunked;
    if (chunked === null) return at;
    const stop = chunked.decode(bytes, at, end, this);
    if (stop < 0) {
      this.#fail(chunked.problem ?? "HTTP1_INVALID_CHUNK");
      return end;
    }
    const stream = this.#stream;
    if (!chunked.isDone || stream === null) return stop;
    const { trailers } = chunked;
    const receiver = this.#finish(stream, stop < end);
    if (trailers.length > 0) receiver?.onResponseTrailers(trailers);
    else receiver?.onResponseData(EMPTY, 0, 0, true);
    this.#afterFinish(stop < end);
    return stop;
  }

  /** Body bytes whose end is told elsewhere: from the chunked decoder, until close, or of a tunnel. */
  onChunkData(bytes: Buffer, start: number, end: number): boolean {
    const { bodyBytesMax } = this.#options;
    this.#bodyBytes += end - start;
    if (bodyBytesMax > 0 && this.#bodyBytes > bodyBytesMax && this.#phase !== PHASE_TUNNEL) {
      this.#fail("HTTP1_BODY_TOO_LARGE");
      return false;
    }
    this.#unconsumed += end - start;
    this.#stream?.receiver?.onResponseData(bytes, start, end, false);
    return !this.#hasEnded();
  }

  // ---- how things end ----

  /** The answer is complete; its receiver is told by the caller, who then calls `#afterFinish`. */
  #finish(stream: Http1ClientStream, hasMore: boolean): ResponseReceiver | null {
    const isReusable = this.#isPersistent && stream.isSent && !this.#isDraining && !hasMore;
    this.#phase = isReusable ? PHASE_IDLE : PHASE_ENDED;
    this.#stream = null;
    this.#unconsumed = 0;
    return stream.detach();
  }

  #afterFinish(hasMore: boolean): void {
    if (this.availableStreams > 0) {
      this.#updateReadPaused();
      this.#handler.onStreamsAvailable();
    } else if (this.#phase === PHASE_ENDED && !this.#isOver) {
      this.#end(hasMore ? createHttp1Error("HTTP1_UNEXPECTED_BYTES", ACTION) : null);
    }
  }

  #announceDraining(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#handler.onDraining();
  }

  #updateReadPaused(): void {
    if (this.#phase === PHASE_ENDED) return;
    const window = this.#isReadPaused ? RECEIVE_WINDOW_BYTES / 2 : RECEIVE_WINDOW_BYTES;
    const isPaused = this.#unconsumed > window;
    if (isPaused === this.#isReadPaused) return;
    this.#isReadPaused = isPaused;
    this.#handler.onReadPaused(isPaused);
  }

  #fail(code: Http1ErrorCode): void {
    const receiver = this.#leave();
    const error = createHttp1Error(code, ACTION);
    receiver?.onResponseReset(resetReasonOfError(code), error.message);
    this.#end(error);
  }

  #end(error: WeftError | null): void {
    this.#leave();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onSessionEnd(error);
  }

  /** From now on nothing is taken and nobody is told anything. Returns who listened for the open answer. */
  #leave(): ResponseReceiver | null {
    const receiver = this.#stream?.detach() ?? null;
    this.#phase = PHASE_ENDED;
    this.#stream = null;
    this.#early = null;
    this.#isDraining = true;
    this.#held.clear();
    return receiver;
  }
}
