import type { RequestHead, ResponseHead } from "@weft/contract";
import type { BodyFraming } from "./frame.ts";
import type { DecodedHead } from "./head-reader.ts";

/** Everything that the bytes of a request head mean. Immutable and shared by all requests with the same bytes. */
export class DecodedRequest implements DecodedHead {
  readonly head: RequestHead;
  readonly framing: BodyFraming;
  /** False for HTTP/1.0. */
  readonly isHttp11: boolean;
  /** The client keeps the connection open for another request. */
  readonly isPersistent: boolean;
  /** Sec-WebSocket-Key of a WebSocket handshake, else "". */
  readonly websocketKey: string;
  bytes: Buffer | null = null;

  constructor(head: RequestHead, framing: BodyFraming, isHttp11: boolean, isPersistent: boolean, websocketKey: string) {
    this.head = head;
    this.framing = framing;
    this.isHttp11 = isHttp11;
    this.isPersistent = isPersistent;
    this.websocketKey = websocketKey;
  }

  get isUnique(): boolean {
    return this.websocketKey !== "";
  }
}

/** Everything that the bytes of an answer's head mean by themselves; the request it answers decides the framing. */
export class DecodedResponse implements DecodedHead {
  readonly head: ResponseHead;
  readonly isChunked: boolean;
  /** The server keeps the connection open, if the body's end can be told. */
  readonly isPersistent: boolean;
  /** Protocol that a 101 answer switches to, lower case. */
  readonly upgrade: string;
  /** Sec-WebSocket-Accept, else "". */
  readonly websocketAccept: string;
  bytes: Buffer | null = null;

  constructor(head: ResponseHead, isChunked: boolean, isPersistent: boolean, upgrade: string, websocketAccept: string) {
    this.head = head;
    this.isChunked = isChunked;
    this.isPersistent = isPersistent;
    this.upgrade = upgrade;
    this.websocketAccept = websocketAccept;
  }

  get isUnique(): boolean {
    return this.websocketAccept !== "";
  }
}
