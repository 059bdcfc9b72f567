import { WeftError } from "@weft/kernel";

/** What can be wrong with HTTP/1 bytes, or with what we are asked to write: an `ErrorCatalog`; `status.ts` has the answers. */
export const HTTP1_ERRORS = {
  HTTP1_INVALID_REQUEST_LINE: {
    meaning: "The first line is not method, target and version with one space between them.",
    action: "Correct the client; is it speaking TLS or another protocol to a plain HTTP port?",
  },
  HTTP1_INVALID_STATUS_LINE: {
    meaning: "The upstream's answer does not begin with a version and a three-digit status.",
    action: "Check that the upstream's port speaks HTTP/1.1.",
  },
  HTTP1_UNSUPPORTED_VERSION: {
    meaning: "The message's HTTP version is none of HTTP/1.0 and HTTP/1.1.",
    action: "Use HTTP/1.1, or HTTP/2 with its own preface.",
  },
  HTTP1_INVALID_TARGET: {
    meaning: "The request target has a form or a character that its method does not allow, or a fragment.",
    action: "Send a path that begins with a slash, and percent-encode everything else.",
  },
  HTTP1_TARGET_TOO_LONG: {
    meaning: "The request target is longer than the listener's targetBytesMax.",
    action: "Move data from the URL into the body, or raise the limit.",
  },
  HTTP1_HEAD_TOO_LARGE: {
    meaning: "The head of the message is longer than headerBytesMax.",
    action: "Send fewer or shorter fields (cookies?), or raise the limit.",
  },
  HTTP1_TOO_MANY_FIELDS: {
    meaning: "The message has more field lines than headersMax.",
    action: "Send fewer fields, or raise the limit.",
  },
  HTTP1_INVALID_LINE_END: {
    meaning: "A line of the message ends with a bare LF or holds a bare CR.",
    action: "End every line with CR LF; other endings are how requests are smuggled.",
  },
  HTTP1_INVALID_FIELD_NAME: {
    meaning: "A field name is empty, holds a character outside RFC 9110's token, or has a space before the colon.",
    action: "Correct the sender.",
  },
  HTTP1_UNDERSCORE_IN_FIELD_NAME: {
    meaning: "A field name holds an underscore, which many servers cannot tell from a dash.",
    action: 'Use dashes, or set the listener\'s underscores to "drop" or "allow".',
  },
  HTTP1_INVALID_FIELD_VALUE: {
    meaning: "A field value holds NUL or another control character.",
    action: "Encode such values before sending them.",
  },
  HTTP1_FOLDED_FIELD: {
    meaning: "A field value goes on in the next line, which RFC 9112 forbids.",
    action: "Send every field in one line.",
  },
  HTTP1_INVALID_HOST: {
    meaning: "Host is missing, repeated, malformed, or names another authority than the request target.",
    action: "Send exactly one valid Host field.",
  },
  HTTP1_INVALID_CONTENT_LENGTH: {
    meaning: "Content-Length is repeated or is not a plain decimal number.",
    action: "Send it once, in digits only.",
  },
  HTTP1_CONFLICTING_LENGTH: {
    meaning: "The message has both Content-Length and Transfer-Encoding, so its end is in dispute.",
    action: "Send one of them only.",
  },
  HTTP1_INVALID_TRANSFER_ENCODING: {
    meaning: "Transfer-Encoding is repeated, malformed, or came in an HTTP/1.0 message.",
    action: 'Send "chunked" alone, and only in HTTP/1.1.',
  },
  HTTP1_UNSUPPORTED_TRANSFER_ENCODING: {
    meaning: 'The body has a transfer coding other than "chunked".',
    action: "Use Content-Encoding for compression.",
  },
  HTTP1_INVALID_CHUNK: {
    meaning: "A chunk's size line or the line end after its bytes is malformed.",
    action: "Correct the sender's chunked encoding.",
  },
  HTTP1_CHUNK_EXTENSION_TOO_LONG: {
    meaning: "The chunk extensions of one message are longer than chunkExtensionBytesMax.",
    action: "Send no chunk extensions.",
  },
  HTTP1_TRAILERS_TOO_LARGE: {
    meaning: "The trailer section is longer than trailerBytesMax.",
    action: "Send fewer trailers, or raise the limit.",
  },
  HTTP1_BODY_TOO_LARGE: {
    meaning: "The body is longer than bodyBytesMax.",
    action: "Send less, or raise the limit.",
  },
  HTTP1_INVALID_CONNECTION_OPTION: {
    meaning: "Connection names something that is no token, or too many options.",
    action: "Name only hop-by-hop fields there.",
  },
  HTTP1_UNSUPPORTED_EXPECTATION: {
    meaning: 'Expect asks for something other than "100-continue".',
    action: "Leave the field out.",
  },
  HTTP1_INVALID_UPGRADE: {
    meaning: "An upgrade request has a body, or a WebSocket handshake lacks GET or a valid Sec-WebSocket-Key.",
    action: "Correct the client's handshake.",
  },
  HTTP1_UPGRADE_MISMATCH: {
    meaning: "The upstream switched protocols unasked, or its Sec-WebSocket-Accept does not fit our key.",
    action: "Check the upstream; a cache or a wrong server may have answered.",
  },
  HTTP1_HEAD_TIMEOUT: {
    meaning: "The head of a request was not complete when its deadline passed.",
    action: "Send the head at once; raise headerTimeoutMs for very slow clients.",
  },
  HTTP1_TRUNCATED: {
    meaning: "The peer closed the connection in the middle of a message.",
    action: "Look for a crash, a restart or a timeout at the peer.",
  },
  HTTP1_TOO_MANY_INFORMATIONAL: {
    meaning: "The upstream sent 1xx answers without end.",
    action: "Correct the upstream.",
  },
  HTTP1_UNEXPECTED_BYTES: {
    meaning: "The upstream sent bytes that belong to no request; the connection can no longer be trusted.",
    action: "Look for a wrong Content-Length at the upstream; the next request uses another connection.",
  },
  HTTP1_UNENCODABLE_HEAD: {
    meaning: "A head that was to be sent holds something that HTTP/1 cannot express safely.",
    action: "Find the filter or the upstream that made the field, method, target or length.",
  },
  HTTP1_LENGTH_MISMATCH: {
    meaning: "The body that was to be sent was longer or shorter than its declared length.",
    action: "Find the sender whose Content-Length does not fit its body.",
  },
  HTTP1_STREAM_RESET: {
    meaning: "The exchange was given up before its answer was complete, so the connection ends.",
    action: "See the reason in the message; the access log has the cause.",
  },
} as const;

/** Every code of `HTTP1_ERRORS`. */
export type Http1ErrorCode = keyof typeof HTTP1_ERRORS;

/** What programs may want to know of an error with which a session ended. */
export interface Http1ErrorDetails extends Record<string, unknown> {
  /**
   * An answer was cut short whose end only the connection's tells: the connection must be broken (TCP RST), since the
   * client would take an ordinary end for the end of the answer.
   */
  readonly isCut: boolean;
}

/** An error whose message is the catalog's meaning: nothing of what the peer sent is in it. */
export function createHttp1Error(
  code: Http1ErrorCode,
  action: string,
  details: Http1ErrorDetails = { isCut: false },
): WeftError<Http1ErrorCode> {
  return new WeftError<Http1ErrorCode>(code, `${action}: ${HTTP1_ERRORS[code].meaning}`, details);
}
