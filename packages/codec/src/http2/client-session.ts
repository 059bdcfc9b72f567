import type { ClientSession, ClientSessionHandler, RequestHead, ResetReason, ResponseReceiver } from "@weft/contract";
import { assert, type OutputBuffer, type WeftError } from "@weft/kernel";
import { Http2ClientStream } from "./client-stream.ts";
import type { Http2ErrorCode } from "./errors.ts";
import { BUDGET_EMPTY_FRAMES } from "./flood-budget.ts";
import {
  PREFACE,
  SETTING_ENABLE_CONNECT_PROTOCOL,
  SETTING_ENABLE_PUSH,
  SETTING_MAX_CONCURRENT_STREAMS,
  STREAM_ID_MAX,
} from "./frame.ts";
import { isPingRefusal } from "./heartbeat.ts";
import { STREAMS_BEFORE_SETTINGS_MAX } from "./limits.ts";
import type { Http2ClientOptions } from "./options.ts";
import { Http2Session } from "./session.ts";
import { writeClientSettings } from "./settings.ts";
import { NO_ERROR, PROTOCOL_ERROR, reasonOfCode } from "./status.ts";
import { canReceive } from "./stream-state.ts";

/**
 * The client's end of an HTTP/2 connection (RFC 9113): requests go out, answers come in. Sans I/O, like
 * `Http2ServerSession`; the preface is written at once and streams may be opened before the server's SETTINGS come.
 *
 * An answer whose header list exceeds `headerBytesMax` or `headersMax` is reset with reason `too-large`.
 */
export class Http2ClientSession extends Http2Session<Http2ClientStream> implements ClientSession {
  /** The server takes extended CONNECT (RFC 8441); false until its SETTINGS say so. */
  acceptsUpgrades: boolean = false;
  readonly #handler: ClientSessionHandler;
  readonly #scheme: string;
  /** What the server's SETTINGS allow, -1 while they say nothing about it. */
  #peerStreamsMax: number = -1;
  /** False until the server's SETTINGS have come. */
  #isGreeted: boolean = false;
  #nextStreamId: number = 1;
  #isDraining: boolean = false;
  /** `availableStreams` was 0 when last looked at: growth is news. */
  #isFull: boolean = false;
  #refusesPings: boolean = false;

  constructor(output: OutputBuffer, handler: ClientSessionHandler, options: Http2ClientOptions) {
    super(output, options, false);
    this.#handler = handler;
    this.#scheme = options.scheme;
    output.writeBytes(PREFACE, 0, PREFACE.length);
    writeClientSettings(output, options);
  }

  get availableStreams(): number {
    if (this.#isDraining || this.isOver) return 0;
    let streamsMax = this.options.streamsMax;
    if (this.#peerStreamsMax >= 0) streamsMax = Math.min(streamsMax, this.#peerStreamsMax);
    else if (!this.#isGreeted) streamsMax = Math.min(streamsMax, STREAMS_BEFORE_SETTINGS_MAX);
    return Math.max(0, streamsMax - this.streams.length);
  }

  get isGreeted(): boolean {
    return this.#isGreeted;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get refusesPings(): boolean {
    return this.#refusesPings;
  }

  /**
   * Begins a request. An upgrade on a connection whose server does not take extended CONNECT is reset with reason
   * `internal` before this returns: look at `acceptsUpgrades` first.
   */
  open(head: RequestHead, isEnd: boolean, receiver: ResponseReceiver): Http2ClientStream {
    assert(this.availableStreams > 0, "a stream is opened only where one is available");
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    const isUpgrade = head.upgrade !== "";
    const isTunnel = isUpgrade || head.method === "CONNECT";
    const isHead = head.method === "HEAD";
    const stream = new Http2ClientStream(this, id, this.sender.streamWindow, isTunnel, isHead, isUpgrade, receiver);
    this.streams.add(stream);
    if (isUpgrade && !this.acceptsUpgrades) {
      // Nothing was sent: the number is given back.
      this.#nextStreamId = id;
      this.closeStream(stream);
      stream.deliverReset("internal", "the host does not accept upgrades over HTTP/2");
      return stream;
    }
    this.headers().writeRequest(this.output, id, head, isEnd, this.#scheme, this.sender.frameBytesMax);
    if (isEnd) this.endLocal(stream);
    if (this.availableStreams === 0) this.#isFull = true;
    if (this.#nextStreamId > STREAM_ID_MAX) this.#beginDraining();
    return stream;
  }

  drain(): void {
    if (this.isOver) return;
    this.#isDraining = true;
    if (this.streams.length === 0) this.finish(true);
  }

  // ---- what the server says ----

  protected override isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId >= this.#nextStreamId;
  }

  protected override onBlock(streamId: number, isEnd: boolean, bytes: Buffer, start: number, end: number): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.fail("HTTP2_PROTOCOL_ERROR", "HEADERS came on a stream that was never opened");
      else if (this.onClosedStreamFrame(streamId)) this.skipBlock(bytes, start, end);
      return;
    }
    if (stream.isHeadReceived) return this.receiveTrailers(stream, isEnd, bytes, start, end);
    const head = this.headers().decodeResponse(bytes, start, end, isEnd, stream.isHeadRequest, stream.isUpgrade);
    if (!this.isBlockSound(typeof head === "string" ? head : null)) return;
    if (head === "too-large") return this.abortStream(stream, "too-large", "the answer's head exceeds headerBytesMax");
    if (typeof head === "string") return this.failStream(stream, PROTOCOL_ERROR, "the answer's head is malformed");
    if (head.status < 200 && head.status !== 101) {
      if (this.charge(BUDGET_EMPTY_FRAMES)) stream.receiver?.onInformational(head);
      return;
    }
    stream.isHeadReceived = true;
    const hasNoContent = stream.isHeadRequest || head.status === 204 || head.status === 304;
    if (stream.isTunnel && head.status >= 300) stream.isTunnel = false;
    if (!stream.isTunnel) stream.contentLeft = hasNoContent ? 0 : head.contentLength;
    const isClosed = isEnd && this.endRemote(stream);
    stream.receiver?.onResponseHead(head, isEnd);
    if (isClosed) this.afterClose();
  }

  protected override mayReceiveData(stream: Http2ClientStream): boolean {
    return stream.isHeadReceived;
  }

  protected override isWatched(stream: Http2ClientStream): boolean {
    return !canReceive(stream.state);
  }

  protected override onPeerReset(stream: Http2ClientStream, errorCode: number): void {
    const isAnswered = !canReceive(stream.state);
    this.closeStream(stream);
    // After a complete answer it only says that the rest of the request is not wanted (section 8.1); a tunnel ends.
    if (isAnswered && !stream.isTunnel) stream.detach();
    else {
      const reason: ResetReason = errorCode === NO_ERROR ? "internal" : reasonOfCode(errorCode);
      stream.deliverReset(reason, `the host reset the stream with error code ${errorCode}`);
    }
    this.afterClose();
  }

  protected override onGoaway(
    lastStreamId: number,
    errorCode: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    if (isPingRefusal(bytes, start, end)) this.#refusesPings = true;
    this.#beginDraining();
    const unprocessed = this.streams.list().filter((stream) => stream.id > lastStreamId);
    for (const stream of unprocessed) this.closeStream(stream);
    for (const stream of unprocessed) {
      stream.deliverReset("refused", `the host ends the connection (GOAWAY, error code ${errorCode})`);
    }
    this.afterClose();
  }

  protected override onPingAnswer(_bytes: Buffer, _start: number): void {
    // We ask for nothing but signs of life.
  }

  protected override onPong(): void {
    this.#handler.onPong();
  }

  protected override onOtherSetting(identifier: number, value: number): Http2ErrorCode | null {
    if (identifier === SETTING_MAX_CONCURRENT_STREAMS) this.#peerStreamsMax = value;
    else if (identifier === SETTING_ENABLE_CONNECT_PROTOCOL) this.acceptsUpgrades = value === 1;
    else if (identifier === SETTING_ENABLE_PUSH && value === 1) return "HTTP2_PROTOCOL_ERROR";
    return null;
  }

  protected override afterSettings(): void {
    this.#isGreeted = true;
    this.#tellAvailability(false);
  }

  // ---- ends ----

  protected override onLocalEnd(_stream: Http2ClientStream): void {
    // The answer is still to come.
  }

  protected override afterCompletion(): void {
    // Nothing is counted: the host can only end what we began.
  }

  protected override afterClose(): void {
    if (this.isOver) return;
    const isIdle = this.streams.length === 0;
    if (this.#isDraining && isIdle) this.finish(true);
    else this.#tellAvailability(isIdle);
  }

  #beginDraining(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#handler.onDraining();
  }

  #tellAvailability(isIdleNow: boolean): void {
    const isFull = this.availableStreams === 0;
    const wasFull = this.#isFull;
    this.#isFull = isFull;
    if (!isFull && (wasFull || isIdleNow)) this.#handler.onStreamsAvailable();
  }

  protected override onReadPaused(isPaused: boolean): void {
    this.#handler.onReadPaused(isPaused);
  }

  protected override onOver(error: WeftError | null): void {
    this.#handler.onSessionEnd(error);
  }
}
