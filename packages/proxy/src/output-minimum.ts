import { OUTPUT_BYTES_PER_SECOND_MIN } from "./limits.ts";

/** Bytes that a peer must take in `periodMs` of what waited for it all that time. */
export function outputBytesMin(periodMs: number): number {
  return Math.ceil((OUTPUT_BYTES_PER_SECOND_MIN * periodMs) / 1000);
}
