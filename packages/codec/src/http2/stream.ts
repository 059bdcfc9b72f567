import type { Fields, ResetReason } from "@weft/contract";
import { ByteQueue } from "./byte-queue.ts";
import type { ReceiveWindow } from "./flow-control.ts";
import { STREAM_OPEN, type StreamState } from "./stream-state.ts";

/** What a stream asks of its connection. */
export interface StreamOwner {
  sendData(stream: Http2Stream, bytes: Buffer, start: number, end: number, isEnd: boolean): boolean;
  sendTrailers(stream: Http2Stream, fields: Fields): void;
  resetStream(stream: Http2Stream, reason: ResetReason): void;
  consume(stream: Http2Stream, byteCount: number): void;
}

/** What both ends of a stream have: its state, its windows, and the bytes that wait for the peer. */
export abstract class Http2Stream {
  readonly id: number;
  state: StreamState = STREAM_OPEN;
  /** What the peer lets us send; negative after it has shrunk its windows. */
  sendWindow: number;
  /** Null until the first DATA comes. */
  receiveWindow: ReceiveWindow | null = null;
  /** Bytes handed on and not consumed yet. */
  unconsumed: number = 0;
  /** Content that must still come to match content-length; -1 where nothing was promised. */
  contentLeft: number;
  /** Raw bytes flow both ways (CONNECT, upgrades): each direction ends by itself. */
  isTunnel: boolean;
  /** Null until something has to wait. */
  pending: ByteQueue | null = null;
  /** END_STREAM follows the last pending byte. */
  isEndPending: boolean = false;
  /** Trailers follow the last pending byte. */
  trailersPending: Fields | null = null;
  /** `sendData` has returned false and the stream was not told since that it may go on. */
  isWriteWaiting: boolean = false;
  /** In the sender's ring of streams that can go on as soon as the connection can. */
  isReady: boolean = false;
  nextReady: Http2Stream | null = null;
  protected readonly owner: StreamOwner;

  constructor(owner: StreamOwner, id: number, sendWindow: number, contentLeft: number, isTunnel: boolean) {
    this.owner = owner;
    this.id = id;
    this.sendWindow = sendWindow;
    this.contentLeft = contentLeft;
    this.isTunnel = isTunnel;
  }

  /** Bytes that wait for the peer. */
  get pendingBytes(): number {
    return this.pending === null ? 0 : this.pending.byteLength;
  }

  /** True while anything waits, the end included. */
  get hasPending(): boolean {
    return this.isEndPending || this.trailersPending !== null || this.pendingBytes > 0;
  }

  /** Keeps bytes until the windows allow them. */
  queue(bytes: Buffer, start: number, end: number): void {
    this.pending ??= new ByteQueue();
    this.pending.push(bytes, start, end);
  }

  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    return this.owner.sendData(this, bytes, start, end, isEnd);
  }

  sendTrailers(fields: Fields): void {
    this.owner.sendTrailers(this, fields);
  }

  reset(reason: ResetReason): void {
    this.owner.resetStream(this, reason);
  }

  consume(byteCount: number): void {
    this.owner.consume(this, byteCount);
  }

  /** Nobody hears from this stream any more. */
  abstract detach(): void;
  abstract deliverData(bytes: Buffer, start: number, end: number, isEnd: boolean): void;
  abstract deliverTrailers(fields: Fields): void;
  /** The last thing that the receiver hears; `detail` in words. */
  abstract deliverReset(reason: ResetReason, detail: string): void;
  abstract deliverWritable(): void;
}
