/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), which node:zlib has not: the polynomial 0x1EDC6F41, bits reversed. */
const POLYNOMIAL = 0x82f63b78;

/** What each byte does to the sum. */
const TABLE = createTable();

/** Goes on with `sum`, 0 to begin with, over the bytes from `start` to `end`. */
export function crc32c(bytes: Uint8Array, start: number, end: number, sum: number): number {
  let rest = ~sum;
  for (let at = start; at < end; at++) rest = (TABLE[(rest ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (rest >>> 8);
  return ~rest >>> 0;
}

function createTable(): Int32Array {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 0 ? rest >>> 1 : (rest >>> 1) ^ POLYNOMIAL;
    table[byte] = rest;
  }
  return table;
}
