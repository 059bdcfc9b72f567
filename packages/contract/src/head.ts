import { type Fields, fieldValue } from "./fields.ts";
import type { RpcFrame } from "./rpc.ts";

/**
 * What a request says before its body, whatever the protocol. Immutable once made: codecs hand out the same object for
 * the same bytes, and later stations keep on it what they derived from it (see `memo`), so a repeated request pays once.
 */
export class RequestHead {
  /** GET, POST, CONNECT, ... exactly as sent. */
  readonly method: string;
  /** "http" or "https" as the peer states it, "" when its protocol does not say (HTTP/1.1 origin form). */
  readonly scheme: string;
  /** Host and optional port; one value however it was sent (Host, :authority, absolute form). "" only in HTTP/1.0. */
  readonly authority: string;
  /** Path with query, as sent ("/a/b?c=d", "*" for OPTIONS); "" for CONNECT without one. */
  readonly path: string;
  /** All fields but Host, pseudo fields and hop-by-hop framing (Connection, Transfer-Encoding, Keep-Alive, Upgrade, ...). */
  readonly fields: Fields;
  /** Bytes of the body where they are known in advance, 0 where there is none, -1 where the body ends when it ends. */
  readonly contentLength: number;
  /** Token of an upgrade ("websocket"): HTTP/1.1 Upgrade or HTTP/2 extended CONNECT. "" for none. */
  readonly upgrade: string;
  /** True when the client waits for 100 (Continue) before it sends the body. */
  readonly expectsContinue: boolean;
  /** The frame of an RPC protocol that this was read from; null for HTTP. */
  readonly frame: RpcFrame | null;
  /** What the router derived from this head; it alone reads and writes it. */
  memo: object | null = null;
  /** What an HTTP/1.1 encoder derived from this head (its bytes on the wire); it alone reads and writes it. */
  http1Bytes: Buffer | null = null;

  constructor(
    method: string,
    scheme: string,
    authority: string,
    path: string,
    fields: Fields,
    contentLength: number,
    upgrade: string = "",
    expectsContinue: boolean = false,
    frame: RpcFrame | null = null,
  ) {
    this.method = method;
    this.scheme = scheme;
    this.authority = authority;
    this.path = path;
    this.fields = fields;
    this.contentLength = contentLength;
    this.upgrade = upgrade;
    this.expectsContinue = expectsContinue;
    this.frame = frame;
  }

  /** The same request with other fields. */
  withFields(fields: Fields): RequestHead {
    return this.withTarget(this.scheme, this.authority, this.path, fields);
  }

  /** The same request to another place. */
  withTarget(scheme: string, authority: string, path: string, fields: Fields): RequestHead {
    const { method, contentLength, upgrade, expectsContinue, frame } = this;
    return new RequestHead(method, scheme, authority, path, fields, contentLength, upgrade, expectsContinue, frame);
  }
}

/** What an answer says before its body; immutable and shared like `RequestHead`. */
export class ResponseHead {
  /** 100 to 599. 101 stands for an accepted upgrade in every protocol (HTTP/2 says 200 on the wire). */
  readonly status: number;
  /** All fields but hop-by-hop framing. */
  readonly fields: Fields;
  /** Bytes of the body where they are known in advance, -1 where not. For HEAD and 304 what the field said. */
  readonly contentLength: number;
  /** Says when it was made (RFC 9110 section 6.6.1). */
  readonly hasDate: boolean;
  /** The frame of an RPC protocol that this was read from; null for HTTP. */
  readonly frame: RpcFrame | null;
  /** What the response filters derived from this head; they alone read and write it. */
  memo: object | null = null;
  /** What an HTTP/1.1 encoder derived from this head; it alone reads and writes it. */
  http1Bytes: Buffer | null = null;
  /** This head with the Date of the second in which it was last sent; whoever dates answers reads and writes it. */
  dated: ResponseHead | null = null;

  constructor(status: number, fields: Fields, contentLength: number, frame: RpcFrame | null = null) {
    this.status = status;
    this.fields = fields;
    this.contentLength = contentLength;
    this.hasDate = fieldValue(fields, "date") !== undefined;
    this.frame = frame;
  }

  /** The same answer with other fields. */
  withFields(fields: Fields): ResponseHead {
    return new ResponseHead(this.status, fields, this.contentLength, this.frame);
  }
}
