export { hexDigit, normalisePath } from "./normalise.ts";
