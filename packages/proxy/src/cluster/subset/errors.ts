/** The codes of subsets, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const SUBSET_ERRORS = {
  SUBSET_INVALID_SELECTOR: {
    meaning:
      "A subset selector of a cluster cannot be used: no keys, too many, one twice, or the same keys as another.",
    action: "Correct the selector that the message names.",
  },
  SUBSET_NO_HOST: {
    meaning: "No host of the cluster has the labels that a request asks for, and no fallback is allowed.",
    action: "Label hosts so, ask for other labels, or allow a fallback for the selector.",
  },
} as const;

/** Every code of `SUBSET_ERRORS`. */
export type SubsetErrorCode = keyof typeof SUBSET_ERRORS;
