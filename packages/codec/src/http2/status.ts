import type { ResetReason } from "@weft/contract";
import type { Http2ErrorCode } from "./errors.ts";

// Error codes of RFC 9113 section 7.
export const NO_ERROR = 0x0;
export const PROTOCOL_ERROR = 0x1;
export const INTERNAL_ERROR = 0x2;
export const FLOW_CONTROL_ERROR = 0x3;
export const STREAM_CLOSED = 0x5;
export const FRAME_SIZE_ERROR = 0x6;
export const REFUSED_STREAM = 0x7;
export const CANCEL = 0x8;
export const COMPRESSION_ERROR = 0x9;
export const ENHANCE_YOUR_CALM = 0xb;

/** What a RST_STREAM of the peer means to a request. */
export function reasonOfCode(errorCode: number): ResetReason {
  switch (errorCode) {
    case NO_ERROR:
    case CANCEL:
      return "cancelled";
    case PROTOCOL_ERROR:
    case FLOW_CONTROL_ERROR:
    case STREAM_CLOSED:
    case FRAME_SIZE_ERROR:
    case COMPRESSION_ERROR:
      return "protocol";
    case REFUSED_STREAM:
      return "refused";
    case ENHANCE_YOUR_CALM:
      return "overloaded";
    default:
      return "internal";
  }
}

const CODES: Readonly<Record<ResetReason, number>> = {
  refused: REFUSED_STREAM,
  cancelled: CANCEL,
  protocol: PROTOCOL_ERROR,
  "too-large": INTERNAL_ERROR,
  connection: INTERNAL_ERROR,
  connect: INTERNAL_ERROR,
  timeout: CANCEL,
  overloaded: ENHANCE_YOUR_CALM,
  internal: INTERNAL_ERROR,
};

/** The code of a RST_STREAM of ours. */
export function codeOfReason(reason: ResetReason): number {
  return CODES[reason];
}

/** The code of the GOAWAY with which a session ends. */
export function codeOfError(code: Http2ErrorCode): number {
  switch (code) {
    case "HTTP2_PREFACE_INVALID":
    case "HTTP2_PROTOCOL_ERROR":
      return PROTOCOL_ERROR;
    case "HTTP2_FRAME_SIZE_ERROR":
      return FRAME_SIZE_ERROR;
    case "HTTP2_FLOW_CONTROL_ERROR":
      return FLOW_CONTROL_ERROR;
    case "HTTP2_COMPRESSION_ERROR":
      return COMPRESSION_ERROR;
    case "HTTP2_STREAM_CLOSED":
      return STREAM_CLOSED;
    default:
      return ENHANCE_YOUR_CALM;
  }
}
