import type { ClientStream, Fields, ResetReason, ResponseReceiver } from "@weft/contract";
import { Http2Stream, type StreamOwner } from "./stream.ts";

/** A request that we sent to a host. */
export class Http2ClientStream extends Http2Stream implements ClientStream {
  receiver: ResponseReceiver | null;
  /** The final answer's HEADERS have come. */
  isHeadReceived: boolean = false;
  /** The answer to HEAD has no content, whatever its fields say. */
  readonly isHeadRequest: boolean;
  /** A 200 means that the upgrade was accepted (RFC 8441). */
  readonly isUpgrade: boolean;

  constructor(
    owner: StreamOwner,
    id: number,
    sendWindow: number,
    isTunnel: boolean,
    isHeadRequest: boolean,
    isUpgrade: boolean,
    receiver: ResponseReceiver,
  ) {
    super(owner, id, sendWindow, -1, isTunnel);
    this.receiver = receiver;
    this.isHeadRequest = isHeadRequest;
    this.isUpgrade = isUpgrade;
  }

  override detach(): void {
    this.receiver = null;
  }

  override deliverData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.receiver?.onResponseData(bytes, start, end, isEnd);
  }

  override deliverTrailers(fields: Fields): void {
    this.receiver?.onResponseTrailers(fields);
  }

  override deliverReset(reason: ResetReason, detail: string): void {
    const receiver = this.receiver;
    this.receiver = null;
    receiver?.onResponseReset(reason, detail);
  }

  override deliverWritable(): void {
    this.receiver?.onRequestWritable();
  }
}
