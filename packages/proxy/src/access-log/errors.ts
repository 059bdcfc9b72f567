/** The codes of the access log, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const ACCESS_LOG_ERRORS = {
  ACCESS_LOG_OPEN_FAILED: {
    meaning: "The file that the access log is to be written to cannot be opened for appending.",
    action: "Create its folder, or give the proxy's user the right to write there.",
  },
} as const;

/** Every code of `ACCESS_LOG_ERRORS`. */
export type AccessLogErrorCode = keyof typeof ACCESS_LOG_ERRORS;
