import type { Fields, RequestReceiver, ResetReason, ResponseHead, ServerStream } from "@weft/contract";
import { Http2Stream, type StreamOwner } from "./stream.ts";

/** What a server's stream asks of its connection. */
export interface ServerStreamOwner extends StreamOwner {
  sendInformational(stream: Http2ServerStream, head: ResponseHead): void;
  sendHead(stream: Http2ServerStream, head: ResponseHead, isEnd: boolean): void;
}

/** A request that a client sent us. */
export class Http2ServerStream extends Http2Stream implements ServerStream {
  receiver: RequestReceiver | null = null;
  /** The final answer's HEADERS are out. */
  isHeadSent: boolean = false;
  readonly #owner: ServerStreamOwner;

  constructor(owner: ServerStreamOwner, id: number, sendWindow: number, contentLeft: number, isTunnel: boolean) {
    super(owner, id, sendWindow, contentLeft, isTunnel);
    this.#owner = owner;
  }

  sendInformational(head: ResponseHead): void {
    this.#owner.sendInformational(this, head);
  }

  sendHead(head: ResponseHead, isEnd: boolean): void {
    this.#owner.sendHead(this, head, isEnd);
  }

  override detach(): void {
    this.receiver = null;
  }

  override deliverData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.receiver?.onRequestData(bytes, start, end, isEnd);
  }

  override deliverTrailers(fields: Fields): void {
    this.receiver?.onRequestTrailers(fields);
  }

  override deliverReset(reason: ResetReason, _detail: string): void {
    const receiver = this.receiver;
    this.receiver = null;
    receiver?.onRequestReset(reason);
  }

  override deliverWritable(): void {
    this.receiver?.onResponseWritable();
  }
}
