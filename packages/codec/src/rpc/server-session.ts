import type { Answer, RequestHead, ResponseHead, ServerSession, ServerSessionHandler } from "@weft/contract";
import type { OutputBuffer, WeftError } from "@weft/kernel";
import { RPC_ERRORS, type RpcErrorCode } from "./errors.ts";
import { ANSWERS_UNTAKEN_BYTES_MAX } from "./limits.ts";
import type { RpcOptions } from "./options.ts";
import { errorCodeOf, RpcServerStream, type ServerStreamOwner } from "./server-stream.ts";
import { RpcSession } from "./session.ts";

/**
 * The server's end of a connection with whole frames: requests come in, answers go out in the order in which they are
 * ready. Each protocol's own session reads and writes the frames.
 */
export abstract class RpcServerSession extends RpcSession<RpcServerStream> implements ServerSession, ServerStreamOwner {
  /** The client was told where the protocol has a word for it; what still comes was on its way. */
  #isDraining: boolean = false;
  /** Nobody else is waited for. */
  #isRefusing: boolean = false;
  #isPingOut: boolean = false;
  /** Bytes of long answers that were taken on since the client last took what waited. */
  #untakenBytes: number = 0;
  readonly #handler: ServerSessionHandler;

  constructor(output: OutputBuffer, handler: ServerSessionHandler, options: RpcOptions) {
    super(output, options);
    this.#handler = handler;
  }

  get isReceivingHead(): boolean {
    return this.reader.isMidHead;
  }

  get isReceivingMessage(): boolean {
    return this.reader.isMidFrame;
  }

  receiveEnd(): void {
    if (this.isOver || this.isPeerDone) return;
    this.isPeerDone = true;
    // Whoever has sent all of its requests may still want their answers.
    if (this.streams.length === 0) this.finish(this.reader.isMidFrame);
  }

  drain(): void {
    if (this.isOver) return;
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.announceDrain();
      return;
    }
    this.#isRefusing = true;
    if (this.streams.length === 0) this.finish(false);
  }

  ping(): boolean {
    if (this.isOver) return false;
    if (this.#isPingOut) return true;
    this.#isPingOut = this.writeHeartbeat();
    return this.#isPingOut;
  }

  takeUnread(): Buffer | null {
    const isBetween = this.streams.length === 0 && !this.isOver && !this.isPeerDone && !this.#isDraining;
    const unread = isBetween ? this.reader.copyHeld() : null;
    if (unread !== null) this.leave();
    return unread;
  }

  headTimeout(): void {
    const code = this.reader.isMidHead ? "RPC_HEAD_TIMEOUT" : "RPC_FRAME_TIMEOUT";
    this.failBecause(code, RPC_ERRORS[code].meaning, "timeout");
  }

  /** A host that has to wait holds up the calls of others too, so answers pile up here first, to a bound. */
  mayAnswerOn(stream: RpcServerStream, byteCount: number): boolean {
    if (!this.output.isCongested) return true;
    this.#untakenBytes += byteCount;
    return this.#untakenBytes <= ANSWERS_UNTAKEN_BYTES_MAX || this.mayGoOn(stream);
  }

  override outputDrained(): void {
    this.#untakenBytes = 0;
    super.outputDrained();
  }

  onAnswerEnd(stream: RpcServerStream): void {
    if (!this.removeStream(stream)) return;
    stream.detach();
    this.updateReadPaused();
    if (this.streams.length > 0 || this.isOver) return;
    if (this.isPeerDone) this.finish(this.reader.isMidFrame);
    else if (this.#isRefusing) this.finish(false);
  }

  // ---- what the protocols report ----

  /** Hands on a whole request, or refuses it. */
  protected acceptRequest(
    head: RequestHead,
    idHigh: number,
    idLow: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    const stream = new RpcServerStream(this, head, idHigh, idLow);
    if (this.#isRefusing) return this.#refuse(stream, "RPC_DRAINING");
    if (this.streams.length >= this.options.streamsMax) {
      this.tellFault("RPC_TOO_MANY_STREAMS");
      return this.#refuse(stream, "RPC_TOO_MANY_STREAMS");
    }
    this.streams.add(stream);
    if (start === end) return this.#handler.onRequest(stream, head, true);
    this.countUnconsumed(stream, end - start);
    this.#handler.onRequest(stream, head, false);
    stream.receiver?.onRequestData(bytes, start, end, true);
  }

  #refuse(stream: RpcServerStream, code: RpcErrorCode): void {
    const { authority, path, frame } = stream.request;
    const answer = this.tellRefused(code, RPC_ERRORS[code].meaning, 503, authority, path);
    if (answer === null || frame?.isOneWay === true) return;
    this.writeErrorAnswer(stream, answer.head.status, errorCodeOf(answer.head.fields));
  }

  /** Asks what a request is answered with that is not handed on. */
  protected tellRefused(code: string, meaning: string, status: number, authority: string, path: string): Answer | null {
    this.options.counts.faults.refused++;
    const message = `Cannot serve request: ${meaning}`;
    return this.#handler.onRequestRefused({ code, message, status, method: "POST", authority, path });
  }

  /** The answer to `writeHeartbeat`; false when none was awaited. */
  protected receivePong(): boolean {
    if (!this.#isPingOut) return false;
    this.#isPingOut = false;
    this.#handler.onPong();
    return true;
  }

  /** The client broke the protocol on one request. */
  protected tellFault(code: string): void {
    this.#handler.onProtocolError(code);
  }

  protected override mustStopReading(): boolean {
    // Whoever does not read the answers that wait gets no further ones.
    return this.output.isCongested;
  }

  protected override onReadPaused(isPaused: boolean): void {
    this.#handler.onReadPaused(isPaused);
  }

  protected override onOver(error: WeftError | null): void {
    if (error !== null) this.#handler.onProtocolError(error.code);
    this.#handler.onSessionEnd(error);
  }

  abstract isOwnAnswer(head: ResponseHead): boolean;
  abstract writeAnswer(stream: RpcServerStream, head: ResponseHead, bytes: Buffer, start: number, end: number): boolean;
  abstract writeErrorAnswer(stream: RpcServerStream, status: number, code: string): void;
  /** Tells the client to send no more requests, where the protocol has a word for it. */
  protected abstract announceDrain(): void;
  /** Asks the client for a sign of life; false where the protocol lets only clients ask. */
  protected abstract writeHeartbeat(): boolean;
}
