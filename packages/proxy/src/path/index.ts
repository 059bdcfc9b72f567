export { hexDigit, normalisePath } from "./normalise.ts";
export type { NormalisedPath } from "./normalise.ts";
