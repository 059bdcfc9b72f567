/** What a peer can do wrong: with its connection (the session ends, and says so in `onSessionEnd`) or with one stream. */
export const HTTP2_ERRORS = {
  HTTP2_PREFACE_INVALID: {
    meaning: "The connection did not begin as HTTP/2 begins: with the client's preface and SETTINGS.",
    action: "Check that the peer speaks HTTP/2 on this port (prior knowledge or ALPN h2).",
  },
  HTTP2_PROTOCOL_ERROR: {
    meaning: "The peer broke RFC 9113 in a way that concerns the whole connection.",
    action: "Read the message for the rule; update or report the peer's HTTP/2 implementation.",
  },
  HTTP2_FRAME_SIZE_ERROR: {
    meaning: "The peer sent a frame longer than we accept, or of a length that its type does not have.",
    action: "Update or report the peer's HTTP/2 implementation.",
  },
  HTTP2_FLOW_CONTROL_ERROR: {
    meaning: "The peer sent more than its windows allowed, or grew a window beyond 2^31-1.",
    action: "Update or report the peer's HTTP/2 implementation.",
  },
  HTTP2_COMPRESSION_ERROR: {
    meaning: "A header block could not be decoded, so that the header tables are no longer the same on both sides.",
    action: "Update or report the peer's HTTP/2 implementation.",
  },
  HTTP2_STREAM_CLOSED: {
    meaning: "The peer sent a frame on a stream that it had ended itself.",
    action: "Update or report the peer's HTTP/2 implementation.",
  },
  HTTP2_RESET_FLOOD: {
    meaning: "The client opened and reset streams faster than requests complete (rapid reset).",
    action: "Block the client, or raise resetsMax if it is known to be honest.",
  },
  HTTP2_PROVOKED_RESET_FLOOD: {
    meaning: "The peer made us reset one stream after another by breaking rules on them.",
    action: "Block the peer, or raise provokedResetsMax if it is known to be honest.",
  },
  HTTP2_CONTINUATION_FLOOD: {
    meaning: "A header block came in too many frames or too many bytes.",
    action: "Block the peer, or raise continuationsMax or headerBlockBytesMax for unusually large headers.",
  },
  HTTP2_SETTINGS_FLOOD: {
    meaning: "The peer sent SETTINGS again and again.",
    action: "Block the peer, or raise settingsFramesMax if it is known to be honest.",
  },
  HTTP2_PING_FLOOD: {
    meaning: "The peer sent PING again and again.",
    action: "Block the peer, or raise pingsMax if it is known to be honest.",
  },
  HTTP2_EMPTY_FRAME_FLOOD: {
    meaning: "The peer sent many frames that carry nothing.",
    action: "Block the peer, or raise emptyFramesMax if it is known to be honest.",
  },
  HTTP2_PRIORITY_FLOOD: {
    meaning: "The peer sent many priority frames.",
    action: "Block the peer, or raise prioritiesMax if it is known to be honest.",
  },
  HTTP2_WINDOW_UPDATE_FLOOD: {
    meaning: "The peer sent far more WINDOW_UPDATE frames than the data that it received explains.",
    action: "Block the peer, or raise windowUpdatesMax if it is known to be honest.",
  },
  HTTP2_CLOSED_STREAM_FLOOD: {
    meaning: "The peer kept sending frames on streams that are closed.",
    action: "Block the peer, or raise closedStreamFramesMax if it is known to be honest.",
  },
  HTTP2_TABLE_SIZE_FLOOD: {
    meaning: "The peer kept changing the size of its header table.",
    action: "Block the peer, or raise tableSizeUpdatesMax if it is known to be honest.",
  },
  HTTP2_OUTPUT_FLOOD: {
    meaning: "The peer asked for answers without reading them until too much output waited.",
    action: "Block the peer, or raise outputFloodBytesMax if it is known to be slow but honest.",
  },
  HTTP2_HEAD_TIMEOUT: {
    meaning: "A frame or header block was begun and not completed within the header deadline.",
    action: "Look at the client or the network between; raise the header timeout only for very slow links.",
  },
  HTTP2_HEAD_TOO_LARGE: {
    meaning: "The request's fields are longer than headerBytesMax, or more than headersMax; it is answered 431.",
    action: "Send fewer or shorter fields (cookies?), or raise the limit.",
  },
  HTTP2_TARGET_TOO_LONG: {
    meaning: "The request's path is longer than the listener's targetBytesMax; it is answered 414.",
    action: "Move data from the URL into the body, or raise the limit.",
  },
  HTTP2_UNDERSCORE_IN_FIELD_NAME: {
    meaning:
      "A field name holds an underscore, which many servers cannot tell from a dash; the request is answered 400.",
    action: 'Use dashes, or set the listener\'s underscores to "drop" or "allow".',
  },
  HTTP2_MALFORMED_REQUEST: {
    meaning: "The request's fields break RFC 9113 section 8.2 or 8.3; its stream is reset with PROTOCOL_ERROR.",
    action: "Correct the client: bad field names or values, pseudo fields, or fields that belong to HTTP/1.",
  },
  HTTP2_TOO_MANY_STREAMS: {
    meaning: "The client opened more streams at once than http2StreamsMax; this one is reset with REFUSED_STREAM.",
    action: "Nothing if it is rare: the client may not have had our SETTINGS yet. Else correct it, or raise the limit.",
  },
  HTTP2_TRAILERS_TOO_LARGE: {
    meaning: "The trailers of a request are longer than headerBytesMax; its stream is reset.",
    action: "Send fewer or shorter trailers, or raise the limit.",
  },
  HTTP2_STREAM_ERROR: {
    meaning: "The peer broke a rule on one stream that was open (a wrong length, DATA after its end); it is reset.",
    action: "Update or report the peer's HTTP/2 implementation.",
  },
} as const;

/** Every code of `HTTP2_ERRORS`. */
export type Http2ErrorCode = keyof typeof HTTP2_ERRORS;
