import type { Fields, RequestReceiver, ResetReason, ResponseHead, ServerStream } from "@weft/contract";
import { assert, type OutputBuffer } from "@weft/kernel";
import type { BodyWriter } from "./body-writer.ts";
import type { DecodedRequest } from "./decoded-head.ts";
import { encodeInformational, encodeResponseHead, type ConnectionOption } from "./encode.ts";
import type { Http1ErrorCode } from "./errors.ts";
import { BODY_LENGTH, BODY_UNTIL_CLOSE, type BodyFraming } from "./frame.ts";
import { answerFraming } from "./framing.ts";
import { websocketAccept } from "./websocket.ts";

/** What a stream needs of the session that it belongs to. */
export interface ServerStreamOwner {
  readonly output: OutputBuffer;
  readonly writer: BodyWriter;
  /** True when no further request will be read after the present one, if its answer has this status. */
  closesAfter(status: number): boolean;
  /** A 1xx answer was sent: a client that waited for 100 goes on. */
  onInformationalSent(status: number): void;
  /** The upgrade or CONNECT is accepted: bytes flow from now on. */
  onTunnelAccepted(): void;
  /** The answer is complete. */
  onAnswerEnd(): void;
  /** The answer cannot be sent or completed as it should. */
  onAnswerFailed(code: Http1ErrorCode): void;
  onAnswerReset(reason: ResetReason): void;
  onConsumed(byteCount: number): void;
}

/** One request and its answer on an HTTP/1 connection. Once it is over, every call is ignored. */
export class Http1ServerStream implements ServerStream {
  receiver: RequestReceiver | null = null;
  readonly request: DecodedRequest;
  isHeadSent: boolean = false;
  /** The connection ends after this answer. */
  closes: boolean = false;
  /** The answer is complete. */
  isSent: boolean = false;
  /** Whoever sends the answer was told to wait. */
  isBlocked: boolean = false;
  #owner: ServerStreamOwner | null;

  constructor(owner: ServerStreamOwner, request: DecodedRequest) {
    this.#owner = owner;
    this.request = request;
  }

  /** The exchange is over: neither side of the stream is heard any more. Returns who listened. */
  detach(): RequestReceiver | null {
    const { receiver } = this;
    this.receiver = null;
    this.#owner = null;
    return receiver;
  }

  sendInformational(head: ResponseHead): void {
    const owner = this.#owner;
    if (owner === null || this.isHeadSent || !this.request.isHttp11) return;
    if (head.status < 100 || head.status > 199 || head.status === 101) return;
    if (encodeInformational(owner.output, head)) owner.onInformationalSent(head.status);
  }

  sendHead(head: ResponseHead, isEnd: boolean): void {
    const owner = this.#owner;
    if (owner === null) return;
    assert(!this.isHeadSent, "the final answer's head is sent once");
    const { request } = this;
    const isAccepted = this.#isAccepted(head.status);
    const isHttp11 = request.isHttp11;
    const framing = answerFraming(request.head.method, isHttp11, isAccepted, head, isEnd);
    if (!isSendable(head, framing, isEnd, isAccepted)) return owner.onAnswerFailed("HTTP1_UNENCODABLE_HEAD");

    // A CONNECT that is refused may have said more, which cannot be told from another request.
    const isConnectRefused = request.head.method === "CONNECT" && !isAccepted;
    this.closes =
      !isAccepted &&
      (!request.isPersistent || isConnectRefused || framing === BODY_UNTIL_CLOSE || owner.closesAfter(head.status));
    let connection: ConnectionOption = "";
    if (this.closes) connection = "close";
    else if (!isHttp11 && !isAccepted) connection = "keep-alive";
    const extra = head.status === 101 ? upgradeLines(request, head) : "";
    if (!encodeResponseHead(owner.output, head, framing, connection, extra)) {
      return owner.onAnswerFailed("HTTP1_UNENCODABLE_HEAD");
    }
    this.isHeadSent = true;
    owner.writer.begin(framing, Math.max(0, head.contentLength));
    if (isAccepted) owner.onTunnelAccepted();
    if (!isEnd) return;
    this.#end();
    // A tunnel that is over as it begins: nobody wants to hear the client's side.
    if (isAccepted) this.reset("cancelled");
  }

  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    const owner = this.#owner;
    if (owner === null || this.isSent) return true;
    assert(this.isHeadSent, "an answer's head goes before its body");
    if (!owner.writer.write(owner.output, bytes, start, end, isEnd)) {
      owner.onAnswerFailed("HTTP1_LENGTH_MISMATCH");
      return true;
    }
    if (isEnd) {
      this.#end();
      return true;
    }
    this.isBlocked = owner.output.isCongested;
    return !this.isBlocked;
  }

  sendTrailers(fields: Fields): void {
    const owner = this.#owner;
    if (owner === null || this.isSent) return;
    assert(this.isHeadSent, "an answer's head goes before its trailers");
    if (owner.writer.writeTrailers(owner.output, fields)) this.#end();
    else owner.onAnswerFailed("HTTP1_LENGTH_MISMATCH");
  }

  reset(reason: ResetReason): void {
    this.#owner?.onAnswerReset(reason);
  }

  consume(byteCount: number): void {
    this.#owner?.onConsumed(byteCount);
  }

  #end(): void {
    this.isSent = true;
    this.#owner?.onAnswerEnd();
  }

  #isAccepted(status: number): boolean {
    const { head } = this.request;
    if (head.method === "CONNECT") return status >= 200 && status < 300;
    return status === 101 && head.upgrade !== "";
  }
}

/** False for a head that contradicts itself or its request: a 101 that nobody asked for, a length without a body. */
function isSendable(head: ResponseHead, framing: BodyFraming, isEnd: boolean, isAccepted: boolean): boolean {
  if (head.status < 200 && !isAccepted) return false;
  return !(isEnd && framing === BODY_LENGTH && head.contentLength > 0);
}

/** Connection, Upgrade and, for a WebSocket, the proof that its key was read. */
function upgradeLines(request: DecodedRequest, head: ResponseHead): string {
  let lines = `connection: upgrade\r\nupgrade: ${request.head.upgrade}\r\n`;
  if (request.websocketKey !== "" && !head.fields.includes("sec-websocket-accept")) {
    lines += `sec-websocket-accept: ${websocketAccept(request.websocketKey)}\r\n`;
  }
  return lines;
}
