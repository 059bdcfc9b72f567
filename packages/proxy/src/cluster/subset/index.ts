export { SUBSETS_MAX } from "./limits.ts";
export { SubsetIndex } from "./subset-index.ts";
export type {
  LabelledHost,
  Labels,
  Subset,
  SubsetConfig,
  SubsetFallback,
  SubsetOutcome,
  SubsetQuery,
  SubsetSelector,
} from "./subset-index.ts";
