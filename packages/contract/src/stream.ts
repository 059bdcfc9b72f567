import type { ResponseHead } from "./head.ts";
import type { Fields } from "./fields.ts";
import type { Answer, Refusal } from "./refusal.ts";

/**
 * Why a stream ended before its end.
 * - `refused`: the peer did not process it; another host may be tried whatever the method.
 * - `cancelled`: the peer has lost interest.
 * - `protocol`: the peer broke its protocol.
 * - `too-large`: a named limit was exceeded.
 * - `connection`: the connection was lost; the peer may or may not have processed the request.
 * - `connect`: no connection could be made; the request was never sent.
 * - `timeout`: a deadline of ours passed.
 * - `overloaded`: a limit or a queue of ours is full; or the peer asked for calm.
 * - `internal`: the peer or we failed for another reason.
 */
export type ResetReason =
  | "refused"
  | "cancelled"
  | "protocol"
  | "too-large"
  | "connection"
  | "connect"
  | "timeout"
  | "overloaded"
  | "internal";

/**
 * Hears what the client of a request goes on to say. Bytes are only valid during the call. After the end of the
 * request or a reset nothing more is called but `onResponseWritable`; after `ServerStream.reset` nothing at all.
 */
export interface RequestReceiver {
  /** A piece of the body, `bytes[start, end)`; may be empty only with `isEnd`. */
  onRequestData(bytes: Buffer, start: number, end: number, isEnd: boolean): void;
  /** Trailer fields; they end the request. */
  onRequestTrailers(fields: Fields): void;
  /** The request will not be completed and no answer can be sent any more. */
  onRequestReset(reason: ResetReason): void;
  /**
   * The request cannot be served to its end, and no answer has begun: what this returns is sent (null: nothing), and
   * nothing more is called. In place of `onRequestReset`.
   */
  onRequestRefused(refusal: Refusal): Answer | null;
  /** After `ServerStream.sendData` returned false: more may be sent. */
  onResponseWritable(): void;
}

/** Our end of a request that a client sent: the answer goes out here. */
export interface ServerStream {
  /** Set by whoever accepted the request, before the first call returns. */
  receiver: RequestReceiver | null;
  /** Sends a 1xx answer other than 101. Ignored where the client's protocol version has none. */
  sendInformational(head: ResponseHead): void;
  /** Sends the head of the final answer, once. 101 accepts an upgrade: data then flows raw both ways. */
  sendHead(head: ResponseHead, isEnd: boolean): void;
  /**
   * Sends a piece of the body; the bytes are copied or written before the call returns. False: taken, but the
   * client is slower than we are; wait for `onResponseWritable` before sending more.
   */
  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean;
  /** Sends trailer fields and ends the answer. */
  sendTrailers(fields: Fields): void;
  /**
   * Gives the stream up at once; an answer that was begun is visibly cut short, never silently complete. Of a tunnel
   * whose answer has ended only the request is given up.
   */
  reset(reason: ResetReason): void;
  /** Body bytes that were received have found their place: the client may send as many more. */
  consume(byteCount: number): void;
}

/**
 * Hears the answer to a request of ours; the same rules as for `RequestReceiver`, but that in a tunnel, whose sides end
 * one by one, a reset may follow the answer's end while the request goes on.
 */
export interface ResponseReceiver {
  /** A 1xx answer other than 101. */
  onInformational(head: ResponseHead): void;
  /** The head of the final answer. */
  onResponseHead(head: ResponseHead, isEnd: boolean): void;
  onResponseData(bytes: Buffer, start: number, end: number, isEnd: boolean): void;
  /** Trailer fields; they end the answer. */
  onResponseTrailers(fields: Fields): void;
  /** There will be no (more) answer. `detail` says in words what happened. */
  onResponseReset(reason: ResetReason, detail: string): void;
  /** After `ClientStream.sendData` returned false: more may be sent. */
  onRequestWritable(): void;
}

/** Our end of a request that we send: the rest of the request goes out here. */
export interface ClientStream {
  receiver: ResponseReceiver | null;
  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean;
  sendTrailers(fields: Fields): void;
  reset(reason: ResetReason): void;
  consume(byteCount: number): void;
}
