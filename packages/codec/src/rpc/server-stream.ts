import type { Fields, RequestHead, RequestReceiver, ResetReason, ResponseHead, ServerStream } from "@weft/contract";
import { assert } from "@weft/kernel";
import { HeldBytes } from "../http1/held-bytes.ts";
import { statusOfReset } from "../http1/status.ts";
import type { RpcStream } from "./session.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/** What a stream needs of the session that it belongs to. */
export interface ServerStreamOwner {
  readonly frameBytesMax: number;
  /** True when the answer can be written as it is; false for one of another protocol. */
  isOwnAnswer(head: ResponseHead): boolean;
  /** Writes the answer; false when its head cannot be written. */
  writeAnswer(stream: RpcServerStream, head: ResponseHead, bytes: Buffer, start: number, end: number): boolean;
  /** Writes an answer without a body: `status` in HTTP's words, `code` of what went wrong, "" for none. */
  writeErrorAnswer(stream: RpcServerStream, status: number, code: string): void;
  /** `byteCount` more bytes of an answer are written, or held; false when the rest should wait. */
  mayAnswerOn(stream: RpcServerStream, byteCount: number): boolean;
  /** The answer is complete. */
  onAnswerEnd(stream: RpcServerStream): void;
  onConsumed(stream: RpcServerStream, byteCount: number): void;
}

/**
 * One request and its answer. The answer goes out as one frame, as soon as all of its body is here: until then pieces
 * are held. What cannot become an answer becomes an error in the protocol's own words. Once over, every call is ignored.
 */
export class RpcServerStream implements ServerStream, RpcStream {
  receiver: RequestReceiver | null = null;
  readonly request: RequestHead;
  /** The client's id, as two halves of 32 bits: it goes back as it came. */
  readonly idHigh: number;
  readonly idLow: number;
  place: number = -1;
  unconsumed: number = 0;
  isBlocked: boolean = false;
  #owner: ServerStreamOwner | null;
  #answer: ResponseHead | null = null;
  #held: HeldBytes | null = null;
  /** The frame is out, or none is wanted. */
  #isWritten: boolean;

  constructor(owner: ServerStreamOwner, request: RequestHead, idHigh: number, idLow: number) {
    this.#owner = owner;
    this.request = request;
    this.idHigh = idHigh;
    this.idLow = idLow;
    this.#isWritten = request.frame !== null && request.frame.isOneWay;
  }

  /** The call is over: neither side of the stream is heard any more. Returns who listened. */
  detach(): RequestReceiver | null {
    const { receiver } = this;
    this.receiver = null;
    this.#owner = null;
    this.#held = null;
    return receiver;
  }

  deliverWritable(): void {
    this.receiver?.onResponseWritable();
  }

  deliverReset(reason: ResetReason, _detail: string): void {
    this.detach()?.onRequestReset(reason);
  }

  sendInformational(_head: ResponseHead): void {
    // No RPC protocol has interim answers.
  }

  sendHead(head: ResponseHead, isEnd: boolean): void {
    const owner = this.#owner;
    if (owner === null) return;
    assert(this.#answer === null, "the final answer's head is sent once");
    this.#answer = head;
    if (!this.#isWritten && !owner.isOwnAnswer(head)) {
      // The proxy's own answers say what went wrong; another protocol's cannot be said in this one.
      const code = errorCodeOf(head.fields);
      this.#writeError(owner, head.status, code === "" ? "RPC_FOREIGN_HEAD" : code);
    }
    if (isEnd) this.#end(owner, EMPTY, 0, 0);
  }

  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    const owner = this.#owner;
    const answer = this.#answer;
    if (owner === null) return true;
    assert(answer !== null, "an answer's head goes before its body");
    if (isEnd) {
      this.#end(owner, bytes, start, end);
      return true;
    }
    const isDropped = this.#isWritten;
    if (!isDropped) this.#take(owner, answer, bytes, start, end);
    return owner.mayAnswerOn(this, isDropped ? 0 : end - start);
  }

  sendTrailers(_fields: Fields): void {
    // No RPC protocol has trailers.
    const owner = this.#owner;
    if (owner !== null) this.#end(owner, EMPTY, 0, 0);
  }

  reset(reason: ResetReason): void {
    const owner = this.#owner;
    if (owner === null) return;
    const status = statusOfReset(reason);
    if (!this.#isWritten && status > 0) this.#writeError(owner, status, "RPC_STREAM_RESET");
    owner.onAnswerEnd(this);
  }

  consume(byteCount: number): void {
    this.#owner?.onConsumed(this, byteCount);
  }

  /** A piece of the body that is not marked as the last. Where it is the last all the same, the frame goes out now. */
  #take(owner: ServerStreamOwner, answer: ResponseHead, bytes: Buffer, start: number, end: number): void {
    const heldBytes = (this.#held === null ? 0 : this.#held.length) + end - start;
    if (heldBytes > owner.frameBytesMax) return this.#writeError(owner, 502, "RPC_FRAME_TOO_LARGE");
    if (this.#held === null && heldBytes === answer.contentLength) return this.#write(owner, answer, bytes, start, end);
    const held = (this.#held ??= new HeldBytes());
    held.append(bytes, start, end);
    if (heldBytes === answer.contentLength) this.#write(owner, answer, held.bytes, held.start, held.end);
  }

  #end(owner: ServerStreamOwner, bytes: Buffer, start: number, end: number): void {
    const answer = this.#answer;
    if (!this.#isWritten && answer !== null) {
      if (this.#held === null) {
        this.#write(owner, answer, bytes, start, end);
      } else {
        this.#take(owner, answer, bytes, start, end);
        const held = this.#held;
        if (!this.#isDone()) this.#write(owner, answer, held.bytes, held.start, held.end);
      }
    }
    owner.onAnswerEnd(this);
  }

  /** A method because the compiler cannot know that calls write the frame. */
  #isDone(): boolean {
    return this.#isWritten;
  }

  #write(owner: ServerStreamOwner, answer: ResponseHead, bytes: Buffer, start: number, end: number): void {
    if (answer.contentLength >= 0 && answer.contentLength !== end - start) {
      return this.#writeError(owner, 502, "RPC_LENGTH_MISMATCH");
    }
    this.#isWritten = true;
    this.#held = null;
    if (!owner.writeAnswer(this, answer, bytes, start, end)) this.#writeError(owner, 502, "RPC_FRAME_TOO_LARGE");
  }

  #writeError(owner: ServerStreamOwner, status: number, code: string): void {
    this.#isWritten = true;
    this.#held = null;
    owner.writeErrorAnswer(this, status, code);
  }
}

/** The code of an answer that the proxy itself gives, "" for none. */
export function errorCodeOf(fields: Fields): string {
  const at = fields.indexOf("x-weft-error");
  return at < 0 || (at & 1) === 1 ? "" : (fields[at + 1] ?? "");
}
