/** What can be wrong with Dubbo frames: an `ErrorCatalog`; `status.ts` has the answers. */
export const DUBBO_ERRORS = {
  DUBBO_INVALID_MAGIC: {
    meaning: "A frame does not begin with Dubbo's magic number 0xdabb.",
    action: "Check that the peer speaks Dubbo (dubbo2) on this port, without TLS where none is expected.",
  },
  DUBBO_INVALID_LENGTH: {
    meaning: "A frame announces a body of a negative length.",
    action: "Correct the peer.",
  },
} as const;

/** Every code of `DUBBO_ERRORS`. */
export type DubboErrorCode = keyof typeof DUBBO_ERRORS;
