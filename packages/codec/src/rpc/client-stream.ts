import type { ClientStream, Fields, RequestHead, ResetReason, ResponseReceiver } from "@weft/contract";
import { HeldBytes } from "../http1/held-bytes.ts";
import type { Awaited } from "./request-ids.ts";
import type { RpcStream } from "./session.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/** What a stream needs of the session that it belongs to. */
export interface ClientStreamOwner {
  readonly frameBytesMax: number;
  /** Writes the whole request. */
  sendRequest(stream: RpcClientStream, bytes: Buffer, start: number, end: number): void;
  /** The request cannot be sent. */
  onRequestFailed(stream: RpcClientStream, reason: ResetReason, detail: string): void;
  mayGoOn(stream: RpcClientStream): boolean;
  onRequestReset(stream: RpcClientStream): void;
  onConsumed(stream: RpcClientStream, byteCount: number): void;
}

/**
 * One request of ours and its answer. Nothing is written before all of the body is here: a frame, once begun, must not
 * wait for anybody. Once over, every call is ignored.
 */
export class RpcClientStream implements ClientStream, RpcStream, Awaited {
  receiver: ResponseReceiver | null;
  head: RequestHead | null;
  id: number = 0;
  isGivenUp: boolean = false;
  place: number = -1;
  unconsumed: number = 0;
  isBlocked: boolean = false;
  /** The answer was handed on, and its end waits until it has found its place. */
  isEndDue: boolean = false;
  #owner: ClientStreamOwner | null;
  #held: HeldBytes | null = null;
  #isSent: boolean = false;

  constructor(owner: ClientStreamOwner, head: RequestHead, receiver: ResponseReceiver) {
    this.#owner = owner;
    this.head = head;
    this.receiver = receiver;
  }

  /** The request's frame is out. */
  get isSent(): boolean {
    return this.#isSent;
  }

  /** The call is over: neither side of the stream is heard any more. Returns who listened. */
  detach(): ResponseReceiver | null {
    const { receiver } = this;
    this.receiver = null;
    this.head = null;
    this.#owner = null;
    this.#held = null;
    return receiver;
  }

  deliverWritable(): void {
    this.receiver?.onRequestWritable();
  }

  deliverReset(reason: ResetReason, detail: string): void {
    const { isEndDue } = this;
    const receiver = this.detach();
    // The whole answer has come before the connection was lost.
    if (isEndDue) receiver?.onResponseData(EMPTY, 0, 0, true);
    else receiver?.onResponseReset(reason, detail);
  }

  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    const owner = this.#owner;
    const head = this.head;
    if (owner === null || head === null || this.#isSent) return true;
    if (isEnd && this.#held === null) {
      this.#send(owner, head, bytes, start, end);
    } else {
      const held = (this.#held ??= new HeldBytes());
      const heldBytes = held.length + end - start;
      if (heldBytes > owner.frameBytesMax || (head.contentLength >= 0 && heldBytes > head.contentLength)) {
        owner.onRequestFailed(this, "too-large", "the request is longer than announced or than frameBytesMax");
        return true;
      }
      held.append(bytes, start, end);
      if (isEnd) this.#send(owner, head, held.bytes, held.start, held.end);
    }
    return this.#owner === null || owner.mayGoOn(this);
  }

  sendTrailers(_fields: Fields): void {
    // No RPC protocol has trailers.
    this.sendData(EMPTY, 0, 0, true);
  }

  reset(_reason: ResetReason): void {
    this.#owner?.onRequestReset(this);
  }

  consume(byteCount: number): void {
    this.#owner?.onConsumed(this, byteCount);
  }

  #send(owner: ClientStreamOwner, head: RequestHead, bytes: Buffer, start: number, end: number): void {
    if (head.contentLength >= 0 && head.contentLength !== end - start) {
      owner.onRequestFailed(this, "internal", "the request's body does not have its announced length");
      return;
    }
    this.#isSent = true;
    this.#held = null;
    owner.sendRequest(this, bytes, start, end);
  }
}
