import type { RequestReceiver, ResetReason, ServerSession, ServerSessionHandler } from "@weft/contract";
import { WeftError, type OutputBuffer } from "@weft/kernel";
import { BodyWriter } from "./body-writer.ts";
import { ChunkedDecoder, type ChunkedSink } from "./chunked.ts";
import type { DecodedRequest } from "./decoded-head.ts";
import { createHttp1Error, HTTP1_ERRORS, type Http1ErrorCode } from "./errors.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_TUNNEL, CR, LF } from "./frame.ts";
import { HeadReader } from "./head-reader.ts";
import { HeldBytes } from "./held-bytes.ts";
import { DISCARD_BYTES_MAX, LEADING_LINES_MAX, RECEIVE_WINDOW_BYTES } from "./limits.ts";
import type { Http1ServerOptions } from "./options.ts";
import { writeFinalAnswer } from "./refused-request.ts";
import { NO_LINE, readRequestLine, type RequestLine } from "./request-line.ts";
import { Http1ServerStream, type ServerStreamOwner } from "./server-stream.ts";
import { isFaultOfPeer, resetReasonOfError, statusOfError, statusOfReset } from "./status.ts";

const EMPTY: Buffer = Buffer.alloc(0);
const ACTION = "Cannot serve request";

/** What the next byte from the client belongs to. */
const PHASE_HEAD = 0;
const PHASE_LENGTH = 1;
const PHASE_CHUNKED = 2;
/** The request is complete, its answer is not: what comes now waits. */
const PHASE_ANSWER = 3;
/** An upgrade or CONNECT was asked for and not decided: what comes now waits. */
const PHASE_UPGRADE = 4;
const PHASE_TUNNEL = 5;
const PHASE_ENDED = 6;

/**
 * The engine of one HTTP/1 connection from a client (RFC 9110, RFC 9112): one request at a time is handed on.
 *
 *     HEAD --> LENGTH | CHUNKED --> ANSWER --> HEAD ...         ENDED: from everywhere
 *       `----> UPGRADE --> TUNNEL, whose sides end one by one
 *
 * A body that nobody wants any more (its answer is complete) is thrown away within DISCARD_BYTES_MAX. Input that is
 * wrong is answered with its status and ends the session; `drain` lets a head that has begun to arrive be answered.
 * When `onSessionEnd` comes with an error whose details say `isCut`, the connection is to be broken, not closed. Once
 * an answer is complete, its receiver hears nothing more, also if the request is not.
 */
export class Http1ServerSession implements ServerSession, ServerStreamOwner, ChunkedSink {
  readonly output: OutputBuffer;
  readonly writer: BodyWriter = new BodyWriter();
  readonly #handler: ServerSessionHandler;
  readonly #options: Http1ServerOptions;
  readonly #heads: HeadReader<DecodedRequest>;
  readonly #held: HeldBytes = new HeldBytes();
  #phase: number = PHASE_HEAD;
  #stream: Http1ServerStream | null = null;
  #chunked: ChunkedDecoder | null = null;
  /** Body bytes still to come (LENGTH). */
  #remaining: number = 0;
  /** Body bytes that came (CHUNKED, while it counts). */
  #bodyBytes: number = 0;
  #unconsumed: number = 0;
  #discarded: number = 0;
  #blankLines: number = 0;
  /** The client waits for 100 (Continue) before it sends its body. */
  #isContinueAwaited: boolean = false;
  #isReadPaused: boolean = false;
  #isProcessing: boolean = false;
  /** The next answer is to say that it is the last. */
  #isDraining: boolean = false;
  /** Nobody waits for a request that is not here yet. */
  #isLast: boolean = false;
  #isPeerDone: boolean = false;

  constructor(output: OutputBuffer, handler: ServerSessionHandler, options: Http1ServerOptions) {
    this.output = output;
    this.#handler = handler;
    this.#options = options;
    this.#heads = new HeadReader(options.requests);
  }

  get activeStreams(): number {
    return this.#stream === null ? 0 : 1;
  }

  get isReceivingHead(): boolean {
    if (this.#isDiscarding) return true;
    return this.#phase === PHASE_HEAD && this.#held.length > 0 && !this.output.isCongested;
  }

  /** Bodies are handed on as they come. */
  get isReceivingMessage(): boolean {
    return false;
  }

  /** The answer is complete, the request is not: what comes of it delays the next head. */
  get #isDiscarding(): boolean {
    return this.#isReceivingBody && this.#stream === null;
  }

  get #isReceivingBody(): boolean {
    return this.#phase === PHASE_LENGTH || this.#phase === PHASE_CHUNKED;
  }

  closesAfter(status: number): boolean {
    // What was pipelined is answered, too: only the last answer says so.
    const hasNext = this.#phase === PHASE_ANSWER && this.#held.length > 0;
    if (((this.#isDraining || this.#isPeerDone) && !hasNext) || this.#isContinueAwaited) return true;
    if (status < 400 || !this.#isReceivingBody) return false;
    // A body that is refused is not waited for (RFC 9110 sections 15.5.9, 15.5.14); a short one costs less than a connection.
    return status === 408 || status === 413 || this.#remaining > DISCARD_BYTES_MAX;
  }

  receive(bytes: Buffer, start: number, end: number): void {
    if (this.#phase === PHASE_ENDED) return;
    if (this.#held.length > 0 || this.#isProcessing) {
      this.#held.append(bytes, start, end);
      if (!this.#isProcessing) this.#processHeld();
    } else {
      const at = this.#process(bytes, start, end);
      if (at < end && !this.#hasEnded()) this.#held.append(bytes, at, end);
    }
    this.#updateReadPaused();
  }

  /** HTTP/1 has no heartbeat. */
  ping(): boolean {
    return false;
  }

  receiveEnd(): void {
    if (this.#isPeerDone || this.#phase === PHASE_ENDED) return;
    this.#isPeerDone = true;
    switch (this.#phase) {
      case PHASE_HEAD:
        // What is held while the output is congested is looked at when it has drained.
        if (!this.output.isCongested || this.#held.length === 0) this.#endOfInput();
        return;
      case PHASE_LENGTH:
      case PHASE_CHUNKED:
        return this.#stream === null ? this.#end(null) : this.#fail("HTTP1_TRUNCATED");
      case PHASE_TUNNEL:
        return this.#endOfInput();
      default:
        // The answer to what came so far is still wanted.
        return;
    }
  }

  outputDrained(): void {
    const stream = this.#stream;
    if (stream !== null) {
      if (!stream.isBlocked) return;
      stream.isBlocked = false;
      stream.receiver?.onResponseWritable();
    } else if (this.#phase === PHASE_HEAD && !this.#isProcessing && this.#held.length > 0) {
      this.#processHeld();
      this.#updateReadPaused();
    }
  }

  /** HTTP/1 has no windows but TCP's, which the owner watches. */
  endStalled(_bytesMin: number): number {
    return 0;
  }

  connectionLost(_detail: string): void {
    if (this.#phase === PHASE_ENDED) return;
    const receiver = this.#leave();
    receiver?.onRequestReset("connection");
  }

  drain(): void {
    this.#isLast = this.#isDraining;
    this.#isDraining = true;
    const isIdle = this.#phase === PHASE_HEAD && this.#held.length === 0;
    if (this.#isLast && isIdle) this.#end(null);
  }

  takeUnread(): Buffer | null {
    const isBetween = this.#phase === PHASE_HEAD && !this.#isProcessing && !this.#isPeerDone && !this.#isDraining;
    if (!isBetween) return null;
    const { bytes, start, end } = this.#held;
    const unread = Buffer.from(bytes.subarray(start, end));
    this.#leave();
    return unread;
  }

  headTimeout(): void {
    if (this.#phase === PHASE_HEAD && this.isReceivingHead) this.#fail("HTTP1_HEAD_TIMEOUT", this.#heldLine());
    else if (this.#phase === PHASE_HEAD || this.#isDiscarding) this.#end(null);
  }

  // ---- what streams report ----

  onInformationalSent(status: number): void {
    if (status === 100) this.#isContinueAwaited = false;
  }

  onTunnelAccepted(): void {
    this.#phase = PHASE_TUNNEL;
    if (!this.#isProcessing) this.#processHeld();
    this.#updateReadPaused();
  }

  onAnswerEnd(): void {
    const stream = this.#stream;
    if (stream === null) return;
    if (this.#phase === PHASE_TUNNEL) return this.#isPeerDone ? this.#end(null) : this.#handler.onOutputEnd();
    stream.detach();
    this.#stream = null;
    this.#unconsumed = 0;
    if (this.#phase === PHASE_ANSWER || this.#phase === PHASE_UPGRADE) return this.#finishExchange(stream.closes);
    // The rest of the request's body has no reader any more.
    if (stream.closes || this.#isPeerDone) return this.#end(null);
    this.#discarded = 0;
    this.#updateReadPaused();
  }

  onAnswerFailed(code: Http1ErrorCode): void {
    this.#fail(code);
  }

  onAnswerReset(reason: ResetReason): void {
    const stream = this.#stream;
    if (stream === null) return;
    if (stream.isSent) return this.#end(null);
    const { head } = stream.request;
    this.#leave();
    const error = new WeftError<Http1ErrorCode>(
      "HTTP1_STREAM_RESET",
      `${ACTION}: ${HTTP1_ERRORS.HTTP1_STREAM_RESET.meaning} Reason: ${reason}`,
      { reason, isCut: stream.isHeadSent && !this.writer.tellsEnd },
    );
    const status = statusOfReset(reason);
    if (!stream.isHeadSent && status > 0) this.#answerRefusal("HTTP1_STREAM_RESET", status, head, null);
    this.#handler.onSessionEnd(stream.isHeadSent ? error : null);
  }

  onConsumed(byteCount: number): void {
    this.#unconsumed = Math.max(0, this.#unconsumed - byteCount);
    this.#updateReadPaused();
  }

  // ---- what arrives ----

  #processHeld(): void {
    const held = this.#held;
    while (held.length > 0) {
      const start = held.start;
      const at = this.#process(held.bytes, start, held.end);
      if (this.#hasEnded()) return;
      held.skip(at - start);
      if (at === start) break;
    }
    if (this.#isPeerDone && (!this.output.isCongested || held.length === 0)) this.#endOfInput();
  }

  /** The client has sent FIN and all that came before it was looked at. */
  #endOfInput(): void {
    const stream = this.#stream;
    if (this.#phase === PHASE_TUNNEL && stream !== null) {
      stream.receiver?.onRequestData(EMPTY, 0, 0, true);
      // Who hears of the end may have ended the answer, and with it the session.
      if (stream === this.#stream && stream.isSent) this.#end(null);
    } else if (this.#phase === PHASE_HEAD) {
      if (this.#held.length > 0) this.#fail("HTTP1_TRUNCATED", this.#heldLine());
      else this.#end(null);
    }
  }

  /** Takes as much of `bytes[at, end)` as the present phase allows; returns the position after it. */
  #process(bytes: Buffer, at: number, end: number): number {
    this.#isProcessing = true;
    while (at < end) {
      let next = at;
      switch (this.#phase) {
        case PHASE_HEAD:
          // Whoever does not read the answers that wait gets no further ones.
          if (!this.output.isCongested) next = this.#receiveHead(bytes, at, end);
          break;
        case PHASE_LENGTH:
          next = this.#receiveLength(bytes, at, end);
          break;
        case PHASE_CHUNKED:
          next = this.#receiveChunked(bytes, at, end);
          break;
        case PHASE_TUNNEL:
          this.#unconsumed += end - at;
          this.#stream?.receiver?.onRequestData(bytes, at, end, false);
          next = end;
          break;
        default:
          break;
      }
      if (next === at) break;
      at = next;
    }
    this.#isProcessing = false;
    return at;
  }

  /** A method because the compiler cannot know that calls change the phase. */
  #hasEnded(): boolean {
    return this.#phase === PHASE_ENDED;
  }

  #receiveHead(bytes: Buffer, at: number, end: number): number {
    const first = bytes[at];
    if (first === CR || first === LF) return this.#skipBlankLine(bytes, at, end);
    const request = this.#heads.read(bytes, at, end);
    if (request === null) return at;
    if (typeof request === "string") {
      this.#fail(request, readRequestLine(bytes, at, end));
      return end;
    }
    // Another head may be read before this one's request has been handed on.
    const { headEnd } = this.#heads;
    this.#begin(request);
    return headEnd;
  }

  #skipBlankLine(bytes: Buffer, at: number, end: number): number {
    if (bytes[at] === CR) {
      if (at + 1 === end) return at;
      if (bytes[at + 1] === LF && this.#blankLines++ < LEADING_LINES_MAX) return at + 2;
    }
    this.#fail("HTTP1_INVALID_REQUEST_LINE");
    return end;
  }

  #begin(request: DecodedRequest): void {
    const { bodyBytesMax } = this.#options;
    const { head, framing } = request;
    if (bodyBytesMax > 0 && framing === BODY_LENGTH && head.contentLength > bodyBytesMax) {
      this.#fail("HTTP1_BODY_TOO_LARGE", head);
      return;
    }
    this.#blankLines = 0;
    this.#isContinueAwaited = head.expectsContinue;
    let phase = PHASE_ANSWER;
    if (framing === BODY_LENGTH) {
      phase = PHASE_LENGTH;
      this.#remaining = head.contentLength;
    } else if (framing === BODY_CHUNKED) {
      phase = PHASE_CHUNKED;
      this.#bodyBytes = 0;
      this.#chunked ??= new ChunkedDecoder(this.#options);
      this.#chunked.reset();
    } else if (framing === BODY_TUNNEL) {
      phase = PHASE_UPGRADE;
    }
    this.#phase = phase;
    const stream = new Http1ServerStream(this, request);
    this.#stream = stream;
    this.#handler.onRequest(stream, head, phase === PHASE_ANSWER);
  }

  #receiveLength(bytes: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.#remaining);
    this.#remaining -= stop - at;
    const isEnd = this.#remaining === 0;
    if (isEnd) this.#phase = PHASE_ANSWER;
    const stream = this.#stream;
    if (stream === null) {
      this.#discard(stop - at, isEnd);
    } else {
      this.#isContinueAwaited = false;
      this.#unconsumed += stop - at;
      stream.receiver?.onRequestData(bytes, at, stop, isEnd);
    }
    return stop;
  }

  #receiveChunked(bytes: Buffer, at: number, end: number): number {
    const chunked = this.#chunked;
    if (chunked === null) return at;
    this.#isContinueAwaited = false;
    const stop = chunked.decode(bytes, at, end, this);
    if (stop < 0) {
      this.#fail(chunked.problem ?? "HTTP1_INVALID_CHUNK");
      return end;
    }
    if (!chunked.isDone || this.#hasEnded()) return stop;
    this.#phase = PHASE_ANSWER;
    const stream = this.#stream;
    if (stream === null) this.#discard(0, true);
    else if (chunked.trailers.length > 0) stream.receiver?.onRequestTrailers(chunked.trailers);
    else stream.receiver?.onRequestData(EMPTY, 0, 0, true);
    return stop;
  }

  /** Body bytes from the chunked decoder. */
  onChunkData(bytes: Buffer, start: number, end: number): boolean {
    const { bodyBytesMax } = this.#options;
    const stream = this.#stream;
    if (stream === null) {
      this.#discard(end - start, false);
      return !this.#hasEnded();
    }
    this.#bodyBytes += end - start;
    if (bodyBytesMax > 0 && this.#bodyBytes > bodyBytesMax) {
      this.#fail("HTTP1_BODY_TOO_LARGE");
      return false;
    }
    this.#unconsumed += end - start;
    stream.receiver?.onRequestData(bytes, start, end, false);
    return !this.#hasEnded();
  }

  /** Body bytes that came after their answer was complete. */
  #discard(byteCount: number, isEnd: boolean): void {
    this.#discarded += byteCount;
    if (this.#discarded > DISCARD_BYTES_MAX) this.#end(null);
    else if (isEnd) this.#finishExchange(false);
  }

  // ---- how things end ----

  /** Request and answer are complete. */
  #finishExchange(closes: boolean): void {
    const isLast = this.#isLast && this.#held.length === 0;
    if (closes || isLast) return this.#end(null);
    this.#phase = PHASE_HEAD;
    // Otherwise whoever processes goes on, and judges reading at the end.
    if (this.#isProcessing) return;
    if (this.#held.length > 0 || this.#isPeerDone) this.#processHeld();
    this.#updateReadPaused();
  }

  #updateReadPaused(): void {
    if (this.#phase === PHASE_ENDED) return;
    const isWaiting =
      this.#phase === PHASE_ANSWER ||
      this.#phase === PHASE_UPGRADE ||
      (this.#phase === PHASE_HEAD && this.output.isCongested);
    const window = this.#isReadPaused ? RECEIVE_WINDOW_BYTES / 2 : RECEIVE_WINDOW_BYTES;
    const isPaused = this.#unconsumed > window || (isWaiting && this.#held.length > 0);
    if (isPaused === this.#isReadPaused) return;
    this.#isReadPaused = isPaused;
    this.#handler.onReadPaused(isPaused);
  }

  /** The request line of a head that is not complete, if at least that is. */
  #heldLine(): RequestLine {
    return readRequestLine(this.#held.bytes, this.#held.start, this.#held.end);
  }

  /**
   * The client or we ourselves did something that cannot be mended: answers if that is possible, and ends. `line` is
   * what was read of a request that was not handed on.
   */
  #fail(code: Http1ErrorCode, line: RequestLine = NO_LINE): void {
    const stream = this.#stream;
    // While a body is thrown away, its answer is complete already.
    const isAnswered = stream === null ? this.#phase !== PHASE_HEAD : stream.isHeadSent;
    const receiver = this.#leave();
    const error = createHttp1Error(code, ACTION, { isCut: isAnswered && stream !== null && !this.writer.tellsEnd });
    if (isFaultOfPeer(code)) this.#handler.onProtocolError(code);
    if (isAnswered) receiver?.onRequestReset(resetReasonOfError(code));
    else this.#answerRefusal(code, statusOfError(code), stream?.request.head ?? line, receiver);
    this.#handler.onSessionEnd(error);
  }

  /** Sends what whoever has the request, or else the connection's owner, says to a client that is refused. */
  #answerRefusal(
    code: Http1ErrorCode,
    status: number,
    { method, authority, path }: RequestLine,
    receiver: RequestReceiver | null,
  ): void {
    const message = `${ACTION}: ${HTTP1_ERRORS[code].meaning}`;
    const answer = (receiver ?? this.#handler).onRequestRefused({ code, message, status, method, authority, path });
    if (answer !== null) writeFinalAnswer(this.output, answer, method);
  }

  #end(error: WeftError | null): void {
    this.#leave();
    this.#handler.onSessionEnd(error);
  }

  /** From now on nothing is taken and nobody is told anything. Returns who listened to the open request. */
  #leave(): ReturnType<Http1ServerStream["detach"]> {
    const receiver = this.#stream?.detach() ?? null;
    this.#phase = PHASE_ENDED;
    this.#stream = null;
    this.#held.clear();
    return receiver;
  }
}
