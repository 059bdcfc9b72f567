/** The codes of room control, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const CONTROL_ERRORS = {
  CONTROL_INVALID_RESOURCES: {
    meaning: "A set of resources was refused whole because some of them are wrong; what ran before goes on.",
    action: "Correct what the message lists: each line names file, line, resource, field and what was expected.",
  },
  CONTROL_SOURCE_CLOSED: {
    meaning: "A configuration source was asked to read after it had been closed.",
    action: "Report it: the program uses a source past its end.",
  },
} as const;

/** Every code of `CONTROL_ERRORS`. */
export type ControlErrorCode = keyof typeof CONTROL_ERRORS;
