/** The codes of tracing, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const TRACING_ERRORS = {
  TRACING_ENDPOINT_INVALID: {
    meaning: "The address that spans are to be delivered to is not an http or https URL without credentials.",
    action: "Give the collector's full OTLP/HTTP address, such as http://127.0.0.1:4318/v1/traces.",
  },
} as const;

/** Every code of `TRACING_ERRORS`. */
export type TracingErrorCode = keyof typeof TRACING_ERRORS;
