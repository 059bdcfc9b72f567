import type { ClientStream, Fields, RequestHead, ResetReason, ResponseReceiver } from "@weft/contract";

/** What a stream needs of the session that it belongs to. */
export interface ClientStreamOwner {
  /** Writes a piece of the request's body, or holds it back until an upgrade is accepted; false: wait. */
  onRequestData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean;
  onRequestTrailers(fields: Fields): void;
  onRequestReset(): void;
  onConsumed(byteCount: number): void;
}

/** One request of ours on an HTTP/1 connection, and its answer. Once it is over, every call is ignored. */
export class Http1ClientStream implements ClientStream {
  receiver: ResponseReceiver | null;
  readonly head: RequestHead;
  /** Whoever sends the request was told to wait. */
  isBlocked: boolean = false;
  /** The request is complete. */
  isSent: boolean;
  #owner: ClientStreamOwner | null;

  constructor(owner: ClientStreamOwner, head: RequestHead, isSent: boolean, receiver: ResponseReceiver) {
    this.#owner = owner;
    this.head = head;
    this.isSent = isSent;
    this.receiver = receiver;
  }

  /** The exchange is over: neither side of the stream is heard any more. Returns who listened. */
  detach(): ResponseReceiver | null {
    const { receiver } = this;
    this.receiver = null;
    this.#owner = null;
    return receiver;
  }

  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    const owner = this.#owner;
    if (owner === null || this.isSent) return true;
    const isTaken = owner.onRequestData(bytes, start, end, isEnd);
    this.isBlocked = !isTaken && this.#owner !== null;
    return !this.isBlocked;
  }

  sendTrailers(fields: Fields): void {
    if (!this.isSent) this.#owner?.onRequestTrailers(fields);
  }

  reset(_reason: ResetReason): void {
    this.#owner?.onRequestReset();
  }

  consume(byteCount: number): void {
    this.#owner?.onConsumed(byteCount);
  }
}
