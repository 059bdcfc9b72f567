/** What can be wrong with Bolt frames: an `ErrorCatalog`; `status.ts` has the answers. */
export const BOLT_ERRORS = {
  BOLT_UNKNOWN_PROTOCOL: {
    meaning: "A frame begins with another protocol or version than Bolt 1 or 2.",
    action: "Check that the peer speaks Bolt on this port, without TLS where none is expected.",
  },
  BOLT_UNKNOWN_TYPE: {
    meaning: "A frame is neither a request, a one-way request nor a response.",
    action: "Correct the peer; is it speaking another protocol?",
  },
  BOLT_UNKNOWN_COMMAND: {
    meaning: "A frame's command is none of heartbeat, request, response and goaway, or does not fit its type.",
    action: "Correct the peer; Java peers close the connection on such a frame too.",
  },
  BOLT_INVALID_LENGTH: {
    meaning: "A frame announces a content of 2 GiB or more, which Java peers read as a negative length.",
    action: "Correct the peer.",
  },
  BOLT_HEAD_TOO_LARGE: {
    meaning: "A class name or a header map is longer than 32,767 bytes, or a header map has more than 256 pairs.",
    action: "Send fewer or shorter headers.",
  },
  BOLT_INVALID_HEADER_MAP: {
    meaning: "A header map does not end where its length says.",
    action: "Correct the peer that wrote the header map.",
  },
  BOLT_CRC_MISMATCH: {
    meaning: "The checksum of a frame does not fit its bytes: nothing on the connection can be trusted any more.",
    action: "Look for a middlebox or a peer that changes frames, for example ids, without a new checksum.",
  },
} as const;

/** Every code of `BOLT_ERRORS`. */
export type BoltErrorCode = keyof typeof BOLT_ERRORS;
