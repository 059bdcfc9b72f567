export { SUBSETS_MAX } from "./limits.ts";
export { checkSubsets, SubsetIndex } from "./subset-index.ts";
export type { LabelledHost, Labels, Subset, SubsetOutcome, SubsetQuery } from "./subset-index.ts";
