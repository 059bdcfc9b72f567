/** Bytes of a class name, and of a header map: Java peers read both lengths as signed 16-bit numbers. */
export const SECTION_BYTES_MAX = 32_767;

/** Pairs of a header map: real ones have about ten. */
export const HEADER_PAIRS_MAX = 256;
