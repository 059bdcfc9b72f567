import type { RequestHead, ResponseHead } from "@weft/contract";
import type { DecodedResponse } from "./decoded-head.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, BODY_TUNNEL, BODY_UNTIL_CLOSE, type BodyFraming } from "./frame.ts";

/** How the body of the answer `head` to a request ends on the wire (RFC 9112 section 6.3, seen from the sender). */
export function answerFraming(
  method: string,
  isHttp11: boolean,
  isAccepted: boolean,
  head: ResponseHead,
  isEnd: boolean,
): BodyFraming {
  if (isAccepted) return BODY_TUNNEL;
  if (method === "HEAD" || hasNoBody(head.status)) return BODY_NONE;
  // An answer of unknown length that ends with its head has the length 0.
  if (head.contentLength >= 0 || isEnd) return BODY_LENGTH;
  return isHttp11 ? BODY_CHUNKED : BODY_UNTIL_CLOSE;
}

/** Statuses whose answers never have a body, whatever their fields say. */
export function hasNoBody(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

/** How we send the body of the request `head`. A tunnel is an upgrade or CONNECT. */
export function requestFraming(head: RequestHead, isEnd: boolean, isTunnel: boolean): BodyFraming {
  if (isTunnel) return BODY_TUNNEL;
  if (head.contentLength > 0) return BODY_LENGTH;
  if (isEnd) return BODY_NONE;
  return head.contentLength < 0 ? BODY_CHUNKED : BODY_LENGTH;
}

/** How the answer to a request with `method` ends (RFC 9112 section 6.3). */
export function responseFraming(method: string, response: DecodedResponse): BodyFraming {
  const { head } = response;
  if (method === "HEAD" || hasNoBody(head.status)) return BODY_NONE;
  if (response.isChunked) return BODY_CHUNKED;
  return head.contentLength >= 0 ? BODY_LENGTH : BODY_UNTIL_CLOSE;
}
