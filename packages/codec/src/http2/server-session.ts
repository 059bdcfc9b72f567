import type {
  Answer,
  RequestHead,
  ResetReason,
  ResponseHead,
  ServerSession,
  ServerSessionHandler,
} from "@weft/contract";
import { assert, type OutputBuffer, type WeftError } from "@weft/kernel";
import { encodeGoaway, encodePing, encodeReset } from "./encode.ts";
import { HTTP2_ERRORS, type Http2ErrorCode } from "./errors.ts";
import { BUDGET_PROVOKED_RESETS, BUDGET_RESETS } from "./flood-budget.ts";
import { STREAM_ID_MAX } from "./frame.ts";
import { isPing, PING_DRAIN } from "./heartbeat.ts";
import type { Http2ServerOptions } from "./options.ts";
import type { RequestLine } from "./request-head.ts";
import { Http2ServerStream, type ServerStreamOwner } from "./server-stream.ts";
import { Http2Session } from "./session.ts";
import { writeServerSettings } from "./settings.ts";
import { INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR, reasonOfCode, REFUSED_STREAM } from "./status.ts";
import type { Http2Stream } from "./stream.ts";
import { canSend, EVENT_RECEIVE_END, STREAM_CLOSED, STREAM_OPEN, transition } from "./stream-state.ts";

/** What a head adds to a congested output, about. */
const HEAD_BYTES = 64;

/**
 * The server's end of an HTTP/2 connection (RFC 9113): requests come in, answers go out. Sans I/O: whoever owns the
 * socket feeds `receive` and writes out what the output holds. The first bytes must be the client's preface.
 *
 * A request whose header list exceeds `headerBytesMax` or `headersMax` is answered with 431, one whose path exceeds
 * `targetBytesMax` with 414, and neither is handed on; the list is decoded to its end, so the connection goes on.
 */
export class Http2ServerSession extends Http2Session<Http2ServerStream> implements ServerSession, ServerStreamOwner {
  readonly #handler: ServerSessionHandler;
  readonly #targetBytesMax: number;
  /** The first GOAWAY of a drain is out: streams are still accepted, since they may be on their way. */
  #isDraining: boolean = false;
  /** The last GOAWAY is out: higher streams are ignored. */
  #isClosing: boolean = false;

  constructor(output: OutputBuffer, handler: ServerSessionHandler, options: Http2ServerOptions) {
    super(output, options, true);
    this.#handler = handler;
    this.#targetBytesMax = options.targetBytesMax;
    writeServerSettings(output, options);
  }

  get isReceivingHead(): boolean {
    return this.reader.isMidFrame || this.isMidBlock;
  }

  /** Bodies are handed on as they come. */
  get isReceivingMessage(): boolean {
    return false;
  }

  /**
   * Ends gently (section 6.8). The client is told first (GOAWAY with the highest number, and a PING); once the PING is
   * answered, or when this is called again, no request can be on its way any more and the last stream is named.
   */
  drain(): void {
    if (this.isOver) return;
    if (this.#isDraining) return this.#nameLastStream();
    this.#isDraining = true;
    encodeGoaway(this.output, STREAM_ID_MAX, NO_ERROR, "");
    encodePing(this.output, false, PING_DRAIN, 0);
  }

  /**
   * Where the owner gives the connection up, the client may still hear: after a gentle GOAWAY some clients take a
   * connection that ends for the end of their answers.
   */
  override connectionLost(detail: string): void {
    if (this.isOver) return;
    for (const stream of this.streams.list()) encodeReset(this.output, stream.id, INTERNAL_ERROR);
    super.connectionLost(detail);
  }

  /** Both ends have built up the state of an HTTP/2 connection together: it stays where it is. */
  takeUnread(): null {
    return null;
  }

  headTimeout(): void {
    this.failBecause("HTTP2_HEAD_TIMEOUT", "a frame or header block was not completed in time", "timeout");
  }

  // ---- what streams ask ----

  override sendData(stream: Http2ServerStream, bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    assert(stream.isHeadSent || !canSend(stream.state), "the head goes out before the body");
    return super.sendData(stream, bytes, start, end, isEnd);
  }

  override resetStream(stream: Http2ServerStream, reason: ResetReason): void {
    const hasAnswerEnded = stream.isEndPending || stream.trailersPending !== null || !canSend(stream.state);
    if (!stream.isTunnel || !hasAnswerEnded || stream.state === STREAM_CLOSED) {
      return super.resetStream(stream, reason);
    }
    // From now on an ordinary stream: what waits of the answer goes out, then the request is told to stop.
    stream.isTunnel = false;
    stream.detach();
    if (!canSend(stream.state)) this.onLocalEnd(stream);
  }

  sendInformational(stream: Http2ServerStream, head: ResponseHead): void {
    if (!canSend(stream.state) || !this.mayAnswer(HEAD_BYTES)) return;
    assert(!stream.isHeadSent, "interim answers go out before the final one");
    this.headers().writeResponse(this.output, stream.id, head, false, this.sender.frameBytesMax);
  }

  sendHead(stream: Http2ServerStream, head: ResponseHead, isEnd: boolean): void {
    if (!canSend(stream.state) || !this.mayAnswer(HEAD_BYTES)) return;
    assert(!stream.isHeadSent, "an answer has one final head");
    stream.isHeadSent = true;
    // A tunnel that is refused is an ordinary answer.
    if (head.status >= 300) stream.isTunnel = false;
    this.headers().writeResponse(this.output, stream.id, head, isEnd, this.sender.frameBytesMax);
    if (isEnd) this.endLocal(stream);
  }

  // ---- what the client says ----

  protected override isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId > this.lastPeerStreamId;
  }

  protected override onBlock(streamId: number, isEnd: boolean, bytes: Buffer, start: number, end: number): void {
    const stream = this.streams.get(streamId);
    if (stream !== undefined) return this.receiveTrailers(stream, isEnd, bytes, start, end);
    if ((streamId & 1) === 0) return this.fail("HTTP2_PROTOCOL_ERROR", "a client opened a stream of even number");
    if (streamId <= this.lastPeerStreamId) {
      if (this.onClosedStreamFrame(streamId)) this.skipBlock(bytes, start, end);
      return;
    }
    if (this.#isClosing) {
      this.skipBlock(bytes, start, end);
      return;
    }
    this.lastPeerStreamId = streamId;
    if (this.streams.length >= this.options.streamsMax) {
      // Not counted as provoked: a client may not have our SETTINGS yet.
      if (!this.skipBlock(bytes, start, end) || !this.charge(BUDGET_RESETS)) return;
      this.#tellRefused("HTTP2_TOO_MANY_STREAMS", 0, this.headers().refusedRequest());
      return this.writeReset(streamId, REFUSED_STREAM);
    }
    const head = this.headers().decodeRequest(bytes, start, end, isEnd);
    if (!this.isBlockSound(typeof head === "string" ? head : null)) return;
    if (typeof head !== "string") {
      if (head.path.length <= this.#targetBytesMax) this.#begin(streamId, head, isEnd);
      else this.#refuse(streamId, isEnd, "HTTP2_TARGET_TOO_LONG", 414, head);
      return;
    }
    const line = this.headers().refusedRequest();
    if (head === "too-large") this.#refuse(streamId, isEnd, "HTTP2_HEAD_TOO_LARGE", 431, line);
    else if (head === "underscore") this.#refuse(streamId, isEnd, "HTTP2_UNDERSCORE_IN_FIELD_NAME", 400, line);
    else this.#refuse(streamId, isEnd, "HTTP2_MALFORMED_REQUEST", 0, line);
  }

  #begin(streamId: number, head: RequestHead, isEnd: boolean): void {
    const isTunnel = head.method === "CONNECT" || head.upgrade !== "";
    const contentLeft = isTunnel ? -1 : head.contentLength;
    const stream = new Http2ServerStream(this, streamId, this.sender.streamWindow, contentLeft, isTunnel);
    if (isEnd) stream.state = transition(STREAM_OPEN, EVENT_RECEIVE_END);
    this.streams.add(stream);
    this.#handler.onRequest(stream, head, isEnd);
  }

  /**
   * Answers a request that is not handed on with `status`, or resets its stream: for status 0, and when the answer
   * would have to wait for the client. What else comes of the request is ignored.
   */
  #refuse(streamId: number, isEnd: boolean, code: Http2ErrorCode, status: number, line: RequestLine): void {
    if (!this.charge(BUDGET_PROVOKED_RESETS)) return;
    const answer = this.#tellRefused(code, status, line);
    if (answer === null || !this.sender.canSendNow(answer.body.length)) {
      return this.writeReset(streamId, PROTOCOL_ERROR);
    }
    if (!this.mayAnswer(HEAD_BYTES)) return;
    const hasBody = answer.body.length > 0 && line.method !== "HEAD";
    this.headers().writeResponse(this.output, streamId, answer.head, !hasBody, this.sender.frameBytesMax);
    if (hasBody) {
      const stream = new Http2ServerStream(this, streamId, this.sender.streamWindow, -1, false);
      this.sender.send(stream, answer.body, 0, answer.body.length, true);
    }
    if (!isEnd) this.writeReset(streamId, NO_ERROR);
  }

  /** Tells the connection's owner of a request that is refused; what it returns is to be sent. */
  #tellRefused(code: Http2ErrorCode, status: number, { method, authority, path }: RequestLine): Answer | null {
    this.#handler.onProtocolError(code);
    const message = `Cannot serve request: ${HTTP2_ERRORS[code].meaning}`;
    return this.#handler.onRequestRefused({ code, message, status, method, authority, path });
  }

  protected override onStreamFailed(code: Http2ErrorCode): void {
    this.#handler.onProtocolError(code);
  }

  protected override mayReceiveData(_stream: Http2Stream): boolean {
    return true;
  }

  protected override isWatched(_stream: Http2Stream): boolean {
    return true;
  }

  protected override onPeerReset(stream: Http2ServerStream, errorCode: number): void {
    this.closeStream(stream);
    stream.deliverReset(reasonOfCode(errorCode), "the client reset the stream");
    if (this.charge(BUDGET_RESETS)) this.afterClose();
  }

  protected override onGoaway(_lastStreamId: number, _errorCode: number): void {
    // The client opens no more streams, or soon closes the connection: nothing changes for those that are open.
  }

  protected override onPingAnswer(bytes: Buffer, start: number): void {
    if (this.#isDraining && isPing(PING_DRAIN, bytes, start)) this.#nameLastStream();
  }

  protected override onPong(): void {
    this.#handler.onPong();
  }

  #nameLastStream(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.streams.length === 0) this.finish(true);
    else encodeGoaway(this.output, this.lastPeerStreamId, NO_ERROR, "");
  }

  protected override onOtherSetting(_identifier: number, _value: number): Http2ErrorCode | null {
    // What remains concerns pushing, which we do not, and a limit on header lists that is advisory (section 6.5.2).
    return null;
  }

  protected override afterSettings(): void {
    // Nothing waits for them.
  }

  // ---- ends ----

  protected override onLocalEnd(stream: Http2ServerStream): void {
    // The answer is complete and the rest of the request is not wanted (section 8.1); tunnels end each side by itself.
    if (stream.isTunnel) return;
    stream.detach();
    this.writeReset(stream.id, NO_ERROR);
    if (this.isOver) return;
    this.closeStream(stream);
    this.afterCompletion();
    this.afterClose();
  }

  protected override afterCompletion(): void {
    this.refund(BUDGET_RESETS, 1);
  }

  protected override afterClose(): void {
    if (this.#isClosing && this.streams.length === 0) this.finish(false);
  }

  protected override onReadPaused(isPaused: boolean): void {
    this.#handler.onReadPaused(isPaused);
  }

  protected override onOver(error: WeftError | null): void {
    if (error !== null) this.#handler.onProtocolError(error.code);
    this.#handler.onSessionEnd(error);
  }
}
